package i18n

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
)

// A When is a time for a placeholder with a style. Where the catalogue has the
// style in a second form with the year (near and near_year), Year chooses it.
// A bare time.Time is a When with its year.
type When struct {
	Time time.Time
	Year bool
}

// A piece is literal text, or a placeholder.
type piece struct{ text, name, style string }

// A form is one text, cut into pieces.
type form []piece

// A message has one form, or one per plural category.
type message struct {
	plural bool
	forms  map[plural.Form]form // one entry, plural.Other, where not plural
}

// parseForm cuts a text into pieces.
func parseForm(s string) (form, error) {
	if strings.TrimSpace(s) != s || s == "" {
		return nil, fmt.Errorf("%q is empty, or begins or ends with a space", s)
	}
	if strings.ContainsAny(s, "<>") {
		return nil, fmt.Errorf("%q holds markup; messages are plain text", s)
	}
	var f form
	for s != "" {
		text, rest, found := strings.Cut(s, "{")
		if strings.Contains(text, "}") {
			return nil, fmt.Errorf("a brace is closed that was not opened before %q", s)
		}
		if text != "" {
			f = append(f, piece{text: text})
		}
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, "}")
		name, style, styled := strings.Cut(inside, ":")
		if !closed || !isWord(name) || styled && !isWord(style) {
			return nil, fmt.Errorf("{%s is no placeholder; write {name} or {name:style}", clip(rest))
		}
		f = append(f, piece{name: name, style: style})
		s = after
	}
	return f, nil
}

// placeholders lists the names in a form, each once, sorted.
func (f form) placeholders() []string {
	var names []string
	for _, p := range f {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isWord reports whether s is small letters, digits and underscores.
func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return s != ""
}

// fill appends the form to b. An argument that is missing leaves its
// placeholder as it stands in the catalogue: visible, and harmless.
func (f form) fill(b []byte, c *Catalogue, args []any) []byte {
	for _, p := range f {
		if p.name == "" {
			b = append(b, p.text...)
			continue
		}
		switch v := argument(args, p.name).(type) {
		case string:
			b = append(b, v...)
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case time.Time:
			b = c.appendTime(b, p.style, When{v, true})
		case When:
			b = c.appendTime(b, p.style, v)
		default:
			b = append(append(append(b, '{'), p.name...), '}')
		}
	}
	return b
}

// argument finds a value in alternating names and values.
func argument(args []any, name string) any {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return nil
}

func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
