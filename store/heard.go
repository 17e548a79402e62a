package store

import "context"

// heard notes that a message of a chat is handled, so that what is older, and
// comes to light later, is known as such. It notes as well whether the chat is
// a person's: Telegram's ids of groups are negative.
func (t *tx) heard(ctx context.Context, chat, chatID, update int64) error {
	private := 1
	if chatID < 0 {
		private = 0
	}
	if _, err := t.exec(ctx, `UPDATE chats SET private = $1 WHERE id = $2 AND private <> $1`, private, chat); err != nil {
		return err
	}
	late, err := t.olderThanHeard(ctx, chat, update)
	if late || err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE chats SET heard_update = $1,
		heard_at = coalesce((SELECT received_at FROM inbox WHERE update_id = $1), $2) WHERE id = $3`, update, micros(t.now), chat)
	return err
}

// inStep is how far apart the ids of two updates may be that are compared by
// their ids. Telegram counts them up one by one, but begins anew anywhere after
// a week without any.
const inStep = 1_000_000

// olderThanHeard reports whether an update is older than the latest message of
// its chat that was handled. Telegram may hand updates over in another order
// than its own; where the ids do not tell, the times of receipt do.
func (t *tx) olderThanHeard(ctx context.Context, chat, update int64) (bool, error) {
	var id, at, received int64
	known, err := t.one(ctx, []any{&id, &at, &received}, `SELECT c.heard_update, c.heard_at, i.received_at
		FROM chats c JOIN inbox i ON i.update_id = $2 WHERE c.id = $1 AND c.heard_at > 0`, chat, update)
	if apart := update - id; apart > -inStep && apart < inStep {
		return known && apart < 0, err
	}
	return known && received < at, err
}

// heardSince reports whether a message of a chat was received after an attempt
// had begun: its answer, that the chat cannot be written to, may be the older
// news then, and the next attempt tells.
func (t *tx) heardSince(ctx context.Context, chat, attempt int64) (bool, error) {
	var one int
	return t.one(ctx, []any{&one}, `SELECT 1 FROM chats c JOIN attempts a ON a.id = $2 WHERE c.id = $1 AND c.heard_at > a.started_at`, chat, attempt)
}
