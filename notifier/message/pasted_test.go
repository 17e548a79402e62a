package message_test

import (
	"strings"
	"testing"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// pastedOfAll is a list to which all happened that can happen to one.
func pastedOfAll() *visa.Pasted {
	return &visa.Pasted{Followed: 2, Waiting: 1, Already: 3, Refused: 4, Minutes: 5, Full: 6, Unknown: 7, Unread: 8, Bad: 3,
		Faults: []visa.PastedFault{
			{Line: 2, Fault: visa.FaultEmpty}, {Line: 5, Fault: visa.FaultShort, N: 7, Want: 8, Digits: true}, {Line: 9, Fault: visa.FaultSeveral, N: 2}}}
}

func TestAPastedListIsAnsweredByItsNumbersAndItsFaults(t *testing.T) {
	const want = `📋 3 numbers added to your list

🔔 2 followed. I tell you when something changes.
🔎 1 waiting: it is not in our data yet. I tell you when it appears, and wait for 60 days.
☑️ 3 were on your list already.
✋ 4 not looked up. Send them again later.
Those were too many numbers that are not in our data. Try again in 5 minutes.
✋ 6 not added: one chat can follow 200 applications.
✋ 7 not added: one chat can wait for 50 numbers that are not in our data yet.
✂️ 8 lines not read. Send them in another message: I read 100 lines at a time.

❓ 3 lines I could not use:
Line 2: I found no reference number in that.
Line 5: You typed 7 digits; it has 8.
Line 9: These are several numbers. Send one at a time.`
	d := delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyPasted, Pasted: pastedOfAll()})
	m := message.Render(d, opts)
	check(t, m)
	if m.Plain != want {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
}

func TestHoweverMuchIsWrongWithAListItsAnswerFits(t *testing.T) {
	for _, c := range i18n.Default().All() {
		p := pastedOfAll()
		for p.Bad = 100; len(p.Faults) < 100; {
			p.Faults = append(p.Faults, visa.PastedFault{Line: 1000, Fault: visa.FaultShort, N: 5})
		}
		m := message.Render(delivery(nil, c.Code(), visa.KindReply, visa.Note{Reply: visa.ReplyPasted, Pasted: p}), opts)
		check(t, m)
		readable(t, m)
		if strings.HasSuffix(m.Plain, "…") {
			t.Errorf("%s: cut off", c.Code())
		}
	}
	p := &visa.Pasted{Bad: 2, Parts: true, Faults: []visa.PastedFault{{Line: 1, Fault: visa.FaultShort, N: 5}}}
	m := message.Render(delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyPasted, Pasted: p}), opts)
	if !strings.HasPrefix(m.Plain, "📋 Nothing new on your list\n") || !strings.Contains(m.Plain, "Part 1: ") || !strings.HasSuffix(m.Plain, "and 1 more") {
		t.Errorf("got\n%s", m.Plain)
	}
}

func TestTheDigitsOfALinkStandUnderTheOutcome(t *testing.T) {
	for _, known := range []bool{true, false} {
		var a *visa.Application
		if known {
			a = application(t, visa.StageReceived, "")
		}
		for code, want := range map[string]bool{"0471": true, "": false, "047": false, "abcd": false, "04715": false} {
			m := message.Render(delivery(a, "en", visa.KindReply, visa.Note{Reply: visa.ReplyFollowing, Reference: reference(t, whole), Code: code}), opts)
			lines := strings.Split(m.Plain, "\n")
			if got := lines[1] == "🔑 The page showed the same digits: 0 4 7 1"; got != want {
				t.Errorf("known %t, code %q: the second line is %q", known, code, lines[1])
			}
		}
	}
}

func TestWhatNeverAppearedIsWaitedForNoMore(t *testing.T) {
	d := delivery(nil, "en", visa.KindUnfound, visa.Note{Token: "abcdefghijklmnopqrstuv", Date: visa.NewDate(2025, 4, 24)})
	d.Reference, d.Label = reference(t, whole), "Mother"
	const want = `⌛ I no longer wait for one number
20••••33 · Mother

It has not appeared in our data in 60 days. Check the number: compare each character with the message in which you got it. I no longer watch for it.
If it is right, press “Follow”, and I wait for 60 more days.

Last complete data from the register: 23 June, 20:05.
The authorities’ own portal is authoritative.`
	m := message.Render(d, opts)
	check(t, m)
	if m.Plain != want || m.Buttons[0][0].Data != "f:abcdefghijklmnopqrstuv" {
		t.Errorf("got\n%s\n%v\nwant\n%s", m.Plain, m.Buttons, want)
	}
	d.Settings.Discreet = true
	if m := message.Render(d, opts); strings.Contains(m.Plain, "••") || strings.Contains(m.Plain, "Mother") || m.Buttons[0][0].Data != "f:abcdefghijklmnopqrstuv" {
		t.Errorf("in a discreet chat:\n%s\n%v", m.Plain, m.Buttons)
	}
}

