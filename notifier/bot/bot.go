package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// Misses bounds how many unknown references a chat, by Telegram's id, may try.
// Both methods say how long it is until the chat may, where it may not.
type Misses interface {
	// Allow is asked before a reference is looked up that the chat does not
	// follow.
	Allow(chat int64, r visa.Reference) (wait time.Duration, ok bool)
	// Found is told what came of it, and obeyed before the chat is told. Asking
	// for the same reference again costs nothing more.
	Found(chat int64, r visa.Reference, known bool) (wait time.Duration, ok bool)
}

// Options configure a Bot.
type Options struct {
	Rules     visa.ReferenceRules
	Languages []string // codes that may be chosen
	Misses    Misses   // nil: no bound
	// Text returns a text of the catalogues, for the menu of commands: of the
	// keys bot.command.status, bot.command.follow and so on.
	Text func(lang, key string) string
	Now  func() time.Time // nil: time.Now
}

// A Bot holds no state of chats and may be used from any goroutine.
type Bot struct{ o Options }

// New returns a Bot.
func New(o Options) *Bot {
	o.Languages = slices.Clone(o.Languages)
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Bot{o}
}

// For how long the same is not said again: to a group that goes on calling, of
// the photos that were sent as one album, and of files sent one after another.
const (
	groupPause = time.Hour
	albumPause = time.Hour
	filesPause = time.Minute
)

// Handle lets an update take its effect in a conversation with its chat, and
// writes at most one answer to it. Where the update has a CallbackID, the
// caller answers the callback, without a text, once the conversation is
// committed. An error is a fault of the store: the conversation must be undone
// and the update handled again.
//
// There is nothing to say to who has blocked the bot: the caller deactivates
// the chat and opens no conversation, which would make it active again.
func (b *Bot) Handle(ctx context.Context, c visa.Conversation, u telegram.Update) error {
	var err error
	switch {
	case u.Kind == telegram.UpdateGroup:
		err = c.ReplyOnce(ctx, "group", groupPause, visa.Note{Reply: visa.ReplyGroup})
	case !u.Private:
		// A button in a group can only be a forged one: the bot puts none there.
	case u.Kind == telegram.UpdateText:
		err = b.text(ctx, c, u.Text)
	case u.Kind == telegram.UpdateButton:
		err = b.button(ctx, c, u.Data)
	case u.Kind == telegram.UpdateNotText && u.Album != "":
		err = c.ReplyOnce(ctx, "album-"+u.Album, albumPause, visa.Note{Reply: visa.ReplyNotText})
	case u.Kind == telegram.UpdateNotText:
		err = c.ReplyOnce(ctx, "files", filesPause, visa.Note{Reply: visa.ReplyNotText})
	case u.Kind == telegram.UpdateBlocked:
		err = errors.New("a conversation makes its chat active; who blocked the bot gets none")
	case u.Kind == telegram.UpdateUnblocked:
		// The conversation itself has made the chat active again.
	}
	if err != nil {
		return fmt.Errorf("bot: handle %s: %w", u.Kind, err)
	}
	return nil
}

// menu are the commands that Telegram offers, in its order.
var menu = []string{"status", "follow", "list", "stop", "settings", "language", "forget", "help"}

// Commands returns the menu of commands in a language.
func (b *Bot) Commands(lang string) []telegram.Command {
	out := make([]telegram.Command, len(menu))
	for i, name := range menu {
		out[i] = telegram.Command{Name: name, Description: b.o.Text(lang, "bot.command."+name)}
	}
	return out
}
