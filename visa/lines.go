package visa

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPasted is how many lines of a pasted list are read.
const MaxPasted = 100

// MaxLabel is how many characters a chat's own name for a reference has at most.
const MaxLabel = 40

// A List is what was pasted as a list of references.
type List struct {
	Lines  []Line // those that are not empty
	Parts  bool   // they stood in one line, with semicolons between them
	Unread int    // how many there were beyond MaxPasted
}

// A Line is one line of a list, or one part.
type Line struct {
	Number    int // as it was typed, from 1, empty ones counted
	Reference Reference
	Label     string          // what else stands there, as CleanLabel leaves it
	Wrong     *ReferenceError // why there is no reference; nil if there is one
}

// List reads a list of references, one a line with whatever name beside it:
// "20417733 Aziz", "Aziz: 20417733", a row of a table or of a CSV file. In a
// text of one line, semicolons part it. It is a list if at least two of its
// lines hold one reference each; else List returns false.
func (rules ReferenceRules) List(text string) (List, bool) {
	list := List{}
	rows := strings.FieldsFunc(text, newline)
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text), "\n")
	if len(rows) < 2 {
		all = strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' })
		list.Parts = true
	}
	good := 0
	for i, row := range all {
		if strings.TrimFunc(row, blank) == "" {
			continue
		}
		if len(list.Lines) == MaxPasted {
			list.Unread++
			continue
		}
		line := rules.line(row)
		if line.Number = i + 1; line.Wrong == nil {
			good++
		}
		list.Lines = append(list.Lines, line)
	}
	return list, good >= 2
}

func newline(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }

// blank reports whether r is white space or invisible.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// A span is a part of a line, by its bytes.
type span struct{ from, to int }

// line finds the one reference of a line. Of several it takes none.
func (rules ReferenceRules) line(s string) Line {
	parts := spans(s, between)
	if r, at, err := rules.leading(s, parts); err == nil {
		return Line{Reference: r, Label: beside(s, []span{at})}
	}
	at, found := rules.among(s, parts)
	if len(found) == 0 { // "20417733-Aziz", where the pattern tells the two apart
		at, found = rules.among(s, spans(s, func(r rune) bool { return between(r) || unicode.In(r, unicode.Pd, unicode.Ps, unicode.Pe) || r == '/' }))
	}
	switch {
	case len(found) > 1:
		return Line{Wrong: &ReferenceError{Fault: FaultSeveral, N: len(found)}}
	case len(found) == 0, len(found[0].s) < shortAlone:
		if r, run, ok := rules.inGroups(s, parts); ok {
			return Line{Reference: r, Label: beside(s, []span{run})}
		}
	}
	if len(found) == 0 {
		return Line{Wrong: rules.wrong(s, parts)}
	}
	return Line{Reference: found[0], Label: beside(s, at)}
}

// inGroups finds a reference that is written in groups: "2041 7733", or
// "EV 240317", where a short word belongs to the number rather than beside it.
func (rules ReferenceRules) inGroups(s string, parts []span) (Reference, span, bool) {
	for _, try := range []struct {
		letters bool
		least   int
	}{{false, shortAlone}, {true, MinReference}} {
		for _, run := range runs(s, parts, try.letters) {
			r, err := rules.Parse(s[run.from:run.to])
			if err != nil || !r.hasDigit() || len(r.s) < try.least {
				continue
			}
			if try.letters && rules.Pattern == nil && len(strings.TrimLeft(r.s, alphabet[10:])) < MinReference {
				continue // a name, and too few digits
			}
			return r, run, true
		}
	}
	if all := (span{0, len(s)}); rules.needsLetters(s) {
		r, _ := rules.Parse(s)
		return r, all, true
	}
	return Reference{}, span{}, false
}

func spans(s string, between func(rune) bool) (out []span) {
	from := -1
	for i, r := range s {
		switch in := !between(r); {
		case in && from < 0:
			from = i
		case !in && from >= 0:
			out = append(out, span{from, i})
			from = -1
		}
	}
	if from >= 0 {
		out = append(out, span{from, len(s)})
	}
	return out
}

// among returns the references that parts of a line are by themselves, and
// where they stand.
func (rules ReferenceRules) among(s string, parts []span) (at []span, found []Reference) {
	for _, p := range parts {
		word := s[p.from:p.to]
		if r, err := rules.Parse(word); err == nil && r.hasDigit() && !day.MatchString(word) {
			at = append(at, p)
			if !contains(found, r) {
				found = append(found, r)
			}
		}
	}
	return at, found
}

// runs returns the groups of short parts with nothing but blanks between them,
// as a number is written in groups; with letters, also those with short words
// that do not stand behind digits: these are names.
func runs(s string, parts []span, letters bool) (out []span) {
	open := false
	for i, p := range parts {
		word := s[p.from:p.to]
		has := strings.ContainsFunc(word, unicode.IsLetter)
		if utf8.RuneCountInString(word) >= shortAlone || IsWord(word) || has && !letters || day.MatchString(word) || ordinal.MatchString(word) {
			open = false
			continue
		}
		name := !strings.ContainsFunc(word, unicode.IsDigit) && has && open && strings.ContainsFunc(s[out[len(out)-1].from:p.from], unicode.IsDigit)
		if open && !name && strings.TrimFunc(s[parts[i-1].to:p.from], blank) == "" {
			out[len(out)-1].to = p.to
			continue
		}
		out, open = append(out, p), true
	}
	return out
}

// ordinal is a line's number in a list that somebody numbered.
var ordinal = regexp.MustCompile(`^[0-9]{1,3}[.)]$`)

// wrong says what is wrong with a line that holds no reference, by what in it
// looks most like one.
func (rules ReferenceRules) wrong(s string, parts []span) *ReferenceError {
	best, most := "", 0
	for _, p := range parts {
		n := 0
		for _, r := range s[p.from:p.to] {
			if unicode.IsDigit(r) {
				n++
			}
		}
		if n > most {
			best, most = s[p.from:p.to], n
		}
	}
	var e *ReferenceError
	if _, err := rules.Parse(best); best == "" || !errors.As(err, &e) {
		return &ReferenceError{Fault: FaultEmpty}
	}
	return e
}

// beside is what of a line is not its reference: its label. A line's number
// before all is none of it.
func beside(s string, cut []span) string {
	var parts []string
	from := 0
	for i, c := range append(cut, span{len(s), len(s)}) {
		p := CleanLabel(strings.Trim(s[from:c.from], " \t\u00a0,;:=|<>\"'«»“”„()[]–—-.#№"))
		if first, rest, _ := strings.Cut(p, " "); i == 0 && (ordinal.MatchString(first) || rest == "" && ordinal.MatchString(first+".")) {
			p = rest // "3. Aziz 20417733"
		}
		if p != "" {
			parts = append(parts, p)
		}
		from = c.to
	}
	return CleanLabel(strings.Join(parts, " "))
}

// CleanLabel makes a label of what somebody wrote: one line, nothing invisible
// that changes how the text around it reads, at most MaxLabel characters.
func CleanLabel(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c', r == '\u200d': // joiners, which some scripts need
			return r
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > MaxLabel {
		s = strings.TrimSpace(string(r[:MaxLabel-1])) + "…"
	}
	return s
}
