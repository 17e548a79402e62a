package message_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

func TestAHeartbeatSaysSinceWhenNothingChangedOrThatItCannotKnow(t *testing.T) {
	june := time.Date(2025, 6, 4, 9, 0, 0, 0, bishkek)
	tests := []struct {
		name     string
		followed int
		last     time.Time
		asOf     time.Time
		want     string
	}{
		{"fresh data", 3, june, asOf, "👀 Still watching 3 applications\nNo stage and no decision has changed since 4 June. Checked 23 June, 20:05."},
		{"one application", 1, june, asOf, "👀 Still watching 1 application\n"},
		{"just fresh enough", 3, june, now.Add(-36 * time.Hour), "👀 Still watching 3 applications\nNo stage"},
		{"stale data", 3, june, now.Add(-36*time.Hour - time.Second), "⚠️ No new data from the register\nNo complete data from the register since 22 June, 08:29. I cannot say what has changed since then.\n👀 Still watching 3 applications"},
		{"data of last year", 3, june, asOf.AddDate(-1, 0, 0), "⚠️ No new data from the register\nNo complete data from the register since 23 June 2024, 20:05."},
		{"no data at all", 3, time.Time{}, time.Time{}, "⚠️ No new data from the register\nNo complete data has come from the register yet."},
		{"a change after the last complete data", 3, asOf.Add(time.Minute), asOf, "👀 Still watching 3 applications\nLast change 23 June, 20:06. Last complete data from the register: 23 June, 20:05."},
		{"none of them known", 3, time.Time{}, asOf, "👀 Still watching 3 applications\nThere is nothing about this in our data yet. I tell you when it appears. Checked 23 June, 20:05."},
		{"nothing followed any more", 0, time.Time{}, asOf, "👀 I am still watching\nYou do not follow any application."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := delivery(nil, "en", visa.KindHeartbeat, visa.Note{})
			d.Subscription, d.Followed, d.LastChange, d.AsOf = 0, tt.followed, tt.last, tt.asOf
			m := message.Render(d, retaining)
			check(t, m)
			readable(t, m)
			if !strings.HasPrefix(m.Plain, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", m.Plain, tt.want)
			}
			if last(m)[0].Data != "hb:0" || m.Buttons[0][0].Data != "l:0" {
				t.Errorf("the buttons are %v", m.Buttons)
			}
		})
	}
}

func TestStaleDataNeverSaysThatNothingChanged(t *testing.T) {
	for _, c := range i18n.Default().All() {
		for _, n := range []int{1, 2, 5, 200} {
			d := delivery(application(t, visa.StageInProcessing, ""), c.Code(), visa.KindHeartbeat, visa.Note{})
			d.AsOf, d.Followed, d.LastChange = asOf.AddDate(0, 0, -9), n, asOf.AddDate(0, 0, -30)
			m := message.Render(d, retaining)
			claim, _, _ := strings.Cut(c.T("heartbeat.unchanged", "since", i18n.When{Time: d.LastChange.In(bishkek)}), ".")
			if strings.Contains(m.Plain, claim) || !strings.Contains(m.Plain, "14") {
				t.Errorf("%s: got\n%s", c.Code(), m.Plain)
			}
			check(t, m)
			d.Kind, d.Note.Date = visa.KindPendingLong, visa.NewDate(2025, 5, 20)
			if m = message.Render(d, retaining); strings.Contains(m.Plain, c.T("pending.since", "stage", c.T("stage.in_processing.name"), "since", i18n.When{Time: d.Note.Date.Time()})) {
				t.Errorf("%s: says that the stage has not changed:\n%s", c.Code(), m.Plain)
			}
		}
	}
}

