package notifier_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // as main has it

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// A life is years of a world: what happens in it at random, and the model that
// is told.
type life struct {
	*world
	*model
	rand *rand.Rand

	applications map[int]*visa.Update
	before       map[int]visa.Date // a day that stood earlier, to be moved back to

	up       bool // the notifier runs
	backUp   time.Time
	backTele time.Time

	read int // how many of the messages were looked at for ends of waits
}

const (
	lifeChats = 5
	lifeRefs  = 6
	firstRef  = 20_000_000
)

func TestForYearsEachFollowerIsRemindedAsTheRulesSay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone  string
		at    time.Duration
		quiet [][2]int // in minutes since midnight, chosen from
	}{
		{"Asia/Bishkek", 10 * time.Hour, [][2]int{{0, 0}, {22 * 60, 7*60 + 30}}},
		{"Europe/Berlin", 23*time.Hour + 15*time.Minute, [][2]int{{0, 0}, {22 * 60, 7 * 60}, {23 * 60, 6 * 60}}},
		{"America/New_York", 6*time.Hour + 30*time.Minute, [][2]int{{21 * 60, 9 * 60}, {5 * 60, 12 * 60}, {0, 0}}},
		{"Asia/Kathmandu", 18 * time.Hour, [][2]int{{17*60 + 30, 24*60 - 1}, {0, 0}, {0, 20 * 60}}},
	} {
		t.Run(tt.zone, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			seed := uint64(time.Now().UnixNano())
			if fixedSeed != 0 {
				seed = fixedSeed
			}
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			live(t, zone, tt.at, tt.quiet, seed)
		})
	}
}

// fixedSeed repeats a run that failed; 0 takes a new one.
const fixedSeed = 0

func live(t *testing.T, zone *time.Location, at time.Duration, quiets [][2]int, seed uint64) {
	days := map[visa.DeadlineKind][]int{
		visa.LeaveBy: {14, 7, 3, 1, 0}, visa.CorrectBy: {14, 7, 3, 1}, visa.AppealBy: {7, 1}, visa.RenewBy: {60, 30, 14, 7},
	} // none for collect_by
	s := setting{idle: 30 * 24 * time.Hour, poll: 365 * 24 * time.Hour, jitter: 0.99, text: told, schedule: visa.Schedule{Zone: zone, PendingLong: pendingDays}}
	ruled := make(map[visa.DeadlineKind]rule)
	for kind, n := range days {
		ruled[kind] = rule{n, at}
		s.schedule.Rules = append(s.schedule.Rules, visa.ReminderRule{Kind: kind, Days: n, Hour: int(at.Hours()), Minute: int(at.Minutes()) % 60})
	}
	s.schedule.Quiet = visa.QuietHours{From: quiets[0][0], To: quiets[0][1]}
	inWorldOf(t, s, 28, func(w *world) {
		l := &life{world: w, model: newModel(zone, ruled), rand: rand.New(rand.NewPCG(seed, 1)),
			applications: map[int]*visa.Update{}, before: map[int]visa.Date{}, up: true}
		now := time.Now()
		during(&l.sending, true, now)
		during(&l.reachable, true, now)
		l.quieted(quiets[0][0], quiets[0][1], now)
		// Somebody is always to be reminded some day: there is a next one.
		w.follow(lifeChats+1, firstRef+lifeRefs)
		l.say(firstRef+lifeRefs, func(u *visa.Update) { setDeadline(u, visa.LeaveBy, visa.NewDate(2190, 1, 1)) })
		end := now.AddDate(simulatedYears, 0, 0)
		for time.Now().Before(end) {
			l.pass(time.Duration(l.rand.ExpFloat64() * float64(90*time.Hour)))
			l.endWaits()
			l.happen(quiets)
		}
		l.pass(time.Hour)
		l.endWaits()
		l.check(t)
	})
}

// told is what the fake Telegram gets, for the model to read.
func told(d visa.Delivery) string {
	n := d.Note
	if d.Reference.IsZero() {
		return string(d.Kind)
	}
	return fmt.Sprintf("%s|%d|%s|%s|%s|%d|%s|", d.Kind, d.ID, d.Reference.String(), n.Deadline, n.Date, n.Days, spaced(n.Dates))
}

func spaced(days []visa.Date) string {
	return strings.Trim(fmt.Sprint(days), "[]")
}

