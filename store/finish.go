package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// Finish records the results of attempts, in one transaction. pause, if not
// zero, is until when nothing may be sent at all. It returns ErrNotSender if
// another process has become the sender: the results are ambiguous then, and
// recorded so by it.
func (d *Sender) Finish(ctx context.Context, results []visa.Sent, pause time.Time) error {
	err := d.s.write(ctx, "record results", func(ctx context.Context, t *tx) error {
		if err := d.fenced(ctx, t); err != nil {
			return err
		}
		failpoint.Here("finish.begin")
		if !pause.IsZero() {
			if err := t.setSetting(ctx, "pause_until", micros(pause)); err != nil {
				return err
			}
		}
		ids := make([]any, len(results))
		for i := range results {
			if err := d.finish(ctx, t, &results[i]); err != nil {
				return err
			}
			ids[i] = results[i].Delivery.ID
		}
		if err := t.forget(ctx, ids); err != nil {
			return err
		}
		failpoint.Here("finish.written")
		return nil
	})
	failpoint.Here("finish.committed")
	return err
}

func (d *Sender) finish(ctx context.Context, t *tx, r *visa.Sent) error {
	n := r.Delivery.Notification
	result, ambiguous := string(r.Result), 0
	if r.Ambiguous {
		result, ambiguous = "ambiguous", 1
	}
	if _, err := t.exec(ctx, `UPDATE attempts SET ended_at = $1, result = $2, code = $3, reason = $4 WHERE id = $5`,
		micros(r.EndedAt), result, r.Code, r.Reason, r.Delivery.Attempt); err != nil {
		return err
	}
	failpoint.Here("finish.attempt")
	switch r.Result {
	case visa.SendAccepted:
		if _, err := t.exec(ctx, `UPDATE notifications SET state = 'accepted', message_id = $1, ended_at = $2, note = '', why = ''
			WHERE id = $3 AND state = 'sending'`, r.MessageID, micros(r.EndedAt), n.ID); err != nil {
			return err
		}
		if n.Kind == visa.KindUnfound {
			if err := t.waitNoMore(ctx, n.Subscription, n.Note.Date); err != nil {
				return err
			}
		}
		return t.dropForgotten(ctx, n.Chat)
	case visa.SendDead:
		return t.die(ctx, n, r.Reason)
	case visa.SendGone:
		if err := t.again(ctx, n, t.now, 0, ambiguous); err != nil {
			return err
		}
		back, err := t.heardSince(ctx, n.Chat, r.Delivery.Attempt)
		if err == nil && !back {
			err = t.deactivate(ctx, n.Chat, r.Reason)
		}
		if err != nil {
			return err
		}
		return t.dropForgotten(ctx, n.Chat)
	case visa.SendMigrated:
		if err := t.again(ctx, n, t.now, 0, ambiguous); err != nil {
			return err
		}
		return d.migrateChat(ctx, t, n.Chat, r.MigrateTo)
	case visa.SendPlain:
		if _, err := t.exec(ctx, `UPDATE notifications SET plain = 1 WHERE id = $1`, n.ID); err != nil {
			return err
		}
		return t.again(ctx, n, t.now, 0, ambiguous)
	case visa.SendHeld:
		return t.again(ctx, n, r.RetryAt, 0, ambiguous)
	case visa.SendRetry:
		return d.retry(ctx, t, n, r, ambiguous)
	}
	return fmt.Errorf("an attempt has no such result: %q", r.Result)
}

// giveUp is how long a notification is tried again after failures that may
// pass, from the first of these failures, or the first since it was replayed.
const giveUp = 72 * time.Hour

// leastTries is how often it is tried at least: time in which nothing could be
// tried does not count.
const leastTries = 5

func (d *Sender) retry(ctx context.Context, t *tx, n visa.Notification, r *visa.Sent, ambiguous int) error {
	var first int64
	if _, err := t.one(ctx, []any{&first}, `SELECT min(started_at) FROM attempts
		WHERE notification = $1 AND (result IN ('retry', 'ambiguous') OR id = $2)
			AND id > (SELECT coalesce(max(id), 0) FROM attempts WHERE notification = $1 AND result = 'replayed')`, n.ID, r.Delivery.Attempt); err != nil {
		return err
	}
	if r.EndedAt.Sub(fromMicros(first)) >= giveUp && n.Attempts >= leastTries {
		return t.die(ctx, n, r.Reason)
	}
	return t.again(ctx, n, r.RetryAt, 1, ambiguous)
}

