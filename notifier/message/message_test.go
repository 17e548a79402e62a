package message_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

var (
	bishkek = time.FixedZone("Bishkek", 6*3600)
	now     = time.Date(2025, 6, 23, 20, 30, 0, 0, bishkek)
	asOf    = time.Date(2025, 6, 23, 20, 5, 0, 0, bishkek)
	opts    = message.Options{Now: now, Zone: bishkek, Reasons: i18n.DefaultReasons(), BotUsername: "kabarchy_bot"}
)

const whole = "20417733"

func reference(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func application(t testing.TB, stage visa.Stage, outcome visa.Outcome) *visa.Application {
	a := &visa.Application{
		Reference: reference(t, whole), Version: 7, Revision: 9, UpdatedAt: time.Date(2025, 6, 20, 9, 15, 0, 0, bishkek),
		Statement: visa.Statement{
			Procedure: visa.ProcedureExitVisa, Campaign: "legalization-2025", Stage: stage, Outcome: outcome,
			SubmittedOn: visa.NewDate(2025, 6, 2), Reason: "fee_unpaid",
			Deadlines: []visa.Deadline{{Kind: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5), Calculated: true}},
		},
		History: []visa.Event{{Stage: stage, Outcome: outcome, At: time.Date(2025, 6, 20, 9, 15, 0, 0, bishkek)}},
	}
	if outcome == visa.OutcomeApproved {
		a.Document = visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: visa.NewDate(2025, 6, 20), ValidUntil: visa.NewDate(2025, 7, 5)}
	}
	return a
}

func delivery(a *visa.Application, lang string, kind visa.Kind, n visa.Note) visa.Delivery {
	d := visa.Delivery{Language: lang, Application: a, AsOf: asOf, Following: true, Label: "Азамат <b>&\"x\u202e"}
	d.Kind, d.Note, d.Subscription, d.Lane = kind, n, 42, visa.LaneDecision
	return d
}

var replies = []string{
	visa.ReplyWelcome, visa.ReplyHelp, visa.ReplyStatus, visa.ReplyFollowing, visa.ReplyAlready, visa.ReplyUnfollowed, visa.ReplyLeft,
	visa.ReplyStopAllAsk, visa.ReplyUnfollowedAll, visa.ReplyNotFollowed, visa.ReplyList, visa.ReplyListEmpty, visa.ReplyLanguages,
	visa.ReplyLanguageSet, visa.ReplyForgetAsk, visa.ReplyForgotten, visa.ReplyMalformed, visa.ReplyAskReference,
	visa.ReplyUnknown, visa.ReplyNotText, visa.ReplyGroup, visa.ReplyLinkSpent, visa.ReplyTooMany, visa.ReplyFollowLimit,
	visa.ReplySettings, visa.ReplyUnknownLimit, visa.ReplyPasted,
}

func TestEveryMessageIsValidInEveryLanguageAndShowsNoWholeReference(t *testing.T) {
	note := visa.Note{
		Reference: reference(t, whole), Token: "abcdefghijklmnopqrstuv", Number: 3, Fault: string(visa.FaultShort), Extra: []string{"follow"},
		Settings: &visa.ChatSettings{SilentNights: true, MutedUntil: now.Add(time.Hour)}, Code: "0471", Pasted: pastedOfAll(),
	}
	for _, c := range i18n.Default().All() {
		for _, a := range []*visa.Application{nil, application(t, visa.StageDecided, visa.OutcomeApproved)} {
			for _, reply := range replies {
				t.Run(fmt.Sprintf("%s %s known %t", c.Code(), reply, a != nil), func(t *testing.T) {
					n := note
					n.Reply = reply
					d := delivery(a, c.Code(), visa.KindReply, n)
					d.Items = []visa.DeliveryItem{
						{NoteItem: visa.NoteItem{Subscription: 1, Reference: reference(t, whole), Label: "<i>A&B"}, Application: a},
						{NoteItem: visa.NoteItem{Subscription: 2, Reference: reference(t, "20417734")}},
					}
					m := message.Render(d, opts)
					check(t, m)
					readable(t, m)
					if strings.Contains(fmt.Sprint(m), whole) {
						t.Errorf("shows the whole reference: %s", m.Plain)
					}
					first, _, _ := strings.Cut(m.Plain, "\n")
					_, headline, _ := strings.Cut(first, " ")
					if n := utf8.RuneCountInString(headline); n < 3 || n > 40 || !strings.Contains(m.HTML, "<b>"+headline+"</b>") {
						t.Errorf("opens with %q, of %d characters", first, n)
					}
				})
			}
		}
	}
}

