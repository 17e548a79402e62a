package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// choose changes the settings of a chat.
func choose(t testing.TB, s *store.Store, chat int64, change func(*visa.ChatSettings)) {
	t.Helper()
	converse(t, s, chat, func(c visa.Conversation) error {
		now, err := c.Settings(context.Background())
		if err != nil {
			return err
		}
		change(&now)
		return c.SetSettings(context.Background(), now)
	})
}

// untilSent lets time pass in steps until something is sent, and returns it.
func untilSent(t testing.TB, c *clock, d *store.Sender, step, most time.Duration) []visa.Delivery {
	t.Helper()
	for end := c.t.Add(most); !c.t.After(end); c.t = c.t.Add(step) {
		if got := claim(t, d); len(got) > 0 {
			finish(t, d, visa.SendAccepted, got...)
			return got
		}
	}
	return nil
}

func TestAMuteKeepsBackWhatCanWaitAndLosesNothing(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	until := c.t.Add(8 * time.Hour)
	choose(t, s, 42, func(w *visa.ChatSettings) { w.MutedUntil = until })
	record(t, s, update(t, "20417733", 2, approved))
	converse(t, s, 42, func(cv visa.Conversation) error {
		return cv.Reply(context.Background(), visa.Note{Reply: visa.ReplyHelp})
	})
	got := drain(t, c, d)
	if len(got) != 1 || got[0].Kind != visa.KindReply || !got[0].Settings.MutedUntil.Equal(until) {
		t.Fatalf("sent at once: %+v; what was asked for goes, and nothing else", got)
	}
	got = untilSent(t, c, d, time.Minute, 24*time.Hour)
	if len(got) != 1 || got[0].Kind != visa.KindNews || c.t.Before(until) || c.t.After(until.Add(time.Minute)) {
		t.Fatalf("sent %v at %s; the mute ended at %s", kinds(got), c.t, until)
	}
	if !got[0].Settings.MutedUntil.IsZero() {
		t.Error("it is said to be muted still")
	}
}

func TestAMuteThatEndsEarlyLetsGoWhatItKeptBack(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 2, approved))
	failed := claim(t, d)
	finish(t, d, visa.SendRetry, failed...) // waits with a failure counted
	choose(t, s, 42, func(w *visa.ChatSettings) { w.MutedUntil = c.t.Add(7 * 24 * time.Hour) })
	if got := drain(t, c, d); len(got) != 0 {
		t.Fatalf("sent %v to a muted chat", kinds(got))
	}
	choose(t, s, 42, func(w *visa.ChatSettings) { w.MutedUntil = time.Time{} })
	if got := drain(t, c, d); len(got) != 1 || got[0].ID != failed[0].ID {
		t.Fatalf("sent %v after the mute", kinds(got))
	}
}