func TestALongWaitSaysWhatCanBeDone(t *testing.T) {
	d := delivery(application(t, visa.StageInProcessing, ""), "en", visa.KindPendingLong, visa.Note{Date: visa.NewDate(2025, 5, 20)})
	d.Label, d.Application.Deadlines = "Mother", nil
	const want = `⌛ No news for a long time
20••••33 · Exit visa · Mother

The authorities are examining the application. It has not been decided yet.
The stage “In processing” has not changed since 20 May.
A long wait is not a refusal.

What you can do:
• Look on the authorities’ own portal: it may say more than our data.
• Ask the authorities. Have your reference number and the day you filed at hand.

I keep watching, and tell you when something changes.
No change since 20 June. Checked 23 June, 20:05.
The authorities’ own portal is authoritative.`
	m := message.Render(d, retaining)
	check(t, m)
	if m.Plain != want {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
	if got := fmt.Sprint(m.Buttons); got != "[[{I have left d:42 } {Not mine any more u:42 }] [{My list l:0 }]]" {
		t.Errorf("the buttons are %s", got)
	}
}

func TestEveryReminderCanBeEnded(t *testing.T) {
	for _, kind := range visa.DeadlineKinds {
		m := message.Render(delivery(application(t, visa.StageDecided, visa.OutcomeApproved), "en", visa.KindReminder,
			visa.Note{Deadline: kind, Date: visa.NewDate(2025, 7, 5)}), opts)
		if got := m.Buttons[0]; len(got) != 2 || got[0].Data != "d:42" || got[1].Data != "u:42" {
			t.Errorf("%s: the first row of buttons is %v", kind, got)
		}
	}
}

func TestErasureSaysWhatAndWhen(t *testing.T) {
	tests := []struct {
		name  string
		a     *visa.Application
		reply string
		date  visa.Date
		want  []string
	}{
		{"a closed case", application(t, visa.StageClosed, visa.OutcomeApproved), visa.ErasureNear, visa.NewDate(2025, 7, 7),
			[]string{"🗑 Will soon be erased here\n20••••33 · Exit visa", "closed the application", "This application is kept here until Monday 7 July 2025.", "look at it by then"}},
		{"a campaign that is over", application(t, visa.StageInProcessing, ""), visa.ErasureCampaign, visa.NewDate(2026, 6, 10),
			[]string{"The campaign in which you applied is over.", "kept here until Wednesday 10 June 2026."}},
		{"near, of a campaign that is over", application(t, visa.StageInProcessing, ""), visa.ErasureNear, visa.NewDate(2025, 7, 7),
			[]string{"The campaign in which you applied is over."}},
		{"the last day itself", application(t, visa.StageClosed, ""), visa.ErasureNear, visa.NewDate(2025, 6, 23), []string{"kept here until Monday 23 June 2025"}},
		{"a day that is over", application(t, visa.StageClosed, ""), visa.ErasureNear, visa.NewDate(2025, 6, 22), []string{"is soon erased here"}},
		{"not in the data", nil, visa.ErasureNear, visa.NewDate(2025, 7, 7), []string{"kept here until Monday 7 July 2025."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message.Render(delivery(tt.a, "en", visa.KindErasure, visa.Note{Reply: tt.reply, Date: tt.date}), retaining)
			check(t, m)
			readable(t, m)
			for _, want := range tt.want {
				if !strings.Contains(m.Plain, want) {
					t.Errorf("lacks %q:\n%s", want, m.Plain)
				}
			}
			if got := m.Buttons[0][0].Data; got != "s:42" {
				t.Errorf("the first button is %q", got)
			}
		})
	}
}

func TestTheEndOfACaseSaysWhatWillBeErased(t *testing.T) {
	const line = "🗑 This application is kept here until Saturday 20 June 2026. After that day we erase where it stands"
	kept := func(retention int, ends visa.Date) message.Options {
		o := retaining
		s := visa.Schedule{Zone: bishkek, Retention: retention}
		if ends != 0 {
			s.CampaignEnds = map[string]visa.Date{"legalization-2025": ends}
		}
		o.ErasureDay = s.ErasureDay
		return o
	}
	tests := []struct {
		name         string
		stage        visa.Stage
		discreet     bool
		o            message.Options
		news, status string
	}{
		{"closed", visa.StageClosed, false, retaining, line, line},
		{"closed, and nothing is ever erased", visa.StageClosed, false, kept(0, 0), "", ""},
		{"closed, and nobody knows of erasure", visa.StageClosed, false, opts, "", ""},
		{"not closed", visa.StageInProcessing, false, retaining, "", ""},
		{"closed in a campaign that goes on", visa.StageClosed, false, kept(365, visa.NewDate(2025, 12, 31)), "until Thursday 31 December 2026", "until Thursday 31 December 2026"},
		{"not closed, of a campaign long to be kept", visa.StageInProcessing, false, kept(365, visa.NewDate(2025, 6, 21)), "", ""},
		{"not closed, the day near", visa.StageInProcessing, false, kept(10, visa.NewDate(2025, 6, 21)), "", "until Tuesday 1 July 2025"},
		{"closed, the day over", visa.StageClosed, false, kept(1, 0), "is soon erased here", "is soon erased here"},
		{"not closed, discreet", visa.StageInProcessing, true, kept(365, visa.NewDate(2025, 6, 21)), "", "until Sunday 21 June 2026"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for kind, want := range map[visa.Kind]string{visa.KindNews: tt.news, visa.KindReply: tt.status} {
				d := delivery(application(t, tt.stage, ""), "en", kind, visa.Note{Reply: visa.ReplyStatus, Changed: []string{"stage"}, Reference: reference(t, whole)})
				d.Settings.Discreet = tt.discreet
				m := message.Render(d, tt.o)
				check(t, m)
				if want == "" && strings.Contains(m.Plain, "erase") || !strings.Contains(m.Plain, want) {
					t.Errorf("%s: want %q in\n%s", kind, want, m.Plain)
				}
			}
		})
	}
	d := delivery(application(t, visa.StageClosed, ""), "en", visa.KindReply, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole)})
	d.Following = false
	if m := message.Render(d, retaining); strings.Contains(m.Plain, "erase") {
		t.Errorf("tells somebody who does not follow it:\n%s", m.Plain)
	}
}

