package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// A planned reminder, or notice, is one row of reminders.
type planned struct {
	subscription int64
	kind         visa.DeadlineKind
	date         visa.Date
}

func (p planned) is(d visa.Deadline) bool { return d.Kind == p.kind && d.Date == p.date }

// replan brings the reminders of one application's followers in line with its
// deadlines, and with what else they are told of on a day: those that stand as
// they were keep their place, moved and gone ones are taken back with what waits
// to be sent of them, new ones are planned from now on. It returns, for each
// subscription, the days that reminders have named already and that no longer
// hold for what they named; whether they do for another kind of deadline is
// seen when they are told.
func (t *tx) replan(ctx context.Context, schedule visa.Schedule, app *visa.Application, fs []follower) (map[int64][]visa.Date, error) {
	deadlines := app.Reminded()
	wanted := append(slices.Clone(deadlines), schedule.Notices(app)...)
	if err := t.cancelReminders(ctx, schedule, app); err != nil {
		return nil, err
	}
	all, err := t.reminded(ctx, app.Reference)
	if err != nil {
		return nil, err
	}
	var plans, moved []planned
	gone := make(map[visa.DeadlineKind]bool) // kinds without a day now
	for _, f := range fs {
		have := all[f.subscription]
		for _, d := range wanted {
			if !f.left && have[d.Kind] != d.Date {
				plans = append(plans, planned{f.subscription, d.Kind, d.Date})
			}
		}
		for _, kind := range visa.DeadlineKinds {
			date, ok := have[kind]
			if !ok {
				continue
			}
			i := slices.IndexFunc(deadlines, func(d visa.Deadline) bool { return d.Kind == kind })
			if i >= 0 && deadlines[i].Date == date {
				continue
			}
			gone[kind] = gone[kind] || i < 0
			if app.Stage == visa.StageClosed {
				continue // no day holds any more, and that is what is told
			}
			moved = append(moved, planned{f.subscription, kind, date})
		}
	}
	for kind, is := range gone {
		if is {
			if err := t.unplanOf(ctx, app.Reference, kind); err != nil {
				return nil, err
			}
		}
	}
	corrected, err := t.namedBefore(ctx, moved)
	if err != nil {
		return nil, err
	}
	for _, kind := range visa.NoticeKinds {
		if len(all) > 0 && !slices.ContainsFunc(wanted, func(d visa.Deadline) bool { return d.Kind == kind }) {
			if err := t.unplanOf(ctx, app.Reference, kind); err != nil {
				return nil, err
			}
		}
	}
	return corrected, t.planAll(ctx, schedule, plans)
}

// planNew plans the reminders and notices of a subscription that has none.
func (t *tx) planNew(ctx context.Context, schedule visa.Schedule, app *visa.Application, subscription int64) error {
	var all []planned
	for _, d := range slices.Concat(app.Reminded(), schedule.Notices(app)) {
		all = append(all, planned{subscription, d.Kind, d.Date})
	}
	return t.planAll(ctx, schedule, all)
}

// named reports whether a day is one of deadlines.
func named(deadlines []visa.Deadline, day visa.Date) bool {
	return slices.ContainsFunc(deadlines, func(d visa.Deadline) bool { return d.Date == day })
}

// reminded returns the days that the followers of a reference are reminded of,
// by subscription. A deadline whose last reminder has gone out keeps its row,
// so that it is known when it moves.
func (t *tx) reminded(ctx context.Context, ref visa.Reference) (map[int64]map[visa.DeadlineKind]visa.Date, error) {
	all := make(map[int64]map[visa.DeadlineKind]visa.Date)
	err := t.query(ctx, func(scan func(...any) error) error {
		var subscription int64
		var kind, date string
		if err := scan(&subscription, &kind, &date); err != nil {
			return err
		}
		if all[subscription] == nil {
			all[subscription] = make(map[visa.DeadlineKind]visa.Date)
		}
		d, err := visa.ParseDate(date)
		all[subscription][visa.DeadlineKind(kind)] = d
		return err
	}, `SELECT r.subscription, r.kind, r.date FROM subscriptions s JOIN reminders r ON r.subscription = s.id WHERE s.reference = $1`, ref.String())
	return all, err
}

