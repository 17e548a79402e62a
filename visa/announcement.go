package visa

import "time"

// An Audience says whom an announcement is for: the chats that follow an
// application with all that is stated here. The zero Audience is every chat
// that can be written to.
type Audience struct {
	Campaign  string    `json:"campaign,omitempty"`
	Procedure Procedure `json:"procedure,omitempty"`
	Stage     Stage     `json:"stage,omitempty"`
}

// An AnnouncementState is where an announcement stands.
type AnnouncementState string

const (
	AnnouncementRunning   AnnouncementState = "running"
	AnnouncementPaused    AnnouncementState = "paused"    // until it is resumed or cancelled
	AnnouncementCancelled AnnouncementState = "cancelled" // what was not sent is not sent any more
	AnnouncementDone      AnnouncementState = "done"      // every chat's message has ended, one way or another
)

// An Announcement is a message to many. Chats that become known after it was
// made do not get it.
type Announcement struct {
	ID        int64
	Request   string            // of whoever asked; at most one announcement has it
	Texts     map[string]string // plain text by language, at least one
	Audience  Audience
	CreatedBy string // the key's name, or "command line"
	CreatedAt time.Time
	State     AnnouncementState
	Total     int64     // chats it was for when it was made
	Written   int64     // chats whose message is written, sent or not
	Waiting   int64     // of these, how many are not ended
	EndedAt   time.Time // zero: it has not ended
}

// Done returns how many chats' messages have ended: accepted, or not to be
// sent after all.
func (a Announcement) Done() int64 { return a.Written - a.Waiting }

// MaxAnnouncement is the most characters of an announcement's text: what
// Telegram takes, less room for what stands around it.
const MaxAnnouncement = 3500