func TestAnAnnouncementIsSaidInTheChatsLanguageOrTheNextBest(t *testing.T) {
	tests := []struct {
		texts map[string]string
		lang  string
		want  string
	}{
		{map[string]string{"ky": "кыргызча", "ru": "по-русски", "en": "in English"}, "ky", "кыргызча"},
		{map[string]string{"ru": "по-русски", "en": "in English"}, "ky", "по-русски"},
		{map[string]string{"en": "in English", "ky": "кыргызча"}, "uz", "in English"},
		{map[string]string{"zh": "中文", "uz": "oʻzbekcha"}, "en", "oʻzbekcha"},
		{nil, "en", ""},
	}
	for _, tt := range tests {
		if got, _ := visa.TextFor(tt.texts, tt.lang); got != tt.want {
			t.Errorf("%v for %s: got %q, want %q", tt.texts, tt.lang, got, tt.want)
		}
	}
	d := delivery(nil, "en", visa.KindAnnouncement, visa.Note{Announcement: 7})
	d.Texts, d.Lane = map[string]string{"en": "The hall is <b>closed</b> & shut\r\non Friday.\n\n\n  Come on Monday.\n"}, visa.LaneAnnouncement
	const want = "📢 Announcement\n\nThe hall is <b>closed</b> & shut\non Friday.\n\nCome on Monday.\n\nThe authorities’ own portal is authoritative."
	m := message.Render(d, opts)
	check(t, m)
	if m.Plain != want || !m.Silent {
		t.Errorf("got\n%s\nwant\n%s", m.Plain, want)
	}
	for _, text := range []string{strings.Repeat("Ы", visa.MaxAnnouncement), strings.Repeat("a b\n", visa.MaxAnnouncement/4)} {
		for _, c := range i18n.Default().All() {
			d.Language, d.Texts = c.Code(), map[string]string{c.Code(): text}
			m := message.Render(d, opts)
			check(t, m)
			if !strings.HasSuffix(m.Plain, c.T("note.portal")) || !strings.Contains(m.Plain, strings.TrimSpace(text)) {
				t.Errorf("%s: the longest announcement is cut", c.Code())
			}
		}
	}
	d.Texts = nil
	check(t, message.Render(d, opts))
}

