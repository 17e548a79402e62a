package telegram

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

// An UpdateKind says what happened in a chat.
type UpdateKind string

const (
	UpdateText      UpdateKind = "text"      // a private chat wrote Text
	UpdateButton    UpdateKind = "button"    // somebody pressed a button of ours that carries Data
	UpdateNotText   UpdateKind = "not_text"  // a private chat sent a photo, a voice, a file
	UpdateBlocked   UpdateKind = "blocked"   // a private chat wants to hear no more
	UpdateUnblocked UpdateKind = "unblocked" // it may be written to again
	UpdateGroup     UpdateKind = "group"     // a group called the bot, by /start or by name
)

// An Update is what happened, stripped to what the conversation needs: no
// name, user name, phone number, contact or place is in it, and what was
// written only where a person wrote it to the bot alone.
type Update struct {
	ID         int64      `json:"id"`
	Kind       UpdateKind `json:"kind"`
	ChatID     int64      `json:"chat"`
	MessageID  int64      `json:"message,omitempty"`
	Private    bool       `json:"private,omitempty"`
	Language   string     `json:"language,omitempty"` // as Telegram says, such as "ky" or "pt-br"; or ""
	Album      string     `json:"album,omitempty"`    // of a photo or file sent with others: the same for all of them
	Text       string     `json:"text,omitempty"`     // at most 4096 characters
	CallbackID string     `json:"callback,omitempty"` // to be answered with AnswerCallback
	Data       string     `json:"data,omitempty"`     // of the button; at most 64 bytes
}

// Limits of an update's parts, and of what is read as one.
const (
	maxUpdateBytes     = 1 << 20
	maxEncodedBytes    = 64 << 10
	maxTextRunes       = 4096
	maxDataBytes       = 64
	maxCallbackIDBytes = 128
	maxLanguageBytes   = 35
	maxAlbumBytes      = 32
	maxUpdateID        = 1 << 62
)

// String names an update without chat or text.
func (u Update) String() string { return fmt.Sprintf("update %d (%s)", u.ID, u.Kind) }

// Format gives String under every verb.
func (u Update) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(u.String())) }

// LogValue gives String to structured logs.
func (u Update) LogValue() slog.Value { return slog.StringValue(u.String()) }

// ErrBadUpdate is what is no update at all, as far as this package can tell.
var ErrBadUpdate = errors.New("telegram: not an update")

// Encode gives the form in which the inbox keeps an update.
func Encode(u Update) ([]byte, error) {
	if err := u.valid(); err != nil {
		return nil, err
	}
	b := new(bytes.Buffer)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(u); err != nil {
		return nil, fmt.Errorf("telegram: encode update %d: %w", u.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads what Encode wrote, and refuses anything else with an error that
// is ErrBadUpdate.
func Decode(b []byte) (Update, error) {
	if len(b) > maxEncodedBytes {
		return Update{}, fmt.Errorf("%w: %d bytes", ErrBadUpdate, len(b))
	}
	var u Update
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if dec.Decode(&u) != nil || dec.More() {
		return Update{}, fmt.Errorf("%w: not in the inbox's form", ErrBadUpdate)
	}
	if err := u.valid(); err != nil {
		return Update{}, err
	}
	return u, nil
}

// valid checks what ParseUpdate promises.
func (u Update) valid() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrBadUpdate, what) }
	switch {
	case u.ID < 1 || u.ID > maxUpdateID:
		return bad("its number is out of range")
	case u.ChatID == 0:
		return bad("it names no chat")
	case u.MessageID < 0:
		return bad("its message's number is out of range")
	case u.Language != language(u.Language):
		return bad("its language is no code")
	case u.Album != album(u.Album) || u.Album != "" && u.Kind != UpdateNotText:
		return bad("it is of an album that it cannot be of")
	case len(u.Data) > maxDataBytes || !utf8.ValidString(u.Data):
		return bad("its button's data is too long")
	case len(u.CallbackID) > maxCallbackIDBytes || !utf8.ValidString(u.CallbackID):
		return bad("its callback's id is too long")
	case utf8.RuneCountInString(u.Text) > maxTextRunes || !utf8.ValidString(u.Text):
		return bad("its text is too long")
	case u.Text != "" && (u.Kind != UpdateText || !u.Private):
		return bad("it has a text that it may not have")
	}
	switch u.Kind {
	case UpdateText, UpdateNotText, UpdateBlocked, UpdateUnblocked:
		if !u.Private {
			return bad("it is not of a private chat")
		}
	case UpdateButton:
		if u.CallbackID == "" {
			return bad("it has no callback's id")
		}
	case UpdateGroup:
		if u.Private {
			return bad("it is not of a group")
		}
	default:
		return bad("its kind is not known")
	}
	return nil
}

// language returns a language tag as it is, or "" for what is none.
func language(s string) string {
	if len(s) < 2 || len(s) > maxLanguageBytes {
		return ""
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case (c >= '0' && c <= '9' || c == '-') && i >= 2:
		default:
			return ""
		}
	}
	return s
}

// album returns an album's id as it is, or "" for what is none.
func album(s string) string {
	if len(s) > maxAlbumBytes {
		return ""
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return ""
		}
	}
	return s
}
