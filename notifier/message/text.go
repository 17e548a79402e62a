package message

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// text is a message being written, as HTML and plain at once. It takes at most
// MaxUnits; what goes beyond is cut, with an ellipsis.
type text struct {
	html, plain strings.Builder
	units       int
	breaks      int // newlines due before the next line
	full        bool
}

// headline writes the first line: an icon and words in bold.
func (t *text) headline(icon, s string) {
	t.write(icon+" ", false)
	t.write(clean(s), true)
	t.breaks = 1
}

// line writes a line; an empty one writes nothing.
func (t *text) line(s string) {
	if s = clean(s); s == "" {
		return
	}
	t.write(s, false)
	t.breaks = 1
}

// gap leaves an empty line before what follows.
func (t *text) gap() {
	if t.breaks > 0 {
		t.breaks = 2
	}
}

func (t *text) write(s string, bold bool) {
	if t.full {
		return
	}
	s = strings.Repeat("\n", t.breaks) + s
	t.breaks = 0
	if n := units(s); t.units+n <= MaxUnits {
		t.units += n
	} else {
		s = cut(s, MaxUnits-t.units)
		t.units += units(s)
		t.full = true
	}
	t.plain.WriteString(s)
	breaks := len(s) - len(strings.TrimLeft(s, "\n"))
	t.html.WriteString(s[:breaks])
	if s = s[breaks:]; bold && s != "" {
		t.html.WriteString("<b>")
		t.html.WriteString(escaper.Replace(s))
		t.html.WriteString("</b>")
		return
	}
	t.html.WriteString(escaper.Replace(s))
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// units counts UTF-16 code units, as Telegram does.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens s to at most n units, the last of them an ellipsis.
func cut(s string, n int) string {
	if n < 1 {
		return ""
	}
	room := n - 1
	for i, r := range s {
		if room -= utf16.RuneLen(r); room < 0 {
			return strings.TrimRight(s[:i], " \n") + "…"
		}
	}
	return s
}

// clean makes one line of s: no broken UTF-8, no control characters, nothing
// that overrides the direction of the text around it.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), r >= '\u202a' && r <= '\u202e':
			return -1
		}
		return r
	}, s))
}

// foreign prepares something that a person wrote for a place within a line:
// nothing that changes the direction of what follows, spaces one by one, at
// most n characters.
func foreign(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c' {
			return -1
		}
		return r
	}, clean(s))
	return shortened(strings.Join(strings.Fields(s), " "), n)
}

// shortened cuts s to at most n characters, the last of them an ellipsis.
func shortened(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return strings.TrimSpace(string(runes[:n-1])) + "…"
	}
	return s
}