func TestSettingsShowWhatIsChosenAndTheButtonsToChangeIt(t *testing.T) {
	on := visa.ChatSettings{SilentNights: true, Discreet: true, Heartbeat: true, MutedUntil: time.Date(2025, 6, 24, 4, 30, 0, 0, bishkek)}
	past := visa.ChatSettings{MutedUntil: now}
	tests := []struct {
		name    string
		s       visa.ChatSettings
		changed []string
		says    []string
		buttons []string
	}{
		{"nothing chosen", visa.ChatSettings{}, nil, []string{"⚙️ Settings\n", "• Silent nights: off\n", "• Discreet messages: off\n", "• Monthly message: off\n", "• Pause: off\n"},
			[]string{"sn:1", "sd:1", "hb:1", "sm:8", "sm:24", "sm:168", "l:0", "gl"}},
		{"all chosen", on, nil, []string{"• Silent nights: on\n", "• Discreet messages: on\n", "• Monthly message: on\n", "• Pause: on\nIt ends 24 June, 04:30.\n"},
			[]string{"sn:0", "sd:0", "hb:0", "sm:0", "l:0", "gl"}},
		{"a mute that is over", past, nil, []string{"• Pause: off\n"}, []string{"sn:1", "sd:1", "hb:1", "sm:8", "sm:24", "sm:168", "l:0", "gl"}},
		{"one just switched on", on, []string{message.SettingHeartbeat}, []string{"✅ Monthly message: on\n"}, []string{"sn:0", "sd:0", "hb:0", "sm:0", "l:0", "gl"}},
		{"one just switched off", visa.ChatSettings{}, []string{message.SettingMute}, []string{"✅ Pause: off\n"}, []string{"sn:1", "sd:1", "hb:1", "sm:8", "sm:24", "sm:168", "l:0", "gl"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range i18n.Default().All() {
				m := message.Render(delivery(nil, c.Code(), visa.KindReply, visa.Note{Reply: visa.ReplySettings, Settings: &tt.s, Extra: tt.changed}), opts)
				check(t, m)
				readable(t, m)
				var got []string
				for _, row := range m.Buttons {
					for _, b := range row {
						got = append(got, b.Data)
					}
				}
				if !slices.Equal(got, tt.buttons) {
					t.Errorf("%s: the buttons are %v, want %v", c.Code(), got, tt.buttons)
				}
				for _, want := range tt.says {
					if c.Code() == "en" && !strings.Contains(m.Plain, want) {
						t.Errorf("lacks %q:\n%s", want, m.Plain)
					}
				}
			}
		})
	}
	d := delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplySettings})
	d.Settings = on
	if got := message.Render(d, opts).Plain; !strings.Contains(got, "• Discreet messages: on") {
		t.Errorf("a note without settings does not show the chat's:\n%s", got)
	}
}

func TestFollowingOffersAMonthlyMessageWhereItIsNotOn(t *testing.T) {
	for _, tt := range []struct {
		reply string
		on    bool
		want  bool
	}{
		{visa.ReplyFollowing, false, true}, {visa.ReplyAlready, false, true}, {visa.ReplyFollowing, true, false}, {visa.ReplyStatus, false, false},
	} {
		d := delivery(application(t, visa.StageReceived, ""), "en", visa.KindReply, visa.Note{Reply: tt.reply, Reference: reference(t, whole)})
		d.Settings.Heartbeat = tt.on
		if got := strings.Contains(fmt.Sprint(message.Render(d, opts).Buttons), "hb:1"); got != tt.want {
			t.Errorf("%s, on %t: offered %t", tt.reply, tt.on, got)
		}
	}
}
