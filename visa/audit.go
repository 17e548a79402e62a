package visa

import (
	"errors"
	"time"
)

// NotificationStates are all states of a notification, in the order of its
// life.
var NotificationStates = []NotificationState{Pending, Sending, Accepted, Cancelled, Superseded, Expired, Dead}

// An AuditFilter narrows what an audit reads. The zero AuditFilter is all.
type AuditFilter struct {
	State     NotificationState
	Lane      Lane
	Reason    string    // the label of why it ended
	Since     time.Time // made at this instant or later
	Until     time.Time // made before this instant
	Reference Reference
	Ambiguous bool // with an ambiguous attempt
}

// IsZero reports whether f lets everything pass.
func (f AuditFilter) IsZero() bool { return f == AuditFilter{} }

// An AuditQuery asks for a page of a listing: all that a filter lets pass,
// newest first, as one reader sees it.
type AuditQuery struct {
	Filter AuditFilter
	Limit  int    // of entries on the page, at least 1
	Cursor string // what the page before gave; "": the first page
	Reader int64  // the key of the API that asks
}

// ErrCursor: a cursor was made for another filter, another reader or another
// database, or its listing was begun too long ago.
var ErrCursor = errors.New("not a cursor of this listing")

// An AuditPage is a page of a listing. It may hold fewer entries than were
// asked for, or none, and be followed by others nonetheless.
type AuditPage struct {
	Entries []AuditEntry
	Next    string // the cursor of the page after it; "": there is none
}

// A ChatState says whether a chat can be written to.
type ChatState string

const (
	ChatActive    ChatState = "active"
	ChatInactive  ChatState = "inactive"  // it has blocked the bot or is gone; a message from it brings it back
	ChatForgotten ChatState = "forgotten" // it asked to be forgotten, and is erased once nothing more is to be said to it
)

// An AuditEntry is a notification with its attempts as an audit shows it. All
// of it may be shown: it holds no id or name of a chat, and no whole reference.
type AuditEntry struct {
	ID        int64
	Chat      string // a random token that stands for the chat, within one audit
	ChatState ChatState
	Reference string // masked; "" for what concerns no followed reference
	Lane      Lane
	Kind      Kind
	State     NotificationState
	Reason    string // a label that says why it ended; "" while it waits, and if it was accepted
	CreatedAt time.Time
	NotBefore time.Time
	UseUntil  time.Time // zero: of use for ever
	EndedAt   time.Time // zero: not ended
	Failures  int       // counted towards its pauses, since it was made or last replayed
	MessageID int64     // Telegram's, where accepted
	Attempts  []AuditAttempt
}

// Ambiguous returns how many of the attempts are.
func (e AuditEntry) Ambiguous() (n int) {
	for _, a := range e.Attempts {
		if a.Ambiguous {
			n++
		}
	}
	return n
}

// Results of an attempt beside those of a SendResult.
const (
	AttemptStarted   = "started"   // no result is recorded
	AttemptAmbiguous = "ambiguous" // it may have arrived though no answer says so
	AttemptReplayed  = "replayed"  // no attempt: here a dead letter was made to wait again
)

// An AuditAttempt is one try to send a notification.
type AuditAttempt struct {
	StartedAt time.Time
	EndedAt   time.Time // zero: no result is recorded
	Result    string    // a SendResult or one of the above
	Code      int       // Telegram's or HTTP's, 0 where there was no answer
	Reason    string    // a label, as in metrics
	Ambiguous bool      // it has no result, or none that says what became of it
	Sender    int64     // the epoch of the process that sent; 0 for a replay
}

// An AuditCount is how many notifications share state, lane and reason.
type AuditCount struct {
	State  NotificationState
	Lane   Lane
	Reason string
	N      int64
}

// An Obstacle says why a notification is not replayed.
type Obstacle string

const (
	NoObstacle        Obstacle = ""
	ObstacleUnknown   Obstacle = "unknown"       // there is none of that id
	ObstacleNotDead   Obstacle = "not_dead"      // only dead letters are replayed
	ObstacleInactive  Obstacle = "chat_inactive" // the chat cannot be written to
	ObstacleForgotten Obstacle = "forgotten"     // the chat asked to be forgotten
	ObstacleUnfollow  Obstacle = "unfollowed"    // the chat no longer follows the application
	ObstacleUsePassed Obstacle = "use_passed"    // its time of use is over
	ObstacleOvertaken Obstacle = "overtaken"     // newer news of the application were sent to the chat, or wait, or can be replayed
	ObstacleDamaged   Obstacle = "damaged"       // what it was to say is not there any more
)

// A Replay says what replaying one notification does, or did.
type Replay struct {
	ID        int64
	State     NotificationState // before
	Lane      Lane
	Kind      Kind
	Reference string   // masked
	Obstacle  Obstacle // it is left as it is, for this reason
}
