package telegram

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// ParseUpdate reads one update as Telegram sends it, to a webhook or in an
// answer. It returns false for what needs no handling: edited messages, posts
// of channels, talk of a group among itself, service messages, and kinds of
// updates that are not known. The error, which is ErrBadUpdate, is for what is
// not an update; its text repeats nothing of the body.
//
// A group is told of by /start alone. To be called by name there, a bot must
// know its name: use the Gateway's Webhook, or Updates, after Me.
func ParseUpdate(body []byte) (Update, bool, error) { return parse(body, "") }

// What of Telegram's objects is read at all. Whatever else they hold, of
// persons above all, is never decoded.
type (
	wireUpdate struct {
		ID       int64           `json:"update_id"`
		Message  json.RawMessage `json:"message"`
		Callback json.RawMessage `json:"callback_query"`
		Member   json.RawMessage `json:"my_chat_member"`
	}
	wireChat struct {
		ID   int64  `json:"id"`
		Type string `json:"type"`
	}
	wireUser struct {
		IsBot    bool   `json:"is_bot"`
		Language string `json:"language_code"`
	}
	wireEntity struct {
		Type   string `json:"type"`
		Offset int    `json:"offset"` // in UTF-16 code units
		Length int    `json:"length"`
	}
	wireMessage struct {
		ID       int64        `json:"message_id"`
		Chat     wireChat     `json:"chat"`
		From     wireUser     `json:"from"`
		Text     string       `json:"text"`
		Entities []wireEntity `json:"entities"`
		Album    string       `json:"media_group_id"`
	}
	wireCallback struct {
		ID      string   `json:"id"`
		From    wireUser `json:"from"`
		Data    string   `json:"data"`
		Message struct {
			ID   int64    `json:"message_id"`
			Chat wireChat `json:"chat"`
		} `json:"message"`
	}
	wireMember struct {
		Chat wireChat `json:"chat"`
		From wireUser `json:"from"`
		New  struct {
			Status string `json:"status"`
		} `json:"new_chat_member"`
	}
)

// serviceFields mark messages that nobody wrote: Telegram reports what was
// done with the chat.
var serviceFields = []string{
	"pinned_message", "message_auto_delete_timer_changed", "chat_background_set", "write_access_allowed",
	"connected_website", "successful_payment", "refunded_payment", "boost_added", "proximity_alert_triggered",
	"new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
	"group_chat_created", "migrate_to_chat_id", "migrate_from_chat_id", "video_chat_started", "video_chat_ended",
}

// parse is ParseUpdate for a bot of a name, which may be "". With an error it
// still returns the update's number where that could be read.
func parse(body []byte, bot string) (Update, bool, error) {
	if len(body) > maxUpdateBytes {
		return Update{}, false, fmt.Errorf("%w: %d bytes", ErrBadUpdate, len(body))
	}
	var w wireUpdate
	if json.Unmarshal(body, &w) != nil || w.ID < 1 || w.ID > maxUpdateID {
		return Update{}, false, fmt.Errorf("%w: it has no number", ErrBadUpdate)
	}
	u := Update{ID: w.ID}
	var ok bool
	switch {
	case present(w.Message):
		ok = u.fromMessage(w.Message, bot)
	case present(w.Callback):
		ok = u.fromCallback(w.Callback)
	case present(w.Member):
		ok = u.fromMember(w.Member)
	}
	if !ok {
		return Update{ID: w.ID}, false, nil
	}
	if err := u.valid(); err != nil {
		return Update{ID: w.ID}, false, err
	}
	return u, true, nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func (u *Update) fromMessage(raw json.RawMessage, bot string) bool {
	var m wireMessage
	if json.Unmarshal(raw, &m) != nil || m.From.IsBot {
		return false
	}
	u.ChatID, u.MessageID, u.Language = m.Chat.ID, m.ID, language(m.From.Language)
	switch m.Chat.Type {
	case "private":
		u.Private = true
	case "group", "supergroup":
		u.Kind = UpdateGroup
		return m.calls(bot)
	default:
		return false
	}
	if m.Text != "" {
		u.Kind, u.Text = UpdateText, clip(m.Text, maxTextRunes)
		return true
	}
	u.Kind, u.Album = UpdateNotText, album(m.Album)
	return !service(raw)
}

// service reports whether a message without text is one of Telegram's own.
func service(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return true
	}
	for _, name := range serviceFields {
		if present(fields[name]) {
			return true
		}
	}
	return false
}

// calls reports whether a group's message is meant for the bot: it begins with
// a command addressed to this bot, as the menu writes it, or with /start
// addressed to none, or it holds the bot's name.
func (m *wireMessage) calls(bot string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(clip(m.Text, maxTextRunes)), " ")
	first, _, _ = strings.Cut(first, "\n")
	command, to, addressed := strings.Cut(first, "@")
	switch {
	case strings.EqualFold(command, "/start") && !addressed:
		return true
	case strings.HasPrefix(command, "/") && addressed && bot != "" && strings.EqualFold(to, bot):
		return true
	}
	if bot == "" || len(m.Entities) == 0 {
		return false
	}
	units := utf16.Encode([]rune(m.Text))
	for _, e := range m.Entities[:min(len(m.Entities), 200)] {
		if e.Type != "mention" || e.Offset < 0 || e.Length < 2 || e.Length > 64 || e.Offset > len(units)-e.Length {
			continue
		}
		said := string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
		if strings.EqualFold(said, "@"+bot) {
			return true
		}
	}
	return false
}

func (u *Update) fromCallback(raw json.RawMessage) bool {
	var c wireCallback
	if json.Unmarshal(raw, &c) != nil || c.ID == "" || c.Message.Chat.ID == 0 {
		return false
	}
	u.Kind, u.ChatID, u.MessageID = UpdateButton, c.Message.Chat.ID, c.Message.ID
	u.Private = c.Message.Chat.Type == "private"
	u.Language, u.CallbackID = language(c.From.Language), c.ID
	if len(c.Data) <= maxDataBytes {
		u.Data = c.Data
	}
	return true
}

func (u *Update) fromMember(raw json.RawMessage) bool {
	var m wireMember
	if json.Unmarshal(raw, &m) != nil || m.Chat.Type != "private" {
		return false
	}
	u.ChatID, u.Private, u.Language = m.Chat.ID, true, language(m.From.Language)
	switch m.New.Status {
	case "kicked", "left":
		u.Kind = UpdateBlocked
	case "member":
		u.Kind = UpdateUnblocked
	default:
		return false
	}
	return true
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
