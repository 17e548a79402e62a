package config

import (
	"regexp"
	"strings"
)

// An entry is one setting of a settings file, or one line that is none.
type entry struct {
	line        int // from 1
	name, value string
	problem     string // not "": what is wrong with the line; never quotes it, as it may hold a secret
}

// aName is what may be repeated in an error. A key that was pasted without its
// name, and ends in "=" as base64 does, is not like it.
var aName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,39}$`)

// parseFile reads a settings file: NAME=value on lines of their own. Blank
// lines count for nothing, nor does what follows a # that begins a line or
// stands after a blank. A value may stand in single or double quotes, within
// which everything counts; there are no escapes, and nothing is expanded,
// since a pattern may hold a $. It never fails: what is wrong is an entry with
// a problem.
func parseFile(content string) []entry {
	var entries []entry
	content = strings.TrimPrefix(content, "\ufeff")
	n := 0
	for text := range strings.SplitSeq(content, "\n") {
		n++
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		e := entry{line: n}
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		if !ok {
			e.problem = "no = in this line; want NAME=value"
		} else if !aName.MatchString(name) {
			e.problem = "no setting's name, in capitals, before the =; want NAME=value"
		} else {
			e.name = name
			e.value, e.problem = unquote(value)
			if e.problem != "" {
				e.problem = name + ": " + e.problem
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// unquote returns the value in what follows the =.
func unquote(text string) (value, problem string) {
	inner := strings.TrimLeft(text, " \t")
	if inner == "" || inner[0] != '\'' && inner[0] != '"' {
		return strings.TrimSpace(beforeComment(text)), ""
	}
	value, rest, closed := strings.Cut(inner[1:], inner[:1])
	if !closed {
		return "", "the quote is not closed"
	}
	if strings.TrimSpace(beforeComment(rest)) != "" {
		return "", "text after the closing quote"
	}
	return value, ""
}

func beforeComment(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && (text[i-1] == ' ' || text[i-1] == '\t') {
			return text[:i]
		}
	}
	return text
}

// quoted is the inverse of unquote, for every value of one line but those that
// hold both kinds of quotes and need them.
func quoted(value string) string {
	if v, problem := unquote(value); problem == "" && v == value {
		return value
	}
	if strings.Contains(value, "'") {
		return `"` + value + `"`
	}
	return "'" + value + "'"
}