// die gives a notification up. It keeps its note: it can be replayed.
func (t *tx) die(ctx context.Context, n visa.Notification, why string) error {
	_, err := t.exec(ctx, `UPDATE notifications SET state = 'dead', why = $1, ended_at = $2 WHERE id = $3 AND state = 'sending'`,
		why, micros(t.now), n.ID)
	if err != nil {
		return err
	}
	return t.dropForgotten(ctx, n.Chat)
}

func scanWaiting(scan func(...any) error) (visa.Notification, error) {
	var n candidate
	var reference, kind, note string
	if err := scan(&n.ID, &n.Chat, &reference, &kind, &note); err != nil {
		return n.Notification, err
	}
	n.Kind = visa.Kind(kind)
	return n.Notification, n.read(reference, note)
}

// again lets a notification that was being sent wait once more. News and digests that were
// overtaken while they were being sent are told by the newer ones instead.
func (t *tx) again(ctx context.Context, n visa.Notification, at time.Time, failures, ambiguous int) error {
	if _, err := t.exec(ctx, `UPDATE notifications SET state = 'pending', not_before = $1, attempts = attempts + $2, ambiguous = ambiguous + $3
		WHERE id = $4 AND state = 'sending'`, micros(at), failures, ambiguous, n.ID); err != nil {
		return err
	}
	t.work = true
	if n.Kind != visa.KindDigest && (n.Kind != visa.KindNews || n.Reference.IsZero()) {
		return nil
	}
	var newer int64
	var text, kept string
	found, err := t.one(ctx, []any{&newer, &text, &kept}, `SELECT o.id, o.note, n.note FROM notifications n JOIN notifications o ON o.id > n.id
		WHERE n.id = $4 AND o.reference = $1 AND o.chat = $2 AND o.ended_at = 0 AND o.state = 'pending' AND o.kind = $3 ORDER BY o.id DESC LIMIT 1`,
		n.Reference.String(), n.Chat, string(n.Kind), n.ID)
	if !found || err != nil {
		return err
	}
	var note visa.Note
	if err := json.Unmarshal([]byte(text), &note); err != nil {
		return fmt.Errorf("the note of notification %d: %w", newer, err)
	}
	// As it is kept: what was sent leaves out the days that held then.
	n.Note = visa.Note{}
	if err := json.Unmarshal([]byte(kept), &n.Note); err != nil {
		return fmt.Errorf("the note of notification %d: %w", n.ID, err)
	}
	note.Changed = changes(note.Changed, n.Note.Changed)
	if n.Kind == visa.KindDigest {
		note.Items = mergeItems(slices.Concat(n.Note.Items, note.Items))
	}
	note.Dates, note.Date = days(n.Note.Corrected(), note.Corrected()), 0
	if err := t.setNote(ctx, newer, note); err != nil {
		return err
	}
	return t.end(ctx, []any{n.ID}, visa.Superseded, "newer")
}

// migrateChat gives a chat its new id. If the new id is known as a chat of its
// own already, that chat takes over what the old one followed and was to be
// told.
func (d *Sender) migrateChat(ctx context.Context, t *tx, chat, to int64) error {
	other, err := t.find(ctx, d.s.o.Keys, to)
	if err != nil || other == chat {
		return err
	}
	if other != 0 {
		return t.merge(ctx, chat, other)
	}
	sealed, keyID := d.s.o.Keys.sealChat(to)
	_, err = t.exec(ctx, `UPDATE chats SET hash = $1, sealed = $2, key_id = $3, private = 0 WHERE id = $4`,
		d.s.o.Keys.chatHashes(to)[0], sealed, keyID, chat)
	return err
}

func (t *tx) merge(ctx context.Context, from, to int64) error {
	if err := t.moveAnnouncements(ctx, from, to); err != nil {
		return err
	}
	if err := t.mergeNews(ctx, from, to); err != nil {
		return err
	}
	if err := t.mergeDigests(ctx, from, to); err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE subscriptions SET chat = $2 WHERE chat = $1
			AND NOT EXISTS (SELECT 1 FROM subscriptions o WHERE o.chat = $2 AND o.reference = subscriptions.reference)`,
		`UPDATE notifications SET chat = $2 WHERE chat = $1 AND ended_at = 0`,
		`UPDATE chats SET active = 0 WHERE id = $1 AND id <> $2`,
	} {
		if _, err := t.exec(ctx, text, from, to); err != nil {
			return err
		}
	}
	return nil
}

// dropForgotten erases a chat that asked to be forgotten, once nothing more is
// to be said to it.
func (t *tx) dropForgotten(ctx context.Context, chat int64) error {
	_, err := t.exec(ctx, `DELETE FROM chats WHERE id = $1 AND forgotten = 1
		AND NOT EXISTS (SELECT 1 FROM notifications WHERE chat = $1 AND ended_at = 0)`, chat)
	return err
}
