package store

import (
	"context"
	"encoding/json"
	"fmt"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// missedBy returns the subscriptions of which a notification was to tell.
func missedBy(subscription int64, note visa.Note) []int64 {
	if subscription > 0 {
		return []int64{subscription}
	}
	var all []int64
	for _, i := range note.Items {
		all = append(all, i.Subscription)
	}
	return all
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
	var missed []int64
	err := t.query(ctx, func(scan func(...any) error) error {
		var subscription int64
		var text string
		if err := scan(&subscription, &text); err != nil {
			return err
		}
		var note visa.Note
		if subscription == 0 && json.Unmarshal([]byte(text), &note) != nil {
			return nil // damaged: nobody knows what it was to tell
		}
		missed = append(missed, missedBy(subscription, note)...)
		return nil
	}, `SELECT subscription, note FROM notifications WHERE chat = $1 AND ended_at = 0 AND state = 'pending'
		AND (subscription > 0 OR kind IN ('digest', 'return'))`, chat)
	if err != nil {
		return err
	}
	return t.markMissed(ctx, missed)
}

// welcomeBack writes, for a chat that can be written to again, one message
// about all that it was not told meanwhile; none where there is nothing.
func (t *tx) welcomeBack(ctx context.Context, chat, update int64) error {
	var items []visa.NoteItem
	err := t.query(ctx, func(scan func(...any) error) error {
		s, err := scanSubscription(scan)
		items = append(items, visa.NoteItem{Subscription: s.ID, Reference: s.Reference})
		return err
	}, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE chat = $1 AND missed = 1 ORDER BY id`, chat)
	if err != nil || len(items) == 0 {
		return err
	}
	failpoint.Here("absence.over")
	if _, err := t.exec(ctx, `UPDATE subscriptions SET missed = 0 WHERE chat = $1 AND missed = 1`, chat); err != nil {
		return err
	}
	failpoint.Here("absence.cleared")
	return t.insertNotifications(ctx, []visa.Notification{{
		DedupeKey: fmt.Sprintf("b:%d", update), Chat: chat,
		Lane: visa.LaneDecision, Kind: visa.KindReturn, Note: visa.Note{Items: items}, State: visa.Pending,
		NotBefore: t.now, CreatedAt: t.now,
	}})
}
