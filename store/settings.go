package store

import (
	"context"

	"kabarchy/visa"
)

func (c *conversation) Settings(ctx context.Context) (visa.ChatSettings, error) {
	var s visa.ChatSettings
	var muted, heartbeat int64
	_, err := c.t.one(ctx, []any{&s.SilentNights, &s.Discreet, &muted, &heartbeat},
		`SELECT silent_nights, discreet, muted_until, heartbeat_at FROM chats WHERE id = $1`, c.chat.ID)
	s.Heartbeat = heartbeat > 0
	if until := fromMicros(muted); until.After(c.t.now) {
		s.MutedUntil = until
	}
	return s, err
}

func (c *conversation) SetSettings(ctx context.Context, s visa.ChatSettings) error {
	before, err := c.Settings(ctx)
	if err != nil {
		return err
	}
	if _, err := c.t.exec(ctx, `UPDATE chats SET silent_nights = $1, discreet = $2, muted_until = $3 WHERE id = $4`,
		s.SilentNights, s.Discreet, micros(s.MutedUntil), c.chat.ID); err != nil {
		return err
	}
	if s.Heartbeat != before.Heartbeat {
		next := int64(0)
		if s.Heartbeat {
			next = micros(c.s.o.Schedule.NextHeartbeat(c.t.now))
		}
		if _, err := c.t.exec(ctx, `UPDATE chats SET heartbeat_at = $1 WHERE id = $2`, next, c.chat.ID); err != nil {
			return err
		}
	}
	if before.MutedUntil.IsZero() || s.MutedUntil.Equal(before.MutedUntil) {
		return nil
	}
	c.t.work = true // what the mute held back is looked at anew
	_, err = c.t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE chat = $2 AND ended_at = 0
		AND state = 'pending' AND batch = '' AND (attempts = 0 OR not_before = $3) AND not_before > $1`,
		micros(c.t.now), c.chat.ID, micros(before.MutedUntil))
	return err
}
