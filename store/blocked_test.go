package store_test

import (
	"context"
	"testing"
	"time"

	"kabarchy/visa"
)

// hidden makes a stock in which thousands of notifications of the lane of
// reminders are due and wait for earlier ones of their chats, and one, the
// last of them, for nothing.
func hidden(t *testing.T) *stock {
	const blocked = 4500
	w := stocked(t, blocked+1)
	w.notify(blocked, visa.LaneDecision, visa.KindNews, "3600000000 + n.i")
	w.notify(blocked+1, visa.LaneReminder, visa.KindNews, "n.i - 3600000000")
	return w
}

func (w *stock) claims(t *testing.T) []visa.Delivery {
	t.Helper()
	got, err := w.d.Claim(context.Background(), 8, turns, time.Second, func(int64) time.Time { return time.Time{} })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatMayGoIsFoundBehindThousandsThatMayNot(t *testing.T) {
	w := hidden(t)
	var decisions []visa.Delivery
	for range 64 / 8 {
		got, err := w.d.Claim(context.Background(), 8, []visa.Turn{{Lane: visa.LaneDecision, N: 8}}, time.Second, func(int64) time.Time { return time.Time{} })
		if err != nil {
			t.Fatal(err)
		}
		decisions = append(decisions, got...)
	}
	finish(t, w.d, visa.SendAccepted, decisions...)
	if got := w.claims(t); len(got) != 1 || got[0].Lane != visa.LaneReminder {
		t.Errorf("%d were claimed: %v", len(got), got)
	}
}

func TestClaimsThatFindEnoughOfAHigherLaneStillLookThroughALowerOne(t *testing.T) {
	w := hidden(t)
	for n := 1; n <= 4; n++ {
		for _, d := range w.claims(t) {
			if d.Lane == visa.LaneReminder {
				return
			}
		}
	}
	t.Error("32 decisions went out, and the one reminder that could was not among them")
}