// namedBefore returns, for each subscription, those of its deadlines' days of
// which a reminder has gone out, or may have, in their order.
func (t *tx) namedBefore(ctx context.Context, all []planned) (map[int64][]visa.Date, error) {
	told := make(map[int64][]visa.Date)
	err := inChunks(all, insertRows, func(part []planned) error {
		text := ""
		var args []any
		for i, p := range part {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("(%d,$%d,$%d)", i, 2*i+1, 2*i+2)
			prefix := fmt.Sprintf("r:%d:%s:%s:", p.subscription, p.kind, p.date)
			args = append(args, prefix, prefix+"~")
		}
		return t.query(ctx, func(scan func(...any) error) error {
			var i int
			err := scan(&i)
			told[part[i].subscription] = days(told[part[i].subscription], []visa.Date{part[i].date})
			return err
		}, `WITH moved (i, first, behind) AS (VALUES `+text+`) SELECT i FROM moved WHERE EXISTS (SELECT 1 FROM notifications
			WHERE dedupe >= first AND dedupe < behind AND (state IN ('accepted', 'sending') OR ambiguous > 0)) ORDER BY i`, args...)
	})
	return told, err
}

// never stands as the next instant of a deadline that has no more reminders.
const never = math.MaxInt64

// plan writes when a deadline's next reminder after an instant falls due.
// since is when the follower could first know of the deadline.
func (t *tx) plan(ctx context.Context, schedule visa.Schedule, p planned, since, after time.Time) error {
	return t.writePlans(ctx, []any{p.subscription, string(p.kind), p.date.String(), micros(since), nextAt(schedule, p, after)})
}

// planAll plans many from now on.
func (t *tx) planAll(ctx context.Context, schedule visa.Schedule, all []planned) error {
	return inChunks(all, insertRows, func(part []planned) error {
		var args []any
		for _, p := range part {
			args = append(args, p.subscription, string(p.kind), p.date.String(), micros(t.now), nextAt(schedule, p, t.now))
		}
		return t.writePlans(ctx, args)
	})
}

func nextAt(schedule visa.Schedule, p planned, after time.Time) int64 {
	if next, ok := schedule.Next(p.kind, p.date, after); ok {
		return micros(next.At)
	}
	return never
}

// writePlans writes rows of five columns.
func (t *tx) writePlans(ctx context.Context, args []any) error {
	_, err := t.exec(ctx, `INSERT INTO reminders (subscription, kind, date, since, next_at) VALUES `+rowMarks(len(args)/5, 5)+`
		ON CONFLICT (subscription, kind) DO UPDATE SET date = excluded.date, since = excluded.since, next_at = excluded.next_at`, args...)
	t.work = true
	return err
}

func (t *tx) unplan(ctx context.Context, subscription int64, kind visa.DeadlineKind) error {
	_, err := t.exec(ctx, `DELETE FROM reminders WHERE subscription = $1 AND kind = $2`, subscription, string(kind))
	return err
}

// unplanOf takes back what is planned of a kind for all who follow a reference.
func (t *tx) unplanOf(ctx context.Context, ref visa.Reference, kind visa.DeadlineKind) error {
	_, err := t.exec(ctx, `DELETE FROM reminders WHERE kind = $1 AND subscription IN (SELECT id FROM subscriptions WHERE reference = $2)`,
		string(kind), ref.String())
	return err
}

// cancelReminders takes back waiting reminders and notices of what no longer
// stands in an application.
func (t *tx) cancelReminders(ctx context.Context, schedule visa.Schedule, app *visa.Application) error {
	ids := make(map[string][]any) // by why they end
	err := t.query(ctx, func(scan func(...any) error) error {
		var id int64
		var kind, text string
		if err := scan(&id, &kind, &text); err != nil {
			return err
		}
		var n visa.Note
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return fmt.Errorf("the note of notification %d: %w", id, err)
		}
		if !schedule.Holds(app, visa.Kind(kind), n) {
			why := noLongerStands(visa.Kind(kind))
			ids[why] = append(ids[why], id)
		}
		return nil
	}, `SELECT id, kind, note FROM notifications WHERE reference = $1 AND ended_at = 0 AND state = 'pending'
		AND kind IN ('reminder', 'pending_long', 'erasure', 'unfound')`, app.Reference.String())
	if err != nil {
		return err
	}
	for why, all := range ids {
		if err := t.end(ctx, all, visa.Cancelled, why); err != nil {
			return err
		}
	}
	return nil
}

