package store_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// noticed is a schedule with notices.
func noticed(pending, retention int) visa.Schedule {
	s := schedule
	s.PendingLong, s.Retention = pending, retention
	s.CampaignEnds = map[string]visa.Date{"spring": visa.NewDate(2025, 6, 10)}
	return s
}

// planning opens a store with a schedule.
func planning(t *testing.T, path string, c *clock, s visa.Schedule) *store.Store {
	t.Helper()
	db, err := store.Open(context.Background(), store.Prefix+path, store.Options{Keys: keyring(t), Schedule: s, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func freshly(t *testing.T, c *clock, s visa.Schedule) *store.Store {
	t.Helper()
	return planning(t, filepath.Join(t.TempDir(), "k.db"), c, s)
}

// since states that an application became what it is at a time.
func since(at time.Time) func(*visa.Update) { return func(u *visa.Update) { u.UpdatedAt = at } }

func of(campaign string) func(*visa.Update) { return func(u *visa.Update) { u.Campaign = campaign } }

// daily lets days pass, and returns on which of them what was sent.
func daily(t *testing.T, d *store.Sender, c *clock, from, to time.Time) map[string]visa.Delivery {
	t.Helper()
	out := make(map[string]visa.Delivery)
	for at := from; at.Before(to); at = at.AddDate(0, 0, 1) {
		for _, g := range fall(t, d, c, at) {
			if _, twice := out[at.Format(time.DateOnly)]; twice {
				t.Errorf("two messages on %s", at.Format(time.DateOnly))
			}
			out[at.Format(time.DateOnly)] = g
		}
	}
	return out
}

func TestOneNoticeSaysThatAStageHasNotMovedForLong(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(30, 0))
	record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 12))))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	if got := fall(t, d, c, day(time.July, 2, 9)); len(got) != 0 {
		t.Fatalf("an hour early: %v", kinds(got))
	}
	got := fall(t, d, c, day(time.July, 2, 10))
	if len(got) != 1 || got[0].Kind != visa.KindPendingLong || got[0].Note.Date != visa.NewDate(2025, 6, 2) || got[0].Lane != visa.LaneReminder ||
		!got[0].UseUntil.Equal(day(time.August, 1, 0)) {
		t.Fatalf("after thirty days: %+v", got)
	}
	record(t, s, update(t, "20417733", 2, since(day(time.July, 3, 9)), leaveBy("2025-12-31")))
	fall(t, d, c, day(time.July, 3, 10))
	if got := daily(t, d, c, day(time.July, 4, 10), day(time.October, 1, 10)); len(got) != 0 {
		t.Errorf("once more, though the stage did not move: %v", got)
	}
}

func TestANoticeIsTakenBackWithTheUpdateThatMovesTheStage(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, s *store.Store)
		want []visa.Kind
	}{
		{"the stage moves", func(t *testing.T, s *store.Store) {
			record(t, s, update(t, "20417733", 2, approved, since(day(time.July, 2, 10))))
		}, []visa.Kind{visa.KindNews}},
		{"who follows has left", func(t *testing.T, s *store.Store) {
			converse(t, s, 42, func(c visa.Conversation) error {
				sub, _, err := c.Followed(context.Background(), ref(t, "20417733"))
				if err != nil {
					return err
				}
				return c.EndReminders(context.Background(), sub)
			})
		}, []visa.Kind{}},
		{"nothing", func(*testing.T, *store.Store) {}, []visa.Kind{visa.KindPendingLong}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 20, 9)}
			s := freshly(t, c, noticed(30, 0))
			record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 12))))
			follow(t, s, 42, "20417733")
			d := sender(t, s)
			c.t = day(time.July, 2, 10)
			if _, _, err := d.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			tt.do(t, s)
			got := claim(t, d)
			if !slices.Equal(kinds(got), tt.want) {
				t.Errorf("sent %v, want %v", kinds(got), tt.want)
			}
			finish(t, d, visa.SendAccepted, got...)
			if got := daily(t, d, c, day(time.July, 3, 10), day(time.September, 1, 10)); len(got) != 0 {
				t.Errorf("later: %v", got)
			}
		})
	}
}

