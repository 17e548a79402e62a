package explain

import (
	"slices"
	"time"

	"kabarchy/i18n"
	"kabarchy/visa"
)

// renewNear is for how many days before its end a document asks to be renewed.
// Earlier than that it is worth knowing, and nothing to do.
const renewNear = 60

// Standing says in a word or two where an application stands, for a row of a
// list.
func (v View) Standing(s visa.Statement) string {
	switch {
	case s.Outcome == "":
		return name(v.Catalogue, "stage", s.Stage)
	case s.Stage == visa.StageClosed:
		return v.Headline(s)
	}
	return name(v.Catalogue, "outcome", s.Outcome)
}

// Next returns the deadline that comes next of those that ask something of the
// applicant: the earliest that is not over, or else the latest that is. It may
// be a day to renew that the register does not state itself.
func (v View) Next(s visa.Statement) (visa.Deadline, bool) {
	var next visa.Deadline
	found := false
	for _, d := range asking(s) {
		ahead, nextAhead := d.Date >= v.Today, next.Date >= v.Today
		if !found || ahead && (!nextAhead || d.Date < next.Date) || !ahead && !nextAhead && d.Date > next.Date {
			next, found = d, true
		}
	}
	return next, found
}

// Urgent reports whether the applicant must do something, and by which day: the
// earliest of those ahead, or today where a correction has no day. A document
// that is good for long yet asks for nothing.
func (v View) Urgent(s visa.Statement) (by visa.Date, urgent bool) {
	for _, d := range asking(s) {
		left := v.Today.DaysUntil(d.Date)
		if left < 0 || d.Kind == visa.RenewBy && left > renewNear {
			continue
		}
		if !urgent || d.Date < by {
			by, urgent = d.Date, true
		}
	}
	if !urgent && s.Stage == visa.StageCorrectionRequired {
		return v.Today, true
	}
	return by, urgent
}

// asking returns the deadlines that ask something, the stated ones and the one
// that is reminded of without being stated.
func asking(s visa.Statement) []visa.Deadline {
	all := s.Deadlines
	if more := s.Reminded(); len(more) > len(all) {
		all = more
	}
	return slices.DeleteFunc(slices.Clone(all), func(d visa.Deadline) bool { return !asks(d.Kind, s) })
}

// Short puts a deadline into words for a row of a list: "Last day to leave:
// Saturday 5 July 2025 (12 days left)". A day that has passed is not counted.
func (v View) Short(d visa.Deadline) string {
	n := v.Today.DaysUntil(d.Date)
	if n <= 0 {
		return v.Deadline(visa.Deadline{Kind: d.Kind, Date: d.Date}).Line
	}
	return v.Catalogue.T("deadline.line.short", "name", name(v.Catalogue, "deadline", d.Kind), "date", d.Date.Time(), "n", n)
}

// Complete says when the register's data was last complete, where no single
// application is spoken of.
func (v View) Complete() string {
	if v.AsOf.IsZero() {
		return v.Catalogue.T("as_of.never")
	}
	return v.Catalogue.T("as_of.complete", "at", v.near(v.AsOf))
}

// Near is a time for a message's placeholder, with its year where that is not
// the current one.
func (v View) Near(t time.Time) i18n.When { return v.near(t) }

// EchoOf says something once more in the other languages, where Echoes would.
// all nil: in none.
func (v View) EchoOf(all *i18n.Catalogues, say func(View) []string) []Echo { return v.echoes(all, say) }
