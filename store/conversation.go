package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// How long tokens stand for a reference.
const (
	buttonLife = 90 * 24 * time.Hour
	linkLife   = time.Hour
)

// Converse runs one incoming message's effect in a transaction: what f changes,
// the answers it writes, and that the update was handled, stand or fall
// together. An update that was handled before has no effect, and f is not
// called. chatID is Telegram's; a chat's first message makes it known, with
// the language Telegram says it speaks.
func (s *Store) Converse(ctx context.Context, updateID, chatID int64, language string, f func(visa.Conversation) error) error {
	err := s.write(ctx, "converse", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `UPDATE inbox SET body = '' WHERE update_id = $1 AND body <> ''`, updateID)
		if err != nil || n == 0 {
			return err
		}
		failpoint.Here("converse.begin")
		c, back, err := t.meet(ctx, s.o.Keys, chatID, language)
		if err == nil {
			err = t.heard(ctx, c.ID, chatID, updateID)
		}
		if err == nil && back {
			if err = t.welcomeBack(ctx, c.ID, updateID); err == nil {
				err = t.waitAnew(ctx, s.o.Schedule, c.ID)
			}
		}
		if err != nil {
			return err
		}
		c.Peer = chatID
		failpoint.Here("converse.met")
		err = f(&conversation{s: s, t: t, chat: c, update: updateID})
		failpoint.Here("converse.written")
		return err
	})
	failpoint.Here("converse.committed")
	return err
}

// find returns the store's id of a chat, 0 if it is not known.
func (t *tx) find(ctx context.Context, keys *Keyring, chatID int64) (id int64, err error) {
	for _, h := range keys.chatHashes(chatID) {
		if ok, err := t.one(ctx, []any{&id}, `SELECT id FROM chats WHERE hash = $1`, h); ok || err != nil {
			return id, err
		}
	}
	return 0, nil
}

// meet returns the chat, made known if it was not, active again if it was not
// (back, unless it asked to be forgotten), and sealed under the newest key.
func (t *tx) meet(ctx context.Context, keys *Keyring, chatID int64, language string) (c visa.Chat, back bool, err error) {
	c.ID, err = t.find(ctx, keys, chatID)
	if err != nil {
		return c, false, err
	}
	sealed, keyID := keys.sealChat(chatID)
	hash := keys.chatHashes(chatID)[0]
	if c.ID == 0 {
		_, err = t.one(ctx, []any{&c.ID}, `INSERT INTO chats (hash, sealed, key_id, language, chosen, active, forgotten, created_at)
			VALUES ($1, $2, $3, $4, 0, 1, 0, $5) RETURNING id`, hash, sealed, keyID, language, micros(t.now))
		c.Language, c.New = language, true
		return c, false, err
	}
	var kept string
	var active, forgotten bool
	if _, err = t.one(ctx, []any{&c.Language, &c.Chosen, &active, &forgotten, &kept},
		`SELECT language, chosen, active, forgotten, key_id FROM chats WHERE id = $1`, c.ID); err != nil {
		return c, false, err
	}
	if forgotten { // somebody new, for all we know
		c.Language, c.Chosen, c.New = language, false, true
	}
	if kept != keyID {
		if _, err = t.exec(ctx, `UPDATE chats SET hash = $1, sealed = $2, key_id = $3 WHERE id = $4`, hash, sealed, keyID, c.ID); err == nil {
			err = t.resealLabels(ctx, keys, c.ID)
		}
	}
	if err == nil && (!active || forgotten) {
		_, err = t.exec(ctx, `UPDATE chats SET active = 1, forgotten = 0, language = $1, chosen = $2 WHERE id = $3`, c.Language, c.Chosen, c.ID)
	}
	return c, !active && !forgotten, err
}

// A conversation implements visa.Conversation.
type conversation struct {
	s       *Store
	t       *tx
	chat    visa.Chat
	update  int64
	replies int
}

func (c *conversation) Chat() visa.Chat { return c.chat }

func (c *conversation) SetLanguage(ctx context.Context, code string) error {
	c.chat.Language, c.chat.Chosen = code, true
	_, err := c.t.exec(ctx, `UPDATE chats SET language = $1, chosen = 1 WHERE id = $2`, code, c.chat.ID)
	return err
}