func TestNobodyHearsOfANoticeThatFellDueBeforeTheyFollowed(t *testing.T) {
	c := &clock{day(time.July, 2, 11)}
	s := freshly(t, c, noticed(30, 0))
	record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 12))))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	if got := daily(t, d, c, day(time.July, 2, 12), day(time.August, 20, 12)); len(got) != 0 {
		t.Fatalf("told %v", got)
	}
	record(t, s, update(t, "20417733", 2, func(u *visa.Update) { u.Stage = visa.StageReceived }, since(day(time.August, 20, 12))))
	got := daily(t, d, c, day(time.August, 20, 12), day(time.October, 20, 12))
	if len(got) != 2 || got["2025-09-19"].Kind != visa.KindPendingLong {
		t.Errorf("after the stage has moved: %v", got)
	}
}

func TestAnInactiveChatMissesItsNoticesAndHearsOfThemLater(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(30, 0))
	record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 12))))
	follow(t, s, 42, "20417733")
	if err := s.Deactivate(context.Background(), 1, 42); err != nil {
		t.Fatal(err)
	}
	d := sender(t, s)
	if got := fall(t, d, c, day(time.July, 2, 10)); len(got) != 0 {
		t.Fatalf("told %v", kinds(got))
	}
	converse(t, s, 42, func(visa.Conversation) error { return nil })
	if got := fall(t, d, c, day(time.July, 2, 11)); !slices.Equal(kinds(got), []visa.Kind{visa.KindReturn}) || len(got[0].Items) != 1 {
		t.Errorf("back: %+v", got)
	}
}

func TestRecomputingBeginsAndEndsNoticesAsTheSettingsSay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := open(t, path, c)
	record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 12)), of("spring")), update(t, "20417734", 1, since(day(time.May, 2, 12)), of("spring")))
	follow(t, s, 42, "20417733", "20417734")
	recompute := func(pending, retention, want int) *store.Store {
		t.Helper()
		s := planning(t, path, c, noticed(pending, retention))
		if n, err := s.Recompute(context.Background()); n != want || err != nil {
			t.Fatalf("by %d and %d days: recomputed %d, %v; want %d", pending, retention, n, err, want)
		}
		if n, err := s.Recompute(context.Background()); n != 0 || err != nil {
			t.Fatalf("once more: %d, %v", n, err)
		}
		return s
	}
	recompute(30, 100, 6) // a notice that the stage stands and two of erasure, of two applications
	recompute(30, 101, 4) // another day of erasure
	recompute(30, 0, 4)   // none
	c.t = day(time.June, 25, 9)
	shorter := recompute(20, 0, 1) // the first one's was still to come, and is past by this rule
	d := sender(t, shorter)
	if got := fall(t, d, c, day(time.June, 25, 10)); len(got) != 1 || got[0].Reference.String() != "20417733" {
		t.Fatalf("past by the new rule alone: %+v", got)
	}
	if got := daily(t, d, c, day(time.June, 26, 10), day(time.August, 19, 10)); len(got) != 0 {
		t.Errorf("later %v", got)
	}
	recompute(0, 0, 2)
}

