package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// commands by name. Each is given what follows its name, trimmed.
var commands = map[string]func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error{
	"start": (*Bot).start,
	"status": func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error {
		return b.withReference(ctx, c, "status", arg, func(ctx context.Context, c visa.Conversation, r visa.Reference, _ string) error {
			return b.status(ctx, c, r)
		})
	},
	"follow": func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error {
		return b.withReference(ctx, c, "follow", arg, b.follow)
	},
	"stop": (*Bot).stop,
	"list": func(b *Bot, ctx context.Context, c visa.Conversation, _ string) error {
		return b.list(ctx, c, 0)
	},
	"settings": func(b *Bot, ctx context.Context, c visa.Conversation, _ string) error {
		return b.settings(ctx, c, visa.ButtonSettings, "")
	},
	"language": (*Bot).language,
	"forget": func(_ *Bot, ctx context.Context, c visa.Conversation, _ string) error {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyForgetAsk})
	},
	"help": func(_ *Bot, ctx context.Context, c visa.Conversation, _ string) error {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyHelp})
	},
}

// takesReference are the commands that people write together with their
// number: /status20417733.
var takesReference = []string{"status", "follow", "stop"}

// text handles what a person wrote: a command, or a bare reference.
func (b *Bot) text(ctx context.Context, c visa.Conversation, text string) error {
	text = strings.TrimFunc(text, blank)
	name, arg, ok := splitCommand(text)
	if !ok {
		return b.bare(ctx, c, text)
	}
	if list, ok := b.o.Rules.List(arg); ok && name == "follow" {
		return b.pasted(ctx, c, list, strings.Count(strings.TrimSuffix(text, arg), "\n"))
	}
	if run := commands[name]; run != nil {
		return run(b, ctx, c, arg)
	}
	for _, known := range takesReference {
		if rest, ok := strings.CutPrefix(name, known); ok && strings.ContainsFunc(rest, unicode.IsDigit) {
			return commands[known](b, ctx, c, rest+" "+arg)
		}
	}
	// A slash is also an ornament that a reference may begin with; a word and
	// then a number is a command that nobody knows.
	if r, err := b.o.Rules.Find(text); err == nil && hasDigit(r) && !(arg != "" && visa.IsWord(name)) {
		return b.status(ctx, c, r)
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnknown})
}

// bare handles a text that is no command: a list, or one reference. One of letters alone, that no
// application has, is more likely a word of thanks than a reference.
func (b *Bot) bare(ctx context.Context, c visa.Conversation, text string) error {
	if list, ok := b.o.Rules.List(text); ok {
		return b.pasted(ctx, c, list, 0)
	}
	r, err := b.o.Rules.Find(text)
	if err != nil {
		return malformed(ctx, c, err)
	}
	s, sub, err := b.look(ctx, c, r)
	switch {
	case err != nil:
		return err
	case s == unknown && !hasDigit(r):
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyHelp})
	}
	return show(ctx, c, r, s, sub)
}

// splitCommand takes a command apart: its name in lower case, without slash
// and without the bot's name behind an @, and the rest.
func splitCommand(text string) (name, arg string, ok bool) {
	rest, ok := strings.CutPrefix(text, "/")
	if !ok {
		if rest, ok = strings.CutPrefix(text, "／"); !ok { // a full-width keyboard's
			return "", "", false
		}
	}
	if i := strings.IndexFunc(rest, blank); i >= 0 {
		rest, arg = rest[:i], strings.TrimFunc(rest[i:], blank)
	}
	name, _, _ = strings.Cut(rest, "@")
	return strings.ToLower(dotless.Replace(name)), arg, true
}

// dotless makes one letter of what a Turkish keyboard gives for i and I.
var dotless = strings.NewReplacer("İ", "i", "ı", "i")

// blank reports whether r is white space or invisible.
func blank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

func hasDigit(r visa.Reference) bool { return strings.ContainsAny(r.String(), "0123456789") }

