package visa

import "time"

// A Delivery is a claimed notification with all that is needed to render and
// send it, read in the transaction that claimed it.
type Delivery struct {
	Notification
	Attempt     int64 // the attempt written as started
	Plain       bool  // send as plain text: Telegram refused the markup
	ChatID      int64 // Telegram's
	Language    string
	Application *Application // nil: the reference is not known
	Following   bool         // the chat follows the application's reference
	Label       string       // the chat's own name for the reference, if any
	AsOf        time.Time    // register_as_of; zero: no complete feed yet

	Settings   ChatSettings
	Items      []DeliveryItem    // for digests, returns and lists: those of the note that are followed still
	Followed   int               // how many references the chat follows, for a heartbeat
	LastChange time.Time         // the latest change of any of them, for a heartbeat; zero: none is known
	Texts      map[string]string // an announcement's, by language
}

// A DeliveryItem is a followed reference as a list or a digest shows it.
type DeliveryItem struct {
	NoteItem
	Application *Application // nil: the reference is not known
}

// A SendResult is what became of an attempt, and so of its notification.
type SendResult string

const (
	SendAccepted SendResult = "accepted" // Telegram took it
	SendRetry    SendResult = "retry"    // again at RetryAt; a counted failure
	SendHeld     SendResult = "held"     // again at RetryAt; not its fault, not counted (429, a bad token)
	SendGone     SendResult = "gone"     // the chat is gone: nothing more is sent to it until it comes back
	SendMigrated SendResult = "migrated" // the chat has a new id, MigrateTo: again at once
	SendPlain    SendResult = "plain"    // the markup was refused: once more without
	SendDead     SendResult = "dead"     // given up
)

// A Sent is the result of one attempt.
type Sent struct {
	Delivery  Delivery
	Result    SendResult
	Ambiguous bool   // it may have arrived though no answer says so
	MessageID int64  // Telegram's, where accepted
	Code      int    // Telegram's or HTTP's, 0 where there was no answer
	Reason    string // a short label, as in metrics
	RetryAt   time.Time
	MigrateTo int64
	EndedAt   time.Time
}

// A Turn lets a lane take up to N notifications when it is its turn.
type Turn struct {
	Lane Lane
	N    int
}

// An Incoming is an update from Telegram, stripped of names, as it waits in
// the inbox.
type Incoming struct {
	UpdateID int64
	Body     string
	Tries    int // how often it was taken up before without success
}