func TestEveryNewsOpensWithItsIconAndHeadlineAndSaysWhatItMeans(t *testing.T) {
	for _, c := range i18n.Default().All() {
		for _, stage := range visa.Stages {
			for _, outcome := range append(slices.Clone(visa.Outcomes), "") {
				ended := stage == visa.StageDecided || stage == visa.StageClosed
				if !ended && outcome != "" || stage == visa.StageDecided && outcome == "" {
					continue
				}
				for _, changed := range []string{"appeared", "stage", "outcome", "document", "reason", "procedure", "deadlines"} {
					m := message.Render(delivery(application(t, stage, outcome), c.Code(), visa.KindNews, visa.Note{Changed: []string{changed}}), opts)
					check(t, m)
					readable(t, m)
					first, _, _ := strings.Cut(m.Plain, "\n")
					_, headline, _ := strings.Cut(first, " ")
					if n := utf8.RuneCountInString(headline); n < 3 || n > 40 || !strings.Contains(m.HTML, "<b>"+headline+"</b>") {
						t.Errorf("%s, %s %s %s opens with %q", c.Code(), stage, outcome, changed, first)
					}
					for _, want := range []string{"20••••33", c.T("note.not_document"), c.T("note.portal"), c.T("procedure.exit_visa.name"), c.T("deadline.calculated")} {
						if !strings.Contains(m.Plain, want) {
							t.Errorf("%s, %s %s: lacks %q:\n%s", c.Code(), stage, outcome, want, m.Plain)
						}
					}
					if strings.Contains(m.Plain, whole) {
						t.Errorf("shows the whole reference: %s", m.Plain)
					}
					want := [][]message.Button{{{Text: c.T("button.stop"), Data: "u:42"}}, {{Text: c.T("button.list"), Data: "l:0"}}}
					if !slices.EqualFunc(m.Buttons, want, slices.Equal) {
						t.Errorf("the buttons are %v, want %v", m.Buttons, want)
					}
				}
			}
		}
	}
}

