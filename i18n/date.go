package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A style is a pattern of a date: {day}, {year}, {time} (20:05), and any of the
// catalogue's tables of names, which begin with "weekday" (Monday first) or
// "month" (January first).
type style form

// parseStyle checks a pattern against the tables that exist.
func parseStyle(pattern string, tables map[string][]string) (style, error) {
	f, err := parseForm(pattern)
	if err != nil {
		return nil, err
	}
	for _, name := range f.placeholders() {
		switch name {
		case "day", "year", "time":
		default:
			if tables[name] == nil {
				return nil, fmt.Errorf("{%s} is none of day, year, time and the tables", name)
			}
		}
	}
	return style(f), nil
}

// checkTable wants as many names as there are weekdays or months.
func checkTable(name string, words []string) error {
	want := 0
	switch {
	case strings.HasPrefix(name, "weekday"):
		want = 7
	case strings.HasPrefix(name, "month"):
		want = 12
	default:
		return fmt.Errorf("table %q begins neither with weekday nor with month", name)
	}
	if len(words) != want {
		return fmt.Errorf("table %q has %d names; it must have %d", name, len(words), want)
	}
	for _, w := range words {
		if strings.TrimSpace(w) != w || w == "" {
			return fmt.Errorf("table %q holds an empty name, or spaces around one", name)
		}
	}
	return nil
}

// appendTime writes a time in one of the catalogue's styles, in the zone that
// it carries; the style "" and one that does not exist give 2025-07-05.
func (c *Catalogue) appendTime(b []byte, name string, w When) []byte {
	pattern, ok := c.styles[name]
	if w.Year {
		if longer, has := c.styles[name+"_year"]; has {
			pattern, ok = longer, true
		}
	}
	if !ok {
		return w.Time.AppendFormat(b, time.DateOnly)
	}
	for _, p := range pattern {
		switch p.name {
		case "":
			b = append(b, p.text...)
		case "day":
			b = strconv.AppendInt(b, int64(w.Time.Day()), 10)
		case "year":
			b = strconv.AppendInt(b, int64(w.Time.Year()), 10)
		case "time":
			b = w.Time.AppendFormat(b, "15:04")
		default:
			b = append(b, c.tables[p.name][tableIndex(p.name, w.Time)]...)
		}
	}
	return b
}

func tableIndex(table string, t time.Time) int {
	if strings.HasPrefix(table, "weekday") {
		return (int(t.Weekday()) + 6) % 7
	}
	return int(t.Month()) - 1
}
