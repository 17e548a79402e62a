package message_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"kabarchy/notifier/message"
)

// parse reads Telegram's HTML as narrowly as this package promises to write
// it, and returns the text.
func parse(html string) (string, error) {
	var out strings.Builder
	var open []string
	for i := 0; i < len(html); {
		switch html[i] {
		case '<':
			end := strings.IndexByte(html[i:], '>')
			if end < 0 {
				return "", fmt.Errorf("a tag is not closed at %d", i)
			}
			tag := html[i+1 : i+end]
			i += end + 1
			if name, closing := strings.CutPrefix(tag, "/"); closing {
				if len(open) == 0 || open[len(open)-1] != name {
					return "", fmt.Errorf("</%s> closes nothing", name)
				}
				open = open[:len(open)-1]
			} else if tag == "b" || tag == "i" || tag == "code" {
				open = append(open, tag)
			} else {
				return "", fmt.Errorf("<%s> is not allowed", tag)
			}
		case '>':
			return "", fmt.Errorf("a bare > at %d", i)
		case '&':
			entity, _, ok := strings.Cut(html[i:], ";")
			r, known := map[string]string{"&lt": "<", "&gt": ">", "&amp": "&", "&quot": `"`}[entity]
			if !ok || !known {
				return "", fmt.Errorf("a bare & at %d", i)
			}
			out.WriteString(r)
			i += len(entity) + 1
		default:
			out.WriteByte(html[i])
			i++
		}
	}
	if len(open) > 0 {
		return "", fmt.Errorf("%v are left open", open)
	}
	return out.String(), nil
}

// check proves of a message all that is promised of every message.
func check(t *testing.T, m message.Message) {
	t.Helper()
	text, err := parse(m.HTML)
	if err != nil {
		t.Errorf("not valid for Telegram: %v\n%s", err, m.HTML)
	}
	if text != m.Plain {
		t.Errorf("plain and HTML differ:\n%q\n%q", m.Plain, text)
	}
	if !utf8.ValidString(m.HTML) || strings.ContainsAny(m.Plain, "\x00\r\u202e") {
		t.Errorf("the text is not clean: %q", m.Plain)
	}
	if n := len(utf16.Encode([]rune(m.Plain))); n > message.MaxUnits {
		t.Errorf("the text has %d UTF-16 units", n)
	}
	if strings.TrimSpace(m.Plain) == "" || strings.TrimSpace(m.Plain) != m.Plain || strings.Contains(m.Plain, "\n\n\n") {
		t.Errorf("the text is empty, or has white space where it should not: %q", m.Plain)
	}
	n := 0
	for _, row := range m.Buttons {
		if len(row) == 0 {
			t.Error("a row of buttons is empty")
		}
		for _, b := range row {
			n++
			if n := utf8.RuneCountInString(b.Text); n > 40 {
				t.Errorf("the button %q has %d characters", b.Text, n)
			}
			if b.Text == "" || len(b.Data) > 64 || (b.Data == "") == (b.URL == "") || !utf8.ValidString(b.Text+b.Data) {
				t.Errorf("the button %+v is not one", b)
			}
		}
	}
	if n > 100 {
		t.Errorf("there are %d buttons", n)
	}
}

// readable proves that a message from a sound note shows no key, placeholder
// or number below zero.
func readable(t *testing.T, m message.Message) {
	t.Helper()
	if strings.ContainsAny(m.Plain, "{}") || strings.Contains(m.Plain, "..") || strings.Contains(m.Plain, " -") {
		t.Errorf("not fit to be read: %q", m.Plain)
	}
	for _, prefix := range []string{"bot.", "stage.", "outcome.", "headline.", "deadline.", "reminder.", "button.", "note.", "as_of.", "unfound.", "guidance.", "label."} {
		if strings.Contains(m.Plain, prefix) {
			t.Errorf("shows a key of %s: %q", prefix, m.Plain)
		}
	}
}
