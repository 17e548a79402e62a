package store_test

import (
	"context"
	"testing"
	"time"

	"kabarchy/visa"
)

func TestWhoFollowsAnewWhileTheEndOfTheWaitIsToldGoesOnWaiting(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result visa.SendResult
	}{
		{"and the message was accepted", visa.SendAccepted},
		{"and the message is to be sent once more", visa.SendRetry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 20, 9)}
			s := freshly(t, c, noticed(0, 0))
			d := sender(t, s)
			follow(t, s, 42, "99999999")
			c.t = day(time.August, 19, 10)
			if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			told := claim(t, d)
			if len(told) != 1 || told[0].Kind != visa.KindUnfound {
				t.Fatalf("sent %v", kinds(told))
			}
			c.t = c.t.Add(20 * time.Second)
			follow(t, s, 42, "99999999")
			finish(t, d, tt.result, told...)
			c.t = c.t.Add(time.Hour)
			if got := claim(t, d); len(got) != 0 {
				t.Errorf("told %v of a wait that goes on", kinds(got))
			}
			if got := daily(t, d, c, day(time.August, 20, 10), day(time.October, 17, 10)); len(got) != 0 {
				t.Errorf("within sixty days: %v", got)
			}
			record(t, s, update(t, "99999999", 1))
			if got := claim(t, d); len(got) != 1 || got[0].Kind != visa.KindNews {
				t.Errorf("it has appeared, and is told as %v", kinds(got))
			}
		})
	}
}

func TestAMessageAboutTheEndOfAWaitDoesNotGoOnceItIsRenewed(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(0, 0))
	d := sender(t, s)
	follow(t, s, 42, "99999999")
	c.t = day(time.August, 19, 10)
	if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	follow(t, s, 42, "99999999")
	if got := claim(t, d); len(got) != 0 {
		t.Errorf("sent %v", kinds(got))
	}
	c.t = day(time.October, 18, 10)
	if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, d); len(got) != 1 || got[0].Kind != visa.KindUnfound {
		t.Errorf("sixty days after that: %v", kinds(got))
	}
}
