package telegram

import (
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

const mask = "•••"

var (
	anyToken = regexp.MustCompile(`\d{4,}(?::|%3[Aa])[A-Za-z0-9_-]{8,}`)
	// What the Bot API quotes is taken from the message. An apostrophe opens a
	// quotation only where a word could begin.
	quotation  = regexp.MustCompile(`"[^"]*"?|(?:^|[\s(:])'[^']*'?`)
	longNumber = regexp.MustCompile(`\d{6,}`)
)

// A secret is a bot's token. A function cannot be printed, so that no verb of
// package fmt, and no dump of a struct that holds one, shows it.
type secret func() string

func newSecret(s string) secret { return func() string { return s } }

// redact takes the token out of s, plain or percent-encoded, with its secret
// half alone too, and whatever else looks like a bot's token.
func (t secret) redact(s string) string {
	if token := t(); token != "" {
		s = strings.ReplaceAll(s, token, mask)
		s = strings.ReplaceAll(s, url.QueryEscape(token), mask)
		s = strings.ReplaceAll(s, url.PathEscape(token), mask)
		if _, half, ok := strings.Cut(token, ":"); ok && len(half) >= 4 {
			s = strings.ReplaceAll(s, half, mask)
		}
	}
	return anyToken.ReplaceAllString(s, mask)
}

// maxDescription is the most characters of an error's description.
const maxDescription = 200

// describe makes a description fit for logs of what somebody else said: no
// token, nothing quoted from a message, no number as long as a chat's or an
// applicant's, one line.
func (t secret) describe(s string) string {
	s = t.redact(s)
	if len(s) > 16*maxDescription {
		s = s[:16*maxDescription]
	}
	s = strings.ToValidUTF8(s, "?")
	s = quotation.ReplaceAllString(s, " …")
	s = longNumber.ReplaceAllString(s, mask)
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxDescription {
		s = string(r[:maxDescription]) + "…"
	}
	return s
}

// libraryLog takes what the library logs by itself. Nothing that this package
// calls does; should it ever, the line is redacted, and at level debug.
type libraryLog struct{}

func (libraryLog) Println(v ...any)               { libraryLog{}.line(fmt.Sprintln(v...)) }
func (libraryLog) Printf(format string, v ...any) { libraryLog{}.line(fmt.Sprintf(format, v...)) }

func (libraryLog) line(s string) {
	slog.Debug("telegram: the library says", "line", newSecret("").describe(s))
}

// The library's logger is global. It is set before any of its code can run.
func init() { _ = tgbotapi.SetLogger(libraryLog{}) }
