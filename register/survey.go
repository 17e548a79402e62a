package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// A source is one file that was looked at as a whole and found usable.
type source struct {
	path   string
	name   string // without its folder
	size   int64
	format format
	zipped bool
	plan   plan
	comma  byte
	header int            // the line of the header
	places map[string]int // of JSON Lines with a profile
	asOf   time.Time      // zero: not known
	digest string         // of the bytes on disk
}

const (
	maxColumns  = 1000
	jsonSamples = 20
)

// survey looks at a whole file without recording anything: that it can be read
// to its end, that it is text, that its columns are there, and as of when it
// was true. The error is an *UnusableError.
func survey(path string, o *Options, now time.Time) (*source, error) {
	s := &source{path: path, name: filepath.Base(path)}
	fail := func(err error) (*source, error) {
		var u *UnusableError
		if errors.As(err, &u) {
			return nil, err
		}
		return nil, unusable("%s is not usable: %v", s.name, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fail(errors.Unwrap(err))
	case info.IsDir():
		return fail(errors.New("it is a folder"))
	case !info.Mode().IsRegular():
		return fail(errors.New("it is not a file that can be read twice; save it first"))
	}
	s.size = info.Size()
	if s.format, s.zipped, err = formatOf(path); err != nil {
		return fail(err)
	}
	if err := s.proveText(); err != nil {
		return fail(err)
	}
	if s.digest, err = digest(path); err != nil {
		return fail(err)
	}
	switch {
	case s.format == formatCSV:
		err = s.findHeader(o.Profile)
	case o.Profile != nil:
		s.plan, s.places = o.Profile.direct()
	default:
		s.plan = newPlan()
	}
	if err != nil {
		return fail(err)
	}
	if err := s.findAsOf(o, now); err != nil {
		return fail(err)
	}
	return s, nil
}

// digest returns the SHA-256 of a file.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// open opens the file at its first line.
func (s *source) open(read *atomic.Int64) (*stream, *lines, error) {
	f, err := openStream(s.path, s.zipped, read)
	if err != nil {
		return nil, nil, err
	}
	return f, newLines(f), nil
}

// A misfit is the row that came nearest to being the header, and why it is
// none.
type misfit struct {
	line   int
	fault  string
	faults int
}

// findHeader finds delimiter and header by the columns that must be there.
func (s *source) findHeader(p *Profile) error {
	commas := []byte{',', ';', '\t', '|'}
	if p != nil && p.comma != 0 {
		commas = []byte{p.comma}
	}
	nearest := misfit{faults: math.MaxInt}
	for _, comma := range commas {
		found, m, err := s.tryHeader(p, comma)
		if err != nil || found {
			return err
		}
		if m.faults < nearest.faults {
			nearest = m
		}
	}
	return fmt.Errorf("%s (line %d)", nearest.fault, nearest.line)
}

// tryHeader looks for the header with one delimiter.
func (s *source) tryHeader(p *Profile, comma byte) (found bool, nearest misfit, err error) {
	var read atomic.Int64
	f, ln, err := s.open(&read)
	if err != nil {
		return false, nearest, err
	}
	defer f.Close()
	above := 0
	if p != nil {
		above = p.skip
	}
	rows := csvRows{lines: ln, comma: comma}
	nearest.faults = math.MaxInt
	for i := 0; i <= above; {
		r, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, nearest, err
		}
		if r.problem == "" && blank(r.cells) {
			continue
		}
		i++
		m := misfit{line: r.line, faults: math.MaxInt - 1}
		switch {
		case r.problem != "":
			m.fault = "there is no header: the line " + r.problem
		case len(r.cells) > maxColumns:
			return false, m, fmt.Errorf("line %d has more than 1,000 columns", r.line)
		default:
			if s.plan, m.fault, m.faults = fit(p, r.cells); m.fault == "" {
				s.comma, s.header = comma, r.line
				return true, m, nil
			}
		}
		if m.faults < nearest.faults {
			nearest = m
		}
	}
	return false, nearest, nil
}

