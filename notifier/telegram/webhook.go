package telegram

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
)

// ErrSecret is a webhook call without the right secret: 401 in HTTP.
var ErrSecret = errors.New("telegram: wrong webhook secret")

// Webhook returns what handles calls of the webhook, by the value of the
// header X-Telegram-Bot-Api-Secret-Token and the body. It returns
//
//   - nil (200) once the update is stored, or needs no handling;
//   - ErrSecret (401), found out in constant time and before the body is
//     looked at; with an empty secret every call gets it;
//   - an error that is ErrBadUpdate (400);
//   - the inbox's error (503), after which Telegram sends again.
//
// The body is not kept. It may be called from any goroutine.
func (g *Gateway) Webhook(secret string, in Inbox) func(ctx context.Context, header string, body []byte) error {
	want := sha256.Sum256([]byte(secret))
	return func(ctx context.Context, header string, body []byte) error {
		got := sha256.Sum256([]byte(header))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || secret == "" {
			return ErrSecret
		}
		u, ok, err := parse(body, g.name())
		if err != nil && u.ID != 0 {
			// It is an update, if a strange one: refused, it would come again
			// and again, and hold up the others.
			g.log.Warn("telegram: an update that cannot be read is passed over", "update", u.ID, "error", err)
			return nil
		}
		if err != nil || !ok {
			return err
		}
		return in.Store(ctx, []Update{u})
	}
}
