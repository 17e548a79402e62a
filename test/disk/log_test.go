package disk

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
)

// Sizes of SQLite's write-ahead log: see "WAL file format" in its manual.
const (
	logHeader   = 32
	frameHeader = 24
)

// A transaction is what one COMMIT wrote into the log.
type transaction struct {
	pages       []string
	first, last int // the line its first write begins on, and the one its last write ends on
}

// A log is one process's view of a database's write-ahead log: what it
// committed there, in order, and when it synced it.
type log struct {
	committed []transaction
	syncs     []call
	words     map[string]int // the transaction that brought each fact's word
}

// logOf collects what a program wrote to the log. Anything that it does not
// understand is an error.
func logOf(t trace, path string) (log, error) {
	l := log{words: map[string]int{}}
	var open *transaction
	var commits bool // the frame whose page comes next ends its transaction
	next := int64(-1)
	for _, c := range t.calls {
		if c.path != path {
			continue
		}
		switch c.name {
		case "fsync", "fdatasync":
			if c.ret == 0 {
				l.syncs = append(l.syncs, c)
			}
			continue
		case "pwrite64":
		case "read", "ftruncate":
			continue
		default:
			return l, fmt.Errorf("line %d: the log is changed by %s", c.begin, c.name)
		}
		if !c.whole || c.ret != int64(len(c.data)) {
			return l, fmt.Errorf("line %d: a write of %d bytes to the log returned %d", c.begin, len(c.data), c.ret)
		}
		if open == nil {
			open = &transaction{first: c.begin}
		}
		open.last = c.end
		switch {
		case c.offset == 0 && len(c.data) == logHeader && next < 0:
		case len(c.data) == frameHeader && next < 0:
			commits = binary.BigEndian.Uint32([]byte(c.data[4:8])) > 0
			next = c.offset + frameHeader
		case c.offset == next:
			open.pages = append(open.pages, c.data)
			next = -1
			if commits {
				l.commit(*open)
				open = nil
			}
		default:
			return l, fmt.Errorf("line %d: %d bytes at %d are no part of a log", c.begin, len(c.data), c.offset)
		}
	}
	if open != nil && len(open.pages) > 0 {
		return l, fmt.Errorf("line %d: the last transaction has no end", open.last)
	}
	return l, nil
}

// synced reports whether a sync that began after a transaction's last write
// was done before a line.
func (l log) synced(t transaction, before int) bool {
	for _, s := range l.syncs {
		if s.begin > t.last && s.end < before {
			return true
		}
	}
	return false
}

// A fact is something that is acknowledged, known by what its row looks like
// in a page: by a word of its own, or else by in.
type fact struct {
	what string
	word string // as word makes them
	in   func(page string) bool
}

// aWord is what the words of facts look like. They are slugs, so that they can
// stand in an application as its campaign.
var aWord = regexp.MustCompile(`fact-[a-z]+-\d{6}`)

// word is the n-th word of a kind of facts.
func word(kind string, n int) string { return fmt.Sprintf("fact-%s-%06d", kind, n) }

func (l *log) commit(t transaction) {
	for _, p := range t.pages {
		for _, w := range aWord.FindAllString(p, -1) {
			if _, earlier := l.words[w]; !earlier {
				l.words[w] = len(l.committed)
			}
		}
	}
	l.committed = append(l.committed, t)
}

// origin returns the transaction that brought a fact: the first whose pages
// hold it. Later ones may hold it too, beside what they bring.
func (l log) origin(f fact) (transaction, bool) {
	if f.word != "" {
		n, ok := l.words[f.word]
		if !ok {
			return transaction{}, false
		}
		return l.committed[n], true
	}
	for _, t := range l.committed {
		if slices.ContainsFunc(t.pages, f.in) {
			return t, true
		}
	}
	return transaction{}, false
}

// An acknowledgement is the beginning of what tells somebody that facts are
// kept.
type acknowledgement struct {
	kind  string
	facts []fact
	all   bool // whatever was committed before counts too
	line  int  // where it begins to be written
}

// violations are the acknowledgements of facts that were not known to be on
// the disk, each with the first such fact.
func (l log) violations(acks []acknowledgement) map[string][]string {
	out := map[string][]string{}
	for _, a := range acks {
		if n := slices.IndexFunc(l.committed, func(t transaction) bool { return a.all && t.first < a.line && !l.synced(t, a.line) }); n >= 0 {
			out[a.kind] = append(out[a.kind], fmt.Sprintf("%s: acknowledged on line %d, what lines %d to %d wrote was not synced before", a.kind, a.line, l.committed[n].first, l.committed[n].last))
			continue
		}
		for _, f := range a.facts {
			t, ok := l.origin(f)
			if ok && l.synced(t, a.line) {
				continue
			}
			why := "is in no transaction of the log"
			if ok {
				why = fmt.Sprintf("was written by lines %d to %d, and not synced between", t.first, t.last)
			}
			out[a.kind] = append(out[a.kind], fmt.Sprintf("%s: acknowledged on line %d, %s %s", a.kind, a.line, f.what+f.word, why))
			break
		}
	}
	return out
}
