package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// missedBy returns the subscriptions of which a notification was to tell, with
// the days that it was to take back.
func missedBy(subscription int64, kind visa.Kind, note visa.Note) map[int64][]visa.Date {
	all := make(map[int64][]visa.Date)
	for _, i := range note.Items {
		all[i.Subscription] = days(all[i.Subscription], i.Corrected())
	}
	switch {
	case subscription == 0:
		return all
	case kind == visa.KindNews:
		return map[int64][]visa.Date{subscription: note.Corrected()}
	}
	return map[int64][]visa.Date{subscription: nil}
}

// missedDays is markMissed for what was to take back days, by subscription: a
// reminder has named them before the chat went.
func (t *tx) missedDays(ctx context.Context, missed map[int64][]visa.Date) error {
	subscriptions := slices.Sorted(maps.Keys(missed))
	if err := t.markMissed(ctx, subscriptions); err != nil {
		return err
	}
	byDay := make(map[visa.Date][]any)
	for _, id := range subscriptions {
		for _, day := range missed[id] {
			byDay[day] = append(byDay[day], id)
		}
	}
	for _, day := range slices.Sorted(maps.Keys(byDay)) {
		err := inChunks(byDay[day], selectRows, func(part []any) error {
			_, err := t.exec(ctx, `UPDATE subscriptions SET missed_days = missed_days || $1 WHERE missed_days NOT LIKE $2 AND id IN `+marks(3, len(part)),
				append([]any{day.String() + " ", "%" + day.String() + "%"}, part...)...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markMissed notes that a chat that cannot be written to was not told
// something of its subscriptions. It hears of them when it comes back.
func (t *tx) markMissed(ctx context.Context, subscriptions []int64) error {
	return inChunks(subscriptions, selectRows, func(part []int64) error {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		_, err := t.exec(ctx, `UPDATE subscriptions SET missed = 1 WHERE missed = 0 AND id IN `+marks(1, len(part)), args...)
		return err
	})
}

// missedOfWaiting marks what a chat was about to be told.
func (t *tx) missedOfWaiting(ctx context.Context, chat int64) error {
	missed := make(map[int64][]visa.Date)
	err := t.query(ctx, func(scan func(...any) error) error {
		var subscription int64
		var kind, text string
		if err := scan(&subscription, &kind, &text); err != nil {
			return err
		}
		var note visa.Note
		if json.Unmarshal([]byte(text), &note) != nil {
			note = visa.Note{} // damaged: nobody knows what it was to tell
		}
		for id, more := range missedBy(subscription, visa.Kind(kind), note) {
			missed[id] = days(missed[id], more)
		}
		return nil
	}, `SELECT subscription, kind, note FROM notifications WHERE chat = $1 AND ended_at = 0 AND state = 'pending'
		AND (subscription > 0 OR kind IN ('digest', 'return'))`, chat)
	if err != nil {
		return err
	}
	return t.missedDays(ctx, missed)
}

// welcomeBack writes, for a chat that can be written to again, one message
// about all that it was not told meanwhile; none where there is nothing.
func (t *tx) welcomeBack(ctx context.Context, chat, update int64) error {
	var items []visa.NoteItem
	err := t.query(ctx, func(scan func(...any) error) error {
		var i visa.NoteItem
		var reference, text string
		if err := scan(&i.Subscription, &reference, &text); err != nil {
			return err
		}
		for _, word := range strings.Fields(text) {
			day, err := visa.ParseDate(word)
			if err != nil {
				return fmt.Errorf("the days that subscription %d missed: %w", i.Subscription, err)
			}
			i.Dates = days(i.Dates, []visa.Date{day})
		}
		var err error
		i.Reference, err = visa.ParseReference(reference)
		items = append(items, i)
		return err
	}, `SELECT id, reference, missed_days FROM subscriptions WHERE chat = $1 AND missed = 1 ORDER BY id`, chat)
	if err != nil || len(items) == 0 {
		return err
	}
	failpoint.Here("absence.over")
	if _, err := t.exec(ctx, `UPDATE subscriptions SET missed = 0, missed_days = '' WHERE chat = $1 AND missed = 1`, chat); err != nil {
		return err
	}
	failpoint.Here("absence.cleared")
	return t.insertNotifications(ctx, []visa.Notification{{
		DedupeKey: fmt.Sprintf("b:%d", update), Chat: chat,
		Lane: visa.LaneDecision, Kind: visa.KindReturn, Note: visa.Note{Items: items}, State: visa.Pending,
		NotBefore: t.now, CreatedAt: t.now,
	}})
}