func (c *conversation) Known(ctx context.Context, r visa.Reference) (bool, error) {
	var n int
	return c.t.one(ctx, []any{&n}, `SELECT 1 FROM applications WHERE reference = $1`, r.String())
}

func (c *conversation) Follow(ctx context.Context, r visa.Reference) (visa.Subscription, bool, error) {
	s, ok, err := c.Followed(ctx, r)
	if err != nil {
		return s, false, err
	}
	if ok {
		known, err := c.Known(ctx, r)
		if err == nil && !known { // whoever asks for it still waits for it
			err = c.t.wait(ctx, c.s.o.Schedule, s.ID)
		}
		return s, false, err
	}
	s = visa.Subscription{Reference: r}
	if _, err := c.t.one(ctx, []any{&s.ID}, `INSERT INTO subscriptions (chat, reference, label, left_at, created_at)
		VALUES ($1, $2, '', 0, $3) RETURNING id`, c.chat.ID, r.String(), micros(c.t.now)); err != nil {
		return s, false, err
	}
	known := make(map[visa.Reference]*visa.Application)
	if err := c.t.applications(ctx, []visa.Reference{r}, known); err != nil {
		return s, true, err
	}
	if known[r] == nil {
		return s, true, c.t.wait(ctx, c.s.o.Schedule, s.ID)
	}
	return s, true, c.t.planNew(ctx, c.s.o.Schedule, known[r], s.ID)
}

const subscriptionColumns = `id, reference, label`

// scanSubscription leaves the label as it is kept: sealed.
func scanSubscription(scan func(...any) error) (s visa.Subscription, err error) {
	var reference string
	if err = scan(&s.ID, &reference, &s.Label); err != nil {
		return s, err
	}
	s.Reference, err = visa.ParseReference(reference)
	return s, err
}

func (c *conversation) subscription(ctx context.Context, where string, arg any) (s visa.Subscription, ok bool, err error) {
	err = c.t.query(ctx, func(scan func(...any) error) error {
		ok = true
		s, err = scanSubscription(scan)
		s.Label = c.s.o.Keys.openLabel(s.Label)
		return err
	}, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE chat = $1 AND `+where, c.chat.ID, arg)
	return s, ok, err
}

func (c *conversation) Followed(ctx context.Context, r visa.Reference) (visa.Subscription, bool, error) {
	return c.subscription(ctx, `reference = $2`, r.String())
}

func (c *conversation) Subscription(ctx context.Context, id int64) (visa.Subscription, bool, error) {
	return c.subscription(ctx, `id = $2`, id)
}

func (c *conversation) Subscriptions(ctx context.Context, offset, limit int) (page []visa.Subscription, n int, err error) {
	if _, err = c.t.one(ctx, []any{&n}, `SELECT count(*) FROM subscriptions WHERE chat = $1`, c.chat.ID); err != nil {
		return nil, 0, err
	}
	err = c.t.query(ctx, func(scan func(...any) error) error {
		s, err := scanSubscription(scan)
		s.Label = c.s.o.Keys.openLabel(s.Label)
		page = append(page, s)
		return err
	}, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE chat = $1 ORDER BY id LIMIT $2 OFFSET $3`, c.chat.ID, limit, offset)
	return page, n, err
}

func (c *conversation) Unfollow(ctx context.Context, s visa.Subscription) error {
	if err := c.t.cancelOf(ctx, c.chat.ID, s.ID); err != nil {
		return err
	}
	_, err := c.t.exec(ctx, `DELETE FROM subscriptions WHERE id = $1 AND chat = $2`, s.ID, c.chat.ID)
	return err
}

func (c *conversation) EndReminders(ctx context.Context, s visa.Subscription) error {
	for _, text := range []string{
		`UPDATE subscriptions SET left_at = $1 WHERE id = $2 AND chat = $3`,
		`UPDATE notifications SET state = 'cancelled', why = 'left', ended_at = $1, note = ''
			WHERE subscription = $2 AND chat = $3 AND ended_at = 0 AND state = 'pending' AND kind IN ('reminder', 'pending_long', 'erasure')`,
	} {
		if _, err := c.t.exec(ctx, text, micros(c.t.now), s.ID, c.chat.ID); err != nil {
			return err
		}
	}
	_, err := c.t.exec(ctx, `DELETE FROM reminders WHERE subscription = $1`, s.ID)
	return err
}

