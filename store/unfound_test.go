package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// following tells what a chat follows, and how much of it is not known.
func following(t *testing.T, s *store.Store, chat int64) (refs []string, unfound int) {
	t.Helper()
	converse(t, s, chat, func(c visa.Conversation) (err error) {
		all, _, err := c.Subscriptions(context.Background(), 0, visa.MaxFollowed)
		for _, s := range all {
			refs = append(refs, s.Reference.String())
		}
		if err == nil {
			unfound, err = c.Unfound(context.Background())
		}
		return err
	})
	return refs, unfound
}

func TestWaitingForAReferenceEndsAfterSixtyDaysWithOneMessage(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(0, 0))
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733", "99999999")
	if refs, n := following(t, s, 42); len(refs) != 2 || n != 1 {
		t.Fatalf("follows %v, %d of them not known", refs, n)
	}
	d := sender(t, s)
	if got := daily(t, d, c, day(time.June, 21, 10), day(time.August, 19, 10)); len(got) != 0 {
		t.Fatalf("early: %v", got)
	}
	c.t = day(time.August, 19, 10)
	if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	got := claim(t, d)
	if len(got) != 1 || got[0].Kind != visa.KindUnfound || got[0].Reference.String() != "99999999" || got[0].Subscription == 0 || got[0].Note.Date != visa.NewDate(2025, 6, 20) {
		t.Fatalf("after sixty days: %+v", got)
	}
	if refs, _ := following(t, s, 42); len(refs) != 2 {
		t.Errorf("the wait ended before anybody was told: %v", refs)
	}
	finish(t, d, visa.SendAccepted, got...)
	if refs, n := following(t, s, 42); !slices.Equal(refs, []string{"20417733"}) || n != 0 {
		t.Errorf("follows %v after that", refs)
	}
	converse(t, s, 42, func(cv visa.Conversation) error {
		r, ok, err := cv.ButtonToken(context.Background(), got[0].Note.Token)
		if !ok || r.String() != "99999999" {
			t.Errorf("the message's button stands for %v, %t", r, ok)
		}
		return err
	})
	record(t, s, update(t, "99999999", 1))
	if got := daily(t, d, c, day(time.August, 20, 10), day(time.December, 1, 10)); len(got) != 0 {
		t.Errorf("later: %v", got)
	}
}

func TestAnApplicationThatAppearsIsWaitedForNoMore(t *testing.T) {
	appear := func(t *testing.T, s *store.Store) { record(t, s, update(t, "99999999", 1)) }
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, s *store.Store, d *store.Sender, c *clock) (told []visa.Kind)
	}{
		{"in time", func(t *testing.T, s *store.Store, d *store.Sender, c *clock) []visa.Kind {
			appear(t, s)
			return kinds(fall(t, d, c, day(time.August, 19, 10)))
		}},
		{"while the message waits", func(t *testing.T, s *store.Store, d *store.Sender, c *clock) []visa.Kind {
			c.t = day(time.August, 19, 10)
			if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			appear(t, s)
			return kinds(fall(t, d, c, c.t))
		}},
		{"while the message is being sent", func(t *testing.T, s *store.Store, d *store.Sender, c *clock) []visa.Kind {
			c.t = day(time.August, 19, 10)
			if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			got := claim(t, d)
			appear(t, s)
			finish(t, d, visa.SendAccepted, got...)
			return kinds(fall(t, d, c, day(time.August, 19, 11)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 20, 9)}
			s := freshly(t, c, noticed(0, 0))
			follow(t, s, 42, "99999999")
			d := sender(t, s)
			if got := tt.do(t, s, d, c); !slices.Equal(got, []visa.Kind{visa.KindNews}) {
				t.Errorf("told %v", got)
			}
			if refs, n := following(t, s, 42); len(refs) != 1 || n != 0 {
				t.Errorf("follows %v, %d of them not known", refs, n)
			}
			if got := daily(t, d, c, day(time.August, 20, 10), day(time.December, 1, 10)); len(got) != 0 {
				t.Errorf("later: %v", got)
			}
		})
	}
}