func TestWhatWouldBeOfNoMoreUseAfterAMuteGoesBeforeItAndSaysSo(t *testing.T) {
	quiet := schedule
	quiet.Quiet = visa.QuietHours{From: 22 * 60, To: 8 * 60}
	tests := []struct {
		name     string
		schedule visa.Schedule
		muted    time.Duration
		from, to time.Time
		muffled  bool
	}{
		{"the mute ends first", schedule, 8 * time.Hour, day(time.June, 22, 18), day(time.June, 22, 18), false},
		{"its use ends first", schedule, 7 * 24 * time.Hour, day(time.June, 22, 22), day(time.June, 22, 23), true},
		{"its use ends in the quiet hours", quiet, 7 * 24 * time.Hour, day(time.June, 22, 20), day(time.June, 22, 21), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
			s, err := store.Open(context.Background(), store.Prefix+filepath.Join(t.TempDir(), "k.db"),
				store.Options{Keys: keyring(t), Schedule: tt.schedule, Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			d := sender(t, s)
			record(t, s, update(t, "20417733", 1, approved, leaveBy("2025-06-23")))
			follow(t, s, 42, "20417733")
			c.t = time.Date(2025, 6, 22, 10, 0, 0, 0, bishkek)
			if n, _, err := s.FallDue(context.Background(), c.t); n == 0 || err != nil {
				t.Fatalf("%d fell due, %v", n, err)
			}
			choose(t, s, 42, func(w *visa.ChatSettings) { w.MutedUntil = c.t.Add(tt.muted) })
			got := untilSent(t, c, d, time.Minute, 36*time.Hour)
			if len(got) != 1 || got[0].Kind != visa.KindReminder || c.t.Before(tt.from) || c.t.After(tt.to) {
				t.Fatalf("sent %v at %s, want it from %s to %s", kinds(got), c.t, tt.from, tt.to)
			}
			if got[0].Settings.MutedUntil.IsZero() == tt.muffled {
				t.Errorf("it goes with a mute until %s", got[0].Settings.MutedUntil)
			}
		})
	}
}

func TestADigestForAMutedChatIsOneMessageAfterTheMute(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	choose(t, s, 42, func(w *visa.ChatSettings) { w.MutedUntil = c.t.Add(8 * time.Hour) })
	recordBatch(t, s, "import", versions(t, refs, 2, approved)...)
	endBatch(t, s, "import")
	if got := drain(t, c, d); len(got) != 0 {
		t.Fatalf("sent %v to a muted chat", kinds(got))
	}
	c.t = c.t.Add(8 * time.Hour)
	if got := drain(t, c, d); len(got) != 1 || !slices.Equal(items(got[0]), refs) {
		t.Fatalf("sent %v", kinds(got))
	}
}

func TestADeliveryCarriesWhatTheChatHasChosen(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1), update(t, "20417744", 1))
	follow(t, s, 42, "20417733", "20417744", "99999999")
	choose(t, s, 42, func(w *visa.ChatSettings) { w.Discreet, w.SilentNights, w.Heartbeat = true, true, true })
	record(t, s, update(t, "20417733", 2, approved))
	converse(t, s, 42, func(cv visa.Conversation) error {
		all, n, err := cv.Subscriptions(context.Background(), 0, 8)
		if err != nil {
			return err
		}
		note := visa.Note{Reply: visa.ReplyList, Number: n, Items: []visa.NoteItem{{Reference: ref(t, "55555555")}}}
		for _, sub := range all {
			note.Items = append(note.Items, visa.NoteItem{Subscription: sub.ID, Reference: sub.Reference})
		}
		return cv.Reply(context.Background(), note)
	})
	got := drain(t, c, d)
	if !slices.Equal(kinds(got), []visa.Kind{visa.KindReply, visa.KindNews}) {
		t.Fatalf("sent %v", kinds(got))
	}
	for _, g := range got {
		if want := (visa.ChatSettings{SilentNights: true, Discreet: true, Heartbeat: true}); g.Settings != want {
			t.Errorf("%s goes with %+v", g.Kind, g.Settings)
		}
	}
	list := got[0].Items
	if len(list) != 3 || list[0].Application == nil || list[0].Application.Outcome != visa.OutcomeApproved || list[2].Application != nil {
		t.Errorf("the list shows %+v", list)
	}
}

func TestWhatAMuteLetsGoBeforeItsUseEndsOutlivesFailures(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	var refs []string
	for i := range 100 {
		refs = append(refs, fmt.Sprint(20417000+i))
		record(t, s, update(t, refs[i], 1, leaveBy("2025-06-21")))
		follow(t, s, int64(100+i), refs[i])
		choose(t, s, int64(100+i), func(w *visa.ChatSettings) { w.MutedUntil = c.t.Add(7 * 24 * time.Hour) })
	}
	c.t = day(time.June, 21, 10)
	if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	minutes, all := make(map[time.Time]int), 0
	for end := day(time.June, 22, 0); c.t.Before(end); c.t = c.t.Add(time.Minute) {
		got := claim(t, d)
		if all += len(got); len(got) > 0 {
			minutes[c.t] = len(got)
		}
		finish(t, d, visa.SendAccepted, got...)
	}
	if all != len(refs) {
		t.Errorf("%d of %d went out", all, len(refs))
	}
	for at, n := range minutes {
		if at.Before(day(time.June, 21, 22)) || at.After(day(time.June, 21, 23)) || n > 10 {
			t.Errorf("%d went out at %s", n, at)
		}
	}
}
