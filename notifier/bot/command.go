package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// commands by name. Each is given what follows its name, trimmed.
var commands = map[string]func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error{
	"start": (*Bot).start,
	"status": func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error {
		return b.withReference(ctx, c, "status", arg, b.status)
	},
	"follow": func(b *Bot, ctx context.Context, c visa.Conversation, arg string) error {
		return b.withReference(ctx, c, "follow", arg, b.follow)
	},
	"stop": (*Bot).stop,
	"list": func(b *Bot, ctx context.Context, c visa.Conversation, _ string) error {
		return b.list(ctx, c, 0)
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
	if r, err := b.o.Rules.Parse(text); err == nil && hasDigit(r) && !(arg != "" && isWord(name)) {
		return b.status(ctx, c, r)
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnknown})
}

// shortAlone is how many characters a part has at least that is taken for a
// number of its own beside another such part, rather than for half of one.
const shortAlone = 8

// find finds the one reference in what was written: the number among words, or
// else all of it as one number. Of several numbers it takes none: following
// something else than what was meant is worse than asking again.
func (b *Bot) find(text string) (visa.Reference, error) {
	var alone []visa.Reference
	long, words := 0, false
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
		r, err := b.o.Rules.Parse(part)
		switch {
		case err == nil && hasDigit(r):
			alone = append(alone, r)
			if len(r.String()) >= shortAlone {
				long++
			}
		case isWord(part):
			words = true
		}
	}
	switch {
	case long > 1:
		return visa.Reference{}, &visa.ReferenceError{Fault: visa.FaultSeveral, N: long}
	case words && len(alone) == 1:
		return alone[0], nil
	}
	return b.o.Rules.Parse(text)
}

// isWord reports whether s is letters alone, and more of them than references
// begin with.
func isWord(s string) bool {
	return utf8.RuneCountInString(s) > 3 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// bare handles a text that is no command. One of letters alone, that no
// application has, is more likely a word of thanks than a reference.
func (b *Bot) bare(ctx context.Context, c visa.Conversation, text string) error {
	r, err := b.find(text)
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

// withReference runs a command that needs a reference.
func (b *Bot) withReference(ctx context.Context, c visa.Conversation, command, arg string,
	run func(context.Context, visa.Conversation, visa.Reference) error) error {
	if strings.TrimFunc(arg, blank) == "" {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyAskReference, Extra: []string{command}})
	}
	r, err := b.find(arg)
	if err != nil {
		return malformed(ctx, c, err)
	}
	return run(ctx, c, r)
}

// malformed answers what is no reference with what is wrong about it, never
// with what it was.
func malformed(ctx context.Context, c visa.Conversation, err error) error {
	var e *visa.ReferenceError
	if !errors.As(err, &e) {
		return err
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyMalformed, Fault: string(e.Fault), Number: e.N})
}

// start greets, or spends the token of a deep link.
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
	return b.take(ctx, c, r)
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

// stop ends one subscription, or all of them.
func (b *Bot) stop(ctx context.Context, c visa.Conversation, arg string) error {
	if arg != "" {
		return b.withReference(ctx, c, "stop", arg, unfollow)
	}
	n, err := c.UnfollowAll(ctx)
	switch {
	case err != nil:
		return err
	case n == 0:
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyNotFollowed})
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyUnfollowedAll, Number: n})
}

func unfollow(ctx context.Context, c visa.Conversation, r visa.Reference) error {
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

// list shows a page of what is followed, the last one for pages beyond it.
func (b *Bot) list(ctx context.Context, c visa.Conversation, page int) error {
	page = min(max(page, 0), visa.MaxFollowed/message.PageSize)
	subscriptions, n, err := c.Subscriptions(ctx, page*message.PageSize, message.PageSize)
	if err != nil {
		return err
	}
	if n == 0 {
		return c.Reply(ctx, visa.Note{Reply: visa.ReplyListEmpty})
	}
	if last := (n - 1) / message.PageSize; page > last {
		page = last
		if subscriptions, n, err = c.Subscriptions(ctx, page*message.PageSize, message.PageSize); err != nil {
			return err
		}
	}
	items := make([]visa.NoteItem, len(subscriptions))
	for i, s := range subscriptions {
		items[i] = item(s)
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyList, Items: items, Page: page, Number: n})
}
