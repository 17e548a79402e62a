package store

import (
	"context"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// Receive puts updates into the inbox, sealed, in their order. Those received before
// are left alone, handled or not.
func (s *Store) Receive(ctx context.Context, updates []visa.Incoming) error {
	err := s.write(ctx, "receive updates", func(ctx context.Context, t *tx) error {
		for _, u := range updates {
			_, err := t.exec(ctx, `INSERT INTO inbox (update_id, received_at, body, tries) VALUES ($1, $2, $3, 0)
				ON CONFLICT (update_id) DO NOTHING`, u.UpdateID, micros(t.now), s.o.Keys.sealText(u.Body))
			if err != nil {
				return err
			}
		}
		t.work = true
		failpoint.Here("inbox.written")
		return nil
	})
	failpoint.Here("inbox.committed")
	return err
}

// Waiting returns the oldest updates that wait in the inbox.
func (s *Store) Waiting(ctx context.Context, limit int) (waiting []visa.Incoming, err error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT update_id, body, tries FROM inbox WHERE body <> '' ORDER BY id LIMIT $1`, limit)
	err = each(rows, err, func(scan func(...any) error) error {
		var u visa.Incoming
		if err := scan(&u.UpdateID, &u.Body, &u.Tries); err != nil {
			return err
		}
		text, err := s.o.Keys.openText(u.Body)
		if err != nil {
			s.o.Log.Error("store: an incoming message cannot be read", "update", u.UpdateID, "error", err)
		}
		u.Body = text // empty: it is given up by whoever handles it
		waiting = append(waiting, u)
		return nil
	})
	return waiting, err
}

// Tried notes that an update could not be handled; done gives it up and drops
// its body.
func (s *Store) Tried(ctx context.Context, updateID int64, done bool) error {
	return s.write(ctx, "note a try", func(ctx context.Context, t *tx) error {
		text := `UPDATE inbox SET tries = tries + 1 WHERE update_id = $1`
		if done {
			text = `UPDATE inbox SET tries = tries + 1, body = '' WHERE update_id = $1`
		}
		_, err := t.exec(ctx, text, updateID)
		return err
	})
}

// Deactivate stops everything for a chat that has blocked the bot or is gone:
// what waits for it is cancelled. A message from it brings it back, and then it
// hears once of all that it missed. An update that is older than a message of
// the chat that was handled already is of no effect.
func (s *Store) Deactivate(ctx context.Context, updateID, chatID int64) error {
	return s.write(ctx, "deactivate a chat", func(ctx context.Context, t *tx) error {
		if _, err := t.exec(ctx, `UPDATE inbox SET body = '' WHERE update_id = $1`, updateID); err != nil {
			return err
		}
		id, err := t.find(ctx, s.o.Keys, chatID)
		if err != nil || id == 0 {
			return err
		}
		if late, err := t.olderThanHeard(ctx, id, updateID); late || err != nil {
			return err
		}
		return t.deactivate(ctx, id, "blocked")
	})
}

func (t *tx) deactivate(ctx context.Context, chat int64, why string) error {
	if _, err := t.exec(ctx, `UPDATE chats SET active = 0 WHERE id = $1`, chat); err != nil {
		return err
	}
	failpoint.Here("absence.begun")
	if err := t.missedOfWaiting(ctx, chat); err != nil {
		return err
	}
	_, err := t.exec(ctx, `UPDATE notifications SET state = 'cancelled', why = $1, ended_at = $2, note = ''
		WHERE chat = $3 AND ended_at = 0 AND state = 'pending'`, why, micros(t.now), chat)
	return err
}

// How long traces are kept that serve nothing but repair and audit.
const (
	keepInbox         = 7 * 24 * time.Hour
	keepNotifications = 90 * 24 * time.Hour
	tidyRows          = 2000
)

// Tidy erases what is past its use: handled updates, spent tokens, old ended
// notifications with their attempts. It does a bounded amount of work and
// reports whether more is left.
func (s *Store) Tidy(ctx context.Context) (more bool, err error) {
	err = s.write(ctx, "tidy", func(ctx context.Context, t *tx) error {
		for _, d := range []struct {
			text string
			keep time.Duration
		}{
			{`DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE body = '' AND received_at < $1 ORDER BY id LIMIT $2)`, keepInbox},
			{`DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at < $1 LIMIT $2)`, 0},
			{`DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE ended_at > 0 AND ended_at < $1 ORDER BY ended_at LIMIT $2)`, keepNotifications},
		} {
			n, err := t.exec(ctx, d.text, micros(t.now.Add(-d.keep)), tidyRows)
			if err != nil {
				return err
			}
			more = more || n == tidyRows
		}
		_, err := t.exec(ctx, `DELETE FROM chats WHERE forgotten = 1
			AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.chat = chats.id AND n.ended_at = 0)`)
		return err
	})
	return more, err
}
