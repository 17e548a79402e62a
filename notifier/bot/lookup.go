package bot

import (
	"context"
	"time"

	"kabarchy/visa"
)

// A standing is what a chat may be told of a reference.
type standing int

const (
	refused  standing = iota // nothing: the chat is over its budget
	unknown                  // not followed, not in the register's data
	known                    // not followed, in the register's data
	followed                 // by this chat
)

// look decides what the chat may learn of r, and finds its subscription if it
// is followed. Over its budget a chat is told when to come back.
func (b *Bot) look(ctx context.Context, c visa.Conversation, r visa.Reference) (standing, visa.Subscription, error) {
	s, sub, wait, err := b.learn(ctx, c, r)
	if err == nil && s == refused {
		err = c.Reply(ctx, visa.Note{Reply: visa.ReplyTooMany, Number: minutes(wait)})
	}
	return s, sub, err
}

// learn is look without a word to the chat. It is the one place where it is
// decided what a chat learns: over its budget nothing of what it does not
// follow, known or not, before the wait is over.
func (b *Bot) learn(ctx context.Context, c visa.Conversation, r visa.Reference) (s standing, sub visa.Subscription, wait time.Duration, err error) {
	sub, mine, err := c.Followed(ctx, r)
	if err != nil {
		return refused, sub, 0, err
	}
	if mine {
		return followed, sub, 0, nil
	}
	if b.o.Misses != nil {
		if wait, ok := b.o.Misses.Allow(c.Chat().Peer, r); !ok {
			return refused, sub, wait, nil
		}
	}
	is, err := c.Known(ctx, r)
	if err != nil {
		return refused, sub, 0, err
	}
	if b.o.Misses != nil {
		if wait, ok := b.o.Misses.Found(c.Chat().Peer, r, is); !ok {
			return refused, sub, wait, nil
		}
	}
	if is {
		return known, sub, 0, nil
	}
	return unknown, sub, 0, nil
}

// minutes rounds up, so that whoever waits so long has waited enough.
func minutes(d time.Duration) int {
	return max(1, int((d+time.Minute-1)/time.Minute))
}

// status shows where r stands.
func (b *Bot) status(ctx context.Context, c visa.Conversation, r visa.Reference) error {
	s, sub, err := b.look(ctx, c, r)
	if err != nil {
		return err
	}
	return show(ctx, c, r, s, sub)
}

// show writes the status of a reference, with what its button needs: a token
// to follow it, or the subscription to end.
func show(ctx context.Context, c visa.Conversation, r visa.Reference, s standing, sub visa.Subscription) error {
	switch s {
	case refused:
		return nil
	case followed:
		return c.Reply(ctx, about(visa.ReplyStatus, sub))
	}
	token, err := c.NewToken(ctx, r)
	if err != nil {
		return err
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyStatus, Reference: r, Token: token})
}

// about is an answer that shows what a chat follows; its one item names the
// subscription, for the button that ends it.
func about(reply string, s visa.Subscription) visa.Note {
	return visa.Note{Reply: reply, Reference: s.Reference, Items: []visa.NoteItem{item(s)}}
}

func item(s visa.Subscription) visa.NoteItem {
	return visa.NoteItem{Subscription: s.ID, Reference: s.Reference, Label: s.Label}
}

// follow makes the chat follow r, which it names: its answer shows the status,
// so that it costs what looking it up would. A label is the chat's name for it
// from now on; "" leaves the one it has.
func (b *Bot) follow(ctx context.Context, c visa.Conversation, r visa.Reference, label string) error {
	s, sub, err := b.look(ctx, c, r)
	switch {
	case err != nil || s == refused:
		return err
	case s == followed:
		if sub, err = name(ctx, c, sub, label); err != nil {
			return err
		}
		return c.Reply(ctx, about(visa.ReplyAlready, sub))
	}
	return b.add(ctx, c, r, s == known, label, "")
}

// name gives a subscription a label, where there is one and it is another, and
// returns the subscription as it is then.
func name(ctx context.Context, c visa.Conversation, s visa.Subscription, label string) (visa.Subscription, error) {
	if label == "" || label == s.Label {
		return s, nil
	}
	s.Label = label
	return s, c.SetLabel(ctx, s, label)
}

// take makes the chat follow a reference that it was shown before: by its
// status, or by the page that made a deep link, whose digits are the code. It
// costs nothing.
func (b *Bot) take(ctx context.Context, c visa.Conversation, r visa.Reference, code string) error {
	s, mine, err := c.Followed(ctx, r)
	if err != nil {
		return err
	}
	if mine {
		n := about(visa.ReplyAlready, s)
		n.Code = code
		return c.Reply(ctx, n)
	}
	is, err := c.Known(ctx, r)
	if err != nil {
		return err
	}
	return b.add(ctx, c, r, is, "", code)
}

// add makes the chat follow a reference that it does not follow.
func (b *Bot) add(ctx context.Context, c visa.Conversation, r visa.Reference, is bool, label, code string) error {
	if full, err := b.full(ctx, c); full || err != nil {
		return err
	}
	if !is {
		switch n, err := c.Unfound(ctx); {
		case err != nil:
			return err
		case n >= visa.MaxUnknown:
			return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnknownLimit, Number: n})
		}
	}
	s, _, err := c.Follow(ctx, r)
	if err != nil {
		return err
	}
	if s, err = name(ctx, c, s, label); err != nil {
		return err
	}
	n := about(visa.ReplyFollowing, s)
	n.Code = code
	return c.Reply(ctx, n)
}

// full reports whether the chat follows as many as one may, and says so.
func (b *Bot) full(ctx context.Context, c visa.Conversation) (bool, error) {
	_, n, err := c.Subscriptions(ctx, 0, 1)
	if err != nil || n < visa.MaxFollowed {
		return false, err
	}
	return true, c.Reply(ctx, visa.Note{Reply: visa.ReplyFollowLimit, Number: n})
}
