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

func TestRemindersGoOutUntilTheDeadlineMovesOrTheApplicationCloses(t *testing.T) {
	s, c := fresh(t) // 20 June, 09:00
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	fall := func(day int, month time.Month, hour int) []visa.Delivery {
		c.t = time.Date(2025, month, day, hour, 0, 0, 0, bishkek)
		if _, _, err := d.FallDue(context.Background(), c.t); err != nil {
			t.Fatal(err)
		}
		got := claim(t, d)
		finish(t, d, visa.SendAccepted, got...)
		return got
	}
	if got := fall(20, time.June, 23); len(got) != 0 {
		t.Fatalf("before its time: %+v", got)
	}
	if got := fall(21, time.June, 10); len(got) != 1 || got[0].Note.Days != 14 {
		t.Fatalf("14 days before: %+v", got)
	}
	if got := fall(2, time.July, 12); len(got) != 1 || got[0].Note.Days != 3 {
		t.Fatalf("after an outage only the most urgent: %+v", got)
	}
	record(t, s, update(t, "20417733", 2, leaveBy("2025-07-20")))
	if got := fall(4, time.July, 10); len(got) != 1 || got[0].Kind != visa.KindNews {
		t.Fatalf("a moved deadline is news, and its reminder is gone: %+v", got)
	}
	if got := fall(6, time.July, 10); len(got) != 1 || got[0].Note.Days != 14 {
		t.Fatalf("14 days before the new day: %+v", got)
	}
	record(t, s, update(t, "20417733", 3, closed))
	fall(6, time.July, 11)
	if got := fall(19, time.July, 12); len(got) != 0 {
		t.Fatalf("closed: %+v", got)
	}
}

// fall lets reminders fall due at a time, sends what there is, and returns it.
func fall(t *testing.T, d *store.Sender, c *clock, at time.Time) []visa.Delivery {
	t.Helper()
	c.t = at
	if _, _, err := d.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	got := claim(t, d)
	finish(t, d, visa.SendAccepted, got...)
	return got
}

func day(month time.Month, d, hour int) time.Time {
	return time.Date(2025, month, d, hour, 0, 0, 0, bishkek)
}

func TestAMovedDeadlineCorrectsTheReminderThatNamedTheOldOne(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	record(t, s, update(t, "20417733", 2, leaveBy("2025-07-06")))
	if got := fall(t, d, c, day(time.June, 20, 12)); len(got) != 1 || len(got[0].Note.Corrected()) != 0 {
		t.Fatalf("moved before any reminder: %+v", got)
	}
	fall(t, d, c, day(time.June, 22, 10))
	record(t, s, update(t, "20417733", 3, leaveBy("2025-07-20")))
	if got := fall(t, d, c, day(time.June, 22, 11)); len(got) != 1 || !slices.Equal(got[0].Note.Corrected(), []visa.Date{visa.NewDate(2025, 7, 6)}) {
		t.Fatalf("moved after a reminder: %+v", got)
	}
}

func TestOneMessageSaysThatTheDayToLeaveHasPassed(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	fall(t, d, c, day(time.July, 5, 10))
	if got := fall(t, d, c, day(time.July, 6, 10)); len(got) != 1 || got[0].Note.Days != visa.Passed {
		t.Fatalf("the day after: %+v", got)
	}
	if got := fall(t, d, c, day(time.August, 6, 10)); len(got) != 0 {
		t.Fatalf("a month after: %+v", got)
	}
}

func TestWhoHasLeftIsRemindedNoMoreAndStillGetsNews(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	converse(t, s, 42, func(c visa.Conversation) error {
		sub, _, err := c.Followed(context.Background(), ref(t, "20417733"))
		if err != nil {
			return err
		}
		return c.EndReminders(context.Background(), sub)
	})
	d := sender(t, s)
	record(t, s, update(t, "20417733", 2, leaveBy("2025-07-07")))
	if got := fall(t, d, c, day(time.June, 24, 10)); len(got) != 1 || got[0].Kind != visa.KindNews {
		t.Fatalf("claimed %+v", got)
	}
	if got := fall(t, d, c, day(time.July, 7, 10)); len(got) != 0 {
		t.Fatalf("reminded %+v", got)
	}
}

func TestAGrantedDocumentIsToBeRenewed(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1, approved, func(u *visa.Update) {
		u.Document = visa.Document{Kind: visa.DocumentVisa, ValidUntil: visa.NewDate(2025, 12, 1)}
	}))
	o := visa.Schedule{Zone: bishkek, Rules: []visa.ReminderRule{{Kind: visa.RenewBy, Days: []int{60, 30}, Hour: 10}}}
	a, err := s.Application(context.Background(), ref(t, "20417733"))
	if err != nil {
		t.Fatal(err)
	}
	r := a.Reminded()
	if len(r) != 1 || r[0].Kind != visa.RenewBy || !r[0].Calculated || len(a.Deadlines) != 0 {
		t.Fatalf("reminded of %+v, stated %+v", r, a.Deadlines)
	}
	if next, ok := o.Next(r[0].Kind, r[0].Date, c.t); !ok || next.At.Format(time.DateOnly) != "2025-10-02" {
		t.Errorf("next %+v", next)
	}
}