func TestADecisionReadsAsItShould(t *testing.T) {
	d := delivery(application(t, visa.StageDecided, visa.OutcomeApproved), "en", visa.KindNews, visa.Note{Changed: []string{"stage", "outcome", "document"}})
	d.Label = "Mother"
	const want = `✅ Application approved
20••••33 · Exit visa · Mother

The authorities have approved the application.
Reason: The fee has not been paid
Document: Exit visa, valid from 20 June 2025 until 5 July 2025

What you must do:
• Leave Kyrgyzstan no later than Saturday 5 July 2025.
• Read the decision on the authorities’ own portal.

📅 Last day to leave: Saturday 5 July 2025 (12 days left; that day itself still counts)
This day was calculated from another date. The register did not state it.

Русский: Заявление одобрено · Последний день для выезда: суббота, 5 июля 2025 г. (осталось 12 дней)

No change since 20 June. Checked 23 June, 20:05.
This message is not a document. It does not itself allow you to stay.
The authorities’ own portal is authoritative.`
	if got := message.Render(d, opts).Plain; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNewsOfADateAloneSaysSoFirst(t *testing.T) {
	d := delivery(application(t, visa.StageDecided, visa.OutcomeApproved), "en", visa.KindNews, visa.Note{Changed: []string{"deadlines"}})
	if got := message.Render(d, opts).Plain; !strings.HasPrefix(got, "📅 A date has changed\n") || !strings.Contains(got, "✅ Application approved") {
		t.Errorf("got\n%s", got)
	}
}

func TestAReminderCountsItsDaysAsItIsSent(t *testing.T) {
	note := visa.Note{Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5), Days: 14}
	tests := []struct {
		sent time.Time
		want []string
	}{
		{time.Date(2025, 6, 21, 10, 0, 0, 0, bishkek), []string{"⏰ 14 days left to leave\n", "(14 days left; that day itself still counts)"}},
		{time.Date(2025, 6, 22, 23, 59, 0, 0, bishkek), []string{"⏰ 13 days left to leave\n"}},
		{time.Date(2025, 7, 4, 10, 0, 0, 0, bishkek), []string{"⏰ 1 day left to leave\n"}},
		{time.Date(2025, 7, 5, 23, 59, 0, 0, bishkek), []string{"❗ Today is the last day to leave\n", "today, Saturday 5 July 2025 (today itself still counts)"}},
		{time.Date(2025, 7, 6, 0, 0, 0, 0, bishkek), []string{"ℹ️ The last day to leave has passed\n", "The authorities can tell you what applies now."}},
	}
	for _, tt := range tests {
		o := opts
		o.Now = tt.sent.UTC()
		m := message.Render(delivery(application(t, visa.StageDecided, visa.OutcomeApproved), "en", visa.KindReminder, note), o)
		check(t, m)
		readable(t, m)
		for _, want := range append(tt.want, "Checked 23 June, 20:05.", "20••••33") {
			if !strings.Contains(m.Plain, want) {
				t.Errorf("sent %v: lacks %q:\n%s", tt.sent, want, m.Plain)
			}
		}
	}
	for _, c := range i18n.Default().All() {
		for _, kind := range visa.DeadlineKinds {
			for n := -3; n < 30; n++ {
				m := message.Render(delivery(application(t, visa.StageDecided, visa.OutcomeApproved), c.Code(), visa.KindReminder,
					visa.Note{Deadline: kind, Date: visa.DateOf(now).Add(n)}), opts)
				check(t, m)
				readable(t, m)
			}
		}
	}
}

func TestStatusOffersToFollowOrToStop(t *testing.T) {
	const token = "abcdefghijklmnopqrstuv"
	tests := []struct {
		name      string
		reply     string
		known     bool
		following bool
		token     string
		text      string
		data      string
	}{
		{"known, not followed", visa.ReplyStatus, true, false, token, "Press “Follow”, and I tell you when something changes.", "f:" + token},
		{"unknown, not followed", visa.ReplyStatus, false, false, token, "I tell you when it appears.", "f:" + token},
		{"followed", visa.ReplyStatus, true, true, token, "You follow this application.", "u:42"},
		{"just followed", visa.ReplyFollowing, true, true, "", "You follow this application now.", "u:42"},
		{"just followed, unknown", visa.ReplyFollowing, false, true, "", "You follow this number now. I tell you when it appears.", "u:42"},
		{"followed before", visa.ReplyAlready, true, true, "", "You followed this application before", "u:42"},
		{"a token that no button can carry", visa.ReplyStatus, true, false, strings.Repeat("x", 63), "No change since 20 June. Checked 23 June, 20:05.", "l:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a *visa.Application
			if tt.known {
				a = application(t, visa.StageInProcessing, "")
			}
			d := delivery(a, "en", visa.KindReply, visa.Note{Reply: tt.reply, Reference: reference(t, whole), Token: tt.token})
			d.Following = tt.following
			m := message.Render(d, opts)
			check(t, m)
			if !strings.Contains(m.Plain, tt.text) || !strings.Contains(m.Plain, "23 June, 20:05") {
				t.Errorf("lacks %q, or the time of the data:\n%s", tt.text, m.Plain)
			}
			if got := m.Buttons[0][0].Data; got != tt.data {
				t.Errorf("the first button's data is %q, want %q", got, tt.data)
			}
		})
	}
}

