package app

import (
	"cmp"
	"context"
	"slices"

	"kabarchy/visa"
)

// Announcements is what an Announcer needs of the database. Its methods may be
// called from many goroutines; visa.ErrNotFound says that there is no such
// announcement, an error that wraps visa.ErrUnavailable that trying again later
// is right.
type Announcements interface {
	// CountAudience returns how many chats an audience is made of at present,
	// by their language as it is kept.
	CountAudience(ctx context.Context, a visa.Audience) (map[string]int64, error)
	// MakeAnnouncement makes an announcement, which is then sent without further
	// ado. The same Request again gives the announcement that is there, and
	// fresh is false: visa.ErrRequestUsed if that has other content.
	MakeAnnouncement(ctx context.Context, a visa.Announcement) (made visa.Announcement, fresh bool, err error)
	Announcement(ctx context.Context, id int64) (visa.Announcement, error)
	// Announcements returns the latest ones, newest first.
	Announcements(ctx context.Context, limit int) ([]visa.Announcement, error)
	// SetAnnouncement pauses, resumes or cancels one: visa.ErrEnded if it has
	// ended in another way.
	SetAnnouncement(ctx context.Context, id int64, state visa.AnnouncementState) (visa.Announcement, error)
}

// AnnouncerOptions are what an Announcer needs. All must be given.
type AnnouncerOptions struct {
	Store     Announcements
	Languages []string                                             // codes, in the order in which they are listed
	Match     func(language string) (code string)                  // the language that a chat's is shown in
	Render    func(texts map[string]string, language string) Shown // as it is sent
}

// Shown is a message as it is shown.
type Shown struct {
	Text    string
	Buttons []string // what stands on them, row by row
}

// An Announcer checks, previews and makes messages to many, and stops them. All
// its methods may be called from many goroutines.
type Announcer struct{ o AnnouncerOptions }

// NewAnnouncer returns an Announcer.
func NewAnnouncer(o AnnouncerOptions) *Announcer { return &Announcer{o} }

// A Plan is what an announcement would do.
type Plan struct {
	Total     int64
	Languages []PlannedLanguage // all there are
}

// A PlannedLanguage is what the chats of one language would get.
type PlannedLanguage struct {
	Code   string
	Chats  int64
	TextOf string // the code of the language whose text they get
	Shown
}

// Check brings what somebody asks for into its form, and says what is wrong
// with it as a *visa.FieldError.
func (n *Announcer) Check(a *visa.Announcement) error {
	a.Normalize()
	return a.Validate(n.o.Languages)
}

// Plan says what an announcement that is checked would do, and does nothing.
func (n *Announcer) Plan(ctx context.Context, a visa.Announcement) (Plan, error) {
	counts, err := n.o.Store.CountAudience(ctx, a.Audience)
	if err != nil {
		return Plan{}, err
	}
	chats := make(map[string]int64)
	var p Plan
	for language, count := range counts {
		chats[n.o.Match(language)] += count
		p.Total += count
	}
	for _, code := range n.o.Languages {
		_, text := visa.TextFor(a.Texts, code)
		p.Languages = append(p.Languages, PlannedLanguage{code, chats[code], text, n.o.Render(a.Texts, code)})
	}
	slices.SortStableFunc(p.Languages, func(x, y PlannedLanguage) int { return cmp.Compare(y.Chats, x.Chats) })
	return p, nil
}

// Announce makes an announcement that is checked, as MakeAnnouncement of the
// store does.
func (n *Announcer) Announce(ctx context.Context, a visa.Announcement) (made visa.Announcement, fresh bool, err error) {
	return n.o.Store.MakeAnnouncement(ctx, a)
}

// MostAnnouncements is how many List returns.
const MostAnnouncements = 100

// List returns the latest announcements, newest first.
func (n *Announcer) List(ctx context.Context) ([]visa.Announcement, error) {
	return n.o.Store.Announcements(ctx, MostAnnouncements)
}

// Show returns an announcement, or visa.ErrNotFound.
func (n *Announcer) Show(ctx context.Context, id int64) (visa.Announcement, error) {
	return n.o.Store.Announcement(ctx, id)
}

// Set pauses, resumes or cancels an announcement, as SetAnnouncement of the
// store does.
func (n *Announcer) Set(ctx context.Context, id int64, state visa.AnnouncementState) (visa.Announcement, error) {
	return n.o.Store.SetAnnouncement(ctx, id, state)
}
