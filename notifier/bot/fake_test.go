package bot_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kabarchy/visa"
)

// A world is what a store would hold, in memory.
type world struct {
	known   map[visa.Reference]bool
	chats   map[int64]*chat
	links   map[string]visa.Reference // deep links not yet spent
	buttons map[string]button
	next    int64
}

type button struct {
	chat int64
	r    visa.Reference
}

type chat struct {
	visa.Chat
	settings visa.ChatSettings
	follows  []visa.Subscription
	answers  []visa.Note
	topics   map[string]time.Duration // answered once, for how long
}

func newWorld(known ...string) *world {
	w := &world{known: map[visa.Reference]bool{}, chats: map[int64]*chat{}, links: map[string]visa.Reference{}, buttons: map[string]button{}, next: 100}
	for _, r := range known {
		w.known[ref(r)] = true
	}
	return w
}

func ref(s string) visa.Reference {
	r, err := visa.ParseReference(s)
	if err != nil {
		panic(err)
	}
	return r
}

// link makes a deep link's token.
func (w *world) link(r string) string {
	w.next++
	token := fmt.Sprintf("link_%d-AAAAAAAAAAAAA", w.next)
	w.links[token] = ref(r)
	return token
}

// converse opens a conversation with a chat, made known if it was not.
func (w *world) converse(id int64, language string) *conversation {
	c := w.chats[id]
	if c == nil {
		c = &chat{Chat: visa.Chat{ID: id, Peer: id, Language: language, New: true}}
		w.chats[id] = c
		return &conversation{w: w, c: c}
	}
	c.New = false
	return &conversation{w: w, c: c}
}

var errStore = errors.New("disk full")

// A conversation implements visa.Conversation. Its failAt-th call, from 1,
// fails.
type conversation struct {
	w       *world
	c       *chat
	calls   []string
	failAt  int
	forgot  bool
	replies []visa.Note
}

func (c *conversation) call(name string) error {
	if c.forgot && name != "Reply" {
		panic("bot: " + name + " after Forget")
	}
	c.calls = append(c.calls, name)
	if len(c.calls) == c.failAt {
		return errStore
	}
	return nil
}

func (c *conversation) Chat() visa.Chat { return c.c.Chat }

func (c *conversation) SetLanguage(_ context.Context, code string) error {
	c.c.Language, c.c.Chosen = code, true
	return c.call("SetLanguage")
}

func (c *conversation) Settings(context.Context) (visa.ChatSettings, error) {
	return c.c.settings, c.call("Settings")
}

func (c *conversation) SetSettings(_ context.Context, s visa.ChatSettings) error {
	c.c.settings = s
	return c.call("SetSettings")
}

func (c *conversation) Known(_ context.Context, r visa.Reference) (bool, error) {
	return c.w.known[r], c.call("Known")
}

func (c *conversation) Follow(_ context.Context, r visa.Reference) (visa.Subscription, bool, error) {
	if s, ok := c.find(r); ok {
		return s, false, c.call("Follow")
	}
	c.w.next++
	s := visa.Subscription{ID: c.w.next, Reference: r}
	c.c.follows = append(c.c.follows, s)
	return s, true, c.call("Follow")
}

func (c *conversation) Unfound(context.Context) (n int, err error) {
	for _, s := range c.c.follows {
		if !c.w.known[s.Reference] {
			n++
		}
	}
	return n, c.call("Unfound")
}

func (c *conversation) SetLabel(_ context.Context, s visa.Subscription, label string) error {
	for i := range c.c.follows {
		if c.c.follows[i].ID == s.ID {
			c.c.follows[i].Label = label
		}
	}
	return c.call("SetLabel")
}

func (c *conversation) ReplyOnce(ctx context.Context, topic string, within time.Duration, n visa.Note) error {
	if c.c.topics == nil {
		c.c.topics = map[string]time.Duration{}
	}
	if _, said := c.c.topics[topic]; said {
		return nil
	}
	c.c.topics[topic] = within
	return c.Reply(ctx, n)
}

