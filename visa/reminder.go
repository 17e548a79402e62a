package visa

import (
	"slices"
	"time"
)

// A ReminderRule says how many days before a deadline of a kind reminders fall
// due, and at what wall-clock time of that day.
type ReminderRule struct {
	Kind         DeadlineKind
	Days         []int // strictly descending, ≥ 0
	Hour, Minute int
}

// A Schedule holds the rules of all kinds and the zone in which days count. A
// kind without a rule has no reminders.
type Schedule struct {
	Rules []ReminderRule
	Zone  *time.Location
}

// A Reminder is one due date of a deadline.
type Reminder struct {
	Days     int       // before the deadline
	At       time.Time // when it falls due
	UseUntil time.Time // when it is of no more use
}

// Next returns the first reminder of a deadline that falls due after an
// instant, and false where none is left.
func (s Schedule) Next(kind DeadlineKind, deadline Date, after time.Time) (Reminder, bool) {
	for _, r := range s.all(kind, deadline) {
		if r.At.After(after) {
			return r, true
		}
	}
	return Reminder{}, false
}

// Due returns the most urgent reminder that fell due at or before now, not
// before since, and is still of use; false where there is none. The ones that
// fell due before it are never sent.
func (s Schedule) Due(kind DeadlineKind, deadline Date, since, now time.Time) (Reminder, bool) {
	for _, r := range slices.Backward(s.all(kind, deadline)) {
		if !r.At.After(now) {
			return r, !r.At.Before(since) && now.Before(r.UseUntil)
		}
	}
	return Reminder{}, false
}

// all returns the reminders of a deadline in the order of time. Each is of use
// until the end of the day before the next one's day, the last one until the
// end of the deadline's day.
func (s Schedule) all(kind DeadlineKind, deadline Date) []Reminder {
	i := slices.IndexFunc(s.Rules, func(r ReminderRule) bool { return r.Kind == kind })
	if i < 0 || deadline.IsZero() {
		return nil
	}
	rule := s.Rules[i]
	out := make([]Reminder, len(rule.Days))
	for j, n := range rule.Days {
		until := deadline.End(s.Zone)
		if j+1 < len(rule.Days) {
			until = deadline.Add(-rule.Days[j+1]).Start(s.Zone)
		}
		out[j] = Reminder{Days: n, At: deadline.Add(-n).At(rule.Hour, rule.Minute, s.Zone), UseUntil: until}
	}
	return out
}