// pass lets time pass, with the ends of outages that fall into it.
func (l *life) pass(d time.Duration) {
	end := time.Now().Add(d + 7*time.Millisecond)
	for {
		next := end
		for _, back := range []time.Time{l.backUp, l.backTele} {
			if !back.IsZero() && back.Before(next) {
				next = back
			}
		}
		l.wait(time.Until(next))
		switch now := time.Now(); {
		case now.Equal(l.backUp):
			l.backUp = time.Time{}
			l.run(true)
		case now.Equal(l.backTele):
			l.backTele = time.Time{}
			l.tg.fail(nil)
			during(&l.reachable, true, now)
		default:
			return
		}
	}
}

// run starts or stops the notifier.
func (l *life) run(up bool) {
	during(&l.sending, up, time.Now())
	if l.up = up; up {
		l.start(28)
	} else {
		l.halt()
	}
}

// long is how long something is away: hours, or weeks.
func (l *life) long() time.Time {
	d := 10 * time.Hour
	if l.rand.IntN(6) == 0 {
		d = 5 * 24 * time.Hour
	}
	return time.Now().Add(time.Hour + time.Duration(l.rand.ExpFloat64()*float64(d)))
}

// endWaits tells the model who was told, after sixty days and not before, that
// what they follow never appeared: they follow it no more.
func (l *life) endWaits() {
	all := l.tg.got()
	for _, m := range parse(all[l.read:]) {
		if m.kind != string(visa.KindUnfound) {
			continue
		}
		f := l.following(m.chat, m.ref)
		if f == nil || l.applications[m.ref] != nil || visa.DateOf(f.from.In(l.zone)).DaysUntil(visa.DateOf(m.at.In(l.zone))) < 60 {
			l.t.Errorf("to chat %d at %s, against the rules: %s", m.chat, m.at, m.text)
			continue
		}
		f.to = m.at
	}
	l.read = len(all)
	for _, f := range l.follows {
		if f.to.IsZero() && l.applications[f.ref] == nil && time.Since(f.from) > 150*24*time.Hour {
			l.t.Errorf("chat %d waits for %08d since %s", f.chat, f.ref, f.from)
		}
	}
}

// happen lets one thing happen.
func (l *life) happen(quiets [][2]int) {
	now := time.Now()
	chat, ref := int64(1+l.rand.IntN(lifeChats)), firstRef+l.rand.IntN(lifeRefs)
	f := l.following(chat, ref)
	switch n := l.rand.IntN(100); {
	case n < 15 && f == nil:
		l.world.follow(chat, ref)
		l.followed(chat, ref, now)
	case n < 18 && f != nil:
		l.subscribed(chat, ref, visa.Conversation.Unfollow)
		f.to = now
	case n < 20 && f != nil && f.left.IsZero():
		l.subscribed(chat, ref, visa.Conversation.EndReminders)
		f.left = now
	case n < 22 && l.backUp.IsZero():
		l.run(false)
		l.backUp = l.long()
	case n < 23 && l.backTele.IsZero():
		l.tg.fail([]func(call) error{
			refuse(telegram.Transient), refuse(telegram.Unauthorized),
			refuse(telegram.TooFast, func(e *telegram.Error) { e.RetryAfter = 14 * time.Minute }),
		}[l.rand.IntN(3)])
		during(&l.reachable, false, now)
		l.backTele = l.long()
	case n < 26:
		l.reopen(quiets[l.rand.IntN(len(quiets))])
	default:
		// Sometimes the register changes its mind faster than a chat can be told.
		for i := range []int{1, 1, 1, 1, 1, 4}[l.rand.IntN(6)] {
			if i > 0 {
				l.pass(0)
			}
			l.say(ref, l.edit(ref))
		}
	}
}

// subscribed does something to a chat's subscription.
func (l *life) subscribed(chat int64, ref int, f func(visa.Conversation, context.Context, visa.Subscription) error) {
	l.converse(chat, func(c visa.Conversation) error {
		s, _, err := c.Followed(context.Background(), l.ref(ref))
		if err != nil {
			return err
		}
		return f(c, context.Background(), s)
	})
}

// reopen begins anew with other quiet hours.
func (l *life) reopen(q [2]int) {
	if l.up {
		l.halt()
	}
	if err := l.store.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.setting.schedule.Quiet = visa.QuietHours{From: q[0], To: q[1]}
	l.open()
	if _, err := l.store.Recompute(context.Background()); err != nil {
		l.t.Fatal(err)
	}
	l.quieted(q[0], q[1], time.Now())
	if l.up {
		l.start(28)
	}
}