func TestWhoeverFollowsIsToldBeforeAnApplicationIsErased(t *testing.T) {
	tests := []struct {
		name  string
		edits []func(*visa.Update)
		want  map[string]string // reason by day
		day   string            // of erasure
	}{
		{"a closed one", []func(*visa.Update){closed, since(day(time.June, 15, 12))}, map[string]string{"2025-09-09": visa.ErasureNear}, "2025-09-23"},
		{"one of a campaign that is over", []func(*visa.Update){since(day(time.June, 2, 12)), of("spring")},
			map[string]string{"2025-06-11": visa.ErasureCampaign, "2025-09-04": visa.ErasureNear}, "2025-09-18"},
		{"a closed one of that campaign", []func(*visa.Update){closed, since(day(time.June, 2, 12)), of("spring")},
			map[string]string{"2025-09-04": visa.ErasureNear}, "2025-09-18"},
		{"one that goes on", []func(*visa.Update){since(day(time.June, 2, 12)), of("autumn")}, map[string]string{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 2, 9)}
			s := freshly(t, c, noticed(0, 100))
			record(t, s, update(t, "20417733", 1, tt.edits...))
			follow(t, s, 42, "20417733")
			d := sender(t, s)
			got := daily(t, d, c, day(time.June, 2, 12), day(time.October, 2, 12))
			for on, g := range got {
				if g.Kind != visa.KindErasure || g.Note.Reply != tt.want[on] || g.Note.Date.String() != tt.day {
					t.Errorf("on %s: %s %+v", on, g.Kind, g.Note)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("told %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAnotherCampaignIsNoNewsAndMovesTheErasure(t *testing.T) {
	c := &clock{day(time.June, 2, 9)}
	s := freshly(t, c, noticed(0, 100))
	record(t, s, update(t, "20417733", 1, since(day(time.June, 2, 9)), of("autumn")), update(t, "20417734", 1, since(day(time.June, 2, 9)), of("spring")))
	follow(t, s, 42, "20417733")
	follow(t, s, 43, "20417734")
	record(t, s, update(t, "20417733", 2, since(day(time.June, 2, 10)), of("spring")), update(t, "20417734", 2, since(day(time.June, 2, 10)), of("autumn")))
	d := sender(t, s)
	got := daily(t, d, c, day(time.June, 2, 12), day(time.October, 2, 12))
	if len(got) != 2 || got["2025-06-11"].ChatID != 42 || got["2025-09-04"].ChatID != 42 {
		t.Errorf("told %v", got)
	}
}

func TestHeartbeatsBeatOnceAMonth(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(0, 0))
	record(t, s, update(t, "20417733", 1))
	on := func(chat int64) {
		converse(t, s, chat, func(c visa.Conversation) error {
			return c.SetSettings(context.Background(), visa.ChatSettings{Heartbeat: true})
		})
	}
	follow(t, s, 42, "20417733")
	follow(t, s, 43, "20417733")
	follow(t, s, 44, "20417733")
	for chat := int64(42); chat < 46; chat++ { // 45 follows nothing
		on(chat)
	}
	if err := s.Deactivate(context.Background(), 1, 44); err != nil {
		t.Fatal(err)
	}
	d := sender(t, s)
	if got := fall(t, d, c, day(time.July, 20, 9)); len(got) != 0 {
		t.Fatalf("an hour early: %v", kinds(got))
	}
	_, next, err := s.FallDue(context.Background(), c.t)
	if want := day(time.July, 20, 10); err != nil || !next.Equal(want) {
		t.Errorf("next at %s, %v; want %s", next, err, want)
	}
	got := fall(t, d, c, day(time.July, 20, 10))
	if len(got) != 2 || got[0].Kind != visa.KindHeartbeat || got[0].Lane != visa.LaneReminder || !got[0].UseUntil.Equal(day(time.July, 27, 10)) {
		t.Fatalf("after a month: %+v", got)
	}
	converse(t, s, 43, func(c visa.Conversation) error {
		return c.SetSettings(context.Background(), visa.ChatSettings{})
	})
	converse(t, s, 44, func(visa.Conversation) error { return nil }) // back
	if got := daily(t, d, c, day(time.July, 21, 10), day(time.August, 20, 10)); len(got) != 0 {
		t.Errorf("within the month: %v", got)
	}
	if got := fall(t, d, c, day(time.November, 3, 3)); len(got) != 2 || got[0].ChatID == 43 || got[1].ChatID == 43 {
		t.Errorf("after months of silence, one each: %+v", got)
	}
	follow(t, s, 45, "20417733")
	if got := daily(t, d, c, day(time.November, 4, 10), day(time.December, 3, 10)); len(got) != 0 {
		t.Errorf("within the month: %v", got)
	}
	if got := fall(t, d, c, day(time.December, 3, 10)); len(got) != 3 {
		t.Errorf("a month from then: %+v", got)
	}
}

func TestAHeartbeatThatIsAWeekLateIsNotSent(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(0, 0))
	follow(t, s, 42, "20417733")
	converse(t, s, 42, func(c visa.Conversation) error {
		return c.SetSettings(context.Background(), visa.ChatSettings{Heartbeat: true})
	})
	d := sender(t, s)
	c.t = day(time.July, 20, 10)
	if _, _, err := d.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	c.t = day(time.July, 27, 10)
	if got := claim(t, d); len(got) != 0 {
		t.Errorf("sent %v", kinds(got))
	}
}
