package bot

import (
	"context"
	"strconv"
	"strings"

	"kabarchy/visa"
)

// button handles the data of a pressed button. Data comes from outside: an old
// message, another chat's, or somebody's own program. None of it reaches past
// what this chat follows or was shown; what is too old to mean anything gets
// an answer that leads on.
func (b *Bot) button(ctx context.Context, c visa.Conversation, data string) error {
	verb, arg, _ := strings.Cut(data, ":")
	switch verb {
	case visa.ButtonFollow:
		return b.pressedFollow(ctx, c, arg)
	case visa.ButtonUnfollow:
		return b.pressed(ctx, c, arg, func(s visa.Subscription) error { return end(ctx, c, s) })
	case visa.ButtonLeft:
		return b.pressed(ctx, c, arg, func(s visa.Subscription) error {
			if err := c.EndReminders(ctx, s); err != nil {
				return err
			}
			return c.Reply(ctx, visa.Note{Reply: visa.ReplyLeft, Reference: s.Reference})
		})
	case visa.ButtonStatus:
		return b.pressed(ctx, c, arg, func(s visa.Subscription) error {
			return c.Reply(ctx, about(visa.ReplyStatus, s))
		})
	case visa.ButtonList:
		page, err := strconv.Atoi(arg)
		if err != nil {
			page = 0
		}
		return b.list(ctx, c, page)
	case visa.ButtonLanguage:
		return b.language(ctx, c, arg)
	case visa.ButtonLangs:
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLanguages})
	case visa.ButtonSettings, visa.ButtonSilentNights, visa.ButtonDiscreet, visa.ButtonMute, visa.ButtonHeartbeat:
		return b.settings(ctx, c, verb, arg)
	case visa.ButtonStopAll:
		return stopAll(ctx, c)
	case visa.ButtonForget:
		return forget(ctx, c)
	case visa.ButtonKeep:
		return b.list(ctx, c, 0) // all that is followed is followed still
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyHelp}) // visa.ButtonHelp, and what nobody knows
}

// pressedFollow follows what a token stands for in this chat.
func (b *Bot) pressedFollow(ctx context.Context, c visa.Conversation, token string) error {
	if !isToken(token) {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLinkSpent})
	}
	r, ok, err := c.ButtonToken(ctx, token)
	if err != nil {
		return err
	}
	if !ok {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLinkSpent})
	}
	return b.take(ctx, c, r, "")
}

// pressed runs what a button does to one of the chat's own subscriptions.
func (b *Bot) pressed(ctx context.Context, c visa.Conversation, arg string, do func(visa.Subscription) error) error {
	id, err := strconv.ParseInt(arg, 10, 64)
	stale := visa.Note{Reply: visa.ReplyNotFollowed, Number: 1} // others may be followed
	if err != nil {
		return c.Reply(ctx, stale)
	}
	s, ok, err := c.Subscription(ctx, id)
	if err != nil {
		return err
	}
	if !ok {
		return c.Reply(ctx, stale)
	}
	return do(s)
}

// forget erases the chat. Nothing is known of it afterwards, so that the
// answer says itself which language it is in. A chat that is new holds nothing:
// the button is one that has done its work, and its warning no longer stands for
// what the chat may come to hold.
func forget(ctx context.Context, c visa.Conversation) error {
	if c.Chat().New {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyForgetAsk})
	}
	language := c.Chat().Language
	if err := c.Forget(ctx); err != nil {
		return err
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyForgotten, Language: language})
}