// withReference runs a command that needs a reference. It is told the name
// that stands behind it, "" for none.
func (b *Bot) withReference(ctx context.Context, c visa.Conversation, command, arg string,
	run func(ctx context.Context, c visa.Conversation, r visa.Reference, label string) error) error {
	if strings.TrimFunc(arg, blank) == "" {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyAskReference, Extra: []string{command}})
	}
	r, label, err := b.o.Rules.FindNamed(arg)
	if err != nil {
		return malformed(ctx, c, err)
	}
	return run(ctx, c, r, label)
}

// malformed answers what is no reference with what is wrong about it, never
// with what it was.
func malformed(ctx context.Context, c visa.Conversation, err error) error {
	var e *visa.ReferenceError
	if !errors.As(err, &e) {
		return err
	}
	n := visa.Note{Reply: visa.ReplyMalformed, Fault: string(e.Fault), Number: e.N}
	n.Want, n.Digits = exact(e)
	return c.Reply(ctx, n)
}

// exact returns how many characters a reference has, where all have as many,
// and whether only digits were typed.
func exact(e *visa.ReferenceError) (want int, digits bool) {
	if e.Min != e.Max {
		return 0, false
	}
	return e.Max, e.Digits
}

// start greets, or spends the token of a deep link. Only who spends one is
// shown its digits: they prove that the link was made by the page.
func (b *Bot) start(ctx context.Context, c visa.Conversation, arg string) error {
	if arg == "" {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyWelcome})
	}
	if !isToken(arg) {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLinkSpent})
	}
	// Asked before the token is spent: who makes room can use the link still.
	if full, err := b.full(ctx, c); full || err != nil {
		return err
	}
	r, ok, err := c.SpendLink(ctx, arg)
	if err != nil {
		return err
	}
	if !ok {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLinkSpent})
	}
	return b.take(ctx, c, r, c.LinkDigits(arg))
}

// isToken reports whether s has the form of a deep link's token.
func isToken(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// stop ends one subscription, or asks whether to end all of them.
func (b *Bot) stop(ctx context.Context, c visa.Conversation, arg string) error {
	if arg != "" {
		return b.withReference(ctx, c, "stop", arg, unfollow)
	}
	_, n, err := c.Subscriptions(ctx, 0, 1)
	switch {
	case err != nil:
		return err
	case n == 0:
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyNotFollowed})
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyStopAllAsk, Number: n})
}

// stopAll ends all subscriptions, as somebody who was asked wishes.
func stopAll(ctx context.Context, c visa.Conversation) error {
	n, err := c.UnfollowAll(ctx)
	switch {
	case err != nil:
		return err
	case n == 0:
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyNotFollowed})
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnfollowedAll, Number: n})
}

func unfollow(ctx context.Context, c visa.Conversation, r visa.Reference, _ string) error {
	s, ok, err := c.Followed(ctx, r)
	if err != nil {
		return err
	}
	if !ok {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyNotFollowed, Reference: r})
	}
	return end(ctx, c, s)
}

func end(ctx context.Context, c visa.Conversation, s visa.Subscription) error {
	if err := c.Unfollow(ctx, s); err != nil {
		return err
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnfollowed, Reference: s.Reference})
}

// language offers the languages, or sets the one named.
func (b *Bot) language(ctx context.Context, c visa.Conversation, arg string) error {
	code := strings.ToLower(arg)
	if !slices.Contains(b.o.Languages, code) {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyLanguages})
	}
	if err := c.SetLanguage(ctx, code); err != nil {
		return err
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyLanguageSet, Language: code})
}

// list shows a page of what is followed. The answer holds all of it: what
// needs its owner comes first, and where each stands is not known here.
func (b *Bot) list(ctx context.Context, c visa.Conversation, page int) error {
	subscriptions, n, err := c.Subscriptions(ctx, 0, visa.MaxFollowed)
	if err != nil {
		return err
	}
	if n == 0 {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyListEmpty})
	}
	items := make([]visa.NoteItem, len(subscriptions))
	for i, s := range subscriptions {
		items[i] = item(s)
	}
	last := (len(items) - 1) / message.PageSize
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyList, Items: items, Page: min(max(page, 0), last), Number: n})
}
