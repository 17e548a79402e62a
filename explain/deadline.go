package explain

import (
	"cmp"
	"slices"

	"kabarchy/visa"
)

// A Deadline is a deadline in words.
type Deadline struct {
	Kind visa.DeadlineKind
	Date visa.Date
	Days int    // left, today counting as 0; negative once it has passed
	Line string // "Last day to leave: Saturday 5 July 2025 (12 days left; that day itself still counts)"
	Note string // that the day was calculated, or ""
}

// Passed reports whether the last day is over.
func (d Deadline) Passed() bool { return d.Days < 0 }

// Deadline puts a deadline into words, with the days left from Today.
func (v View) Deadline(d visa.Deadline) Deadline {
	out := Deadline{Kind: d.Kind, Date: d.Date, Days: v.Today.DaysUntil(d.Date)}
	key := "deadline.line.ahead"
	switch {
	case out.Days == 0:
		key = "deadline.line.today"
	case out.Days < 0:
		key = "deadline.line.passed"
	}
	out.Line = v.Catalogue.T(key, "name", name(v.Catalogue, "deadline", d.Kind), "date", d.Date.Time(), "n", out.Days)
	if d.Calculated {
		out.Note = v.Catalogue.T("deadline.calculated")
	}
	return out
}

// Deadlines puts all deadlines of a statement into words, the earliest first.
func (v View) Deadlines(s visa.Statement) []Deadline {
	var out []Deadline
	for _, d := range s.Deadlines {
		out = append(out, v.Deadline(d))
	}
	slices.SortStableFunc(out, func(a, b Deadline) int { return cmp.Compare(a.Date, b.Date) })
	return out
}

// ReminderHeadline opens a reminder: "3 days left to leave", "Today is the
// last day to leave". A day that has passed is never counted.
func (v View) ReminderHeadline(kind visa.DeadlineKind, day visa.Date) string {
	n := v.Today.DaysUntil(day)
	key := "reminder." + string(kind) + ".ahead"
	switch {
	case n == 0:
		key = "reminder." + string(kind) + ".today"
	case n < 0:
		key = "reminder." + string(kind) + ".passed"
	}
	if !v.Catalogue.Has(key) {
		return v.Catalogue.T("headline.news")
	}
	return v.Catalogue.T(key, "n", n)
}

// asks reports whether a deadline asks something of the applicant as the
// application stands. A day to correct asks nothing of one that was corrected,
// and nothing is asked about an application that is closed.
func asks(kind visa.DeadlineKind, s visa.Statement) bool {
	switch kind {
	case visa.LeaveBy:
		return true // whatever became of the application: as long as the register states it
	case visa.CorrectBy:
		return s.Stage == visa.StageCorrectionRequired
	case visa.AppealBy:
		return s.Stage == visa.StageDecided
	case visa.CollectBy, visa.RenewBy:
		return s.Stage == visa.StageDecided && s.Outcome == visa.OutcomeApproved
	}
	return false
}

// TodoBy says what to do by a deadline: by which day, or today, or that the
// day has passed and who can tell what applies now. It is "" for a kind that
// no language knows.
func (v View) TodoBy(kind visa.DeadlineKind, day visa.Date) string {
	key := "deadline." + string(kind) + ".do"
	switch n := v.Today.DaysUntil(day); {
	case n == 0:
		key = "deadline." + string(kind) + ".do_today"
	case n < 0:
		key = "deadline." + string(kind) + ".over"
	}
	if !v.Catalogue.Has(key) {
		return ""
	}
	return v.Catalogue.T(key, "date", day.Time())
}
