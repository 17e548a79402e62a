package register

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"kabarchy/visa"
)

// A layout is a form of dates or times, written as people write it:
// DD.MM.YYYY, or YYYY-MM-DD HH:mm.
type layout struct {
	text     string
	golang   string         // the same for package time
	dateOnly bool           // no time of day
	inName   *regexp.Regexp // finds it in a file's name
}

// layoutTokens are the words of layouts; of those that share a beginning the
// longest stands first.
var layoutTokens = []struct{ word, golang, pattern string }{
	{"YYYY", "2006", `\d{4}`},
	{"MMMM", "January", `[A-Za-z]{3,9}`}, {"MMM", "Jan", `[A-Za-z]{3}`}, {"MM", "01", `\d{2}`}, {"M", "1", `\d{1,2}`},
	{"DD", "02", `\d{2}`}, {"D", "2", `\d{1,2}`},
	{"HH", "15", `\d{2}`}, {"mm", "04", `\d{2}`}, {"ss", "05", `\d{2}`},
	{"Z", "Z07:00", `(?:Z|[+-]\d{2}:\d{2})`},
}

const layoutHelp = "write it with YYYY, MM (or M, MMM, MMMM), DD (or D), HH, mm, ss, Z and marks between them, such as DD.MM.YYYY"

// parseLayout reads a layout. One without year, month and day is refused, and
// one that package time would take for something else.
func parseLayout(text string) (layout, error) {
	l := layout{text: text, dateOnly: true}
	var pattern strings.Builder
	used := map[byte]bool{}
	for rest := text; rest != ""; {
		if word, golang, p, ok := layoutToken(rest); ok {
			if used[word[0]] {
				return l, fmt.Errorf("%q is not a form of dates: it has %s twice; %s", text, word, layoutHelp)
			}
			used[word[0]] = true
			l.golang += golang
			pattern.WriteString(p)
			rest = rest[len(word):]
			continue
		}
		c := rest[0]
		if c != 'T' && (c < ' ' || c > '~' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return l, fmt.Errorf("%q is not a form of dates; %s", text, layoutHelp)
		}
		l.golang += string(c)
		pattern.WriteString(regexp.QuoteMeta(string(c)))
		rest = rest[1:]
	}
	l.dateOnly = !used['H']
	sample := time.Date(2025, 11, 23, 0, 0, 0, 0, time.UTC)
	if !l.dateOnly {
		sample = sample.Add(14 * time.Hour)
	}
	back, err := time.Parse(l.golang, sample.Format(l.golang))
	if err != nil || !back.Equal(sample) {
		return l, fmt.Errorf("%q is not a form of dates that can be read back; %s", text, layoutHelp)
	}
	l.inName = regexp.MustCompile(`(?:^|[^0-9])(` + pattern.String() + `)(?:[^0-9]|$)`)
	return l, nil
}

func layoutToken(s string) (word, golang, pattern string, ok bool) {
	for _, t := range layoutTokens {
		if strings.HasPrefix(s, t.word) {
			return t.word, t.golang, t.pattern, true
		}
	}
	return "", "", "", false
}

// mustLayouts is for the layouts of this package itself.
func mustLayouts(texts ...string) []layout {
	out := make([]layout, len(texts))
	for i, text := range texts {
		l, err := parseLayout(text)
		if err != nil {
			panic(err)
		}
		out[i] = l
	}
	return out
}

// isoLayouts are those that are unmistakable, and so need no profile.
var isoLayouts = mustLayouts("YYYY-MM-DD", "YYYY-MM-DD HH:mm", "YYYY-MM-DD HH:mm:ss", "YYYY-MM-DDTHH:mm:ss")

// An instant is a date or a time as it stands in a file.
type instant struct {
	time     time.Time // the day's first instant for a date
	dateOnly bool
}

// day returns the day of an instant in a zone.
func (i instant) day(zone *time.Location) visa.Date { return visa.DateOf(i.time.In(zone)) }

// A clock reads the dates and times of one column. It is not safe for
// concurrent use: it remembers the last one, since they repeat.
type clock struct {
	layouts []layout
	iso     bool // times with an offset, as in RFC 3339, are read too
	zone    *time.Location
	text    string
	last    instant
}

// read returns an error that says what would be right, to follow a field's
// name.
func (c *clock) read(text string) (instant, error) {
	if text == c.text && text != "" {
		return c.last, nil
	}
	for _, l := range c.layouts {
		t, err := time.ParseInLocation(l.golang, text, c.zone)
		if err == nil && t.Year() >= 1900 && t.Year() <= 2199 {
			return c.keep(text, instant{t, l.dateOnly}), nil
		}
	}
	if c.iso {
		if t, err := visa.ParseTime(text); err == nil {
			return c.keep(text, instant{t, false}), nil
		}
	}
	forms := make([]string, len(c.layouts))
	for i, l := range c.layouts {
		forms[i] = l.text
	}
	if serial.MatchString(text) {
		return instant{}, fmt.Errorf("is %s, a spreadsheet's number of a day; format the column as a date and export again", quote(text))
	}
	return instant{}, fmt.Errorf("is %s; write a date that exists as %s", quote(text), strings.Join(forms, " or "))
}

func (c *clock) keep(text string, i instant) instant {
	c.text, c.last = strings.Clone(text), i
	return i
}

// serial matches the numbers by which spreadsheets keep the days of 1982 to
// 2064, with a time of day or without.
var serial = regexp.MustCompile(`^[345]\d{4}(\.\d+)?$`)
