package visa

import (
	"context"
	"time"
)

// Changes says what the database holds now that it did not hold before. It is
// handed to caches after the commit, in the order of revisions.
type Changes struct {
	Applications []Changed
	AsOf         time.Time // register_as_of, zero if it did not change
	Keys         bool      // keys of the API were made or revoked
	Everything   bool      // what changed is not known: check all again
}

// A Changed names an application and the revision of its latest change.
type Changed struct {
	Reference Reference
	Revision  int64
}

// A Chat is what is known of a chat in a conversation.
type Chat struct {
	ID       int64  // the store's, not Telegram's
	Peer     int64  // Telegram's, for limits in memory: it outlives /forget
	Language string // the chat's choice, or what Telegram said at first; "" if neither
	Chosen   bool   // the language was chosen, not guessed
	New      bool   // first contact
}

// ChatSettings are what a chat has chosen. The zero ChatSettings is what a new
// chat has.
type ChatSettings struct {
	SilentNights bool      `json:"silent_nights,omitempty"` // messages of the night make no sound
	Discreet     bool      `json:"discreet,omitempty"`      // messages that were not asked for say only that there is news
	MutedUntil   time.Time `json:"muted_until,omitzero"`    // nothing that can wait comes before
	Heartbeat    bool      `json:"heartbeat,omitempty"`     // once a month: still watching
}

// A Subscription is a chat's wish to hear of a reference, known or not.
type Subscription struct {
	ID        int64
	Reference Reference
	Label     string
}

// A Conversation is one transaction in which an incoming message takes its
// effect: the inbox row, what it changes and the answers to it stand or fall
// together. None of its methods may be used after the function it was handed
// to has returned. Errors are faults of the store; hand them up.
type Conversation interface {
	// Chat returns the chat. It exists, and is active again if it was not.
	Chat() Chat
	SetLanguage(ctx context.Context, code string) error
	// Settings returns what the chat has chosen; SetSettings changes it, and
	// lets go what a mute that ends had held back.
	Settings(ctx context.Context) (ChatSettings, error)
	SetSettings(ctx context.Context, s ChatSettings) error
	// Known tells whether the register's data holds the reference.
	Known(ctx context.Context, r Reference) (bool, error)
	// Follow makes the chat follow r, known or not; fresh is false if it did.
	// It locks what a concurrent update of r locks, so that either the update
	// is told to the follower or the follower sees it at once.
	Follow(ctx context.Context, r Reference) (s Subscription, fresh bool, err error)
	// Unfound counts the references that the chat follows and that are not in
	// the register's data.
	Unfound(ctx context.Context) (int, error)
	// SetLabel gives a subscription the chat's own name for it, as CleanLabel
	// leaves it.
	SetLabel(ctx context.Context, s Subscription, label string) error
	// Followed returns the subscription of r, if the chat follows it.
	Followed(ctx context.Context, r Reference) (Subscription, bool, error)
	// Subscription returns one of the chat's own subscriptions by its id.
	Subscription(ctx context.Context, id int64) (Subscription, bool, error)
	// Subscriptions returns a page of the chat's subscriptions, oldest first,
	// and the number of all.
	Subscriptions(ctx context.Context, offset, limit int) ([]Subscription, int, error)
	// Unfollow ends a subscription with its reminders and waiting news.
	Unfollow(ctx context.Context, s Subscription) error
	// EndReminders ends the reminders of a subscription for good; its news go
	// on. Nobody is told.
	EndReminders(ctx context.Context, s Subscription) error
	// UnfollowAll ends all of them and returns how many there were.
	UnfollowAll(ctx context.Context) (int, error)
	// Forget erases the chat and all that refers to it, but for the answers
	// written in this very conversation, which go out first.
	Forget(ctx context.Context) error
	// NewToken makes a random token of 22 characters that stands for r in a
	// button or a deep link. Spending: a link's token is single-use, a button's
	// is good until it expires and only in this chat.
	NewToken(ctx context.Context, r Reference) (string, error)
	// ButtonToken returns what a button's token of this chat stands for.
	ButtonToken(ctx context.Context, token string) (Reference, bool, error)
	// SpendLink uses a deep link's token up and returns what it stood for.
	SpendLink(ctx context.Context, token string) (Reference, bool, error)
	// LinkDigits returns the four digits that the page of a link showed: the
	// proof to its reader that this is the true bot.
	LinkDigits(token string) string
	// Reply writes an answer as a notification of the conversation's lane.
	Reply(ctx context.Context, n Note) error
	// ReplyOnce is Reply, unless an answer of the same topic was written in this
	// chat within the time given before now. A topic is of a-z, 0-9 and -.
	ReplyOnce(ctx context.Context, topic string, within time.Duration, n Note) error
}
