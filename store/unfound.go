package store

import (
	"context"

	"kabarchy/visa"
)

func (c *conversation) Unfound(ctx context.Context) (n int, err error) {
	_, err = c.t.one(ctx, []any{&n}, `SELECT count(*) FROM subscriptions s WHERE s.chat = $1
		AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.reference = s.reference)`, c.chat.ID)
	return n, err
}

// wait plans, from today on, the end of waiting for references that are not
// known, also of those that wait already. It is taken back when they appear.
func (t *tx) wait(ctx context.Context, schedule visa.Schedule, subscriptions ...int64) error {
	notice := visa.Unfound(visa.DateOf(t.now.In(schedule.Zone)))
	all := make([]planned, len(subscriptions))
	for i, id := range subscriptions {
		all[i] = planned{id, notice.Kind, notice.Date}
	}
	return t.planAll(ctx, schedule, all)
}

// waitAnew begins to wait again for what a chat waited for that could not be
// told the end of it. It is back and hears that it is not known still.
func (t *tx) waitAnew(ctx context.Context, schedule visa.Schedule, chat int64) error {
	var all []int64
	err := t.query(ctx, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		all = append(all, id)
		return err
	}, `SELECT r.subscription FROM subscriptions s JOIN reminders r ON r.subscription = s.id
		WHERE s.chat = $1 AND r.kind = $2 AND r.next_at = $3`, chat, string(visa.NoticeUnfound), int64(never))
	if err != nil {
		return err
	}
	return t.wait(ctx, schedule, all...)
}

// waits reports whether a subscription still waits since the day that the
// message about the end of the wait names: it may have been renewed since.
func (t *tx) waits(ctx context.Context, subscription int64, since visa.Date) (bool, error) {
	var one int
	return t.one(ctx, []any{&one}, `SELECT 1 FROM reminders WHERE subscription = $1 AND kind = $2 AND date = $3`,
		subscription, string(visa.NoticeUnfound), since.String())
}

// waitNoMore ends a subscription whose chat was told that the wait since a day
// is over, unless its reference has appeared or it was followed anew meanwhile.
func (t *tx) waitNoMore(ctx context.Context, subscription int64, since visa.Date) error {
	_, err := t.exec(ctx, `DELETE FROM subscriptions WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.reference = subscriptions.reference)
		AND EXISTS (SELECT 1 FROM reminders r WHERE r.subscription = subscriptions.id AND r.kind = $2 AND r.date = $3)`,
		subscription, string(visa.NoticeUnfound), since.String())
	return err
}
