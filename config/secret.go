package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// mask stands for what is not shown. Its length tells nothing.
const mask = "••••••"

// A Secret is a text that does not print itself: not with any verb of fmt, not
// as JSON, XML or text, not in a log. Reveal is the only way to it, so that a
// search for Reveal finds every use. The zero Secret is empty, and prints as
// an empty text.
type Secret struct {
	// A pointer, since fmt cannot call the methods of a Secret in somebody
	// else's unexported field, and prints an address there.
	text *string
}

// NewSecret returns text as a secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns a mask, or "" for an empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString returns what String does.
func (s Secret) GoString() string { return s.String() }

// Format writes what String returns, whatever the verb and its flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns what String does.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns what String does, as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue returns what String does.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// aToken is a Telegram bot's token, wherever it was put by mistake.
var aToken = regexp.MustCompile(`[0-9]{5,}:[A-Za-z0-9_-]{20,}`)

func hideTokens(text string) string { return aToken.ReplaceAllLiteralString(text, mask) }
