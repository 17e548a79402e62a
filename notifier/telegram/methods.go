package telegram

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// A Button stands under a message: one that carries Data back when it is
// pressed, or one that opens URL.
type Button struct{ Text, Data, URL string }

// SendOptions say how a message is sent.
type SendOptions struct {
	HTML    bool // the text is Telegram's HTML; otherwise it is shown as it stands
	Buttons [][]Button
	Silent  bool // without a sound
}

// Send sends a message to a chat and returns its id there. No link in it is
// previewed. It makes one request and does not repeat it.
func (g *Gateway) Send(ctx context.Context, chatID int64, text string, o SendOptions) (messageID int64, err error) {
	p := tgbotapi.Params{
		"chat_id":              strconv.FormatInt(chatID, 10),
		"text":                 text,
		"link_preview_options": `{"is_disabled":true}`,
	}
	if o.HTML {
		p["parse_mode"] = tgbotapi.ModeHTML
	}
	p.AddBool("disable_notification", o.Silent)
	if len(o.Buttons) > 0 {
		if err := p.AddInterface("reply_markup", keyboard(o.Buttons)); err != nil {
			return 0, &Error{Method: "sendMessage", Kind: BadMessage, Reason: "buttons", Description: "the buttons cannot be encoded"}
		}
	}
	var sent struct {
		MessageID int64 `json:"message_id"`
	}
	if err := g.call(ctx, "sendMessage", p, &sent); err != nil {
		return 0, err
	}
	if sent.MessageID == 0 {
		e := unreadable(reasonBadAnswer, 200, "the answer names no message")
		e.Method = "sendMessage"
		return 0, e
	}
	return sent.MessageID, nil
}

func keyboard(rows [][]Button) tgbotapi.InlineKeyboardMarkup {
	m := tgbotapi.InlineKeyboardMarkup{InlineKeyboard: make([][]tgbotapi.InlineKeyboardButton, 0, len(rows))}
	for _, row := range rows {
		out := make([]tgbotapi.InlineKeyboardButton, 0, len(row))
		for _, b := range row {
			if b.URL != "" {
				out = append(out, tgbotapi.NewInlineKeyboardButtonURL(b.Text, b.URL))
			} else {
				out = append(out, tgbotapi.NewInlineKeyboardButtonData(b.Text, b.Data))
			}
		}
		m.InlineKeyboard = append(m.InlineKeyboard, out)
	}
	return m
}

// AnswerCallback ends the waiting sign of a pressed button; text, if any, is
// shown for a moment. A press too old to be answered is no error: nobody
// waits any more.
func (g *Gateway) AnswerCallback(ctx context.Context, id, text string) error {
	p := tgbotapi.Params{"callback_query_id": id}
	p.AddNonEmpty("text", text)
	return except(g.call(ctx, "answerCallbackQuery", p, nil), reasonQueryTooOld)
}

// Delete deletes a message. One that is not there is no error.
func (g *Gateway) Delete(ctx context.Context, chatID, messageID int64) error {
	return except(g.call(ctx, "deleteMessage", tgbotapi.Params{
		"chat_id":    strconv.FormatInt(chatID, 10),
		"message_id": strconv.FormatInt(messageID, 10),
	}, nil), reasonNoMessage)
}

// except forgives one reason.
func except(err error, reason string) error {
	if e, ok := err.(*Error); ok && e.Reason == reason {
		return nil
	}
	return err
}

// A Command is an entry of the bot's menu: a name without slash, of at most 32
// small letters, digits and underscores, and up to 256 characters on it.
type Command struct{ Name, Description string }

// SetCommands sets the menu of private chats for users of a language, by its
// code of two letters, or for all others with "".
func (g *Gateway) SetCommands(ctx context.Context, lang string, commands []Command) error {
	list := make([]tgbotapi.BotCommand, len(commands))
	for i, c := range commands {
		list[i] = tgbotapi.BotCommand{Command: c.Name, Description: c.Description}
	}
	encoded, err := json.Marshal(list)
	if err != nil {
		return &Error{Method: "setMyCommands", Kind: BadMessage, Reason: "buttons", Description: "the commands cannot be encoded"}
	}
	p := tgbotapi.Params{"commands": string(encoded), "scope": `{"type":"all_private_chats"}`}
	p.AddNonEmpty("language_code", lang)
	return g.call(ctx, "setMyCommands", p, nil)
}

// Me is the bot itself.
type Me struct {
	ID       int64
	Username string // as in t.me links, without @
}

// Me asks who the bot is. The gateway remembers the name, by which it then
// knows what is said to the bot in groups.
func (g *Gateway) Me(ctx context.Context) (Me, error) {
	var u struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
	}
	if err := g.call(ctx, "getMe", nil, &u); err != nil {
		return Me{}, err
	}
	if u.Username != "" {
		g.username.Store(&u.Username)
	}
	return Me{ID: u.ID, Username: u.Username}, nil
}

// name returns the bot's user name, "" until Me has said it.
func (g *Gateway) name() string {
	if p := g.username.Load(); p != nil {
		return *p
	}
	return ""
}

// allowedUpdates are the kinds of updates that are asked for. Edited messages
// and channels' posts are none of ours.
const allowedUpdates = `["message","callback_query","my_chat_member"]`

// SetWebhook makes Telegram deliver updates to an address, each with the
// secret in a header: 1 to 256 of A-Za-z0-9_-.
func (g *Gateway) SetWebhook(ctx context.Context, address, secret string) error {
	return g.call(ctx, "setWebhook", tgbotapi.Params{
		"url":             address,
		"secret_token":    secret,
		"allowed_updates": allowedUpdates,
		"max_connections": "10",
	}, nil)
}

// DeleteWebhook ends that. Updates that wait are kept, for Updates to fetch.
func (g *Gateway) DeleteWebhook(ctx context.Context) error {
	return g.call(ctx, "deleteWebhook", nil, nil)
}

// Updates waits up to timeout (whole seconds, at most 50 s) for updates from
// offset on, which tells Telegram that all before it need not be kept. It
// returns those that are to be handled, and the offset behind all that came,
// equal to the one given if none did. That may be below the one given: after a
// quiet week Telegram's numbers start anew, anywhere. What it cannot read it logs by id and
// passes over, so that one strange update does not hold up the rest.
func (g *Gateway) Updates(ctx context.Context, offset int64, timeout time.Duration) ([]Update, int64, error) {
	p := tgbotapi.Params{
		"limit":           "100",
		"timeout":         strconv.Itoa(int(timeout / time.Second)),
		"allowed_updates": allowedUpdates,
	}
	p.AddNonZero64("offset", offset)
	var raw []json.RawMessage
	if err := g.callWithin(ctx, g.timeout+timeout, maxUpdatesBytes, "getUpdates", p, &raw); err != nil {
		return nil, offset, err
	}
	var out []Update
	var last int64 // the highest number in this answer
	for _, r := range raw {
		u, ok, err := parse(r, g.name())
		if err != nil {
			g.log.Warn("telegram: an update that cannot be read is passed over", "update", u.ID, "error", err)
		}
		if u.ID != 0 {
			last = max(last, u.ID)
		}
		if ok {
			out = append(out, u)
		}
	}
	switch {
	case len(raw) == 0:
		return nil, offset, nil
	case last == 0:
		return nil, offset, &Error{Method: "getUpdates", Kind: Transient, Reason: reasonBadAnswer, Code: 200,
			Description: "no update in the answer has a number"}
	}
	return out, last + 1, nil
}