// noLongerStands says why a reminder or notice is not to be sent after all.
func noLongerStands(kind visa.Kind) string {
	switch kind {
	case visa.KindPendingLong:
		return "stage has moved"
	case visa.KindErasure:
		return "erasure has moved"
	case visa.KindUnfound:
		return "has appeared"
	}
	return "deadline no longer stands"
}

// MaxDue is how many reminders FallDue turns into notifications at a time, and
// how many heartbeats.
const MaxDue = 200

// FallDue turns reminders, notices and heartbeats that fell due into
// notifications, at most MaxDue of the first two and of the last, and returns
// how many rows it handled and when the next one falls due (zero: none is
// planned). Of several missed ones only the most urgent is written, and one
// that is of no more use is not.
func (s *Store) FallDue(ctx context.Context, now time.Time) (handled int, next time.Time, err error) {
	if next, err = s.nextReminder(ctx); err != nil || next.IsZero() || next.After(now) {
		return 0, next, err
	}
	err = s.write(ctx, "let reminders fall due", func(ctx context.Context, t *tx) error {
		if handled, err = t.fallDue(ctx, s.o.Schedule, now); err != nil {
			return err
		}
		beats, err := t.beat(ctx, s.o.Schedule, now)
		handled += beats
		failpoint.Here("due.written")
		return err
	})
	if err != nil {
		return 0, next, err
	}
	failpoint.Here("due.committed")
	next, err = s.nextReminder(ctx)
	return handled, next, err
}

func (s *Store) nextReminder(ctx context.Context) (time.Time, error) {
	var n *int64
	if err := s.reader.QueryRowContext(ctx, `SELECT min(at) FROM (SELECT min(next_at) AS at FROM reminders
		UNION ALL SELECT min(heartbeat_at) FROM chats WHERE heartbeat_at > 0) AS planned`).Scan(&n); err != nil {
		return time.Time{}, fmt.Errorf("store: next reminder: %w", unavailable(err))
	}
	if n == nil || *n == never {
		return time.Time{}, nil
	}
	return fromMicros(*n), nil
}

func (t *tx) fallDue(ctx context.Context, schedule visa.Schedule, now time.Time) (int, error) {
	type due struct {
		planned
		since     time.Time
		chat      int64
		active    bool
		reference visa.Reference
	}
	var all []due
	err := t.query(ctx, func(scan func(...any) error) error {
		var d due
		var kind, date, reference string
		var since int64
		if err := scan(&d.subscription, &kind, &date, &since, &d.chat, &reference, &d.active); err != nil {
			return err
		}
		d.kind, d.since = visa.DeadlineKind(kind), fromMicros(since)
		var err error
		if d.date, err = visa.ParseDate(date); err != nil {
			return err
		}
		d.reference, err = visa.ParseReference(reference)
		all = append(all, d)
		return err
	}, `SELECT r.subscription, r.kind, r.date, r.since, s.chat, s.reference, c.active
		FROM reminders r JOIN subscriptions s ON s.id = r.subscription JOIN chats c ON c.id = s.chat
		WHERE r.next_at <= $1 ORDER BY r.next_at LIMIT $2`, micros(now), MaxDue)
	if err != nil {
		return 0, err
	}
	failpoint.Here("due.begin")
	var rows []visa.Notification
	var missed []int64
	for _, d := range all {
		switch r, ok := schedule.Due(d.kind, d.date, d.since, now); {
		case ok && d.active:
			kind, note := r.Note(d.kind, d.date)
			if kind == visa.KindUnfound {
				if note.Token, err = t.addToken(ctx, d.chat, d.reference, buttonLife); err != nil {
					return 0, err
				}
			}
			rows = append(rows, visa.Notification{
				DedupeKey: fmt.Sprintf("r:%d:%s:%s:%d", d.subscription, d.kind, d.date, r.Days),
				Chat:      d.chat, Subscription: d.subscription, Reference: d.reference,
				Lane: visa.LaneReminder, Kind: kind, Note: note, State: visa.Pending,
				NotBefore: schedule.Awake(now, r.UseUntil), UseUntil: r.UseUntil, CreatedAt: now,
			})
		case ok:
			missed = append(missed, d.subscription)
		}
		if err := t.plan(ctx, schedule, d.planned, d.since, now); err != nil {
			return 0, err
		}
	}
	failpoint.Here("due.planned")
	if err := t.markMissed(ctx, missed); err != nil {
		return 0, err
	}
	return len(all), t.insertNotifications(ctx, rows)
}
