// Package lanes measures what a decision and a reminder wait for while an
// announcement to very many is being sent: the real store, the real engine and
// the real texts at the pace of every day, in real time, with a Telegram that
// answers as fast as Telegram does. It needs a minute, and no server.
package lanes

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"kabarchy/visa"
)

var (
	chats   = flag.Int("chats", 1_000_000, "how many chats the announcement is for")
	lasting = flag.Duration("for", 60*time.Second, "how long decisions are recorded while it is sent")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of when what happens")
)

// What is promised, by the design and by the issue it was built for.
const (
	decisionP99   = 2 * time.Second
	reminderMost  = 60 * time.Second
	announceShare = 0.10
)

// How much happens meanwhile: some 18,000 decisions an hour, as many questions
// as half of that, and reminders that all fall due at ten o'clock.
const (
	decisionEvery = 200 * time.Millisecond
	questionEvery = 400 * time.Millisecond
	reminders     = 500
	pace          = 28
)

func TestADecisionDoesNotWaitForAnAnnouncement(t *testing.T) {
	t.Logf("-chats %d -for %s -seed %d", *chats, *lasting, *seed)
	w := newWorld(t, *chats, rand.New(rand.NewPCG(*seed, 1)))
	decisions := int(*lasting/decisionEvery) * 2
	w.followers(decisions, reminders)
	announced, _, err := w.store.MakeAnnouncement(context.Background(), visa.Announcement{
		Texts: map[string]string{"en": "The office is closed on 31 August.", "ru": "Отдел закрыт 31 августа."}, CreatedBy: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	if announced.Total < int64(*chats) {
		t.Fatalf("the announcement is for %d chats", announced.Total)
	}

	w.start(pace)
	w.until("the announcement is on its way", func() bool { return w.telegram.count(announcement) >= 2*pace })
	begun := time.Now()
	w.happen(*lasting, decisions)
	w.until("all decisions and reminders are accepted", func() bool {
		return w.telegram.count(decision) >= len(w.acknowledged) && w.telegram.count(reminder) >= reminders
	})
	ended := time.Now()
	w.stop()

	a, err := w.store.Announcement(context.Background(), announced.ID)
	if err != nil {
		t.Fatal(err)
	}
	if a.State != visa.AnnouncementRunning {
		t.Errorf("the announcement was not in flight to the end: it is %s, %d of %d", a.State, a.Done(), a.Total)
	}
	r := w.report(begun, ended)
	t.Logf("%d chats, seeded in %s; %s at %d a second; the announcement has come to %d\n\n%s", a.Total, w.seeded.Round(time.Millisecond),
		ended.Sub(begun).Round(time.Millisecond), pace, a.Done(), r.table())
	if p99 := r.decisions.at(0.99); p99 > decisionP99 {
		t.Errorf("decisions wait %s at p99, want %s at most", p99, decisionP99)
	}
	if most := r.reminders.at(1); most > reminderMost {
		t.Errorf("a reminder waited %s, want %s at most", most, reminderMost)
	}
	for when, share := range map[string]float64{"all the time": r.share, "while reminders waited": r.shareAtTen} {
		if share < announceShare {
			t.Errorf("%s the announcement had %.1f %% of what was sent, want %.0f %% at least", when, 100*share, 100*announceShare)
		}
	}
}

// waits are durations in order.
type waits []time.Duration

func (w waits) at(p float64) time.Duration {
	if len(w) == 0 {
		return 0
	}
	return w[min(len(w)-1, int(p*float64(len(w))))]
}

// A report is what was measured.
type report struct {
	decisions, answers, reminders waits // from acknowledged, or due, to accepted
	sent                          map[kind]int
	share, shareAtTen             float64 // of the announcement
}

func (w *world) report(begun, ended time.Time) report {
	r := report{sent: make(map[kind]int)}
	var all, allAtTen, atTen int
	lastReminder := time.Time{}
	got := w.telegram.got()
	for _, m := range got {
		if m.kind == reminder && m.at.After(lastReminder) {
			lastReminder = m.at
		}
	}
	for _, m := range got {
		switch m.kind {
		case decision:
			r.decisions = append(r.decisions, max(0, m.at.Sub(w.acknowledged[m.chat])))
		case answer:
			r.answers = append(r.answers, max(0, m.at.Sub(w.asked[m.chat])))
		case reminder:
			r.reminders = append(r.reminders, m.at.Sub(w.ten))
		}
		if m.at.Before(begun) || m.at.After(ended) {
			continue
		}
		all++
		r.sent[m.kind]++
		if m.at.After(w.ten) && !m.at.After(lastReminder) {
			if allAtTen++; m.kind == announcement {
				atTen++
			}
		}
	}
	for _, s := range []waits{r.decisions, r.answers, r.reminders} {
		slices.Sort(s)
	}
	r.share, r.shareAtTen = float64(r.sent[announcement])/float64(max(1, all)), float64(atTen)/float64(max(1, allAtTen))
	return r
}

func (r report) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tsent\tp50\tp99\tmost\tpromised")
	for _, row := range []struct {
		name     string
		kind     kind
		waits    waits
		promised string
	}{
		{"answers", answer, r.answers, ""},
		{"decisions", decision, r.decisions, "p99 " + decisionP99.String()},
		{"reminders", reminder, r.reminders, "most " + reminderMost.String()},
	} {
		ms := func(p float64) time.Duration { return row.waits.at(p).Round(time.Millisecond) }
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", row.name, r.sent[row.kind], ms(0.5), ms(0.99), ms(1), row.promised)
	}
	fmt.Fprintf(w, "announcement\t%d\t%.1f %% of all\t\t%.1f %% while reminders wait\t10 %%\n", r.sent[announcement], 100*r.share, 100*r.shareAtTen)
	_ = w.Flush()
	return b.String()
}