func TestRecomputingFollowsTheRulesInEffect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := open(t, path, c)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	later := schedule
	later.Rules = []visa.ReminderRule{{Kind: visa.LeaveBy, Days: []int{10}, Hour: 18}}
	s2, err := store.Open(context.Background(), store.Prefix+path, store.Options{Keys: keyring(t), Schedule: later, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	if n, err := s2.Recompute(context.Background()); err != nil || n != 1 {
		t.Fatalf("recomputed %d, %v", n, err)
	}
	if n, err := s2.Recompute(context.Background()); err != nil || n != 0 {
		t.Errorf("once more: %d, %v", n, err)
	}
	_, next, err := s2.FallDue(context.Background(), c.t)
	if want := day(time.June, 25, 18); err != nil || !next.Equal(want) {
		t.Errorf("next at %s, %v; want %s", next, err, want)
	}
}

func TestADayThatHoldsAgainBeforeTheCorrectionGoesOutIsNotCorrected(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	fall(t, d, c, day(time.June, 21, 10))
	record(t, s, update(t, "20417733", 2, leaveBy("2025-07-20")))
	record(t, s, update(t, "20417733", 3, leaveBy("2025-07-05")))
	if got := fall(t, d, c, day(time.June, 21, 11)); len(got) != 1 || len(got[0].Note.Corrected()) != 0 {
		t.Fatalf("moved there and back: %+v", got)
	}
	record(t, s, update(t, "20417733", 4, leaveBy("2025-07-20"), func(u *visa.Update) {
		u.Deadlines = append(u.Deadlines, visa.Deadline{Kind: visa.CollectBy, Date: visa.NewDate(2025, 7, 5)})
	}))
	if got := fall(t, d, c, day(time.June, 21, 12)); len(got) != 1 || len(got[0].Note.Corrected()) != 0 {
		t.Fatalf("the same day of another kind holds: %+v", got)
	}
}

func TestAllOfSeveralMovedDaysAreCorrected(t *testing.T) {
	s, c := fresh(t)
	both := func(leave, correct int) func(*visa.Update) {
		return func(u *visa.Update) {
			u.Deadlines = []visa.Deadline{{Kind: visa.LeaveBy, Date: visa.NewDate(2025, 7, leave)}, {Kind: visa.CorrectBy, Date: visa.NewDate(2025, 7, correct)}}
		}
	}
	record(t, s, update(t, "20417733", 1, both(5, 6)))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	fall(t, d, c, day(time.June, 21, 10))
	fall(t, d, c, day(time.June, 22, 10))
	record(t, s, update(t, "20417733", 2, both(25, 26)))
	if got := fall(t, d, c, day(time.June, 22, 11)); len(got) != 1 || !slices.Equal(got[0].Note.Corrected(), []visa.Date{visa.NewDate(2025, 7, 5), visa.NewDate(2025, 7, 6)}) {
		t.Errorf("claimed %+v", got)
	}
}

// quietly opens a store with quiet hours.
func quietly(t *testing.T, path string, c *clock, q visa.QuietHours) *store.Store {
	t.Helper()
	quiet := schedule
	quiet.Quiet = q
	s, err := store.Open(context.Background(), store.Prefix+path, store.Options{Keys: keyring(t), Schedule: quiet, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAMissedReminderIsMadeUpForOutsideQuietHours(t *testing.T) {
	tests := []struct {
		name       string
		back, want time.Time
	}{
		{"in the morning after", day(time.June, 28, 23), day(time.June, 29, 7)},
		{"at once, where its use would have passed by then", day(time.July, 5, 23), day(time.July, 5, 23)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 20, 9)}
			s := quietly(t, filepath.Join(t.TempDir(), "k.db"), c, visa.QuietHours{From: 22 * 60, To: 7 * 60})
			record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
			follow(t, s, 42, "20417733")
			d := sender(t, s)
			n := 0
			for at := tt.back; at.Before(tt.want); at = at.Add(time.Hour) {
				n += len(fall(t, d, c, at))
			}
			if got := fall(t, d, c, tt.want); n != 0 || len(got) != 1 {
				t.Errorf("%d too early, then %+v", n, got)
			}
		})
	}
}

func TestRecomputingDropsNoReminderThatIsPastOnlyByTheNewRules(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := quietly(t, path, c, visa.QuietHours{From: 9 * 60, To: 15 * 60})
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05")))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	if got := fall(t, d, c, day(time.June, 21, 12)); len(got) != 0 {
		t.Fatalf("in quiet hours: %+v", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	s = quietly(t, path, c, visa.QuietHours{})
	if n, err := s.Recompute(context.Background()); n != 1 || err != nil {
		t.Fatalf("recomputed %d, %v", n, err)
	}
	d = sender(t, s)
	if got := fall(t, d, c, day(time.June, 21, 12)); len(got) != 1 || got[0].Note.Days != 14 {
		t.Fatalf("past by the new rules, and never sent: %+v", got)
	}
	if got := fall(t, d, c, day(time.June, 21, 15)); len(got) != 0 {
		t.Errorf("sent twice: %+v", got)
	}
}
