package message_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// items are n followed applications: every fifth must be corrected, every
// seventh had a day that no longer holds, every ninth is not in the data.
func items(t testing.TB, n int, label string) []visa.DeliveryItem {
	var all []visa.DeliveryItem
	for i := range n {
		a := application(t, visa.StageInProcessing, "")
		a.Deadlines = nil
		item := visa.DeliveryItem{Application: a, NoteItem: visa.NoteItem{Subscription: int64(i + 1), Reference: reference(t, fmt.Sprint(20417000+i)), Label: label}}
		switch {
		case i%5 == 4:
			a.Stage = visa.StageCorrectionRequired
			a.Deadlines = []visa.Deadline{{Kind: visa.CorrectBy, Date: visa.NewDate(2025, 7, 20).Add(-i % 20)}}
		case i%7 == 6:
			item.Date = visa.NewDate(2025, 7, 1)
		case i%9 == 8:
			item.Application = nil
		}
		item.Changed = []string{"stage"}
		all = append(all, item)
	}
	return all
}

func last(m message.Message) []message.Button { return m.Buttons[len(m.Buttons)-1] }

func list(t *testing.T, all []visa.DeliveryItem, page int) message.Message {
	d := delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyList, Page: page, Number: len(all)})
	d.Items = all
	m := message.Render(d, opts)
	check(t, m)
	readable(t, m)
	return m
}

