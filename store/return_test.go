package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

func block(t testing.TB, s *store.Store, chat int64) {
	t.Helper()
	updateID++
	if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: updateID, Body: "{}"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Deactivate(context.Background(), updateID, chat); err != nil {
		t.Fatal(err)
	}
}

func say(t testing.TB, s *store.Store, chat int64) {
	t.Helper()
	converse(t, s, chat, func(visa.Conversation) error { return nil })
}

func TestWhoeverComesBackHearsOnceOfAllThatWasMissed(t *testing.T) {
	refs := some(1000000, 8)
	tests := []struct {
		name   string
		happen func(t *testing.T, s *store.Store, d *store.Sender)
		want   []string
	}{
		{"nothing happened", func(t *testing.T, s *store.Store, d *store.Sender) { block(t, s, 42) }, nil},
		{"changes while it was away", func(t *testing.T, s *store.Store, d *store.Sender) {
			block(t, s, 42)
			record(t, s, versions(t, refs[:2], 2, approved)...)
			record(t, s, versions(t, refs[:2], 3, approved, leaveBy("2025-08-01"))...)
		}, refs[:2]},
		{"news that waited", func(t *testing.T, s *store.Store, d *store.Sender) {
			record(t, s, versions(t, refs[3:5], 2, approved)...)
			block(t, s, 42)
		}, refs[3:5]},
		{"news that Telegram would not take", func(t *testing.T, s *store.Store, d *store.Sender) {
			record(t, s, versions(t, refs[3:5], 2, approved)...)
			finish(t, d, visa.SendGone, claim(t, d)...)
		}, refs[3:5]},
		{"news that were being sent when it blocked", func(t *testing.T, s *store.Store, d *store.Sender) {
			record(t, s, versions(t, refs[3:4], 2, approved)...)
			got := claim(t, d)
			block(t, s, 42)
			finish(t, d, visa.SendRetry, got...)
			if got := claim(t, d); len(got) != 0 {
				t.Errorf("sent %v to a chat that is gone", kinds(got))
			}
		}, refs[3:4]},
		{"news of an import that still runs", func(t *testing.T, s *store.Store, d *store.Sender) {
			recordBatch(t, s, "import", versions(t, refs[:3], 2, approved)...)
			block(t, s, 42)
			recordBatch(t, s, "import", versions(t, refs[3:], 2, approved)...)
			endBatch(t, s, "import")
		}, refs},
		{"a digest", func(t *testing.T, s *store.Store, d *store.Sender) {
			recordBatch(t, s, "import", versions(t, refs[1:], 2, approved)...)
			endBatch(t, s, "import")
			claim(t, d) // gathers
			finish(t, d, visa.SendGone, claim(t, d)...)
		}, refs[1:]},
		{"what it no longer follows", func(t *testing.T, s *store.Store, d *store.Sender) {
			block(t, s, 42)
			record(t, s, versions(t, refs[:2], 2, approved)...)
			converse(t, s, 42, func(c visa.Conversation) error {
				sub, _, err := c.Followed(context.Background(), ref(t, refs[0]))
				if err != nil {
					return err
				}
				return c.Unfollow(context.Background(), sub)
			})
		}, refs[1:2]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			record(t, s, versions(t, refs, 1)...)
			follow(t, s, 42, refs...)
			tt.happen(t, s, d)
			c.t = c.t.Add(time.Hour)
			say(t, s, 42)
			say(t, s, 42)
			got := drain(t, c, d)
			if tt.want == nil {
				if len(got) != 0 {
					t.Fatalf("sent %v though nothing was missed", kinds(got))
				}
				return
			}
			if len(got) != 1 || got[0].Kind != visa.KindReturn || got[0].Lane != visa.LaneDecision || !slices.Equal(items(got[0]), tt.want) {
				t.Fatalf("sent %v", got)
			}
			if a := got[0].Items[0].Application; a == nil || a.Version < 2 {
				t.Errorf("the summary shows %+v", a)
			}
		})
	}
}

func TestWhoeverLeavesAgainBeforeTheSummaryStillGetsItLater(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	block(t, s, 42)
	record(t, s, update(t, "20417733", 2, approved))
	say(t, s, 42)
	block(t, s, 42)
	say(t, s, 42)
	if got := drain(t, c, d); len(got) != 1 || got[0].Kind != visa.KindReturn || len(got[0].Items) != 1 {
		t.Fatalf("sent %v", kinds(got))
	}
}

func TestAForgottenChatIsAStranger(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	choose(t, s, 42, func(w *visa.ChatSettings) {
		w.Discreet, w.SilentNights, w.Heartbeat, w.MutedUntil = true, true, true, c.t.Add(time.Hour)
	})
	block(t, s, 42)
	record(t, s, versions(t, refs, 2, approved)...)
	converse(t, s, 42, func(cv visa.Conversation) error { return cv.Forget(context.Background()) })
	converse(t, s, 42, func(cv visa.Conversation) error {
		now, err := cv.Settings(context.Background())
		if err == nil && now != (visa.ChatSettings{}) {
			t.Errorf("it has chosen %+v", now)
		}
		return err
	})
	if got := drain(t, c, d); len(got) != 0 {
		t.Fatalf("sent %v", kinds(got))
	}
}
