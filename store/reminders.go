package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"kabarchy/visa"
)

// A planned reminder is one row of reminders.
type planned struct {
	subscription int64
	kind         visa.DeadlineKind
	date         visa.Date
}

// replan brings the reminders of one application's followers in line with its
// deadlines: those that stand as they were keep their place, moved and gone
// ones are taken back with what waits to be sent of them, new ones are planned
// from now on. It returns, for each subscription, a day that a reminder has
// named already and that no longer holds.
func (t *tx) replan(ctx context.Context, schedule visa.Schedule, app *visa.Application, fs []follower) (map[int64]visa.Date, error) {
	deadlines := app.Reminded()
	if err := t.cancelReminders(ctx, app.Reference, deadlines); err != nil {
		return nil, err
	}
	all, err := t.reminded(ctx, app.Reference)
	if err != nil {
		return nil, err
	}
	corrected := make(map[int64]visa.Date)
	var plans []planned
	for _, f := range fs {
		have := all[f.subscription]
		for _, d := range deadlines {
			if !f.left && have[d.Kind] != d.Date {
				plans = append(plans, planned{f.subscription, d.Kind, d.Date})
			}
		}
		for _, kind := range slices.Backward(visa.DeadlineKinds) { // of several days the first kind's is told
			date, ok := have[kind]
			if !ok {
				continue
			}
			i := slices.IndexFunc(deadlines, func(d visa.Deadline) bool { return d.Kind == kind })
			if i >= 0 && deadlines[i].Date == date {
				continue
			}
			if i < 0 {
				if err := t.unplan(ctx, f.subscription, kind); err != nil {
					return nil, err
				}
			}
			if app.Stage == visa.StageClosed {
				continue // no day holds any more, and that is what is told
			}
			told, err := t.wasReminded(ctx, planned{f.subscription, kind, date})
			if err != nil {
				return nil, err
			}
			if told && !named(deadlines, date) {
				corrected[f.subscription] = date
			}
		}
	}
	return corrected, t.planAll(ctx, schedule, plans)
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

// wasReminded reports whether a reminder of a deadline's day has gone out, or
// may have.
func (t *tx) wasReminded(ctx context.Context, p planned) (bool, error) {
	var n int
	prefix := fmt.Sprintf("r:%d:%s:%s:", p.subscription, p.kind, p.date)
	return t.one(ctx, []any{&n}, `SELECT 1 FROM notifications WHERE dedupe >= $1 AND dedupe < $2
		AND (state IN ('accepted', 'sending') OR ambiguous > 0) LIMIT 1`, prefix, prefix+"~")
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

// cancelReminders takes back waiting reminders of deadlines that no longer
// stand.
func (t *tx) cancelReminders(ctx context.Context, ref visa.Reference, deadlines []visa.Deadline) error {
	var ids []any
	err := t.query(ctx, func(scan func(...any) error) error {
		var id int64
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		var n visa.Note
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return fmt.Errorf("the note of notification %d: %w", id, err)
		}
		for _, d := range deadlines {
			if d.Kind == n.Deadline && d.Date == n.Date {
				return nil
			}
		}
		ids = append(ids, id)
		return nil
	}, `SELECT id, note FROM notifications WHERE reference = $1 AND ended_at = 0 AND state = 'pending' AND kind = 'reminder'`, ref.String())
	if err != nil {
		return err
	}
	return t.end(ctx, ids, visa.Cancelled, "deadline no longer stands")
}

// Recompute plans every reminder anew from its day and the rules in effect, as
// after a change of the rules or of the zone's, and returns how many changed.
// It works in short transactions, from first to last subscription; what falls
// due meanwhile is not lost, nor is a reminder that was still to come by the
// rules before and is past by these: it falls due at once, if it is of use.
func (s *Store) Recompute(ctx context.Context) (changed int, err error) {
	for after := int64(0); ; {
		n := 0
		err := s.write(ctx, "recompute reminders", func(ctx context.Context, t *tx) error {
			type row struct {
				planned
				since, next int64
			}
			var rows []row
			n = 0
			if err := t.query(ctx, func(scan func(...any) error) error {
				var r row
				var kind, date string
				err := scan(&r.subscription, &kind, &date, &r.since, &r.next)
				if err == nil {
					r.kind = visa.DeadlineKind(kind)
					r.date, err = visa.ParseDate(date)
				}
				rows = append(rows, r)
				return err
			}, `SELECT subscription, kind, date, since, next_at FROM reminders
				WHERE subscription IN (SELECT id FROM subscriptions WHERE id > $1 ORDER BY id LIMIT 500) ORDER BY subscription`, after); err != nil {
				return err
			}
			for _, r := range rows {
				from := t.now
				if r.next < micros(t.now) {
					continue // it has fallen due and is about to be taken up
				}
				past, ok := s.o.Schedule.Due(r.kind, r.date, fromMicros(r.since), from)
				if ok && micros(past.UseUntil) > r.next {
					from = past.At.Add(-time.Microsecond)
				}
				if err := t.plan(ctx, s.o.Schedule, r.planned, fromMicros(r.since), from); err != nil {
					return err
				}
				if nextAt(s.o.Schedule, r.planned, from) != r.next {
					n++
				}
			}
			var last int64
			if _, err := t.one(ctx, []any{&last}, `SELECT coalesce(max(id), 0) FROM
				(SELECT id FROM subscriptions WHERE id > $1 ORDER BY id LIMIT 500)`, after); err != nil {
				return err
			}
			after = last
			return nil
		})
		changed += n
		if err != nil || after == 0 {
			return changed, err
		}
	}
}

// MaxDue is how many reminders FallDue turns into notifications at a time.
const MaxDue = 200

// FallDue turns reminders that fell due into notifications, at most MaxDue of
// them, and returns how many rows it handled and when the next one falls due
// (zero: none is planned). Of several missed ones only the most urgent is
// written, and one that is of no more use is not.
func (s *Store) FallDue(ctx context.Context, now time.Time) (handled int, next time.Time, err error) {
	if next, err = s.nextReminder(ctx); err != nil || next.IsZero() || next.After(now) {
		return 0, next, err
	}
	err = s.write(ctx, "let reminders fall due", func(ctx context.Context, t *tx) error {
		handled, err = t.fallDue(ctx, s.o.Schedule, now)
		return err
	})
	if err != nil {
		return 0, next, err
	}
	next, err = s.nextReminder(ctx)
	return handled, next, err
}

func (s *Store) nextReminder(ctx context.Context) (time.Time, error) {
	var n *int64
	if err := s.reader.QueryRowContext(ctx, `SELECT min(next_at) FROM reminders`).Scan(&n); err != nil {
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
	var rows []visa.Notification
	for _, d := range all {
		if r, ok := schedule.Due(d.kind, d.date, d.since, now); ok && d.active {
			rows = append(rows, visa.Notification{
				DedupeKey: fmt.Sprintf("r:%d:%s:%s:%d", d.subscription, d.kind, d.date, r.Days),
				Chat:      d.chat, Subscription: d.subscription, Reference: d.reference,
				Lane: visa.LaneReminder, Kind: visa.KindReminder, State: visa.Pending,
				Note:      visa.Note{Deadline: d.kind, Date: d.date, Days: r.Days},
				NotBefore: schedule.Awake(now, r.UseUntil), UseUntil: r.UseUntil, CreatedAt: now,
			})
		}
		if err := t.plan(ctx, schedule, d.planned, d.since, now); err != nil {
			return 0, err
		}
	}
	return len(all), t.insertNotifications(ctx, rows)
}
