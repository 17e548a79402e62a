package notifier_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kabarchy/visa"
)

func (w *world) announce(text string) visa.Announcement {
	w.t.Helper()
	a, _, err := w.store.MakeAnnouncement(context.Background(), visa.Announcement{Texts: map[string]string{"en": text}})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) setAnnouncement(id int64, state visa.AnnouncementState) {
	w.t.Helper()
	if _, err := w.store.SetAnnouncement(context.Background(), id, state); err != nil {
		w.t.Fatal(err)
	}
}

// acquaint makes chats known, from 1 on.
func (w *world) acquaint(n int64) {
	w.t.Helper()
	var all []visa.Incoming
	for range n {
		w.updateID++
		all = append(all, visa.Incoming{UpdateID: w.updateID, Body: "{}"})
	}
	if err := w.store.Receive(context.Background(), all); err != nil {
		w.t.Fatal(err)
	}
	var g errgroup.Group
	g.SetLimit(64) // they share transactions
	for i, u := range all {
		g.Go(func() error {
			return w.store.Converse(context.Background(), u.UpdateID, int64(i+1), "en", func(visa.Conversation) error { return nil })
		})
	}
	if err := g.Wait(); err != nil {
		w.t.Fatal(err)
	}
}

// announced counts the accepted messages of announcements, by chat.
func (w *world) announced() map[int64]int {
	got := make(map[int64]int)
	for _, c := range w.tg.got() {
		if strings.Contains(c.text, string(visa.KindAnnouncement)) {
			got[c.chat]++
		}
	}
	return got
}

func (w *world) everyoneOnce(n int64) {
	w.t.Helper()
	got := w.announced()
	for chat := int64(1); chat <= n; chat++ {
		if got[chat] != 1 {
			w.t.Errorf("chat %d got it %d times", chat, got[chat])
		}
	}
}

func TestAnAnnouncementIsSentAtThePaceFromItsFirstMomentOn(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		const n = 200
		w.acquaint(n)
		w.wait(time.Minute)
		w.announce("closed") // the notifier sleeps for minutes unless something hints
		w.wait(5 * time.Second)
		if got := len(w.announced()); got < 5*28*98/100 {
			t.Errorf("%d are accepted in 5 s, at 28 a second", got)
		}
		w.wait((n/28 + 1 - 5) * time.Second)
		w.everyoneOnce(n)
		w.wait(5 * time.Second)
		a, err := w.store.Announcement(context.Background(), 1)
		if err != nil || a.State != visa.AnnouncementDone {
			t.Errorf("it is %s, %v", a.State, err)
		}
	})
}

func TestAnAnnouncementSurvivesStopsAndPauses(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		const n = 200
		w.acquaint(n)
		a := w.announce("closed")
		w.wait(2 * time.Second)
		w.halt()
		w.wait(time.Hour)
		w.start(28)
		w.wait(2 * time.Second)
		w.setAnnouncement(a.ID, visa.AnnouncementPaused)
		w.wait(2 * time.Second) // what was claimed
		before := len(w.announced())
		w.wait(time.Hour)
		if after := len(w.announced()); after != before || before == 0 || before == n {
			t.Errorf("%d are accepted before the pause, %d after it", before, after)
		}
		w.setAnnouncement(a.ID, visa.AnnouncementRunning)
		w.wait(n / 28 * time.Second)
		w.everyoneOnce(n)
	})
}

func TestACancelledAnnouncementStops(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.acquaint(120)
		a := w.announce("closed")
		w.wait(2 * time.Second)
		w.setAnnouncement(a.ID, visa.AnnouncementCancelled)
		w.wait(2 * time.Second)
		before := len(w.announced())
		w.wait(time.Hour)
		if after := len(w.announced()); after != before || before == 0 || before == 120 {
			t.Errorf("%d are accepted before, %d afterwards", before, after)
		}
	})
}

func TestAnAnnouncementKeepsItsShareBesideMoreThanThePaceCanTake(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		const n = 160
		w.acquaint(n)
		for i := range n {
			w.follow(int64(10_000+i), i+1)
		}
		for i := range n {
			w.record(i+1, 1)
		}
		w.announce("closed")
		w.wait(time.Second)
		before, announced := len(w.tg.got()), len(w.announced())
		w.wait(5 * time.Second)
		share := float64(len(w.announced())-announced) / float64(len(w.tg.got())-before)
		if share < 0.10 || share > 0.20 {
			t.Errorf("the announcement has %.1f %% of what is sent", 100*share)
		}
	})
}
