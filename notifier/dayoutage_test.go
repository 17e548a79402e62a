package notifier_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// Four references to each of fifty chats: of most of them there is news during
// the outage, of the others somebody is to be reminded.
const (
	outageChats = 50
	outageRefs  = 200
	outageNews  = 140 // references of which there may be news
	outageMoved = 190 // from here on, the day moves
	outageFirst = 30_000_000
)

// An outageDay is what happened during it, for the test to compare with what
// was told afterwards.
type outageDay struct {
	*world
	versions map[int]int64
	changed  map[int]bool
	leaveBy  map[int]visa.Date
	replies  map[int64][]reply
}

type reply struct {
	text string
	at   time.Time
}

func (o *outageDay) chat(ref int) int64 { return int64(1 + ref%outageChats) }

// say records a version of a reference, with the day to leave by if it has one.
func (o *outageDay) say(ref int) {
	o.t.Helper()
	o.versions[ref]++
	u := visa.Update{Reference: o.ref(outageFirst + ref), Version: o.versions[ref], UpdatedAt: time.Now(), Statement: visa.Statement{
		Procedure: visa.ProcedureVisa, Stage: visa.StageInProcessing,
		Deadlines: []visa.Deadline{{Kind: visa.CollectBy, Date: visa.NewDate(2100, 1, 1).Add(int(o.versions[ref]))}},
	}}
	if day := o.leaveBy[ref]; !day.IsZero() {
		u.Deadlines = append(u.Deadlines, visa.Deadline{Kind: visa.LeaveBy, Date: day})
	}
	u.Normalize()
	if _, err := o.store.Record(context.Background(), "test", "", []visa.Update{u}); err != nil {
		o.t.Fatal(err)
	}
}

func TestAfterAnOutageOfADayAllIsToldInOrderAsItStandsAndWithoutABurst(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	s := usual
	s.text = func(d visa.Delivery) string {
		if d.Kind == visa.KindReply {
			return "reply|" + d.Note.Reply
		}
		return fmt.Sprintf("%s|%s|%d|%s|%d", d.Kind, d.Reference.String(), d.Application.Version, d.Note.Date, d.Note.Days)
	}
	inWorldOf(t, s, 28, func(w *world) {
		o := &outageDay{world: w, versions: map[int]int64{}, changed: map[int]bool{}, leaveBy: map[int]visa.Date{}, replies: map[int64][]reply{}}
		r := rand.New(rand.NewPCG(seed, 2))
		today := visa.DateOf(time.Now().In(zone))
		begin := today.At(9, 30, zone)
		for ref := range outageRefs {
			if ref >= outageNews {
				o.leaveBy[ref] = today.Add(ref % 4) // today the reminders of 0, 1 and 3 days fall due
			}
			o.say(ref)
			w.follow(o.chat(ref), outageFirst+ref)
		}
		w.wait(time.Until(begin))
		before := len(w.tg.got())

		w.tg.fail(refuse(telegram.Transient))
		end := time.Now().Add(outage)
		for time.Now().Before(end) {
			w.wait(min(time.Until(end), time.Duration(r.Int64N(int64(10*time.Minute)))))
			if r.IntN(3) == 0 {
				chat := int64(1 + r.IntN(outageChats))
				text := fmt.Sprintf("%d", len(o.replies[chat]))
				w.converse(chat, func(c visa.Conversation) error { return c.Reply(context.Background(), visa.Note{Reply: text}) })
				o.replies[chat] = append(o.replies[chat], reply{text, time.Now()})
				continue
			}
			ref := r.IntN(outageNews)
			if r.IntN(8) == 0 {
				ref = outageMoved + r.IntN(outageRefs-outageMoved)
				o.leaveBy[ref] = today.Add(100 + r.IntN(100))
			}
			o.changed[ref] = true
			o.say(ref)
		}
		if n := len(w.tg.got()); n != before {
			t.Fatalf("%d messages were accepted during the outage", n-before)
		}
		back := time.Now()
		w.tg.fail(nil)
		w.wait(20 * time.Minute)
		o.check(t, w.tg.got()[before:], today, back)
	})
}

// check compares what was told after the outage with what is to be told.
func (o *outageDay) check(t *testing.T, got []call, today visa.Date, back time.Time) {
	paceKept(t, got, 30, 1)
	news, reminded := map[int]int{}, map[int]int{}
	replies := map[int64][]string{}
	for _, c := range got {
		p := strings.Split(strings.Trim(c.text, "</b>"), "|")
		if p[0] == "reply" {
			replies[c.chat] = append(replies[c.chat], p[1])
			continue
		}
		var ref int
		var version int64
		_, _ = fmt.Sscan(strings.TrimLeft(p[1], "0"), &ref)
		_, _ = fmt.Sscan(p[2], &version)
		ref -= outageFirst
		if c.chat != o.chat(ref) || version != o.versions[ref] {
			t.Errorf("to chat %d, not as it stands, which is version %d: %s", c.chat, o.versions[ref], c.text)
		}
		switch p[0] {
		case "news":
			news[ref]++
		case "reminder":
			if p[3] != o.leaveBy[ref].String() {
				t.Errorf("to chat %d, of a day that does not stand: %s", c.chat, c.text)
			}
			reminded[ref]++
		default:
			t.Errorf("to chat %d: %s", c.chat, c.text)
		}
	}
	for ref := range outageRefs {
		if want := map[bool]int{true: 1}[o.changed[ref]]; news[ref] != want {
			t.Errorf("%d news of %d, want %d", news[ref], ref, want)
		}
		if want := o.remindersOf(ref, today, back); ref >= outageNews && reminded[ref] != want {
			t.Errorf("%d reminders of %s, of %d, want %d", reminded[ref], o.leaveBy[ref], ref, want)
		}
	}
	for chat, all := range o.replies {
		var want []string
		for _, r := range all {
			if back.Sub(r.at) < 24*time.Hour-time.Minute {
				want = append(want, r.text)
			}
		}
		if fmt.Sprint(replies[chat]) != fmt.Sprint(want) {
			t.Errorf("chat %d was answered %v, want %v", chat, replies[chat], want)
		}
	}
	t.Logf("%d messages after the outage: %d news, %d of chats with answers, %d references reminded of", len(got), len(news), len(replies), len(reminded))
}

// remindersOf is how often somebody is to be reminded within 20 minutes of
// the end of the outage: of what fell due in it, the latest, if it is of use.
func (o *outageDay) remindersOf(ref int, today visa.Date, back time.Time) int {
	if ref >= outageMoved && o.changed[ref] {
		return 0
	}
	day := o.leaveBy[ref]
	n := 0
	for i, days := range rules.Rules[0].Days {
		due, useful := day.Add(-days).At(10, 0, zone), day.End(zone)
		if i+1 < len(rules.Rules[0].Days) {
			useful = day.Add(-rules.Rules[0].Days[i+1]).Start(zone)
		}
		if due.After(today.At(9, 30, zone)) && due.Before(back) && useful.After(back.Add(15*time.Minute)) {
			n++
		}
	}
	return n
}