func TestOutcomeAndDaysStandInEnglishAndRussianTooWhereNobodyHasLookedALanguageOver(t *testing.T) {
	const english, russian = "English: Application approved · Last day to leave: Saturday 5 July 2025 (12 days left)", "Русский: Заявление одобрено · Последний день для выезда: суббота, 5 июля 2025 г. (осталось 12 дней)"
	a := application(t, visa.StageDecided, visa.OutcomeApproved)
	for _, c := range i18n.Default().All() {
		if c.Reviewer() != "" {
			continue
		}
		for _, kind := range []visa.Kind{visa.KindNews, visa.KindReply, visa.KindReminder, visa.KindDigest, visa.KindReturn} {
			d := delivery(a, c.Code(), kind, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole), Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5)})
			d.Items = []visa.DeliveryItem{{Application: a, NoteItem: visa.NoteItem{Subscription: 1, Reference: reference(t, whole)}}}
			m := message.Render(d, opts)
			check(t, m)
			for code, want := range map[string]string{"en": english, "ru": russian} {
				_, outcome, _ := strings.Cut(want, ": ")
				outcome, day, _ := strings.Cut(outcome, " · ")
				switch kind {
				case visa.KindReminder:
					want = strings.Replace(want, outcome+" · ", "", 1)
				case visa.KindDigest, visa.KindReturn:
					want = day
				}
				if has := strings.Contains(m.Plain, want); has != (code != c.Code()) && !(kind == visa.KindDigest || kind == visa.KindReturn) || !has && code != c.Code() {
					t.Errorf("%s, %s: %q is there: %t\n%s", c.Code(), kind, want, has, m.Plain)
				}
			}
		}
	}
}

func TestSeveralNumbersAreNotSaidToBeNone(t *testing.T) {
	for _, c := range i18n.Default().All() {
		note := visa.Note{Reply: visa.ReplyMalformed, Fault: string(visa.FaultSeveral), Number: 2}
		m := message.Render(delivery(nil, c.Code(), visa.KindReply, note), opts)
		check(t, m)
		readable(t, m)
		if strings.Contains(m.Plain, c.T("bot.malformed")) || !strings.HasPrefix(m.Plain, "❓ "+c.T("bot.several.title")+"\n"+c.T("fault.several")) {
			t.Errorf("%s: got\n%s", c.Code(), m.Plain)
		}
	}
}

func TestBeforeNothingIsFollowedAnyMoreItIsAsked(t *testing.T) {
	const want = `🔕 Stop following all?
You follow 3 applications. If you stop, their news end, and so do the reminders of the last day to leave.`
	m := message.Render(delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyStopAllAsk, Number: 3}), opts)
	check(t, m)
	if m.Plain != want || len(m.Buttons) != 2 || m.Buttons[0][0].Data != visa.ButtonStopAll || m.Buttons[1][0].Data != visa.ButtonKeep {
		t.Errorf("got\n%s\n%v\nwant\n%s", m.Plain, m.Buttons, want)
	}
}

func TestARefusalThatIsClosedSaysToReadTheDecision(t *testing.T) {
	for outcome, want := range map[visa.Outcome]string{visa.OutcomeRefused: "outcome.refused.next", visa.OutcomeCancelled: "outcome.cancelled.next"} {
		for _, c := range i18n.Default().All() {
			a := application(t, visa.StageClosed, outcome)
			m := message.Render(delivery(a, c.Code(), visa.KindReply, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole)}), opts)
			if !strings.Contains(m.Plain, c.T(want)) || strings.Contains(m.Plain, c.T("stage.closed.next")) {
				t.Errorf("%s, %s: got\n%s", c.Code(), outcome, m.Plain)
			}
		}
	}
}
