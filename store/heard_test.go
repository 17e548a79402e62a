package store_test

import (
	"context"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// arrive puts updates into the inbox in this order, one a second.
func arrive(t *testing.T, s *store.Store, c *clock, updates ...int64) {
	t.Helper()
	for _, id := range updates {
		c.t = c.t.Add(time.Second)
		if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: id, Body: "{}"}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhetherAChatIsGoneIsDecidedByItsLatestUpdate(t *testing.T) {
	const message, blocked = "message", "blocked"
	type handled struct {
		id   int64
		kind string
	}
	tests := []struct {
		name    string
		arrived []int64
		handled []handled
		told    bool
	}{
		{"it wrote and then blocked", []int64{5001, 5002}, []handled{{5001, message}, {5002, blocked}}, false},
		{"it blocked and came back", []int64{5001, 5002}, []handled{{5001, blocked}, {5002, message}}, true},
		{"the block is handed over after the return", []int64{5002, 5001}, []handled{{5002, message}, {5001, blocked}}, true},
		{"the block is handled after the return", []int64{5001, 5002}, []handled{{5002, message}, {5001, blocked}}, true},
		{"an old message comes after the return, and then the block between them", []int64{5003, 5001, 5002}, []handled{{5003, message}, {5001, message}, {5002, blocked}}, true},
		{"the ids began anew below, and it blocked", []int64{900_005_001, 17}, []handled{{900_005_001, message}, {17, blocked}}, false},
		{"the ids began anew above, and the block is the older", []int64{17, 900_005_001}, []handled{{900_005_001, message}, {17, blocked}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			record(t, s, update(t, "20417733", 1))
			follow(t, s, 42, "20417733")
			c.t = c.t.Add(8 * 24 * time.Hour)
			base := updateID // behind those of its earlier messages
			for _, id := range tt.arrived {
				arrive(t, s, c, base+id)
			}
			for _, h := range tt.handled {
				var err error
				if h.kind == blocked {
					err = s.Deactivate(context.Background(), base+h.id, 42)
				} else {
					err = s.Converse(context.Background(), base+h.id, 42, "en", func(visa.Conversation) error { return nil })
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			record(t, s, update(t, "20417733", 2, approved))
			if got := claim(t, d); (len(got) == 1) != tt.told {
				t.Errorf("told %v, want it told: %t", kinds(got), tt.told)
			}
		})
	}
}

func TestARefusalOlderThanTheReturnOfAChatDoesNotSilenceIt(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 2, approved))
	got := claim(t, d)
	c.t = c.t.Add(time.Second)
	block(t, s, 42)
	say(t, s, 42)
	c.t = c.t.Add(time.Second)
	finish(t, d, visa.SendGone, got...)
	again := drain(t, c, d)
	if len(again) == 0 {
		t.Fatal("it is told nothing")
	}
	record(t, s, update(t, "20417733", 3, approved, leaveBy("2025-08-01")))
	got = claim(t, d)
	if len(got) != 1 {
		t.Fatalf("claimed %v", kinds(got))
	}
	finish(t, d, visa.SendGone, got...) // nothing was heard since this one began
	record(t, s, update(t, "20417733", 4, approved, leaveBy("2025-08-02")))
	if got := drain(t, c, d); len(got) != 0 {
		t.Errorf("sent %v to a chat that is gone", kinds(got))
	}
}

func TestAnAnnouncementLeavesGroupsOut(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	follow(t, s, -43, "20417733")
	follow(t, s, 44, "20417733")
	d := sender(t, s)
	// A group that has become a supergroup has another id.
	record(t, s, update(t, "20417733", 2, approved))
	for _, g := range claim(t, d) {
		sent := visa.Sent{Delivery: g, Result: visa.SendAccepted, EndedAt: c.t}
		if g.ChatID == 44 {
			sent.Result, sent.MigrateTo = visa.SendMigrated, -1044
		}
		if err := d.Finish(context.Background(), []visa.Sent{sent}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, c, d)
	for _, to := range []visa.Audience{{}, {Stage: visa.StageDecided}} {
		counts, err := s.CountAudience(context.Background(), to)
		if err != nil || counts["en"] != 1 {
			t.Errorf("an audience of %v, %v, want one chat", counts, err)
		}
		if _, _, err := s.MakeAnnouncement(context.Background(), visa.Announcement{Texts: map[string]string{"en": "Closed"}, Audience: to}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, _, err := d.Announce(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		for _, g := range drain(t, c, d) {
			if g.ChatID != 42 {
				t.Errorf("chat %d got %s", g.ChatID, g.Kind)
			}
		}
		c.t = c.t.Add(time.Minute)
	}
}