func TestLanguagesAreOfferedInThemselves(t *testing.T) {
	for _, reply := range []string{visa.ReplyWelcome, visa.ReplyLanguages} {
		m := message.Render(delivery(nil, "", visa.KindReply, visa.Note{Reply: reply}), opts)
		var got []message.Button
		for _, row := range m.Buttons {
			got = append(got, row...)
		}
		if len(got) != len(i18n.Default().All()) || got[0] != (message.Button{Text: "Кыргызча", Data: "g:ky"}) {
			t.Errorf("%s offers %v", reply, got)
		}
	}
}

func TestTheNotesLanguageGoesBeforeTheChats(t *testing.T) {
	m := message.Render(delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyLanguageSet, Language: "ru"}), opts)
	if !strings.Contains(m.Plain, "Теперь я пишу по-русски.") {
		t.Errorf("got %q", m.Plain)
	}
	m = message.Render(delivery(nil, "kk", visa.KindReply, visa.Note{Reply: visa.ReplyListEmpty, Language: "no such"}), opts)
	if !strings.Contains(m.Plain, "Вы пока не следите") {
		t.Errorf("got %q", m.Plain)
	}
}

func TestTextsThatNameAButtonNameItAsItIs(t *testing.T) {
	if ru, _ := i18n.Default().Lookup("ru"); !strings.Contains(ru.T("discreet.news"), ru.T("button.show")) {
		t.Error("ru: discreet.news does not name button.show")
	}
	for _, c := range i18n.Default().All() {
		for key, button := range map[string]string{
			"bot.help.follow": "button.follow", "unfound.again": "button.follow", "bot.follow_offer": "button.follow", "bot.follow_offer_unknown": "button.follow", "bot.unknown": "button.help",
		} {
			if !strings.Contains(c.T(key), c.T(button)) {
				t.Errorf("%s: %s does not name %s", c.Code(), key, button)
			}
		}
	}
}

// hostile makes a delivery of whatever the generator likes.
func hostile(rng *rand.Rand, a *visa.Application) visa.Delivery {
	word := func() string {
		words := []string{
			"", "<b>", "</b>", "&amp;", "&#x3c;", "\x00", "\xff\xfe", "\u202e", "👩‍👩‍👧‍👦", "{n}", "\n\n\n", " ", "a", "leave_by", "decided", "short",
			strings.Repeat("𝕏", 5000), strings.Repeat("<", 5000), strings.Repeat("\n", 5000), "stage", "appeared", "ru", "follow",
		}
		return words[rng.IntN(len(words))]
	}
	num := func() int {
		return []int{0, 1, -1, 7, math.MaxInt, math.MinInt, math.MaxInt32, math.MinInt32}[rng.IntN(8)]
	}
	kinds := append([]visa.Kind{visa.KindNews, visa.KindReminder, visa.KindReply, visa.KindReply, "", visa.Kind(word())}, newKinds...)
	d := visa.Delivery{Application: a, Language: word(), Label: word(), Following: rng.IntN(2) == 0}
	d.Settings = visa.ChatSettings{Discreet: rng.IntN(3) == 0, SilentNights: rng.IntN(2) == 0, Heartbeat: rng.IntN(2) == 0, MutedUntil: time.Unix(int64(num()), 0)}
	d.Followed, d.LastChange, d.Texts = num(), time.Unix(int64(num()), 0), map[string]string{"ru": word(), word(): word()}
	if rng.IntN(2) == 0 {
		d.AsOf = time.Unix(int64(num()), 0)
	}
	d.Kind, d.Subscription, d.Lane = kinds[rng.IntN(len(kinds))], int64(num()), visa.Lane(num())
	d.Note = visa.Note{
		Reply: append(replies, word())[rng.IntN(len(replies)+1)], Changed: []string{word(), word()}, Deadline: visa.DeadlineKind(word()),
		Date: visa.Date(int32(num())), Days: num(), Language: word(), Token: word(), Page: num(), Fault: word(), Number: num(), Extra: []string{word()},
		Code: []string{"0471", word()}[rng.IntN(2)],
	}
	if rng.IntN(4) > 0 {
		d.Note.Pasted = &visa.Pasted{Followed: num(), Waiting: num(), Already: num(), Refused: num(), Minutes: num(), Full: num(), Unknown: num(), Unread: num(), Bad: num(), Parts: rng.IntN(2) == 0}
		for range rng.IntN(99) {
			d.Note.Pasted.Faults = append(d.Note.Pasted.Faults, visa.PastedFault{Line: num(), Fault: visa.ReferenceFault(word()), N: num(), Want: num(), Digits: rng.IntN(2) == 0})
		}
	}
	for range rng.IntN(60) {
		d.Items = append(d.Items, visa.DeliveryItem{Application: a, NoteItem: visa.NoteItem{
			Subscription: int64(num()), Label: word(), Changed: []string{word()}, Date: visa.Date(int32(num())),
		}})
	}
	if a != nil {
		a.Procedure, a.Stage, a.Outcome, a.Reason = visa.Procedure(word()), visa.Stage(word()), visa.Outcome(word()), word()
		a.Document.Kind, a.SubmittedOn, a.UpdatedAt = visa.DocumentKind(word()), visa.Date(int32(num())), time.Unix(int64(num()), 0)
		for range rng.IntN(300) {
			a.Deadlines = append(a.Deadlines, visa.Deadline{Kind: visa.DeadlineKind(word()), Date: visa.Date(int32(num()))})
		}
	}
	return d
}

