package store

import (
	"context"
	"time"

	"kabarchy/visa"
)

// complete adds what rendering needs, and ends what is no longer to be sent.
func (c *claiming) complete(ctx context.Context) error {
	if len(c.taken) == 0 {
		return nil
	}
	asOf, err := c.t.settingInt(ctx, "register_as_of")
	if err != nil {
		return err
	}
	f := filling{t: c.t, keys: c.d.s.o.Keys, followed: make(map[int64][]visa.Subscription), known: make(map[visa.Reference]*visa.Application)}
	if err := f.load(ctx, c.taken); err != nil {
		return err
	}
	kept := c.taken[:0]
	for _, n := range c.taken {
		n.AsOf = fromMicros(asOf)
		if n.ChatID, err = c.d.s.o.Keys.openChat(n.sealed, n.keyID); n.damaged == nil {
			n.damaged = err
		}
		if n.damaged != nil {
			c.d.s.o.Log.Error("store: a notification cannot be sent", "notification", n.ID, "error", n.damaged)
			if err := c.t.end(ctx, []any{n.ID}, visa.Dead, "damaged"); err != nil {
				return err
			}
			continue
		}
		subscription, err := f.fill(ctx, n)
		if err != nil {
			return err
		}
		why := n.untrue(c.d.s.o.Schedule)
		if why == "" && n.Kind == visa.KindUnfound {
			waits, err := c.t.waits(ctx, n.Notification.Subscription, n.Note.Date)
			if err != nil {
				return err
			}
			if !waits {
				why = "followed anew"
			}
		}
		if why != "" {
			if !n.active {
				err = c.t.missedDays(ctx, missedBy(n.Subscription, n.Kind, n.Note))
			}
			if err == nil {
				err = c.t.end(ctx, []any{n.ID}, visa.Cancelled, why)
			}
			if err == nil && n.Application == nil {
				err = c.t.forget(ctx, []any{n.ID})
			}
			if err != nil {
				return err
			}
			continue
		}
		if held, err := c.t.heldBack(ctx, n.Notification); held || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		n.Subscription = subscription
		kept = append(kept, n)
	}
	c.taken = kept
	return nil
}

// A filling is what is read for the notifications of one claim.
type filling struct {
	t        *tx
	keys     *Keyring
	followed map[int64][]visa.Subscription // all, of chats whose message is about more than one
	known    map[visa.Reference]*visa.Application
	texts    map[int64]map[string]string // of announcements
}

// load reads the applications that the taken ones are about, and the texts of
// announcements.
func (f *filling) load(ctx context.Context, taken []*candidate) error {
	var refs []visa.Reference
	want := func(r visa.Reference) {
		if _, twice := f.known[r]; !twice && !r.IsZero() {
			f.known[r] = nil
			refs = append(refs, r)
		}
	}
	var announcements []int64
	for _, n := range taken {
		want(n.about())
		if n.Kind == visa.KindAnnouncement {
			announcements = append(announcements, n.Note.Announcement)
		}
		if !n.lists() && n.Kind != visa.KindHeartbeat {
			continue
		}
		if f.followed[n.Chat] != nil {
			continue
		}
		all, err := f.t.subscriptionsOf(ctx, n.Chat)
		if err != nil {
			return err
		}
		f.followed[n.Chat] = all
		if n.Kind == visa.KindHeartbeat {
			for _, s := range all {
				want(s.Reference)
			}
		}
		for _, i := range n.Note.Items {
			want(i.Reference)
		}
	}
	err := f.t.applications(ctx, refs, f.known)
	if err == nil && len(announcements) > 0 {
		f.texts, err = f.t.announcementTexts(ctx, announcements)
	}
	return err
}

// lists reports whether a message shows a row for each of its items.
func (n *candidate) lists() bool {
	return n.Kind == visa.KindDigest || n.Kind == visa.KindReturn || n.Kind == visa.KindReply && n.Note.Reply == visa.ReplyList
}

