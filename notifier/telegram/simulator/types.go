package simulator

import (
	"encoding/json"
	"time"
)

// A User is a person or the bot, in the Bot API's own shape.
type User struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name,omitempty"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"`
}

// An Entity is a formatted span of a text. Offset and Length count UTF-16 code
// units, as the Bot API does.
type Entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	Language string `json:"language,omitempty"`
	EmojiID  string `json:"custom_emoji_id,omitempty"`
}

// A Button is one inline button: it either answers with Data or opens URL.
type Button struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// A Message is one message of a chat, sent by the bot or by a person.
type Message struct {
	Seq      int64      `json:"seq"` // order of acceptance over all chats, from 1; 0 if a person sent it
	Chat     int64      `json:"chat"`
	ID       int        `json:"message_id"`
	Edit     bool       `json:"edit"` // in the oracle: this is an edit of the message with this id
	FromBot  bool       `json:"from_bot"`
	From     User       `json:"from"`
	At       time.Time  `json:"at"` // when it was accepted; never changes
	EditedAt time.Time  `json:"edited_at,omitzero"`
	Kind     string     `json:"kind"` // text, photo, document, voice, contact, location, sticker, service
	Text     string     `json:"text"` // after entity parsing; the caption where there is a file
	Entities []Entity   `json:"entities,omitempty"`
	Buttons  [][]Button `json:"buttons,omitempty"`
	Keyboard [][]string `json:"keyboard,omitempty"` // the reply keyboard shown with it

	RemoveKeyboard bool   `json:"remove_keyboard,omitempty"`
	Silent         bool   `json:"silent"`
	Protected      bool   `json:"protected"`
	NoPreview      bool   `json:"no_preview"`
	Hash           uint64 `json:"-"` // of Text, comparable within one Simulator only

	attach   attachment
	migrated migration
}

// attachment is what a message carries besides text, in the Bot API's shape.
type attachment struct {
	Photo    []file    `json:"photo,omitempty"`
	Document *file     `json:"document,omitempty"`
	Voice    *file     `json:"voice,omitempty"`
	Sticker  *file     `json:"sticker,omitempty"`
	Contact  *contact  `json:"contact,omitempty"`
	Location *location `json:"location,omitempty"`
	Album    string    `json:"media_group_id,omitempty"`
}

type file struct {
	ID       string `json:"file_id"`
	UniqueID string `json:"file_unique_id"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Duration int    `json:"duration,omitempty"`
	Name     string `json:"file_name,omitempty"`
	MIME     string `json:"mime_type,omitempty"`
	Size     int64  `json:"file_size,omitempty"`
	Emoji    string `json:"emoji,omitempty"`
	Type     string `json:"type,omitempty"`
}

type contact struct {
	Phone     string `json:"phone_number"`
	FirstName string `json:"first_name"`
	UserID    int64  `json:"user_id,omitempty"`
}

type location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// migration marks the two service messages of a group that became a supergroup.
type migration struct {
	To   int64 `json:"migrate_to_chat_id,omitempty"`
	From int64 `json:"migrate_from_chat_id,omitempty"`
}

// wireChat is the Bot API's Chat.
type wireChat struct {
	ID        int64  `json:"id"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Type      string `json:"type"`
}

// wireMessage is the Bot API's Message.
type wireMessage struct {
	ID        int       `json:"message_id"`
	From      *User     `json:"from,omitempty"`
	Chat      *wireChat `json:"chat"`
	Date      int64     `json:"date"`
	EditDate  int64     `json:"edit_date,omitempty"`
	Protected bool      `json:"has_protected_content,omitempty"`
	Text      string    `json:"text,omitempty"`
	Entities  []Entity  `json:"entities,omitempty"`
	Caption   string    `json:"caption,omitempty"`
	CaptionEn []Entity  `json:"caption_entities,omitempty"`
	attachment
	migration
	Preview *linkPreview `json:"link_preview_options,omitempty"`
	Markup  *wireMarkup  `json:"reply_markup,omitempty"`
}

type linkPreview struct {
	Disabled bool `json:"is_disabled,omitempty"`
}

// wireMarkup is the Bot API's InlineKeyboardMarkup, the only markup that a
// Message carries back.
type wireMarkup struct {
	Keyboard [][]Button `json:"inline_keyboard"`
}

// wire returns m as the Bot API shows it.
func (m *Message) wire(c *wireChat) *wireMessage {
	out := &wireMessage{
		ID: m.ID, From: &m.From, Chat: c, Date: m.At.Unix(), Protected: m.Protected,
		attachment: m.attach, migration: m.migrated,
	}
	if !m.EditedAt.IsZero() {
		out.EditDate = m.EditedAt.Unix()
	}
	if m.Kind == "text" {
		out.Text, out.Entities = m.Text, m.Entities
	} else {
		out.Caption, out.CaptionEn = m.Text, m.Entities
	}
	if m.NoPreview {
		out.Preview = &linkPreview{Disabled: true}
	}
	if len(m.Buttons) > 0 {
		out.Markup = &wireMarkup{Keyboard: m.Buttons}
	}
	return out
}

// wireUpdate is the Bot API's Update, as far as this package makes any.
type wireUpdate struct {
	ID       int             `json:"update_id"`
	Message  *wireMessage    `json:"message,omitempty"`
	Edited   *wireMessage    `json:"edited_message,omitempty"`
	Callback *wireCallback   `json:"callback_query,omitempty"`
	Member   *wireMembership `json:"my_chat_member,omitempty"`
}

type wireCallback struct {
	ID       string       `json:"id"`
	From     User         `json:"from"`
	Message  *wireMessage `json:"message,omitempty"`
	Instance string       `json:"chat_instance"`
	Data     string       `json:"data,omitempty"`
}

type wireMembership struct {
	Chat *wireChat  `json:"chat"`
	From User       `json:"from"`
	Date int64      `json:"date"`
	Old  wireMember `json:"old_chat_member"`
	New  wireMember `json:"new_chat_member"`
}

type wireMember struct {
	User   User   `json:"user"`
	Status string `json:"status"`
	Until  *int64 `json:"until_date,omitempty"` // with status kicked, 0: for ever
}

// mustJSON encodes a value of this package's own types, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("simulator: encode: " + err.Error())
	}
	return b
}
