package store_test

import (
	"context"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

func TestWhatIsNoLongerWantedIsNotSentAfterAFailedAttempt(t *testing.T) {
	tests := []struct {
		name string
		kind visa.Kind
		end  func(t *testing.T, s *store.Store)
		want string
	}{
		{"a reminder after the person has left", visa.KindReminder, func(t *testing.T, s *store.Store) {
			converse(t, s, 42, func(c visa.Conversation) error {
				sub, _, err := c.Followed(context.Background(), ref(t, "20417733"))
				if err != nil {
					return err
				}
				return c.EndReminders(context.Background(), sub)
			})
		}, "left"},
		{"a reminder of a day that has moved", visa.KindReminder, func(t *testing.T, s *store.Store) {
			record(t, s, update(t, "20417733", 2, approved, leaveBy("2025-09-01")))
		}, "deadline no longer stands"},
		{"a heartbeat that is switched off", visa.KindHeartbeat, func(t *testing.T, s *store.Store) {
			choose(t, s, 42, func(w *visa.ChatSettings) { w.Heartbeat = false })
		}, "not wanted"},
		{"a heartbeat of what is no longer followed", visa.KindHeartbeat, func(t *testing.T, s *store.Store) {
			converse(t, s, 42, func(c visa.Conversation) error {
				_, err := c.UnfollowAll(context.Background())
				return err
			})
		}, "unfollowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			var edits []func(*visa.Update)
			if tt.kind == visa.KindReminder {
				edits = append(edits, approved, leaveBy("2025-08-03"))
			}
			record(t, s, update(t, "20417733", 1, edits...), update(t, "20417744", 4))
			follow(t, s, 42, "20417733", "20417744", "99999999")
			choose(t, s, 42, func(w *visa.ChatSettings) { w.Heartbeat = tt.kind == visa.KindHeartbeat })
			c.t = time.Date(2025, 7, 20, 10, 0, 0, 0, bishkek)
			if n, _, err := s.FallDue(context.Background(), c.t); n != 1 || err != nil {
				t.Fatalf("%d fell due, %v", n, err)
			}
			got := claim(t, d)
			if len(got) != 1 || got[0].Kind != tt.kind {
				t.Fatalf("claimed %v", kinds(got))
			}
			if h := got[0]; tt.kind == visa.KindHeartbeat && (h.Followed != 3 || !h.LastChange.Equal(time.Date(2025, 6, 2, 13, 0, 0, 0, bishkek))) {
				t.Errorf("the heartbeat tells of %d, changed last at %s", h.Followed, h.LastChange)
			}
			tt.end(t, s)
			finish(t, d, visa.SendRetry, got...)
			for _, again := range drain(t, c, d) {
				if again.ID == got[0].ID {
					t.Error("it was sent all the same")
				}
			}
			if e, err := s.Audit().Entry(context.Background(), got[0].ID); err != nil || e.State != visa.Cancelled || e.Reason != tt.want {
				t.Errorf("it ended as %s, %q, %v", e.State, e.Reason, err)
			}
		})
	}
}
