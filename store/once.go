package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"kabarchy/visa"
)

// ReplyOnce keeps the time of an answer in its dedupe key, so that the last
// one of a topic is found by the key alone.
func (c *conversation) ReplyOnce(ctx context.Context, topic string, within time.Duration, n visa.Note) error {
	key := func(at int64) string { return fmt.Sprintf("o:%d:%s:%020d", c.chat.ID, topic, at) }
	var one int
	said, err := c.t.one(ctx, []any{&one}, `SELECT 1 FROM notifications WHERE dedupe > $1 AND dedupe <= $2 LIMIT 1`,
		key(micros(c.t.now.Add(-within))), key(math.MaxInt64))
	if said || err != nil {
		return err
	}
	return c.t.insertNotifications(ctx, []visa.Notification{c.answer(key(micros(c.t.now)), n)})
}
