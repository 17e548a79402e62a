package telegram

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Kind says what a failure means for the one who asked.
type Kind string

const (
	TooFast      Kind = "too_fast"     // wait RetryAfter, with everything
	Transient    Kind = "transient"    // nothing is wrong with the request: back off, send again
	Gone         Kind = "gone"         // the chat can no longer be written to
	Migrated     Kind = "migrated"     // the chat's id is MigrateTo now
	BadMessage   Kind = "bad_message"  // text, markup or buttons are refused, and will be again
	Unauthorized Kind = "unauthorized" // the token, or the method's address, is not accepted
	Other        Kind = "other"        // refused for a reason this package does not know
)

// An Error is why a call failed. Every error of a Gateway's methods is one.
type Error struct {
	Method      string // of the Bot API
	Kind        Kind
	Reason      string // of a small fixed set, to label a metric
	Code        int    // the Bot API's or HTTP's, 0 where no answer came
	Description string // for people; free of tokens, quotations and long numbers

	RetryAfter time.Duration // for TooFast, at least 1 s
	MigrateTo  int64         // for Migrated

	// Ambiguous: the request, or a part of it, was written, and no answer came
	// back that says what became of it. Telegram may have accepted it.
	Ambiguous bool

	cause error // context.Canceled, context.DeadlineExceeded, or nil
}

func (e *Error) Error() string {
	s := "telegram: " + e.Method + ": " + e.Reason
	if e.Code != 0 {
		s += " (" + strconv.Itoa(e.Code) + ")"
	}
	if e.Description != "" {
		s += ": " + e.Description
	}
	return s
}

// Unwrap gives the context's error where the call was cancelled or timed out.
func (e *Error) Unwrap() error { return e.cause }

// maxRetryAfter bounds how long one answer can silence the bot. A limit that
// is longer than that is told again by the next answer.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a number of seconds, of which less than one means one.
func retryAfter(seconds int) time.Duration {
	if seconds > int(maxRetryAfter/time.Second) {
		return maxRetryAfter
	}
	return time.Duration(max(seconds, 1)) * time.Second
}

// refusals are the Bot API's words for what it refuses, in lower case, by the
// code they come with. The first that the description holds decides.
var refusals = []struct {
	code   int
	words  string
	kind   Kind
	reason string
}{
	{403, "bot was blocked", Gone, "blocked"},
	{403, "user is deactivated", Gone, "deactivated"},
	{403, "bot was kicked", Gone, "kicked"},
	{403, "not a member", Gone, "not_member"},
	{403, "group chat was deleted", Gone, "chat_deleted"},
	{403, "", Gone, "forbidden"},

	{400, "chat not found", Gone, "chat_not_found"},
	{400, "user not found", Gone, "chat_not_found"},
	{400, "peer_id_invalid", Gone, "chat_not_found"},
	{400, "user_is_blocked", Gone, "blocked"},
	{400, "input_user_deactivated", Gone, "deactivated"},
	{400, "bot was kicked", Gone, "kicked"},
	{400, "group chat was deactivated", Gone, "chat_deleted"},
	{400, "rights to send", Gone, "no_rights"},
	{400, "no write access", Gone, "no_rights"},
	{400, "need administrator rights", Gone, "no_rights"},
	{400, "chat_write_forbidden", Gone, "no_rights"},
	{400, "chat_restricted", Gone, "no_rights"},

	{400, "query is too old", Other, reasonQueryTooOld},
	{400, "query_id_invalid", Other, reasonQueryTooOld},
	{400, "message to delete not found", Other, reasonNoMessage},

	{400, "button", BadMessage, "buttons"},
	{400, "keyboard", BadMessage, "buttons"},
	{400, "reply_markup", BadMessage, "buttons"},
	{400, "reply markup", BadMessage, "buttons"},
	{400, "parse entities", BadMessage, "markup"},
	{400, "entity", BadMessage, "markup"},
	{400, "entities", BadMessage, "markup"},
	{400, "parse_mode", BadMessage, "markup"},
	{400, "too long", BadMessage, "too_long"},
	{400, "too_long", BadMessage, "too_long"},
	{400, "text is empty", BadMessage, "empty_text"},
	{400, "text must be non-empty", BadMessage, "empty_text"},
	{400, "message_empty", BadMessage, "empty_text"},
	{400, "utf-8", BadMessage, "encoding"},
	{413, "", BadMessage, "too_long"},

	{401, "", Unauthorized, "unauthorized"},
	{404, "", Unauthorized, "not_found"},
	{409, "webhook", Other, reasonWebhookActive},
	{409, "", Other, reasonConflict},
}

// Reasons that this package itself acts upon.
const (
	reasonWebhookActive = "webhook_active"
	reasonConflict      = "conflict"
	reasonQueryTooOld   = "query_too_old"
	reasonNoMessage     = "no_message"
	reasonBadAnswer     = "bad_answer"
)

// refusal makes the error of an answer in which the Bot API says no.
func refusal(code int, description string, seconds int, migrateTo int64) *Error {
	e := &Error{Kind: Other, Reason: "other", Code: code, Description: description}
	switch {
	case migrateTo != 0:
		e.Kind, e.Reason, e.MigrateTo = Migrated, "migrated", migrateTo
		return e
	case code == 429:
		e.Kind, e.Reason, e.RetryAfter = TooFast, "too_fast", retryAfter(seconds)
		return e
	case code >= 500:
		// The server lost its way after it had the request: it may or may not
		// have gone out.
		e.Kind, e.Reason, e.Ambiguous = Transient, "server_error", true
		return e
	case code < 400:
		e.Kind, e.Reason, e.Ambiguous = Transient, reasonBadAnswer, true
		return e
	}
	said := strings.ToLower(description)
	for _, r := range refusals {
		if r.code == code && strings.Contains(said, r.words) {
			e.Kind, e.Reason = r.kind, r.reason
			break
		}
	}
	return e
}

// unreadable makes the error of an answer that is none of the Bot API's: a
// proxy's page, nothing, half an answer. The request was written and the true
// answer is not known.
func unreadable(reason string, code int, format string, args ...any) *Error {
	return &Error{Kind: Transient, Reason: reason, Code: code, Ambiguous: true,
		Description: fmt.Sprintf(format, args...)}
}