// edit returns a change of what the register says.
func (l *life) edit(ref int) func(*visa.Update) {
	today := visa.DateOf(time.Now().In(l.zone))
	kind := visa.DeadlineKinds[l.rand.IntN(len(visa.DeadlineKinds))]
	return func(u *visa.Update) {
		old, stated := u.Deadline(kind)
		switch n := l.rand.IntN(20); {
		case n < 6 || n < 9 && !stated:
			setDeadline(u, kind, today.Add(l.rand.IntN(60)-3))
		case n < 9:
			l.before[ref] = old.Date
			setDeadline(u, kind, old.Date.Add(l.rand.IntN(20)-8))
		case n < 11 && !l.before[ref].IsZero():
			setDeadline(u, kind, l.before[ref])
		case n < 13:
			setDeadline(u, kind, 0)
		case n < 15:
			u.Stage, u.Outcome, u.Document = visa.StageClosed, "", visa.Document{}
		case n < 18:
			u.Stage, u.Outcome = visa.StageDecided, visa.OutcomeApproved
			u.Document = visa.Document{Kind: visa.DocumentKinds[l.rand.IntN(len(visa.DocumentKinds))], ValidUntil: today.Add(l.rand.IntN(100))}
			if l.rand.IntN(2) == 0 {
				u.Deadlines = nil
			}
		default:
			u.Stage, u.Outcome, u.Document = visa.StageInProcessing, "", visa.Document{}
		}
		if u.Stage == visa.StageClosed && l.rand.IntN(2) == 0 {
			u.Stage, u.Outcome = visa.StageReceived, ""
			u.Document = visa.Document{}
		}
	}
}

func setDeadline(u *visa.Update, kind visa.DeadlineKind, date visa.Date) {
	u.Deadlines = slices.DeleteFunc(slices.Clone(u.Deadlines), func(d visa.Deadline) bool { return d.Kind == kind })
	if !date.IsZero() {
		u.Deadlines = append(u.Deadlines, visa.Deadline{Kind: kind, Date: date})
	}
}

// say records what the register says of a reference after a change.
func (l *life) say(ref int, edit func(*visa.Update)) {
	now := time.Now()
	u := l.applications[ref]
	if u == nil {
		u = &visa.Update{Reference: l.ref(ref), Statement: visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageReceived}}
		l.applications[ref] = u
	}
	edit(u)
	u.Version, u.UpdatedAt = u.Version+1, now
	u.Normalize()
	if err := u.Validate(); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.store.Record(context.Background(), "test", "", []visa.Update{*u}); err != nil {
		l.t.Fatal(err)
	}
	l.stated(ref, u.Statement, now)
}

// A letter is what somebody was told, or was tried to be told.
type letter struct {
	call
	kind, id string
	ref      int
	deadline visa.DeadlineKind
	date     visa.Date
	days     int
	gone     []visa.Date // that are said to hold no longer
}

func parse(calls []call) (out []letter) {
	for _, c := range calls {
		p := strings.Split(strings.Trim(c.text, "</b>"), "|")
		if len(p) < 7 || c.chat > lifeChats {
			continue
		}
		m := letter{call: c, kind: p[0], id: p[1], deadline: visa.DeadlineKind(p[3])}
		m.ref, _ = strconv.Atoi(p[2])
		_ = m.date.UnmarshalText([]byte(p[4]))
		m.days, _ = strconv.Atoi(p[5])
		for _, text := range strings.Fields(p[6]) {
			day, err := visa.ParseDate(text)
			if err != nil {
				panic(err)
			}
			m.gone = append(m.gone, day)
		}
		if m.kind == string(visa.KindPendingLong) {
			m.deadline = visa.NoticePendingLong
		}
		out = append(out, m)
	}
	return out
}

// check compares what everybody got with the model.
func (l *life) check(t *testing.T) {
	got, tried := parse(l.tg.got()), parse(l.tg.tried())
	taken := make([]bool, len(got))
	ways, now := l.ways(), time.Now()
	duties := l.duties(now)
	n := 0
	for _, d := range duties {
		by, must := l.by(d, ways)
		i := slices.IndexFunc(got, func(m letter) bool { return m.does(d) })
		switch {
		case i < 0 && must && by.Before(now) && !givenUp(d, tried):
			t.Errorf("never sent: %s; by %s", d, by)
			continue
		case i < 0:
			continue
		case must && got[i].at.After(by):
			t.Errorf("sent at %s: %s; by %s", got[i].at, d, by)
		case l.disturbs(d, got[i].at):
			t.Errorf("sent in quiet hours, at %s: %s", got[i].at, d)
		}
		taken[i] = true
		n++
	}
	news := 0
	for i, m := range got {
		if m.timed() && !taken[i] {
			t.Errorf("to chat %d at %s, against the rules: %s", m.chat, m.at, m.text)
		}
		if m.kind == "news" {
			news++
		}
	}
	l.checkCorrections(t, got, tried)
	t.Logf("%d reminders fell due, %d were sent, beside %d news, in %d tries; %d times of sending", len(duties), n, news, len(tried), len(ways))
}