func TestAListShowsStageAndNextDeadlineAndWhatNeedsItsOwnerFirst(t *testing.T) {
	all := items(t, 3, "")
	all[0].Label = "son"
	all[1].Application = nil
	all[2].Application = application(t, visa.StageDecided, visa.OutcomeApproved)
	const want = `📋 You follow 3 applications
Press a number to see more.
❗ 1 of them needs something from you, and comes first.

✅ 20••••02 – Approved
📅 Last day to leave: Saturday 5 July 2025 (12 days left)

⏳ 20••••00 · son – In processing
🔎 20••••01 – Not in our data yet

Last complete data from the register: 23 June, 20:05.`
	m := list(t, all, 0)
	if m.Plain != want {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
	if got := m.Buttons[1]; len(got) != 2 || got[0].Data != "s:1" || got[1].Data != "u:1" || got[0].Text != "20••••00 · son" {
		t.Errorf("the second row is %v", got)
	}
}

func TestAListPagesOverAllInOneOrder(t *testing.T) {
	all := items(t, 20, "")
	seen := map[string]bool{}
	for page, want := range [][]string{{"l:1"}, {"l:0", "l:2"}, {"l:1"}} {
		m := list(t, all, page)
		for i, b := range last(m) {
			if b.Data != want[i] {
				t.Errorf("page %d leads to %v", page, last(m))
			}
		}
		if got := strings.Contains(m.Plain, "Correction required"); got != (page == 0) {
			t.Errorf("page %d has one to correct: %t\n%s", page, got, m.Plain)
		}
		if !strings.Contains(m.Plain, "4 of them need something from you") {
			t.Errorf("page %d does not say how many need something:\n%s", page, m.Plain)
		}
		for _, row := range m.Buttons[:len(m.Buttons)-1] {
			if seen[row[0].Data] {
				t.Errorf("%s is there twice", row[0].Data)
			}
			seen[row[0].Data] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("the pages show %d of %d", len(seen), len(all))
	}
	if got := last(list(t, all[:3], 0)); got[0].Data != "s:3" {
		t.Errorf("the only page leads to %v", got)
	}
	for _, page := range []int{-1, math.MinInt} {
		if got := last(list(t, all, page)); got[0].Data != "l:1" {
			t.Errorf("page %d leads to %v", page, got)
		}
	}
	if got := last(list(t, all, math.MaxInt)); got[0].Data != "l:1" || len(got) != 1 {
		t.Errorf("a page far beyond leads to %v", got)
	}
	list(t, items(t, 1000, strings.Repeat("<&𝕏", 500)), 3)
	if m := list(t, nil, 2); !strings.Contains(m.Plain, "do not follow any") {
		t.Errorf("nothing is followed any more: %s", m.Plain)
	}
}

func TestADigestTellsWhatNeedsActionFirst(t *testing.T) {
	d := delivery(nil, "en", visa.KindDigest, visa.Note{})
	d.Items, d.Subscription = items(t, 8, ""), 0
	d.Items[2].Label = "Mother"
	d.Items[2].Changed = []string{"deadlines"}
	d.Items[3].Application = application(t, visa.StageDecided, visa.OutcomeApproved)
	const want = `📬 News of 8 applications
❗ 2 of them need something from you, and come first.

✅ 20••••03 · Exit visa – Approved
📅 Last day to leave: Saturday 5 July 2025 (12 days left)
Русский: Одобрено · Последний день для выезда: суббота, 5 июля 2025 г. (осталось 12 дней)

✏️ 20••••04 · Exit visa – Correction required
📅 Last day to correct: Wednesday 16 July 2025 (23 days left)
Русский: Последний день для исправления: среда, 16 июля 2025 г. (осталось 23 дня)

⏳ 20••••06 · Exit visa – In processing
❗ Please note: an earlier reminder named Tuesday 1 July 2025. That day no longer applies.
Русский: Обратите внимание: в прежнем напоминании была названа дата вторник, 1 июля 2025 г. Эта дата больше не действует.

⏳ 20••••00 · Exit visa – In processing
⏳ 20••••01 · Exit visa – In processing
📅 20••••02 · Exit visa · Mother – A date has changed (In processing)
⏳ 20••••05 · Exit visa – In processing
⏳ 20••••07 · Exit visa – In processing

Last complete data from the register: 23 June, 20:05.
This message is not a document. It does not itself allow you to stay.
The authorities’ own portal is authoritative.`
	m := message.Render(d, opts)
	check(t, m)
	if m.Plain != want {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
	if got := m.Buttons[0][0]; got.Data != "s:4" || got.Text != "✅ 20••••03 · Exit visa" || last(m)[0].Data != "l:0" || len(m.Buttons) != 9 {
		t.Errorf("the buttons are %v", m.Buttons)
	}
}

func TestADigestOfTwoHundredFitsInEveryLanguageAndHidesNoCorrection(t *testing.T) {
	for _, c := range i18n.Default().All() {
		for _, kind := range []visa.Kind{visa.KindDigest, visa.KindReturn} {
			for _, label := range []string{"", strings.Repeat("𝕏<&", 300)} {
				d := delivery(nil, c.Code(), kind, visa.Note{})
				d.Items = items(t, visa.MaxFollowed, label)
				for i := range d.Items {
					d.Items[i].Date = visa.NewDate(2025, 7, 1)
				}
				m := message.Render(d, opts)
				check(t, m)
				readable(t, m)
				for _, want := range []string{c.T("digest.corrected_more"), c.T("note.not_document"), c.T("note.portal")} {
					if !strings.Contains(m.Plain, want) {
						t.Errorf("%s, %s: lacks %q", c.Code(), kind, want)
					}
				}
				d.Items = items(t, visa.MaxFollowed, label)
				for i := range d.Items {
					d.Items[i].Date = 0
				}
				if m = message.Render(d, opts); strings.Contains(m.Plain, c.T("digest.corrected_more")) {
					t.Errorf("%s, %s: speaks of a correction where there is none", c.Code(), kind)
				}
				check(t, m)
			}
		}
	}
}

func TestWhatWasMissedIsSummedUp(t *testing.T) {
	d := delivery(nil, "en", visa.KindReturn, visa.Note{})
	d.Items = items(t, 1, "")
	const want = `📬 While you were away: 1 application
For a while I could not write to you here. This is how things stand now.

⏳ 20••••00 · Exit visa – In processing`
	m := message.Render(d, opts)
	check(t, m)
	if !strings.HasPrefix(m.Plain, want) {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
	d.Items = nil
	m = message.Render(d, opts)
	check(t, m)
	readable(t, m)
}
