package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kabarchy/store"
	"kabarchy/visa"
)

func make1(t testing.TB, s *store.Store, a visa.Announcement) visa.Announcement {
	t.Helper()
	if a.Texts == nil {
		a.Texts = map[string]string{"en": "Closed on Monday.", "ru": "В понедельник закрыто."}
	}
	made, fresh, err := s.MakeAnnouncement(context.Background(), a)
	if err != nil || !fresh {
		t.Fatalf("made %v (fresh %t): %v", made, fresh, err)
	}
	return made
}

func announcement(t testing.TB, s *store.Store, id int64) visa.Announcement {
	t.Helper()
	a, err := s.Announcement(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func setState(t testing.TB, s *store.Store, id int64, state visa.AnnouncementState) visa.Announcement {
	t.Helper()
	a, err := s.SetAnnouncement(context.Background(), id, state)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// announce lets the sender write as long as that is worth calling again.
func announce(t testing.TB, d *store.Sender) (open bool) {
	t.Helper()
	for more := true; more; {
		var err error
		if open, more, err = d.Announce(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return open
}

// acquaint makes chats known, from one id to another, that follow nothing.
func acquaint(t testing.TB, s *store.Store, from, to int64) {
	t.Helper()
	var all []visa.Incoming
	for range to - from + 1 {
		updateID++
		all = append(all, visa.Incoming{UpdateID: updateID, Body: "{}"})
	}
	if err := s.Receive(context.Background(), all); err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	g.SetLimit(64) // they share transactions
	for i, u := range all {
		g.Go(func() error {
			return s.Converse(context.Background(), u.UpdateID, from+int64(i), "en", func(visa.Conversation) error { return nil })
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// deliver sends everything that is written and to be written, and counts what
// each chat got.
func deliver(t testing.TB, s *store.Store, d *store.Sender, c *clock, got map[int64]int) {
	t.Helper()
	for announce(t, d) {
		for all := claim(t, d); len(all) > 0; all = claim(t, d) {
			for _, one := range all {
				got[one.ChatID]++
			}
			finish(t, d, visa.SendAccepted, all...)
			c.t = c.t.Add(2 * time.Second)
		}
	}
}

func TestAnAnnouncementReachesEveryChatOnce(t *testing.T) {
	s, c := fresh(t)
	acquaint(t, s, 1, 1100)
	if err := s.Deactivate(context.Background(), 0, 7); err != nil {
		t.Fatal(err)
	}
	converse(t, s, 8, func(c visa.Conversation) error { return c.Forget(context.Background()) })
	d := sender(t, s)
	a := make1(t, s, visa.Announcement{CreatedBy: "test"})
	if a.Total != 1098 || a.State != visa.AnnouncementRunning || a.CreatedBy != "test" || a.Written != 0 || a.Request == "" {
		t.Errorf("made %+v", a)
	}
	converse(t, s, 2000, func(visa.Conversation) error { return nil }) // too late to get it

	announce(t, d)
	if a := announcement(t, s, a.ID); a.Written < 500 || a.Written > 1000 || a.Waiting != a.Written {
		t.Errorf("before anything is sent %d are written, and %d wait; at most 1000 may", a.Written, a.Waiting)
	}
	got := make(map[int64]int)
	deliver(t, s, d, c, got)
	for chat := int64(1); chat <= 1100; chat++ {
		if want := map[bool]int{false: 1}[chat == 7 || chat == 8]; got[chat] != want {
			t.Errorf("chat %d got it %d times", chat, got[chat])
		}
	}
	if got[2000] != 0 {
		t.Error("a chat that became known afterwards got it")
	}
	if a := announcement(t, s, a.ID); a.State != visa.AnnouncementDone || a.Done() != 1098 || a.Waiting != 0 || a.EndedAt.IsZero() {
		t.Errorf("at the end %+v", a)
	}
	if _, err := s.SetAnnouncement(context.Background(), a.ID, visa.AnnouncementPaused); !errors.Is(err, visa.ErrEnded) {
		t.Errorf("pausing it then: %v", err)
	}
}

func TestAnAnnouncementIsClaimedWithItsTextsInItsLane(t *testing.T) {
	s, _ := fresh(t)
	acquaint(t, s, 1, 1)
	d := sender(t, s)
	a := make1(t, s, visa.Announcement{})
	announce(t, d)
	got := claim(t, d)
	if len(got) != 1 || got[0].Lane != visa.LaneAnnouncement || got[0].Kind != visa.KindAnnouncement ||
		got[0].Note.Announcement != a.ID || !maps.Equal(got[0].Texts, a.Texts) || got[0].ChatID != 1 {
		t.Errorf("claimed %+v", got)
	}
}

func TestTheSameRequestMakesOneAnnouncement(t *testing.T) {
	s, _ := fresh(t)
	first := visa.Announcement{Request: "r-1", Texts: map[string]string{"en": "A", "ru": "Б"}, Audience: visa.Audience{Stage: visa.StageDecided}}
	made := make1(t, s, first)
	again, fresh, err := s.MakeAnnouncement(context.Background(), first)
	if err != nil || fresh || again.ID != made.ID {
		t.Errorf("again: %+v, fresh %t, %v", again, fresh, err)
	}
	for name, change := range map[string]func(*visa.Announcement){
		"another text":     func(a *visa.Announcement) { a.Texts = map[string]string{"en": "B", "ru": "Б"} },
		"fewer texts":      func(a *visa.Announcement) { a.Texts = map[string]string{"en": "A"} },
		"another audience": func(a *visa.Announcement) { a.Audience = visa.Audience{} },
	} {
		a := first
		change(&a)
		if _, _, err := s.MakeAnnouncement(context.Background(), a); !errors.Is(err, visa.ErrRequestUsed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, two := make1(t, s, visa.Announcement{}), make1(t, s, visa.Announcement{})
	if one.Request == two.Request || one.ID == two.ID {
		t.Error("two announcements without a request are one")
	}
	all, err := s.Announcements(context.Background(), 2)
	if err != nil || len(all) != 2 || all[0].ID != two.ID || all[1].ID != one.ID {
		t.Errorf("the latest two: %+v, %v", all, err)
	}
	if _, err := s.Announcement(context.Background(), 99); !errors.Is(err, visa.ErrNotFound) {
		t.Errorf("one there is not: %v", err)
	}
	if _, err := s.SetAnnouncement(context.Background(), 99, visa.AnnouncementPaused); !errors.Is(err, visa.ErrNotFound) {
		t.Errorf("pausing one there is not: %v", err)
	}
}

func TestAnAudienceIsWhoFollowsAnApplicationWithAllThatIsStated(t *testing.T) {
	s, c := fresh(t)
	in := func(campaign string, p visa.Procedure) func(*visa.Update) {
		return func(u *visa.Update) { u.Campaign, u.Procedure = campaign, p }
	}
	record(t, s,
		update(t, "11111111", 1, in("spring", visa.ProcedureExitVisa)),
		update(t, "22222222", 1, in("spring", visa.ProcedureVisa), approved),
		update(t, "33333333", 1, in("autumn", visa.ProcedureExitVisa), approved))
	follow(t, s, 1, "11111111")
	follow(t, s, 2, "22222222")
	follow(t, s, 3, "33333333", "11111111")
	follow(t, s, 4, "99999999") // not known
	acquaint(t, s, 5, 5)
	tests := []struct {
		name     string
		audience visa.Audience
		want     []int64
	}{
		{"every chat", visa.Audience{}, []int64{1, 2, 3, 4, 5}},
		{"a campaign", visa.Audience{Campaign: "spring"}, []int64{1, 2, 3}},
		{"a procedure", visa.Audience{Procedure: visa.ProcedureVisa}, []int64{2}},
		{"a stage", visa.Audience{Stage: visa.StageDecided}, []int64{2, 3}},
		{"all of it of one application", visa.Audience{Campaign: "spring", Procedure: visa.ProcedureExitVisa, Stage: visa.StageDecided}, nil},
		{"two of it", visa.Audience{Campaign: "autumn", Stage: visa.StageDecided}, []int64{3}},
		{"a campaign there is not", visa.Audience{Campaign: "winter"}, nil},
	}
	d := sender(t, s)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			counts, err := s.CountAudience(context.Background(), tt.audience)
			if err != nil || counts["en"] != int64(len(tt.want)) {
				t.Errorf("counted %v (%v), want %d", counts, err, len(tt.want))
			}
			a := make1(t, s, visa.Announcement{Audience: tt.audience})
			got := make(map[int64]int)
			deliver(t, s, d, c, got)
			if chats := slices.Sorted(maps.Keys(got)); !slices.Equal(chats, tt.want) || a.Total != int64(len(tt.want)) {
				t.Errorf("went to %v of %d, want %v", chats, a.Total, tt.want)
			}
		})
	}
}

func TestAPausedAnnouncementWaitsAndOneThatIsCancelledEnds(t *testing.T) {
	s, c := fresh(t)
	acquaint(t, s, 1, 700)
	d := sender(t, s)
	paused, other := make1(t, s, visa.Announcement{}), int64(0)
	announce(t, d)
	claimed := claim(t, d)
	inFlight := claimed[:3]
	finish(t, d, visa.SendHeld, claimed[3:]...)
	got := make(map[int64]int)

	before := setState(t, s, paused.ID, visa.AnnouncementPaused)
	if before.State != visa.AnnouncementPaused || before.Waiting == 0 {
		t.Errorf("paused: %+v", before)
	}
	finish(t, d, visa.SendRetry, inFlight...) // it failed, and comes to wait again meanwhile
	c.t = c.t.Add(time.Hour)
	if all := claim(t, d); len(all) > 0 {
		t.Errorf("%d are claimed of a paused announcement", len(all))
	}
	if open := announce(t, d); open {
		t.Error("a paused announcement counts as running")
	}
	// Another one goes to the same chats all the same.
	other = make1(t, s, visa.Announcement{}).ID
	deliver(t, s, d, c, got)
	if a := announcement(t, s, other); a.State != visa.AnnouncementDone || len(got) != 700 {
		t.Errorf("the other one: %+v, to %d chats", a, len(got))
	}
	if a := announcement(t, s, paused.ID); a.Waiting != before.Waiting {
		t.Errorf("of the paused one %d wait, before %d", a.Waiting, before.Waiting)
	}

	setState(t, s, paused.ID, visa.AnnouncementRunning)
	announce(t, d)
	all := claim(t, d)
	finish(t, d, visa.SendAccepted, all...)
	if len(all) == 0 {
		t.Error("nothing goes on after it is resumed")
	}
	cancelled := setState(t, s, paused.ID, visa.AnnouncementCancelled)
	if cancelled.State != visa.AnnouncementCancelled || cancelled.Waiting != 0 || cancelled.EndedAt.IsZero() || cancelled.Written == 0 {
		t.Errorf("cancelled: %+v", cancelled)
	}
	announce(t, d)
	c.t = c.t.Add(time.Hour)
	if late := claim(t, d); len(late) > 0 {
		t.Errorf("%d are claimed of a cancelled announcement", len(late))
	}
	if _, err := s.SetAnnouncement(context.Background(), paused.ID, visa.AnnouncementRunning); !errors.Is(err, visa.ErrEnded) {
		t.Errorf("resuming it then: %v", err)
	}
}

func TestAMutedChatDoesNotHoldAnAnnouncementUp(t *testing.T) {
	s, c := fresh(t)
	acquaint(t, s, 1, 600)
	for chat := int64(1); chat <= 550; chat++ {
		converse(t, s, chat, func(v visa.Conversation) error {
			return v.SetSettings(context.Background(), visa.ChatSettings{MutedUntil: c.t.Add(7 * 24 * time.Hour)})
		})
	}
	d := sender(t, s)
	make1(t, s, visa.Announcement{})
	got := make(map[int64]int)
	for range 4 {
		announce(t, d)
		all := claim(t, d)
		for _, one := range all {
			got[one.ChatID]++
		}
		finish(t, d, visa.SendAccepted, all...)
		c.t = c.t.Add(2 * time.Second)
	}
	if len(got) != 50 {
		t.Errorf("%d of the 50 chats that are not muted got it", len(got))
	}
	c.t = c.t.Add(8 * 24 * time.Hour)
	deliver(t, s, d, c, got)
	for chat := int64(1); chat <= 600; chat++ {
		if got[chat] != 1 {
			t.Errorf("chat %d got it %d times", chat, got[chat])
		}
	}
}

func TestWhatACommandLeftUndoneTheSenderFinishes(t *testing.T) {
	s, c := fresh(t)
	acquaint(t, s, 1, 40)
	d := sender(t, s)
	a := make1(t, s, visa.Announcement{})
	announce(t, d)
	// As if whoever changed the state had been killed before the rest.
	for _, step := range []struct {
		state   visa.AnnouncementState
		claimed bool
	}{{visa.AnnouncementPaused, false}, {visa.AnnouncementRunning, true}, {visa.AnnouncementCancelled, false}} {
		store.SetStateAlone(t, s, a.ID, step.state)
		if step.state == visa.AnnouncementPaused { // a claim sees to it by itself, too
			if all := claim(t, d); len(all) > 0 {
				t.Errorf("%d are claimed", len(all))
			}
		}
		announce(t, d)
		c.t = c.t.Add(time.Minute)
		all := claim(t, d)
		if len(all) > 0 != step.claimed {
			t.Errorf("%s: %d are claimed", step.state, len(all))
		}
		if len(all) > 0 {
			finish(t, d, visa.SendHeld, all...)
		}
	}
	if got := announcement(t, s, a.ID); got.Waiting != 0 || got.EndedAt.IsZero() {
		t.Errorf("cancelled: %+v", got)
	}
}

func TestAnotherSenderGoesOnWhereTheFirstStopped(t *testing.T) {
	s, c := fresh(t)
	acquaint(t, s, 1, 700)
	first := sender(t, s)
	a := make1(t, s, visa.Announcement{})
	announce(t, first)
	got := make(map[int64]int)
	for _, one := range claim(t, first)[:100] {
		got[one.ChatID]++
		finish(t, first, visa.SendAccepted, one)
	}
	_ = first.Close() // some were claimed and have no result: ambiguous
	second, orphans, err := s.BecomeSender(context.Background())
	if err != nil || orphans == 0 {
		t.Fatalf("%d orphans, %v", orphans, err)
	}
	t.Cleanup(func() { _ = second.Close() })
	if _, _, err := first.Announce(context.Background()); !errors.Is(err, store.ErrNotSender) {
		t.Errorf("the first one still announces: %v", err)
	}
	c.t = c.t.Add(time.Minute)
	deliver(t, s, second, c, got)
	for chat := int64(1); chat <= 700; chat++ {
		if got[chat] != 1 {
			t.Errorf("chat %d got it %d times", chat, got[chat])
		}
	}
	if a := announcement(t, s, a.ID); a.State != visa.AnnouncementDone || a.Written != 700 {
		t.Errorf("at the end %+v", a)
	}
}

func TestChatsThatMergeGetAnAnnouncementOnce(t *testing.T) {
	for _, known := range []string{"before", "after"} {
		t.Run("the new id is known "+known+" the announcement was made", func(t *testing.T) {
			s, c := fresh(t)
			acquaint(t, s, 1, 3)
			if known == "before" {
				acquaint(t, s, 77, 77)
			}
			d := sender(t, s)
			make1(t, s, visa.Announcement{})
			announce(t, d)
			acquaint(t, s, 77, 77)
			got := make(map[int64]int)
			for _, one := range claim(t, d) {
				if one.ChatID != 2 {
					got[one.ChatID]++
					finish(t, d, visa.SendAccepted, one)
					continue
				}
				if err := d.Finish(context.Background(), []visa.Sent{{Delivery: one, Result: visa.SendMigrated, MigrateTo: 77, EndedAt: c.t}}, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			c.t = c.t.Add(time.Minute)
			deliver(t, s, d, c, got)
			if want := map[int64]int{1: 1, 3: 1, 77: 1}; !maps.Equal(got, want) {
				t.Errorf("went to %v, want %v", got, want)
			}
		})
	}
}

func BenchmarkAnnouncing(b *testing.B) {
	s, c := fresh(b)
	acquaint(b, s, 1, 2000)
	d := sender(b, s)
	for i := 0; b.Loop(); i++ {
		make1(b, s, visa.Announcement{Request: fmt.Sprint(i)})
		deliver(b, s, d, c, make(map[int64]int))
	}
	b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
