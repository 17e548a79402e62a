package store

import (
	"context"
	"slices"
	"time"

	"kabarchy/visa"
)

// recomputeRows is how many subscriptions are planned anew in one transaction.
const recomputeRows = 300

// Recompute plans every reminder and notice anew from its day and the rules in
// effect, as after a change of the rules or of the zone's, and returns how many
// changed. It works in short transactions, from first to last subscription; what
// falls due meanwhile is not lost, nor is a reminder that was still to come by
// the rules before and is past by these: it falls due at once, if it is of use.
// Notices of a kind that was not planned before begin now: one whose time has
// passed already is not sent. A deadline that was not reminded of, because its
// row is missing, is from now on.
func (s *Store) Recompute(ctx context.Context) (changed int, err error) {
	for after := int64(0); ; {
		var last int64
		var n int
		err := s.write(ctx, "recompute reminders", func(ctx context.Context, t *tx) (err error) {
			last, n, err = t.recompute(ctx, s.o.Schedule, after)
			return err
		})
		changed += n
		if err != nil || last == 0 {
			return changed, err
		}
		after = last
	}
}

// recompute plans anew for some subscriptions above an id, and returns the last
// of them, 0 where there was none.
func (t *tx) recompute(ctx context.Context, schedule visa.Schedule, after int64) (last int64, changed int, err error) {
	type subscription struct {
		id        int64
		reference visa.Reference
		left      bool
		have      map[visa.DeadlineKind]visa.Date
		wanted    []visa.Deadline // notices, and days that may be missing
	}
	type row struct {
		planned
		since time.Time
		next  int64
	}
	var subs []*subscription
	var rows []row
	known := make(map[visa.Reference]*visa.Application)
	err = t.query(ctx, func(scan func(...any) error) error {
		f := subscription{have: make(map[visa.DeadlineKind]visa.Date)}
		var reference string
		err := scan(&f.id, &reference, &f.left)
		if err == nil {
			f.reference, err = visa.ParseReference(reference)
		}
		subs, last = append(subs, &f), f.id
		known[f.reference] = nil
		return err
	}, `SELECT id, reference, left_at > 0 FROM subscriptions WHERE id > $1 ORDER BY id LIMIT $2`, after, recomputeRows)
	if err != nil || len(subs) == 0 {
		return 0, 0, err
	}
	refs := make([]visa.Reference, 0, len(known))
	for r := range known {
		refs = append(refs, r)
	}
	if err := t.applications(ctx, refs, known); err != nil {
		return 0, 0, err
	}
	err = t.query(ctx, func(scan func(...any) error) error {
		var r row
		var kind, date string
		var since int64
		if err := scan(&r.subscription, &kind, &date, &since, &r.next); err != nil {
			return err
		}
		r.kind, r.since = visa.DeadlineKind(kind), fromMicros(since)
		r.date, err = visa.ParseDate(date)
		rows = append(rows, r)
		return err
	}, `SELECT subscription, kind, date, since, next_at FROM reminders WHERE subscription > $1 AND subscription <= $2 ORDER BY subscription`, after, last)
	if err != nil {
		return 0, 0, err
	}
	byID := make(map[int64]*subscription, len(subs))
	waited := make(map[int64]visa.Date) // since when, for references that are not known
	for _, r := range rows {
		if r.kind == visa.NoticeUnfound {
			waited[r.subscription] = r.date
		}
	}
	for _, f := range subs {
		byID[f.id] = f
		switch app := known[f.reference]; {
		case app != nil && !f.left:
			f.wanted = slices.Concat(app.Reminded(), schedule.Notices(app))
		case app == nil:
			day, ok := waited[f.id]
			if !ok {
				day = visa.DateOf(t.now.In(schedule.Zone))
			}
			f.wanted = []visa.Deadline{visa.Unfound(day)}
		}
	}
	for _, r := range rows {
		f := byID[r.subscription]
		f.have[r.kind] = r.date
		if slices.Contains(visa.NoticeKinds, r.kind) && !slices.ContainsFunc(f.wanted, r.is) {
			continue // it goes, or gets another day
		}
		from := t.now
		if r.next < micros(t.now) {
			continue // it has fallen due and is about to be taken up
		}
		past, ok := schedule.Due(r.kind, r.date, r.since, from)
		if ok && micros(past.UseUntil) > r.next {
			from = past.At.Add(-time.Microsecond)
		}
		if next := nextAt(schedule, r.planned, from); next != r.next {
			changed++
			if err := t.plan(ctx, schedule, r.planned, r.since, from); err != nil {
				return 0, 0, err
			}
		}
	}
	var fresh []planned
	for _, f := range subs {
		for _, d := range f.wanted {
			day, ok := f.have[d.Kind]
			if ok && !slices.Contains(visa.NoticeKinds, d.Kind) {
				continue // where the day is another, that is to be told: by news
			}
			if day != d.Date {
				fresh = append(fresh, planned{f.id, d.Kind, d.Date})
			}
		}
		for _, kind := range visa.NoticeKinds {
			if _, ok := f.have[kind]; ok && !slices.ContainsFunc(f.wanted, func(d visa.Deadline) bool { return d.Kind == kind }) {
				changed++
				if err := t.unplan(ctx, f.id, kind); err != nil {
					return 0, 0, err
				}
			}
		}
	}
	return last, changed + len(fresh), t.planAll(ctx, schedule, fresh)
}