func (c *conversation) UnfollowAll(ctx context.Context) (int, error) {
	if err := c.t.cancelOf(ctx, c.chat.ID, 0); err != nil {
		return 0, err
	}
	n, err := c.t.exec(ctx, `DELETE FROM subscriptions WHERE chat = $1`, c.chat.ID)
	return int(n), err
}

// cancelOf takes back what a chat was to be told of a subscription, or of all
// of them (0).
func (t *tx) cancelOf(ctx context.Context, chat, subscription int64) error {
	_, err := t.exec(ctx, `UPDATE notifications SET state = 'cancelled', why = 'unfollowed', ended_at = $1, note = ''
		WHERE chat = $2 AND ended_at = 0 AND state = 'pending' AND subscription > 0 AND (subscription = $3 OR $3 = 0)`, micros(t.now), chat, subscription)
	return err
}

func (c *conversation) Forget(ctx context.Context) error {
	for _, text := range []string{
		`DELETE FROM subscriptions WHERE chat = $1`,
		`DELETE FROM tokens WHERE chat = $1`,
		`DELETE FROM notifications WHERE chat = $1 AND state <> 'sending' AND substr(dedupe, 1, length($2)) <> $2`,
		`UPDATE notifications SET dedupe = 'forgotten:' || id, subscription = 0, reference = '',
			note = CASE WHEN kind IN ('digest', 'return') THEN '{}' ELSE note END WHERE chat = $1`,
		`UPDATE chats SET forgotten = 1, chosen = 0, silent_nights = 0, discreet = 0, muted_until = 0, heartbeat_at = 0 WHERE id = $1`,
	} {
		args := []any{c.chat.ID}
		if strings.Contains(text, "$2") { // the answers of this conversation
			args = append(args, fmt.Sprintf("c:%d:", c.update))
		}
		if _, err := c.t.exec(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// newToken returns 128 random bits as 22 characters, and what is kept of them.
func newToken() (token, hash string) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(b[:])
	return token, tokenHash(token)
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (t *tx) addToken(ctx context.Context, chat int64, r visa.Reference, life time.Duration) (string, error) {
	token, hash := newToken()
	_, err := t.exec(ctx, `INSERT INTO tokens (hash, chat, reference, expires_at) VALUES ($1, $2, $3, $4)`,
		hash, chat, r.String(), micros(t.now.Add(life)))
	return token, err
}

func (c *conversation) NewToken(ctx context.Context, r visa.Reference) (string, error) {
	return c.t.addToken(ctx, c.chat.ID, r, buttonLife)
}

func (c *conversation) ButtonToken(ctx context.Context, token string) (visa.Reference, bool, error) {
	return c.token(ctx, `SELECT reference FROM tokens WHERE hash = $1 AND chat = $2 AND expires_at > $3`, token, c.chat.ID)
}

func (c *conversation) SpendLink(ctx context.Context, token string) (visa.Reference, bool, error) {
	return c.token(ctx, `DELETE FROM tokens WHERE hash = $1 AND chat = $2 AND expires_at > $3 RETURNING reference`, token, 0)
}

func (c *conversation) token(ctx context.Context, text, token string, chat int64) (r visa.Reference, ok bool, err error) {
	var reference string
	ok, err = c.t.one(ctx, []any{&reference}, text, tokenHash(token), chat, micros(c.t.now))
	if ok {
		r, err = visa.ParseReference(reference)
	}
	return r, ok, err
}

func (c *conversation) Reply(ctx context.Context, n visa.Note) error {
	c.replies++
	return c.t.insertNotifications(ctx, []visa.Notification{c.answer(fmt.Sprintf("c:%d:%d", c.update, c.replies), n)})
}

func (c *conversation) answer(key string, n visa.Note) visa.Notification {
	return visa.Notification{
		DedupeKey: key, Chat: c.chat.ID,
		Lane: visa.LaneConversation, Kind: visa.KindReply, Note: n, State: visa.Pending,
		NotBefore: c.t.now, UseUntil: c.t.now.Add(replyUse), CreatedAt: c.t.now,
	}
}

// replyUse is how long an answer is of use: after a day nobody remembers the
// question, and the answer's state of affairs is an old one.
const replyUse = 24 * time.Hour
