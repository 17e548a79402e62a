package register

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Counts are what became of rows. Rows is the sum of the others but New, Told
// and ReasonsDropped.
type Counts struct {
	Rows      int64 // below the header, blank ones not counted
	Applied   int64 // newer than what was known
	New       int64 // of Applied, not known before
	Duplicate int64 // said before
	Stale     int64 // older than what is known
	Conflict  int64 // a known version with other content; also among the rejected rows' files
	Rejected  int64 // wrong in themselves
	Ignored   int64 // remarks, no data

	Told           int64 // messages written for followers
	ReasonsDropped int64 // texts of reasons that are no code
}

func (c *Counts) add(o Counts) {
	c.Rows += o.Rows
	c.Applied += o.Applied
	c.New += o.New
	c.Duplicate += o.Duplicate
	c.Stale += o.Stale
	c.Conflict += o.Conflict
	c.Rejected += o.Rejected
	c.Ignored += o.Ignored
	c.Told += o.Told
	c.ReasonsDropped += o.ReasonsDropped
}

// A FileSummary is what became of one file.
type FileSummary struct {
	Counts
	Name    string    // without its folder
	AsOf    time.Time // zero: the file does not say
	Rejects string    // the path of the file of rejected rows; "" if there is none
}

// A Summary is what became of an import.
type Summary struct {
	Counts
	Files    []FileSummary // in the order in which they were taken
	DryRun   bool
	Unusable bool // Import returned an *UnusableError
	Took     time.Duration

	broken bool
}

func (s *Summary) add(f FileSummary) {
	s.Counts.add(f.Counts)
	s.Files = append(s.Files, f)
}

// Rate returns the rows a second, 0 if no time was measured.
func (s Summary) Rate() float64 {
	if s.Took <= 0 {
		return 0
	}
	return float64(s.Rows) / s.Took.Seconds()
}

// ExitCode returns the exit status of the command: 0 all fine, 1 some rows
// were rejected or in conflict, or the import broke off, 2 nothing was usable.
func (s Summary) ExitCode() int {
	switch {
	case s.Unusable:
		return 2
	case s.broken || s.Rejected+s.Conflict > 0:
		return 1
	}
	return 0
}

// Print writes the summary for a person, times in a zone.
func (s Summary) Print(w io.Writer, zone *time.Location) error {
	var b strings.Builder
	for _, f := range s.Files {
		asOf := "it does not say as of when; taken as of now"
		if !f.AsOf.IsZero() {
			asOf = "as of " + f.AsOf.In(zone).Format("Monday 2 January 2006, 15:04")
		}
		fmt.Fprintf(&b, "%s: %s rows, %s\n", f.Name, number(f.Rows), asOf)
	}
	if s.DryRun {
		b.WriteString("A dry run: this is what would happen. Nothing was changed.\n")
	}
	line := func(name string, n int64, meaning string) {
		fmt.Fprintf(&b, "  %-10s %11s  %s\n", name, number(n), meaning)
	}
	applied := "newer than what was known, or not known before"
	if s.New > 0 {
		applied = number(s.New) + " of them not known before"
	}
	line("applied", s.Applied, applied)
	line("duplicate", s.Duplicate, "said before; no effect")
	line("stale", s.Stale, "older than what is known; no effect")
	line("conflict", s.Conflict, "the same version with other content; refused")
	line("rejected", s.Rejected, "wrong in themselves; refused")
	line("ignored", s.Ignored, "remarks, no data")
	line("told", s.Told, "messages to followers")
	if s.ReasonsDropped > 0 {
		line("reasons", s.ReasonsDropped, "texts that are no configured code; dropped, the rows count")
	}
	fmt.Fprintf(&b, "%s rows in %s", number(s.Rows), s.Took.Round(time.Millisecond))
	if r := s.Rate(); r > 0 {
		fmt.Fprintf(&b, ", %s a second", number(int64(r)))
	}
	b.WriteString(".\n")
	for _, f := range s.Files {
		if f.Rejects != "" {
			fmt.Fprintf(&b, "Refused rows, with line and reason: %s\n", f.Rejects)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// number writes n with commas between thousands.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
