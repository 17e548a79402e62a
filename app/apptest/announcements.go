package apptest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"kabarchy/visa"
)

// Announcements keeps announcements in memory and sends nothing. Before of its
// Store is asked before each operation, too.
type Announcements struct {
	Store *Store
	Chats map[string]int64 // whom an announcement is for, by language, whatever its audience
	Now   func() time.Time

	mu  sync.Mutex
	all []visa.Announcement
}

// CountAudience returns Chats.
func (n *Announcements) CountAudience(ctx context.Context, _ visa.Audience) (map[string]int64, error) {
	return n.Chats, n.Store.before(ctx, "CountAudience")
}

// MakeAnnouncement makes one.
func (n *Announcements) MakeAnnouncement(ctx context.Context, a visa.Announcement) (visa.Announcement, bool, error) {
	if err := n.Store.before(ctx, "MakeAnnouncement"); err != nil {
		return visa.Announcement{}, false, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range n.all {
		switch {
		case a.Request == "" || k.Request != a.Request:
		case maps.Equal(k.Texts, a.Texts) && k.Audience == a.Audience:
			return k, false, nil
		default:
			return visa.Announcement{}, false, visa.ErrRequestUsed
		}
	}
	if a.Request == "" {
		a.Request = "one of its own"
	}
	a.ID, a.State, a.CreatedAt = int64(len(n.all)+1), visa.AnnouncementRunning, n.Now()
	for _, chats := range n.Chats {
		a.Total += chats
	}
	n.all = append(n.all, a)
	return a, true, nil
}

// Announcement returns one.
func (n *Announcements) Announcement(ctx context.Context, id int64) (visa.Announcement, error) {
	if err := n.Store.before(ctx, "Announcement"); err != nil {
		return visa.Announcement{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id < 1 || id > int64(len(n.all)) {
		return visa.Announcement{}, visa.ErrNotFound
	}
	return n.all[id-1], nil
}

// Announcements returns the latest.
func (n *Announcements) Announcements(ctx context.Context, limit int) ([]visa.Announcement, error) {
	if err := n.Store.before(ctx, "Announcements"); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	all := slices.Clone(n.all)
	slices.Reverse(all)
	return all[:min(limit, len(all))], nil
}

// SetAnnouncement changes a state.
func (n *Announcements) SetAnnouncement(ctx context.Context, id int64, state visa.AnnouncementState) (visa.Announcement, error) {
	a, err := n.Announcement(ctx, id)
	if err != nil {
		return a, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := &n.all[id-1]
	if kept.State != state {
		if kept.State.Ended() {
			return visa.Announcement{}, visa.ErrEnded
		}
		if kept.State = state; state == visa.AnnouncementCancelled {
			kept.EndedAt = n.Now()
		}
	}
	return *kept, nil
}
