package simulator

import (
	"net/http"
	"time"
)

// Keep says how much the oracle remembers of each message and request.
type Keep int

const (
	// KeepAll keeps texts, parameters and conversations. The default.
	KeepAll Keep = iota

	// KeepHashes keeps 32 bytes of every accepted message (chat, message id,
	// time, hash of the text): enough for Duplicates and Accepted after a
	// million messages. Requests are only counted, conversations stay empty, and
	// edits and deletions of the bot's own messages are taken on trust.
	KeepHashes

	// KeepCounts keeps numbers only: how many, and the pace. Duplicates finds
	// nothing, and messages cannot be read back.
	KeepCounts
)

// Options configure a Simulator. The zero value is useful: any token, one bot
// called @kabarchy_demo_bot, everything kept, limits judged and not enforced.
type Options struct {
	// Tokens are the tokens that are let in; others are answered 401. All of
	// them belong to the one bot. None: any token will do.
	Tokens []string

	BotID       int64  // 0: 7100000001
	BotName     string // "": Kabarchy
	BotUsername string // without @; "": kabarchy_demo_bot

	// Now stamps what is recorded, and drives limits, expiry and faults that
	// last for a time. Waiting itself (long polls, slow answers, pauses between
	// webhook tries) is on the runtime's clock, which testing/synctest replaces.
	// nil: time.Now.
	Now func() time.Time

	// AnyChat makes every positive chat id a person who has started the bot, so
	// that a million chats need no creating.
	AnyChat bool

	Keep Keep

	// KeepLast bounds how many requests and messages are kept, the newest, and
	// each conversation to at most 1,000 of them. 0: no bound. It does not bound
	// the counts and the pace, which are always of everything.
	KeepLast int

	Limits Limits

	FirstUpdateID  int // 0: 100000001
	FirstMessageID int // 0: 1

	// WebhookClient carries webhook pushes. nil: a client that gives up after
	// 30 s and follows no redirects.
	WebhookClient *http.Client

	// WebhookPause says how long to wait after n ≥ 1 failed pushes in a row.
	// nil: 1 s, doubling, at most 1 min.
	WebhookPause func(n int) time.Duration

	// Location is the time zone of the times on the page. nil: UTC.
	Location *time.Location
}

// withDefaults returns o with every unset field filled.
func (o Options) withDefaults() Options {
	if o.BotID == 0 {
		o.BotID = 7100000001
	}
	if o.BotName == "" {
		o.BotName = "Kabarchy"
	}
	if o.BotUsername == "" {
		o.BotUsername = "kabarchy_demo_bot"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FirstUpdateID == 0 {
		o.FirstUpdateID = 100000001
	}
	if o.FirstMessageID == 0 {
		o.FirstMessageID = 1
	}
	if o.WebhookClient == nil {
		o.WebhookClient = &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if o.WebhookPause == nil {
		o.WebhookPause = doublingPause
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	o.Limits = o.Limits.withDefaults()
	return o
}

// doublingPause is 1 s after the first failure, twice as long after each
// further one, and never more than a minute.
func doublingPause(n int) time.Duration {
	if n > 6 {
		return time.Minute
	}
	return min(time.Second<<max(n-1, 0), time.Minute)
}