// subscriptionsOf returns all that a chat follows, oldest first, with their
// labels as they are kept.
func (t *tx) subscriptionsOf(ctx context.Context, chat int64) (all []visa.Subscription, err error) {
	err = t.query(ctx, func(scan func(...any) error) error {
		s, err := scanSubscription(scan)
		all = append(all, s)
		return err
	}, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE chat = $1 ORDER BY id`, chat)
	return all, err
}

// fill adds to one notification what its kind shows, and returns the
// subscription it is about, 0 if there is none.
func (f *filling) fill(ctx context.Context, n *candidate) (subscription int64, err error) {
	if !n.Settings.MutedUntil.After(f.t.now) {
		n.Settings.MutedUntil = time.Time{}
	}
	if r := n.about(); !r.IsZero() {
		n.Application = f.known[r]
		if n.Following, err = f.t.one(ctx, []any{&subscription, &n.Label, &n.left}, `SELECT id, label, left_at > 0 FROM subscriptions WHERE chat = $1 AND reference = $2`,
			n.Chat, r.String()); err != nil {
			return 0, err
		}
		n.Label = f.keys.openLabel(n.Label)
	}
	switch {
	case n.Kind == visa.KindNews:
		n.Note.Dates, n.Note.Date = gone(n.Application, n.Note.Corrected()), 0
	case n.lists():
		f.items(n)
	case n.Kind == visa.KindHeartbeat:
		n.Followed = len(f.followed[n.Chat])
		for _, s := range f.followed[n.Chat] {
			if a := f.known[s.Reference]; a != nil && a.Since().After(n.LastChange) {
				n.LastChange = a.Since()
			}
		}
	case n.Kind == visa.KindAnnouncement:
		n.Texts = f.texts[n.Note.Announcement]
	}
	return subscription, nil
}

// items adds the rows of what is still followed, as it stands now.
func (f *filling) items(n *candidate) {
	followed := make(map[visa.Reference]visa.Subscription)
	for _, s := range f.followed[n.Chat] {
		followed[s.Reference] = s
	}
	for _, i := range n.Note.Items {
		s, ok := followed[i.Reference]
		if !ok {
			continue
		}
		i.Subscription, i.Label = s.ID, f.keys.openLabel(s.Label)
		a := f.known[i.Reference]
		i.Dates, i.Date = gone(a, i.Corrected()), 0
		n.Items = append(n.Items, visa.DeliveryItem{NoteItem: i, Application: a})
	}
}

// gone returns those of some days that have not come to hold again, for
// whatever kind of deadline.
func gone(a *visa.Application, days []visa.Date) (out []visa.Date) {
	for _, day := range days {
		if a == nil || !named(a.Reminded(), day) {
			out = append(out, day)
		}
	}
	return out
}

// untrue says why a notification is not to be sent after all, or nothing. The
// transactions that change these things take it back themselves; this is the
// last look before it goes out, also for what came back from a failed attempt.
func (n *candidate) untrue(schedule visa.Schedule) string {
	switch {
	case !n.active:
		return "chat inactive"
	case n.forgotten && n.Kind != visa.KindReply:
		return "forgotten"
	case n.Subscription > 0 && !n.Following:
		return "unfollowed"
	}
	switch n.Kind {
	case visa.KindDigest, visa.KindReturn:
		if len(n.Items) == 0 {
			return "unfollowed"
		}
	case visa.KindHeartbeat:
		switch {
		case n.Followed == 0:
			return "unfollowed"
		case !n.Settings.Heartbeat:
			return "not wanted"
		}
	case visa.KindAnnouncement:
		if n.Texts == nil {
			return "announcement cancelled"
		}
		if n.ChatID < 0 { // it was not known as one when the announcement was written
			return "group"
		}
	case visa.KindUnfound:
		if n.Application != nil {
			return noLongerStands(n.Kind)
		}
	case visa.KindReminder, visa.KindErasure, visa.KindPendingLong:
		switch {
		case n.Application == nil:
			return "unknown"
		case n.left:
			return "left"
		case !schedule.Holds(n.Application, n.Kind, n.Note):
			return noLongerStands(n.Kind)
		}
	}
	return ""
}
