package message

import (
	"strings"

	"kabarchy/explain"
	"kabarchy/visa"
)

// echo says once more in other languages, in a line each, what must not be
// misunderstood, where nobody who speaks the chat's language has checked it.
func (r *renderer) echo(say func(explain.View) []string) {
	r.gap()
	for _, line := range r.echoes(say) {
		r.line(line)
	}
	r.gap()
}

func (r *renderer) echoes(say func(explain.View) []string) (lines []string) {
	for _, e := range r.v.EchoOf(r.all, say) {
		lines = append(lines, e.Name+": "+strings.Join(e.Lines, " · "))
	}
	return lines
}

// echoed is the outcome and the days of an application, and the days named
// before that no longer hold.
func echoed(s visa.Statement, corrected []visa.Date) func(explain.View) []string {
	return func(v explain.View) (lines []string) {
		if s.Outcome != "" {
			lines = append(lines, v.Headline(s))
		}
		for _, d := range v.Deadlines(s) {
			lines = append(lines, v.Short(visa.Deadline{Kind: d.Kind, Date: d.Date}))
		}
		return append(lines, echoedCorrection(v, corrected)...)
	}
}

// echoedRow is the same for a row of a digest, with the next of the days.
func echoedRow(s visa.Statement, corrected []visa.Date) func(explain.View) []string {
	return func(v explain.View) (lines []string) {
		if s.Outcome != "" {
			lines = append(lines, v.Standing(s))
		}
		if d, ok := v.Next(s); ok {
			lines = append(lines, v.Short(d))
		}
		return append(lines, echoedCorrection(v, corrected)...)
	}
}

func echoedDay(d visa.Deadline) func(explain.View) []string {
	return func(v explain.View) []string { return []string{v.Short(d)} }
}

func echoedCorrection(v explain.View, days []visa.Date) (lines []string) {
	for _, day := range days {
		lines = append(lines, v.Catalogue.T("news.corrected", "date", day.Time()))
	}
	return lines
}
