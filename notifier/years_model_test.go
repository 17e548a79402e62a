package notifier_test

import (
	"fmt"
	"slices"
	"time"

	"kabarchy/visa"
)

// A model is the rules of reminders in the test's own words: it is told what
// happened, and says what each follower must have got. It shares nothing with
// the product but the vocabulary.
type model struct {
	zone  *time.Location
	rules map[visa.DeadlineKind]rule

	follows   []*follow
	deadlines map[int][]*standing // by reference
	stuck     map[int][]*standing // stages in which one waits, since a day
	stage     map[int]visa.Stage
	closed    map[int][]span
	sending   []span // while a notifier ran
	reachable []span // while Telegram answered
	quiet     []quiet
}

// A rule is on which days before a deadline one is reminded, and when.
type rule struct {
	days []int
	at   time.Duration // since midnight, of a day as long as others
}

// A span is a time from a moment until before another, zero if still so.
type span struct{ from, to time.Time }

func (s span) has(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// common returns the time that two spans share, and whether there is any.
func (s span) common(o span) (span, bool) {
	out := s
	if o.from.After(out.from) {
		out.from = o.from
	}
	if out.to.IsZero() || !o.to.IsZero() && o.to.Before(out.to) {
		out.to = o.to
	}
	return out, out.to.IsZero() || out.from.Before(out.to)
}

// A follow is a chat that follows a reference for a time, and wants to be
// reminded for the first part of it.
type follow struct {
	span
	chat int64
	ref  int
	left time.Time
}

// A standing is a deadline as long as it stands.
type standing struct {
	span
	kind visa.DeadlineKind
	date visa.Date
}

// A quiet is a choice of quiet hours in minutes since midnight, from a time on.
type quiet struct {
	span
	begin, end int
}

func newModel(zone *time.Location, rules map[visa.DeadlineKind]rule) *model {
	return &model{zone: zone, rules: rules, deadlines: map[int][]*standing{}, closed: map[int][]span{},
		stuck: map[int][]*standing{}, stage: map[int]visa.Stage{}}
}

// during opens a span of a list at a time, or ends the open one.
func during(list *[]span, on bool, now time.Time) {
	if on {
		*list = append(*list, span{from: now})
	} else if n := len(*list); n > 0 && (*list)[n-1].to.IsZero() {
		(*list)[n-1].to = now
	}
}

func (m *model) quieted(begin, end int, now time.Time) {
	if n := len(m.quiet); n > 0 {
		m.quiet[n-1].to = now
	}
	m.quiet = append(m.quiet, quiet{span{from: now}, begin, end})
}

func (m *model) followed(chat int64, ref int, now time.Time) {
	m.follows = append(m.follows, &follow{span: span{from: now}, chat: chat, ref: ref})
}

// following returns how a chat follows a reference, nil if it does not.
func (m *model) following(chat int64, ref int) *follow {
	for _, f := range m.follows {
		if f.chat == chat && f.ref == ref && f.to.IsZero() {
			return f
		}
	}
	return nil
}

// stated takes in what the register says of a reference from now on.
func (m *model) stated(ref int, s visa.Statement, now time.Time) {
	closed := s.Stage == visa.StageClosed
	if s.Stage != m.stage[ref] {
		m.stage[ref] = s.Stage
		if n := len(m.stuck[ref]); n > 0 && m.stuck[ref][n-1].to.IsZero() {
			m.stuck[ref][n-1].to = now
		}
		if s.Stage == visa.StageReceived || s.Stage == visa.StageInProcessing {
			m.stuck[ref] = append(m.stuck[ref], &standing{span{from: now}, visa.NoticePendingLong, visa.DateOf(now.In(m.zone))})
		}
	}
	if was := m.closed[ref]; closed != (len(was) > 0 && was[len(was)-1].to.IsZero()) {
		during(&was, closed, now)
		m.closed[ref] = was
	}
	days := make(map[visa.DeadlineKind]visa.Date)
	if !closed {
		for _, d := range s.Deadlines {
			days[d.Kind] = d.Date
		}
		// Approved people lapse again, unless they are to go.
		granted := s.Outcome == visa.OutcomeApproved && s.Document.Kind != visa.DocumentExitVisa && !s.Document.ValidUntil.IsZero()
		_, renew := days[visa.RenewBy]
		_, leave := days[visa.LeaveBy]
		if granted && !renew && !leave {
			days[visa.RenewBy] = s.Document.ValidUntil
		}
	}
	for _, d := range m.deadlines[ref] {
		switch date, ok := days[d.kind]; {
		case !d.to.IsZero():
		case ok && date == d.date:
			delete(days, d.kind)
		default:
			d.to = now
		}
	}
	for kind, date := range days {
		m.deadlines[ref] = append(m.deadlines[ref], &standing{span{from: now}, kind, date})
	}
}

// holds reports whether a day is one of a deadline that stands at a moment.
func (m *model) holds(ref int, date visa.Date, at time.Time) bool {
	for _, s := range m.deadlines[ref] {
		if s.date == date && s.has(at) {
			return true
		}
	}
	return false
}

// held reports whether a day is one of a deadline that stood all the time from
// one moment to another.
func (m *model) held(ref int, date visa.Date, from, to time.Time) bool {
	for _, s := range m.deadlines[ref] {
		if s.date == date && s.has(from) && s.has(to) {
			return true
		}
	}
	return false
}

func (m *model) isClosed(ref int, at time.Time) bool {
	for _, s := range m.closed[ref] {
		if s.has(at) {
			return true
		}
	}
	return false
}

// midnight returns the first moment of a day.
func (m *model) midnight(day visa.Date) time.Time {
	y, month, d := day.Time().Date()
	for t := day.Time().Add(-15 * time.Hour); ; t = t.Add(15 * time.Minute) {
		if ly, lm, ld := t.In(m.zone).Date(); ly == y && lm == month && ld == d {
			return t
		}
	}
}

// clock returns when the clock on the wall shows a time on a day; no rule's
// time is one that a zone skips.
func (m *model) clock(day visa.Date, at time.Duration) time.Time {
	t := m.midnight(day).Add(at)
	for _, d := range []time.Duration{0, time.Hour, -time.Hour, 30 * time.Minute, -30 * time.Minute} {
		l := t.Add(d).In(m.zone)
		if time.Duration(l.Hour())*time.Hour+time.Duration(l.Minute())*time.Minute == at {
			return t.Add(d)
		}
	}
	panic("no such time")
}

// asleep reports whether a moment is of the quiet hours.
func (m *model) asleep(q quiet, t time.Time) bool {
	l := t.In(m.zone)
	minute := l.Hour()*60 + l.Minute()
	if q.begin <= q.end {
		return q.begin <= minute && minute < q.end
	}
	return q.begin <= minute || minute < q.end
}

// wakes returns the first moment from t on that is not of the quiet hours.
func (m *model) wakes(q quiet, t time.Time) time.Time {
	for m.asleep(q, t) {
		t = t.Truncate(time.Minute).Add(time.Minute)
	}
	return t
}

func (m *model) quietAt(t time.Time) quiet {
	for _, q := range m.quiet {
		if q.has(t) {
			return q
		}
	}
	return quiet{}
}

// pendingDays are after how many days in one stage one is told that it takes
// long, once.
const pendingDays = 30

// A duty is one reminder that a follower is to get, if it can be told in time.
type duty struct {
	chat int64
	ref  int
	kind visa.DeadlineKind
	date visa.Date
	days int // the rule's; visa.Passed for the message after a day to leave

	span           // from when it falls due until it is of no more use, or no more true
	use  time.Time // until when it is of use
	may  bool      // the rules do not say whether it had been missed before
}

func (d duty) String() string {
	return fmt.Sprintf("chat %d, %08d: %s %s, %d days before, from %s to %s", d.chat, d.ref, d.kind, d.date, d.days,
		d.from.Format(time.RFC3339), d.to.Format(time.RFC3339))
}

// duties returns all reminders that somebody was to get until a time.
func (m *model) duties(until time.Time) []duty {
	var out []duty
	for _, f := range m.follows {
		wants := f.span
		if !f.left.IsZero() {
			wants.to = f.left
		}
		for _, s := range slices.Concat(m.deadlines[f.ref], m.stuck[f.ref]) {
			knows, ok := wants.common(s.span)
			if !ok {
				continue
			}
			for _, d := range m.rulesOf(s.kind, s.date, knows) {
				d.chat, d.ref, d.kind, d.date = f.chat, f.ref, s.kind, s.date
				if when, ok := d.common(span{knows.from, knows.to}); ok && when.from.Before(until) {
					d.span = when
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// rulesOf returns the reminders of a deadline that fall due once somebody
// knows of it.
func (m *model) rulesOf(kind visa.DeadlineKind, date visa.Date, knows span) []duty {
	r, ok := m.rules[kind]
	if !ok && kind != visa.NoticePendingLong {
		return nil
	}
	var out []duty
	add := func(n int, at, use time.Time) {
		d := duty{days: n, use: use}
		// It falls due at the first moment at which it is due by the quiet
		// hours then in effect.
		for _, q := range m.quiet {
			over := func(t time.Time) bool { return !q.to.IsZero() && !t.Before(q.to) }
			if over(knows.from) || over(at.Add(-24*time.Hour)) {
				continue
			}
			due := m.moved(q, at, use)
			if over(due) {
				continue
			}
			if !due.After(knows.from) {
				if q.has(knows.from) {
					return // past before anybody knew
				}
				d.may = true
			}
			d.from, d.to = due, use
			if due.Before(q.from) {
				d.from = q.from
			}
			out = append(out, d)
			return
		}
	}
	if kind == visa.NoticePendingLong {
		add(0, m.clock(date.Add(pendingDays), 10*time.Hour), m.midnight(date.Add(pendingDays+30)))
		return out
	}
	for i, n := range r.days {
		use := m.midnight(date.Add(1))
		if i+1 < len(r.days) {
			use = m.midnight(date.Add(-r.days[i+1]))
		}
		add(n, m.clock(date.Add(-n), r.at), use)
	}
	if kind == visa.LeaveBy {
		add(visa.Passed, m.clock(date.Add(1), r.at), m.midnight(date.Add(8)))
	}
	return out
}

// moved returns when a time of quiet hours is moved to: their end, or the last
// minute before them where what it is for would have passed.
func (m *model) moved(q quiet, at, use time.Time) time.Time {
	if end := m.wakes(q, at); end.Before(use) {
		return end
	}
	for m.asleep(q, at) {
		at = at.Add(-time.Minute)
	}
	return at
}

// ways returns the times at which a message could go out.
func (m *model) ways() []span {
	var out []span
	for _, a := range m.sending {
		for _, b := range m.reachable {
			if both, ok := a.common(b); ok {
				out = append(out, both)
			}
		}
	}
	return out
}

// Slack: how late a message may be. Nothing is late but for the pace, and,
// after Telegram was away, for the pause before the next try.
const (
	soon  = 2 * time.Minute
	later = 30 * time.Minute
)

// by returns until when a duty must have been done, and whether it must.
func (m *model) by(d duty, ways []span) (time.Time, bool) {
	if d.may {
		return time.Time{}, false
	}
	for _, w := range ways {
		when, ok := w.common(d.span)
		if !ok {
			continue
		}
		slack := later
		if d.from.Sub(w.from) > 2*later {
			slack = soon
		}
		start := when.from
		if q := m.quietAt(start); start.After(d.from) && m.asleep(q, start) {
			if end := m.wakes(q, start); end.Before(d.use) {
				start = end
			}
		}
		for _, q := range m.quiet { // what was put off stays put off
			if q.from.After(d.from) && q.from.Before(start.Add(slack)) {
				slack += 12 * time.Hour
			}
		}
		if end := start.Add(slack); end.Before(when.to) {
			return end, true
		}
	}
	return time.Time{}, false
}

// disturbs reports whether a duty done at a moment is done in quiet hours for
// no reason: its use would not have passed by their end.
func (m *model) disturbs(d duty, at time.Time) bool {
	q := m.quietAt(at)
	if !m.asleep(q, at) || !m.wakes(q, at).Before(d.use) {
		return false
	}
	return true
}