// underWay is how long before it is sent a message may have been written.
const underWay = 2 * time.Second

// timed reports whether a message is one that the rules plan for a day.
func (m letter) timed() bool { return m.kind == "reminder" || m.kind == string(visa.KindPendingLong) }

// does reports whether a message is what a duty asks for, within its time.
func (m letter) does(d duty) bool {
	return m.same(d) && d.has(m.at)
}

func (m letter) same(d duty) bool {
	return m.timed() && m.chat == d.chat && m.ref == d.ref && m.deadline == d.kind && m.date == d.date && m.days == d.days
}

// checkCorrections checks that who was reminded of days is told of each that no
// longer holds, with the next news, and nobody of a day that holds.
func (l *life) checkCorrections(t *testing.T, got, tried []letter) {
	for i, m := range got {
		if m.kind != "news" {
			continue
		}
		for k, day := range m.gone {
			if l.model.held(m.ref, day, m.at.Add(-underWay), m.at) {
				t.Errorf("to chat %d at %s: %s no longer holds, which does: %s", m.chat, m.at, day, m.text)
			}
			if slices.Contains(m.gone[:k], day) {
				t.Errorf("to chat %d at %s: %s no longer holds, twice: %s", m.chat, m.at, day, m.text)
			}
			if !slices.ContainsFunc(got[:i], func(o letter) bool {
				return o.kind == "reminder" && o.chat == m.chat && o.ref == m.ref && o.date == day
			}) {
				t.Errorf("to chat %d at %s: %s no longer holds, of which nobody reminded: %s", m.chat, m.at, day, m.text)
			}
		}
	}
	asked := 0
	for _, f := range l.follows {
		for _, s := range l.deadlines[f.ref] {
			if s.to.IsZero() || !f.has(s.to) || !f.left.IsZero() && !s.to.Before(f.left) || l.isClosed(f.ref, s.to) {
				continue
			}
			told := slices.ContainsFunc(got, func(m letter) bool {
				return m.kind == "reminder" && m.chat == f.chat && m.ref == f.ref && m.deadline == s.kind && m.date == s.date &&
					f.has(m.at) && m.at.Before(s.to)
			})
			// The next news, or those that were under way and the ones after them.
			said, holds := false, false
			next := slices.IndexFunc(got, func(m letter) bool {
				if m.kind != "news" || m.chat != f.chat || m.ref != f.ref || !f.has(m.at) || m.at.Before(s.to) {
					return false
				}
				said = said || slices.Contains(m.gone, s.date)
				holds = holds || l.holds(f.ref, s.date, m.at) // for another kind, or again
				return said || m.at.Sub(s.to) >= underWay
			})
			if !told || next < 0 || holds || newsGivenUp(got[next], s.to, tried) {
				continue
			}
			asked++
			if said {
				continue
			}
			t.Errorf("chat %d was reminded of %s %s of %08d and not told, at %s, that it moved at %s",
				f.chat, s.kind, s.date, f.ref, got[next].at, s.to)
		}
	}
	t.Logf("%d days had to be taken back", asked)
}

// newsGivenUp reports whether news that came before some others, and after a
// moment, were tried for three days in vain.
func newsGivenUp(next letter, after time.Time, tried []letter) bool {
	first := make(map[string]time.Time)
	for _, m := range tried {
		if m.kind != "news" || m.chat != next.chat || m.ref != next.ref || m.id == next.id || m.at.After(next.at) {
			continue
		}
		if _, again := first[m.id]; !again {
			first[m.id] = m.at
		}
		if !m.at.Before(after) && m.at.Sub(first[m.id]) >= 72*time.Hour {
			return true
		}
	}
	return false
}

// givenUp reports whether a reminder was tried for three days in vain.
func givenUp(d duty, tried []letter) bool {
	var first time.Time
	for _, m := range tried {
		if m.does(d) {
			if first.IsZero() {
				first = m.at
			}
			if m.at.Sub(first) >= 72*time.Hour {
				return true
			}
		}
	}
	return false
}