func (c *conversation) find(r visa.Reference) (visa.Subscription, bool) {
	for _, s := range c.c.follows {
		if s.Reference == r {
			return s, true
		}
	}
	return visa.Subscription{}, false
}

func (c *conversation) Followed(_ context.Context, r visa.Reference) (visa.Subscription, bool, error) {
	s, ok := c.find(r)
	return s, ok, c.call("Followed")
}

func (c *conversation) Subscription(_ context.Context, id int64) (visa.Subscription, bool, error) {
	for _, s := range c.c.follows {
		if s.ID == id {
			return s, true, c.call("Subscription")
		}
	}
	return visa.Subscription{}, false, c.call("Subscription")
}

func (c *conversation) Subscriptions(_ context.Context, offset, limit int) ([]visa.Subscription, int, error) {
	n := len(c.c.follows)
	from := min(offset, n)
	return c.c.follows[from:min(from+limit, n)], n, c.call("Subscriptions")
}

func (c *conversation) Unfollow(_ context.Context, s visa.Subscription) error {
	for i, have := range c.c.follows {
		if have.ID == s.ID {
			c.c.follows = append(c.c.follows[:i:i], c.c.follows[i+1:]...)
		}
	}
	return c.call("Unfollow")
}

func (c *conversation) EndReminders(_ context.Context, s visa.Subscription) error {
	return c.call("EndReminders")
}

func (c *conversation) UnfollowAll(context.Context) (int, error) {
	n := len(c.c.follows)
	c.c.follows = nil
	return n, c.call("UnfollowAll")
}

func (c *conversation) Forget(context.Context) error {
	err := c.call("Forget")
	delete(c.w.chats, c.c.ID)
	for token, b := range c.w.buttons {
		if b.chat == c.c.ID {
			delete(c.w.buttons, token)
		}
	}
	c.c.Chat = visa.Chat{}
	c.forgot = true
	return err
}

func (c *conversation) NewToken(_ context.Context, r visa.Reference) (string, error) {
	c.w.next++
	token := fmt.Sprintf("%022d", c.w.next)
	c.w.buttons[token] = button{c.c.ID, r}
	return token, c.call("NewToken")
}

func (c *conversation) ButtonToken(_ context.Context, token string) (visa.Reference, bool, error) {
	b, ok := c.w.buttons[token]
	if !ok || b.chat != c.c.ID {
		return visa.Reference{}, false, c.call("ButtonToken")
	}
	return b.r, true, c.call("ButtonToken")
}

func (c *conversation) SpendLink(_ context.Context, token string) (visa.Reference, bool, error) {
	r, ok := c.w.links[token]
	delete(c.w.links, token)
	return r, ok, c.call("SpendLink")
}

func (c *conversation) LinkDigits(string) string { return "4711" }

func (c *conversation) Reply(_ context.Context, n visa.Note) error {
	c.replies = append(c.replies, n)
	c.c.answers = append(c.c.answers, n)
	return c.call("Reply")
}

// A budget of distinct misses per chat.
type budget struct {
	most   int
	wait   time.Duration
	missed map[int64]map[visa.Reference]bool
}

func newBudget(most int, wait time.Duration) *budget {
	return &budget{most: most, wait: wait, missed: map[int64]map[visa.Reference]bool{}}
}

func (b *budget) Allow(chat int64, r visa.Reference) (time.Duration, bool) {
	if len(b.missed[chat]) < b.most || b.missed[chat][r] {
		return 0, true
	}
	return b.wait, false
}

func (b *budget) Found(chat int64, r visa.Reference, known bool) (time.Duration, bool) {
	wait, ok := b.Allow(chat, r)
	if ok && !known {
		if b.missed[chat] == nil {
			b.missed[chat] = map[visa.Reference]bool{}
		}
		b.missed[chat][r] = true
	}
	return wait, ok
}