func TestWhoIsBackWaitsAnewForWhatNobodyCouldTellTheEndOf(t *testing.T) {
	for _, falls := range []bool{false, true} { // before the chat is gone
		c := &clock{day(time.June, 20, 9)}
		s := freshly(t, c, noticed(0, 0))
		follow(t, s, 42, "99999999")
		d := sender(t, s)
		c.t = day(time.August, 19, 10)
		gone := func() {
			if err := s.Deactivate(context.Background(), 1, 42); err != nil {
				t.Fatal(err)
			}
		}
		if !falls {
			gone()
		}
		if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
			t.Fatal(err)
		}
		if falls {
			gone()
		}
		c.t = day(time.September, 1, 9)
		converse(t, s, 42, func(visa.Conversation) error { return nil })
		if got := fall(t, d, c, c.t); !slices.Equal(kinds(got), []visa.Kind{visa.KindReturn}) {
			t.Fatalf("back: %v", kinds(got))
		}
		got := daily(t, d, c, day(time.September, 2, 10), day(time.November, 30, 10))
		if len(got) != 1 || got["2025-10-31"].Kind != visa.KindUnfound {
			t.Errorf("sixty days later: %v", got)
		}
	}
}

func TestWhatWasFollowedBeforeWaitsWereBoundIsWaitedForFromTheUpgradeOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(0, 0))
	follow(t, s, 42, "99999999")
	if _, err := raw(t, path).Exec(`DELETE FROM reminders`); err != nil {
		t.Fatal(err)
	}
	c.t = day(time.December, 1, 9)
	if n, err := s.Replan(context.Background()); n != 1 || err != nil {
		t.Fatalf("planned %d, %v", n, err)
	}
	if n, err := s.Replan(context.Background()); n != 0 || err != nil {
		t.Fatalf("once more %d, %v", n, err)
	}
	if _, next, err := s.FallDue(context.Background(), c.t); err != nil || !next.Equal(day(time.January, 30, 10).AddDate(1, 0, 0)) {
		t.Errorf("next at %s, %v", next, err)
	}
}

func TestALabelIsSealedShownAndReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(0, 0))
	label := func(text string) {
		converse(t, s, 42, func(cv visa.Conversation) error {
			sub, _, err := cv.Follow(context.Background(), ref(t, "20417733"))
			if err != nil {
				return err
			}
			return cv.SetLabel(context.Background(), sub, text)
		})
	}
	label("Aziz")
	label("  Азиз\u202e <b>\n" + strings.Repeat("x", 90))
	want := visa.CleanLabel("Азиз <b> " + strings.Repeat("x", 90))
	record(t, s, update(t, "20417733", 1))
	d := sender(t, s)
	if got := claim(t, d); len(got) != 1 || got[0].Label != want {
		t.Errorf("the news have the label %q, want %q", got[0].Label, want)
	}
	converse(t, s, 42, func(cv visa.Conversation) error {
		sub, _, err := cv.Followed(context.Background(), ref(t, "20417733"))
		if sub.Label != want {
			t.Errorf("the subscription has the label %q", sub.Label)
		}
		return err
	})
	var kept string
	if err := raw(t, path).QueryRow(`SELECT label FROM subscriptions`).Scan(&kept); err != nil || kept == "" || strings.Contains(kept, "Азиз") {
		t.Errorf("kept as %q, %v", kept, err)
	}
}

func TestATopicIsAnsweredOnceWithinItsTime(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	answers := func(chat int64, topic string) int {
		converse(t, s, chat, func(cv visa.Conversation) error {
			return cv.ReplyOnce(context.Background(), topic, time.Hour, visa.Note{Reply: visa.ReplyGroup})
		})
		got := claim(t, d)
		finish(t, d, visa.SendAccepted, got...)
		return len(got)
	}
	start := c.t
	for _, tt := range []struct {
		after time.Duration
		chat  int64
		topic string
		want  int
	}{
		{0, 42, "group", 1}, {time.Minute, 42, "group", 0}, {time.Minute, 43, "group", 1}, {time.Minute, 42, "groups", 1},
		{59 * time.Minute, 42, "group", 0}, {time.Hour, 42, "group", 1}, {119 * time.Minute, 42, "group", 0},
	} {
		c.t = start.Add(tt.after)
		if got := answers(tt.chat, tt.topic); got != tt.want {
			t.Errorf("chat %d, %s, after %s: %d answers, want %d", tt.chat, tt.topic, tt.after, got, tt.want)
		}
	}
}

// A hundred pasted numbers are one transaction, for which others wait.
func BenchmarkAHundredPastedNumbers(b *testing.B) {
	s, _ := fresh(b)
	n := 10_000_000
	for range b.N {
		converse(b, s, 42, func(cv visa.Conversation) error {
			for range visa.MaxPasted {
				n++
				r := ref(b, fmt.Sprint(n))
				if _, _, err := cv.Followed(b.Context(), r); err != nil {
					return err
				}
				if _, err := cv.Known(b.Context(), r); err != nil {
					return err
				}
				sub, _, err := cv.Follow(b.Context(), r)
				if err == nil {
					err = cv.SetLabel(b.Context(), sub, "Aziz Karimov")
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}