// fit holds a row against the columns wanted. It returns what is wrong with it
// as a header, and in how many places; nothing if it is one.
func fit(p *Profile, cells []string) (pl plan, fault string, faults int) {
	if p == nil {
		pl, unknown, twice := findPlain(cells)
		known := 0
		for _, at := range pl.at {
			if at != none {
				known++
			}
		}
		faults = len(unknown) + len(twice) + fieldCount - known
		switch {
		case known == 0:
			return pl, "no column is known; without a profile the columns are " + strings.Join(fieldNames[:], ", "), faults
		case len(unknown) > 0:
			return pl, "unknown columns " + quoteAll(unknown) + "; without a profile the columns are " + strings.Join(fieldNames[:], ", "), faults
		case len(twice) > 0:
			return pl, "columns that stand twice: " + quoteAll(twice), faults
		case pl.at[fReference] == none:
			return pl, "no column reference", faults
		}
		return pl, "", 0
	}
	pl, missing, twice := p.find(cells)
	faults = len(missing) + len(twice)
	switch {
	case len(missing) > 0:
		return pl, "the profile " + p.name + " wants the columns " + quoteAll(missing) + ", which the header does not have", faults
	case len(twice) > 0:
		return pl, "columns that stand twice: " + quoteAll(twice), faults
	}
	return pl, "", 0
}

// latestOf reads the file through for the latest instant of its as-of column.
func (s *source) latestOf(o *Options) (*latest, error) {
	var read atomic.Int64
	f, ln, err := s.open(&read)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := &latest{clock: newClock(o.Profile, o.Zone)}
	m := newMapper(s.plan, o.Profile, o)
	for rows := s.rows(ln); ; {
		r, err := rows.next()
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return nil, err
		}
		if r.problem == "" && r.line > s.header && !m.ignored(r.cells) {
			l.take(cell(r.cells, s.plan.asOf), r.line)
		}
	}
}

// rows returns a reader of the file's rows, the header and what is above it
// among them.
func (s *source) rows(ln *lines) rowReader {
	if s.format == formatJSON {
		return &jsonRows{lines: ln, places: s.places, width: len(s.plan.headings), reference: s.plan.at[fReference]}
	}
	return &csvRows{lines: ln, comma: s.comma}
}

// findAsOf settles as of when the file was true: as the operator says, else by
// the first of the profile's rules that applies.
func (s *source) findAsOf(o *Options, now time.Time) (err error) {
	if o.AsOf != "" {
		s.asOf, err = statedAsOf(o.AsOf, o.Zone, now)
		return err
	}
	found, where, err := s.ruledAsOf(o)
	if err != nil {
		return err
	}
	if where == "" {
		if s.counts(o) {
			return errors.New("its as-of date is not known, without which yesterday's file could undo today's decisions; " + asOfHelp(o.Profile))
		}
		return nil
	}
	if s.asOf, err = settle(found, o.Zone, now); err != nil {
		return fmt.Errorf("its as-of date, from %s, is wrong: %w", where, err)
	}
	return nil
}

func (s *source) ruledAsOf(o *Options) (found instant, where string, err error) {
	if o.Profile == nil {
		return found, "", nil
	}
	for _, rule := range o.Profile.asOf {
		if rule.column == nil {
			i, ok, err := namedAsOf(s.path, rule.fileName, o.Zone)
			if err != nil || ok {
				return i, "its name", err
			}
		} else if s.plan.asOf != none {
			l, err := s.latestOf(o)
			if err != nil || l.found {
				return l.instant, fmt.Sprintf("line %d", l.line), err
			}
		}
	}
	return found, "", nil
}

// counts reports whether versions are counted for this file.
func (s *source) counts(o *Options) bool {
	return s.plan.version == none && (s.format == formatCSV || o.Profile != nil)
}

// proveText reads the file to its end, so that one that is cut off, damaged or
// no text is refused before anything of it is recorded.
func (s *source) proveText() error {
	var read atomic.Int64
	f, ln, err := s.open(&read)
	if err != nil {
		return err
	}
	defer f.Close()
	sampled, objects := 0, false
	for {
		line, tooLong, err := ln.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if sampled == 0 {
			if what := foreign(line); what != "" {
				return errors.New(what)
			}
		}
		if s.format == formatCSV {
			if bytes.IndexByte(line, 0) >= 0 {
				return fmt.Errorf("line %d holds bytes that are no text: it is binary, or UTF-16; save it as CSV UTF-8", ln.n)
			}
			if !utf8.Valid(line) {
				return fmt.Errorf("line %d is not UTF-8 text; save it as CSV UTF-8", ln.n)
			}
		}
		if line = bytes.TrimSpace(line); sampled < jsonSamples && (len(line) > 0 || tooLong) {
			sampled++
			objects = objects || bytes.HasPrefix(line, []byte("{"))
		}
	}
	switch {
	case sampled == 0:
		return errors.New("it is empty")
	case s.format == formatJSON && !objects:
		return errors.New("it is not JSON Lines: no line begins with {")
	}
	return nil
}
