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
	Quiet QuietHours

	PendingLong  int             // days without a change of stage after which followers are told once; 0: never
	Retention    int             // days after which a closed application, or one of a campaign that is over, is erased; 0: never
	CampaignEnds map[string]Date // the last day of each campaign that has one
	EraseFrom    Date            // nothing is erased before; zero: no such day
}

// QuietHours are the hours of the day in which nobody is reminded, in minutes
// since midnight: from From until before To, over midnight where To is the
// smaller. The zero value is none.
type QuietHours struct{ From, To int }

// Passed, as Reminder.Days, is the one message after a day to leave: that it
// has passed, and whom to ask.
const Passed = -1

// passedUse is for how many days after it the message that a day to leave has
// passed is of use.
const passedUse = 7

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
// end of the deadline's day. A day to leave has one more, for when it has
// passed. A notice is one reminder.
func (s Schedule) all(kind DeadlineKind, deadline Date) []Reminder {
	if slices.Contains(NoticeKinds, kind) {
		return s.notice(kind, deadline)
	}
	i := slices.IndexFunc(s.Rules, func(r ReminderRule) bool { return r.Kind == kind })
	if i < 0 || deadline.IsZero() {
		return nil
	}
	rule := s.Rules[i]
	out := make([]Reminder, 0, len(rule.Days)+1)
	add := func(n int, until time.Time) {
		at := s.Awake(deadline.Add(-n).At(rule.Hour, rule.Minute, s.Zone), until)
		out = append(out, Reminder{Days: n, At: at, UseUntil: until})
	}
	for j, n := range rule.Days {
		if j+1 < len(rule.Days) {
			add(n, deadline.Add(-rule.Days[j+1]).Start(s.Zone))
		} else {
			add(n, deadline.End(s.Zone))
		}
	}
	if kind == LeaveBy {
		add(Passed, deadline.Add(passedUse).End(s.Zone))
	}
	return out
}

// Awake moves a time out of the quiet hours: to their end, or, where what it
// is for would have passed by then, to the minute before they begin.
func (s Schedule) Awake(at, until time.Time) time.Time {
	q := s.Quiet
	if q.From == q.To {
		return at
	}
	local := at.In(s.Zone)
	day, minute := DateOf(local), local.Hour()*60+local.Minute()
	first, last := day, day // the days on which these quiet hours begin and end
	switch {
	case q.From < q.To && minute >= q.From && minute < q.To:
	case q.From > q.To && minute >= q.From:
		last = day.Add(1)
	case q.From > q.To && minute < q.To:
		first = day.Add(-1)
	default:
		return at
	}
	if end := last.At(q.To/60, q.To%60, s.Zone); end.Before(until) {
		return end
	}
	return first.At(q.From/60, q.From%60, s.Zone).Add(-time.Minute)
}
