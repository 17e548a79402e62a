package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"kabarchy/visa"
)

// NewLink makes the single-use token of a deep link to the bot that stands for
// a reference for an hour, with the four digits that the bot greets with: who
// made a bot of the same looks knows the token it is handed, and not the key
// that the digits are made under.
func (s *Store) NewLink(ctx context.Context, r visa.Reference) (token, digits string, err error) {
	err = s.write(ctx, "make a link", func(ctx context.Context, t *tx) error {
		token, err = t.addToken(ctx, 0, r, linkLife)
		return err
	})
	if err != nil {
		return "", "", err
	}
	return token, s.o.Keys.linkDigits(token), nil
}

// linkDigits are the four digits of a deep link's token, under the oldest key:
// a page and a bot may read the ring a moment apart while a key is added.
func (k *Keyring) linkDigits(token string) string {
	sum := mac(k.keys[len(k.keys)-1].chat, "link", token)
	return fmt.Sprintf("%04d", binary.BigEndian.Uint64(sum)%10_000)
}

func (c *conversation) LinkDigits(token string) string { return c.s.o.Keys.linkDigits(token) }

// CalendarKey is the key under which calendars' events are named, made of the
// oldest secret so that the names outlive a rotation.
func (s *Store) CalendarKey() []byte {
	return mac(s.o.Keys.keys[len(s.o.Keys.keys)-1].chat, "calendar")
}
