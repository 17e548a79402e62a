package visa

import (
	"slices"
	"time"
)

// A Lane is a class of notifications; of what is due for a chat, the lower
// number goes first.
type Lane int

const (
	LaneConversation Lane = iota + 1 // answers to what the chat just asked
	LaneDecision                     // news of an application
	LaneReminder                     // deadlines
	LaneAnnouncement                 // to many, in no hurry
)

// Lanes are all lanes, most urgent first.
var Lanes = []Lane{LaneConversation, LaneDecision, LaneReminder, LaneAnnouncement}

// String returns the lane's name, as in metrics and audits.
func (l Lane) String() string {
	switch l {
	case LaneConversation:
		return "conversation"
	case LaneDecision:
		return "decision"
	case LaneReminder:
		return "reminder"
	case LaneAnnouncement:
		return "announcement"
	}
	return "unknown"
}

// A NotificationState is where a notification stands.
type NotificationState string

const (
	Pending    NotificationState = "pending"    // to be sent, not before its time
	Sending    NotificationState = "sending"    // an attempt is written as started
	Accepted   NotificationState = "accepted"   // Telegram took it; the last state we can know
	Cancelled  NotificationState = "cancelled"  // a rule took it back: unfollowed, closed, moved, chat gone
	Superseded NotificationState = "superseded" // a newer one of the same chat and reference took its place
	Expired    NotificationState = "expired"    // its use had passed
	Dead       NotificationState = "dead"       // given up, with an alarm; can be replayed
)

// A Kind says what a notification tells, and so how it is rendered.
type Kind string

const (
	KindNews     Kind = "news"     // an application changed, or appeared
	KindReminder Kind = "reminder" // a deadline comes near
	KindReply    Kind = "reply"    // an answer of the conversation; Note.Reply says which

	KindDigest       Kind = "digest"       // several applications changed in one import: Note.Items
	KindReturn       Kind = "return"       // what changed while the chat could not be written to: Note.Items
	KindHeartbeat    Kind = "heartbeat"    // still watching, and since when nothing changed
	KindPendingLong  Kind = "pending_long" // a stage that has not moved for long: Note.Date, since when
	KindErasure      Kind = "erasure"      // what is erased, and when: Note.Date; Note.Reply says why
	KindAnnouncement Kind = "announcement" // Note.Announcement's text, for many
	KindUnfound      Kind = "unfound"      // a reference that never appeared is watched for no more; Note.Token follows it anew
)

// A Note is what a notification tells, apart from the application itself,
// whose state is read when the message is rendered. It is stored as JSON, and
// erased once the notification is done.
type Note struct {
	Reply     string       `json:"reply,omitempty"`    // which answer of the conversation, for KindReply
	Reference Reference    `json:"reference,omitzero"` // whose status the answer shows, if any
	Changed   []string     `json:"changed,omitempty"`  // Change.Names, for KindNews
	Deadline  DeadlineKind `json:"deadline,omitempty"` // for KindReminder
	Date      Date         `json:"date,omitzero"`      // the deadline's day, for KindReminder
	Dates     []Date       `json:"dates,omitempty"`    // for KindNews; read them with Corrected
	Days      int          `json:"days,omitempty"`     // the rule's, for KindReminder; the text counts anew
	Language  string       `json:"language,omitempty"` // for an answer that must not follow the chat's setting
	Token     string       `json:"token,omitempty"`    // stands for Reference in a button
	Page      int          `json:"page,omitempty"`     // of a list, from 0
	Fault     string       `json:"fault,omitempty"`    // a ReferenceFault
	Want      int          `json:"want,omitempty"`     // characters of a reference, where all have as many
	Digits    bool         `json:"digits,omitempty"`   // only digits were typed
	Number    int          `json:"number,omitempty"`   // a count the answer names
	Items     []NoteItem   `json:"items,omitempty"`    // a list's rows
	Extra     []string     `json:"extra,omitempty"`    // further words of an answer, never personal data

	Code   string  `json:"code,omitempty"`   // the digits that the page of the chat's deep link showed
	Pasted *Pasted `json:"pasted,omitempty"` // for ReplyPasted

	Settings     *ChatSettings `json:"settings,omitempty"`     // for ReplySettings
	Announcement int64         `json:"announcement,omitempty"` // for KindAnnouncement
}

// Corrected returns, of KindNews, the days that reminders have named and that
// no longer hold.
func (n Note) Corrected() []Date { return corrected(n.Date, n.Dates) }

// corrected reads what earlier versions have stored, too: they knew of one such
// day, under another name.
func corrected(one Date, all []Date) []Date {
	if one.IsZero() || slices.Contains(all, one) {
		return all
	}
	return append([]Date{one}, all...)
}

// Why something is erased, as Note.Reply of KindErasure.
const (
	ErasureNear     = "near"     // the day comes near
	ErasureCampaign = "campaign" // the application's campaign is over
)

// A Pasted is what became of a pasted list of references, for ReplyPasted.
type Pasted struct {
	Followed int  `json:"followed,omitempty"` // followed from now on
	Waiting  int  `json:"waiting,omitempty"`  // the same, and not in the data yet
	Already  int  `json:"already,omitempty"`  // followed before
	Refused  int  `json:"refused,omitempty"`  // not looked up: too many unknown ones
	Minutes  int  `json:"minutes,omitempty"`  // until more may be looked up
	Full     int  `json:"full,omitempty"`     // beyond MaxFollowed
	Unknown  int  `json:"unknown,omitempty"`  // not in the data, and beyond MaxUnknown
	Unread   int  `json:"unread,omitempty"`   // lines beyond MaxPasted
	Bad      int  `json:"bad,omitempty"`      // lines without one reference
	Parts    bool `json:"parts,omitempty"`    // they stood in one line, with semicolons between

	Faults []PastedFault `json:"faults,omitempty"` // of the first of Bad
}

// A PastedFault says what is wrong with a line of a pasted list, without
// repeating it.
type PastedFault struct {
	Line   int            `json:"line"` // from 1
	Fault  ReferenceFault `json:"fault"`
	N      int            `json:"n,omitempty"`
	Want   int            `json:"want,omitempty"` // characters of a reference, where all have as many
	Digits bool           `json:"digits,omitempty"`
}

// A NoteItem is a row of a list of followed applications, or of a digest.
type NoteItem struct {
	Subscription int64     `json:"subscription"`
	Reference    Reference `json:"reference"`
	Label        string    `json:"label,omitempty"`
	Changed      []string  `json:"changed,omitempty"` // Change.Names, in a digest
	Date         Date      `json:"date,omitzero"`     // as Dates, of earlier versions
	Dates        []Date    `json:"dates,omitempty"`   // read them with Corrected
}

// Corrected returns the days that reminders have named and that no longer hold.
func (i NoteItem) Corrected() []Date { return corrected(i.Date, i.Dates) }

// A Notification is the intent to tell one chat one thing. At most one exists
// for a dedupe key.
type Notification struct {
	ID           int64
	DedupeKey    string
	Chat         int64 // the store's id of the chat, not Telegram's
	Subscription int64 // 0 for what concerns no followed reference
	Reference    Reference
	Lane         Lane
	Kind         Kind
	Note         Note
	Batch        Batch // of the import that news come from, as long as they may become part of its digest
	State        NotificationState
	NotBefore    time.Time
	UseUntil     time.Time // zero: of use for ever
	Attempts     int       // counted failures so far
	CreatedAt    time.Time
}
