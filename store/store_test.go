package store_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

var bishkek = time.FixedZone("+06", 6*3600)

var schedule = visa.Schedule{Zone: bishkek, Rules: []visa.ReminderRule{
	{Kind: visa.LeaveBy, Days: []int{14, 7, 3, 1, 0}, Hour: 10},
	{Kind: visa.CorrectBy, Days: []int{14, 7, 3, 1}, Hour: 10},
}}

// A clock stands until it is moved.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func keyring(t testing.TB) *store.Keyring {
	t.Helper()
	k, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, path string, c *clock) *store.Store {
	t.Helper()
	o := store.Options{Keys: keyring(t), Schedule: schedule}
	if c != nil {
		o.Now = c.now
	}
	s, err := store.Open(context.Background(), store.Prefix+path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) (*store.Store, *clock) {
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	return open(t, filepath.Join(t.TempDir(), "k.db"), c), c
}

func ref(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// update makes an update in processing; edits change it.
func update(t testing.TB, reference string, version int64, edits ...func(*visa.Update)) visa.Update {
	t.Helper()
	u := visa.Update{Reference: ref(t, reference), Version: version, UpdatedAt: time.Date(2025, 6, 2, 9, 0, 0, 0, bishkek).Add(time.Duration(version) * time.Hour),
		Statement: visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageInProcessing}}
	for _, e := range edits {
		e(&u)
	}
	u.Normalize()
	if err := u.Validate(); err != nil {
		t.Fatal(err)
	}
	return u
}

func approved(u *visa.Update) { u.Stage, u.Outcome = visa.StageDecided, visa.OutcomeApproved }
func closed(u *visa.Update)   { u.Stage = visa.StageClosed }

func leaveBy(day string) func(*visa.Update) {
	return func(u *visa.Update) {
		d, err := visa.ParseDate(day)
		if err != nil {
			panic(err)
		}
		u.Deadlines = []visa.Deadline{{Kind: visa.LeaveBy, Date: d}}
	}
}

func record(t testing.TB, s *store.Store, updates ...visa.Update) []visa.Recorded {
	t.Helper()
	out, err := s.Record(context.Background(), "test", updates)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var updateID int64 = 1000

// converse runs f as a message of a chat.
func converse(t testing.TB, s *store.Store, chat int64, f func(visa.Conversation) error) {
	t.Helper()
	updateID++
	if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: updateID, Body: "{}"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Converse(context.Background(), updateID, chat, "en", f); err != nil {
		t.Fatal(err)
	}
}

func follow(t testing.TB, s *store.Store, chat int64, references ...string) {
	t.Helper()
	converse(t, s, chat, func(c visa.Conversation) error {
		for _, r := range references {
			if _, _, err := c.Follow(context.Background(), ref(t, r)); err != nil {
				return err
			}
		}
		return nil
	})
}

func sender(t testing.TB, s *store.Store) *store.Sender {
	t.Helper()
	d, _, err := s.BecomeSender(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

var allLanes = []visa.Turn{{Lane: visa.LaneConversation, N: 1000}, {Lane: visa.LaneDecision, N: 1000}, {Lane: visa.LaneReminder, N: 1000}, {Lane: visa.LaneAnnouncement, N: 1000}}

func claim(t testing.TB, d *store.Sender) []visa.Delivery {
	t.Helper()
	got, err := d.Claim(context.Background(), 1000, allLanes, time.Second, func(int64) time.Time { return time.Time{} })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func finish(t testing.TB, d *store.Sender, result visa.SendResult, got ...visa.Delivery) {
	t.Helper()
	var sent []visa.Sent
	for _, g := range got {
		sent = append(sent, visa.Sent{Delivery: g, Result: result, MessageID: g.ID, EndedAt: g.CreatedAt})
	}
	if err := d.Finish(context.Background(), sent, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func TestAnUpdateIsKnownOnceItIsRecorded(t *testing.T) {
	s, _ := fresh(t)
	first := update(t, "00417733", 1, leaveBy("2025-07-05"))
	got := record(t, s, first)
	if got[0].Result != visa.Applied || got[0].Revision != 1 {
		t.Fatalf("recorded %+v", got[0])
	}
	record(t, s, update(t, "00417733", 2, approved, leaveBy("2025-07-05")))
	a, err := s.Application(context.Background(), ref(t, "00417733"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != 2 || a.Outcome != visa.OutcomeApproved || len(a.History) != 2 || a.Deadlines[0].Date.String() != "2025-07-05" || a.Revision != 2 {
		t.Errorf("stored %+v", a)
	}
}

func TestWhatBecomesOfAnUpdate(t *testing.T) {
	tests := []struct {
		name string
		u    func(t *testing.T) visa.Update
		want visa.Result
	}{
		{"newer", func(t *testing.T) visa.Update { return update(t, "20417733", 6) }, visa.Applied},
		{"the same again", func(t *testing.T) visa.Update { return update(t, "20417733", 5, approved) }, visa.Duplicate},
		{"the same version with another outcome", func(t *testing.T) visa.Update { return update(t, "20417733", 5) }, visa.Conflict},
		{"the same version with a proof", func(t *testing.T) visa.Update {
			return update(t, "20417733", 5, approved, func(u *visa.Update) { u.Proof = "1234" })
		}, visa.Conflict},
		{"older", func(t *testing.T) visa.Update { return update(t, "20417733", 4, closed) }, visa.Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := fresh(t)
			record(t, s, update(t, "20417733", 5, approved))
			u := tt.u(t)
			if got := record(t, s, u); got[0].Result != tt.want {
				t.Errorf("%s, want %s", got[0].Result, tt.want)
			}
			a, _ := s.Application(context.Background(), u.Reference)
			if tt.want != visa.Applied && (a.Version != 5 || a.Revision != 1) {
				t.Errorf("an update without effect changed %+v", a)
			}
		})
	}
}

func TestAFollowerIsToldOnceOfEachChange(t *testing.T) {
	s, _ := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733", "99999999")
	d := sender(t, s)
	if got := claim(t, d); len(got) != 0 {
		t.Fatalf("following told %d notifications", len(got))
	}
	if got := record(t, s, update(t, "20417733", 2, approved)); got[0].Told != 1 {
		t.Fatalf("told %d", got[0].Told)
	}
	record(t, s, update(t, "20417733", 2, approved), update(t, "20417733", 1))
	got := claim(t, d)
	if len(got) != 1 || got[0].ChatID != 42 || got[0].Application.Outcome != visa.OutcomeApproved || !got[0].Following {
		t.Fatalf("claimed %+v", got)
	}
	finish(t, d, visa.SendAccepted, got...)
	if again := claim(t, d); len(again) != 0 {
		t.Fatalf("claimed again %+v", again)
	}
	record(t, s, update(t, "99999999", 1))
	if got := claim(t, d); len(got) != 1 || got[0].Note.Changed[0] != "appeared" {
		t.Fatalf("a followed reference appeared: %+v", got)
	}
}

func TestNewerNewsTakeThePlaceOfWaitingOnesAndTellWhatTheyTold(t *testing.T) {
	s, _ := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 2, approved))
	record(t, s, update(t, "20417733", 3, approved, leaveBy("2025-08-01")))
	d := sender(t, s)
	got := claim(t, d)
	if len(got) != 1 {
		t.Fatalf("claimed %d, want 1", len(got))
	}
	want := []string{"stage", "outcome", "deadlines"}
	if c := got[0].Note.Changed; len(c) != 3 || c[0] != want[0] || c[1] != want[1] || c[2] != want[2] {
		t.Errorf("changed %v, want %v", c, want)
	}
}

func TestNewsOvertakenWhileBeingSentAreToldByTheNewerOnes(t *testing.T) {
	s, c := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 2, approved))
	d := sender(t, s)
	first := claim(t, d)
	record(t, s, update(t, "20417733", 3, approved, leaveBy("2025-08-01")))
	if got := claim(t, d); len(got) != 0 {
		t.Fatalf("the newer one was claimed while the older was under way: %+v", got)
	}
	finish(t, d, visa.SendRetry, first...)
	c.t = c.t.Add(time.Hour)
	got := claim(t, d)
	if len(got) != 1 || got[0].ID == first[0].ID || len(got[0].Note.Changed) != 3 {
		t.Fatalf("claimed %+v", got)
	}
}

func TestARestartedSenderRepeatsWhatHadNoAnswerAndRecordsItAsAmbiguous(t *testing.T) {
	s, _ := fresh(t)
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 1))
	d := sender(t, s)
	first := claim(t, d)
	_ = d.Close()
	next, orphans, err := s.BecomeSender(context.Background())
	if err != nil || orphans != 1 {
		t.Fatalf("orphans %d, %v", orphans, err)
	}
	defer next.Close()
	if err := d.Finish(context.Background(), []visa.Sent{{Delivery: first[0], Result: visa.SendAccepted}}, time.Time{}); err == nil {
		t.Error("a sender of an earlier epoch recorded a result")
	}
	if got := claim(t, next); len(got) != 1 || got[0].ID != first[0].ID {
		t.Errorf("claimed %+v", got)
	}
}

func TestOneProcessSendsAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	a, b := open(t, path, nil), open(t, path, nil)
	sender(t, a)
	if _, _, err := b.BecomeSender(context.Background()); err != store.ErrNotSender {
		t.Errorf("a second sender: %v", err)
	}
}

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
	if got := fall(t, d, c, day(time.June, 20, 12)); len(got) != 1 || !got[0].Note.Date.IsZero() {
		t.Fatalf("moved before any reminder: %+v", got)
	}
	fall(t, d, c, day(time.June, 22, 10))
	record(t, s, update(t, "20417733", 3, leaveBy("2025-07-20")))
	if got := fall(t, d, c, day(time.June, 22, 11)); len(got) != 1 || got[0].Note.Date.String() != "2025-07-06" {
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

func TestUnfollowingAndForgettingLeaveNothingToSend(t *testing.T) {
	s, _ := fresh(t)
	follow(t, s, 42, "20417733", "20417734")
	record(t, s, update(t, "20417733", 1), update(t, "20417734", 1))
	converse(t, s, 42, func(c visa.Conversation) error {
		sub, ok, err := c.Followed(context.Background(), ref(t, "20417733"))
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return c.Unfollow(context.Background(), sub)
	})
	converse(t, s, 42, func(c visa.Conversation) error {
		if err := c.Forget(context.Background()); err != nil {
			return err
		}
		return c.Reply(context.Background(), visa.Note{Reply: visa.ReplyForgotten})
	})
	d := sender(t, s)
	got := claim(t, d)
	if len(got) != 1 || got[0].Kind != visa.KindReply {
		t.Fatalf("claimed %+v", got)
	}
	finish(t, d, visa.SendAccepted, got...)
	converse(t, s, 42, func(c visa.Conversation) error {
		_, n, err := c.Subscriptions(context.Background(), 0, 10)
		if !c.Chat().New || n != 0 {
			t.Errorf("a forgotten chat came back as %+v with %d subscriptions", c.Chat(), n)
		}
		return err
	})
}

func TestAnUpdateFromTelegramTakesEffectOnce(t *testing.T) {
	s, _ := fresh(t)
	ctx := context.Background()
	in := []visa.Incoming{{UpdateID: 7, Body: "{}"}}
	n := 0
	for range 3 {
		if err := s.Receive(ctx, in); err != nil {
			t.Fatal(err)
		}
		if err := s.Converse(ctx, 7, 42, "en", func(visa.Conversation) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n != 1 {
		t.Errorf("took effect %d times", n)
	}
}

func TestAFailedMessageChangesNothingAndComesAgain(t *testing.T) {
	s, _ := fresh(t)
	ctx := context.Background()
	_ = s.Receive(ctx, []visa.Incoming{{UpdateID: 7, Body: "{}"}})
	boom := context.DeadlineExceeded
	if err := s.Converse(ctx, 7, 42, "en", func(c visa.Conversation) error {
		_, _, _ = c.Follow(ctx, ref(t, "20417733"))
		return boom
	}); err == nil {
		t.Fatal("no error")
	}
	waiting, err := s.Waiting(ctx, 10)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("waiting %v, %v", waiting, err)
	}
	if got := record(t, s, update(t, "20417733", 1)); got[0].Told != 0 {
		t.Error("the undone conversation left a follower")
	}
}

func TestAnotherProcessIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	a := open(t, path, nil)
	seen := make(chan visa.Changes, 10)
	a.OnChange(func(c visa.Changes) { seen <- c })
	b := open(t, path, nil)
	record(t, b, update(t, "20417733", 1))
	c := <-seen
	if len(c.Applications) != 1 || c.Applications[0].Revision != 1 {
		t.Errorf("noticed %+v", c)
	}
	asOf := time.Date(2025, 6, 23, 20, 5, 0, 0, time.UTC)
	if err := b.FinishFeed(context.Background(), visa.Feed{Source: "x", AsOf: asOf, Complete: true}); err != nil {
		t.Fatal(err)
	}
	if c := <-seen; !c.AsOf.Equal(asOf) {
		t.Errorf("noticed %+v", c)
	}
}

func BenchmarkRecord(b *testing.B) {
	s, _ := fresh(b)
	const batch = 500
	var n int
	b.ReportAllocs()
	for b.Loop() {
		us := make([]visa.Update, batch)
		for i := range us {
			n++
			us[i] = update(b, pad(n*7919%90000000+10000000), 1)
		}
		if _, err := s.Record(context.Background(), "b", us); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "updates/s")
}

func pad(n int) string {
	d := []byte("00000000")
	for i := 7; i >= 0; i-- {
		d[i] += byte(n % 10)
		n /= 10
	}
	return string(d)
}