func TestRenderStaysValidWhateverTheNoteHolds(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 500 {
		var a *visa.Application
		if rng.IntN(2) == 0 {
			a = &visa.Application{}
		}
		d := hostile(rng, a)
		check(t, message.Render(d, message.Options{
			Now: time.Unix(rng.Int64N(1e11), 0), BotUsername: d.Label, Stale: time.Hour, Guide: loud, PublicURL: d.Label,
			ErasureDay: func(*visa.Application) (visa.Date, bool) { return visa.Date(rng.Int32()), rng.IntN(2) == 0 },
		}))
		if t.Failed() {
			t.Fatalf("with %+v", d.Note)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("news", "status", "label", "stage", "token", int64(1), int32(739000), "en")
	f.Add("reply", "list", "<b>\xff", "deadlines", "a b", int64(-1), int32(0), "\x00")
	f.Add("reminder", "", "\u202e", "leave_by", strings.Repeat("t", 100), int64(math.MinInt64), int32(math.MinInt32), "ru")
	f.Fuzz(func(t *testing.T, kind, reply, label, word, token string, n int64, day int32, lang string) {
		d := visa.Delivery{Language: lang, Label: label}
		d.Kind, d.Subscription = visa.Kind(kind), n
		d.Note = visa.Note{
			Reply: reply, Changed: []string{word}, Deadline: visa.DeadlineKind(word), Date: visa.Date(day), Token: token,
			Page: int(n), Number: int(n), Fault: word, Extra: []string{word}, Dates: []visa.Date{visa.Date(day), visa.Date(n)},
		}
		d.Items = []visa.DeliveryItem{{NoteItem: visa.NoteItem{Subscription: n, Label: label, Changed: []string{word}, Date: visa.Date(day), Dates: []visa.Date{visa.Date(n)}}}}
		d.Followed, d.Texts = int(n), map[string]string{lang: label + word}
		d.Settings.Discreet = day%3 == 0
		if n%2 == 0 {
			d.Application = &visa.Application{Statement: visa.Statement{
				Procedure: visa.Procedure(word), Stage: visa.Stage(reply), Outcome: visa.Outcome(word), Deadlines: []visa.Deadline{{Kind: visa.DeadlineKind(word), Date: visa.Date(day)}},
			}}
		}
		check(t, message.Render(d, message.Options{Now: time.Unix(n%1e11, 0)}))
	})
}
