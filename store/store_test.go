package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

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
		if _, err := s.Record(context.Background(), "b", "", us); err != nil {
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

func TestALinkIsGoodOnceAndForAnHour(t *testing.T) {
	s, c := fresh(t)
	ctx := context.Background()
	spend := func(token string) (r visa.Reference, ok bool) {
		converse(t, s, 42, func(c visa.Conversation) (err error) {
			r, ok, err = c.SpendLink(ctx, token)
			return err
		})
		return r, ok
	}
	token, digits, err := s.NewLink(ctx, ref(t, "20417733"))
	if err != nil || len(token) != 22 || len(digits) != 4 {
		t.Fatalf("token %q, digits %q, %v", token, digits, err)
	}
	if r, ok := spend(token); !ok || r != ref(t, "20417733") {
		t.Errorf("spent for %v, %t", r, ok)
	}
	if _, ok := spend(token); ok {
		t.Error("spent twice")
	}
	if token, _, err = s.NewLink(ctx, ref(t, "20417733")); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(61 * time.Minute)
	if _, ok := spend(token); ok {
		t.Error("spent after an hour")
	}
}

func TestAReplyThatBacksOffHoldsBackNoNews(t *testing.T) {
	s, c := fresh(t)
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	reply := func(k visa.Conversation) error {
		return k.Reply(context.Background(), visa.Note{Reply: visa.ReplyHelp})
	}
	converse(t, s, 42, reply)
	first := claim(t, d)
	if err := d.Finish(context.Background(), []visa.Sent{{Delivery: first[0], Result: visa.SendRetry, RetryAt: c.t.Add(time.Hour), EndedAt: c.t}}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	converse(t, s, 42, reply)
	record(t, s, update(t, "20417733", 1))
	if got := claim(t, d); len(got) != 1 || got[0].Kind != visa.KindNews {
		t.Errorf("claimed %+v", got)
	}
}

func TestTimeInWhichNothingCouldBeTriedDoesNotGiveANotificationUp(t *testing.T) {
	s, c := fresh(t)
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 1))
	d := sender(t, s)
	try := func(result visa.SendResult) int {
		got := claim(t, d)
		for _, g := range got {
			if err := d.Finish(context.Background(), []visa.Sent{{Delivery: g, Result: result, RetryAt: c.t, EndedAt: c.t}}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		return len(got)
	}
	try(visa.SendHeld)
	c.t = c.t.Add(80 * time.Hour)
	for k := range 6 {
		if try(visa.SendRetry) != 1 {
			t.Fatalf("given up before try %d", k+1)
		}
	}
	c.t = c.t.Add(73 * time.Hour)
	try(visa.SendRetry)
	if try(visa.SendRetry) != 0 {
		t.Error("not given up after three days of failures")
	}
}

func TestWhatWaitsInTheInboxIsSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	s := open(t, path, nil)
	const body = `{"chat":987654321,"text":"/follow 20417733"}`
	if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: 1, Body: body}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Waiting(context.Background(), 10)
	if err != nil || len(got) != 1 || got[0].Body != body {
		t.Fatalf("waiting %v, %v", got, err)
	}
	for _, name := range []string{path, path + "-wal"} {
		if data, err := os.ReadFile(name); err == nil && (bytes.Contains(data, []byte("987654321")) || bytes.Contains(data, []byte("20417733"))) {
			t.Errorf("%s holds it in plain text", filepath.Base(name))
		}
	}
}
