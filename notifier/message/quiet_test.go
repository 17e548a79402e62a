package message_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// newKinds are what is told without being asked for, beside news and reminders.
var newKinds = []visa.Kind{visa.KindDigest, visa.KindReturn, visa.KindHeartbeat, visa.KindPendingLong, visa.KindErasure, visa.KindAnnouncement, visa.KindUnfound}

// unasked is a delivery of each kind with all that it may hold.
func unasked(t testing.TB, kind visa.Kind, lang string, a *visa.Application) visa.Delivery {
	d := delivery(a, lang, kind, visa.Note{Changed: []string{"stage"}, Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5), Reply: visa.ErasureNear})
	d.Reference = reference(t, whole)
	d.Followed, d.LastChange = 3, time.Date(2025, 6, 4, 9, 0, 0, 0, bishkek)
	d.Texts = map[string]string{"ru": "Первая <b>строка</b> & \"вторая\"\n\nКонец", "en": "A first <b>line</b> & a \"second\"\n\nThe end"}
	for i := range 3 {
		d.Items = append(d.Items, visa.DeliveryItem{Application: a, NoteItem: visa.NoteItem{
			Subscription: int64(43 + i), Reference: reference(t, whole), Label: d.Label, Changed: []string{"stage"}, Date: visa.NewDate(2025, 7, 1),
		}})
	}
	if kind == visa.KindAnnouncement {
		d.Lane = visa.LaneAnnouncement
	}
	return d
}

var retaining = func() message.Options {
	o := opts
	o.Stale = 36 * time.Hour
	o.ErasureDay = visa.Schedule{Zone: bishkek, Retention: 365}.ErasureDay
	return o
}()

func TestEveryKindIsValidInEveryLanguageAndOpensWithWhatItIs(t *testing.T) {
	kinds := append([]visa.Kind{visa.KindNews, visa.KindReminder}, newKinds...)
	apps := []*visa.Application{nil}
	for _, s := range []struct {
		stage   visa.Stage
		outcome visa.Outcome
	}{
		{visa.StageReceived, ""}, {visa.StageInProcessing, ""}, {visa.StageCorrectionRequired, ""}, {visa.StageDecided, visa.OutcomeApproved},
		{visa.StageDecided, visa.OutcomeRefused}, {visa.StageClosed, visa.OutcomeApproved}, {visa.StageClosed, ""},
	} {
		apps = append(apps, application(t, s.stage, s.outcome))
	}
	for _, c := range i18n.Default().All() {
		for _, kind := range kinds {
			for _, a := range apps {
				for _, checked := range []time.Time{asOf, {}, asOf.AddDate(0, 0, -9), asOf.AddDate(-1, 0, 0)} {
					for _, discreet := range []bool{false, true} {
						d := unasked(t, kind, c.Code(), a)
						d.AsOf, d.Settings.Discreet = checked, discreet
						m := message.Render(d, retaining)
						check(t, m)
						if kind != visa.KindAnnouncement {
							readable(t, m)
						}
						first, _, _ := strings.Cut(m.Plain, "\n")
						_, headline, _ := strings.Cut(first, " ")
						if n := utf8.RuneCountInString(headline); n < 3 || n > 40 || !strings.Contains(m.HTML, "<b>"+headline+"</b>") {
							t.Errorf("%s, %s, discreet %t: opens with %q, of %d characters", c.Code(), kind, discreet, first, n)
						}
						if strings.Contains(m.Plain, whole) {
							t.Errorf("%s, %s: shows the whole reference", c.Code(), kind)
						}
						if len(m.Buttons) == 0 {
							t.Errorf("%s, %s: leads nowhere", c.Code(), kind)
						}
					}
				}
			}
		}
	}
}

func TestADiscreetMessageSaysThatThereIsNewsAndNoMore(t *testing.T) {
	app := application(t, visa.StageDecided, visa.OutcomeApproved)
	kinds := []visa.Kind{visa.KindNews, visa.KindReminder, visa.KindDigest, visa.KindReturn, visa.KindPendingLong, visa.KindErasure}
	for _, c := range i18n.Default().All() {
		for _, kind := range kinds {
			for _, corrects := range []bool{false, true} {
				d := unasked(t, kind, c.Code(), app)
				d.Settings.Discreet = true
				if kind == visa.KindNews && !corrects {
					d.Note.Date = 0
				}
				want := "🔔 " + c.T("discreet.news")
				for i := range d.Items {
					if !corrects {
						d.Items[i].Date = 0
					}
				}
				several := kind == visa.KindDigest || kind == visa.KindReturn
				if corrects && (several || kind == visa.KindNews) {
					want += "\n❗ " + c.T("discreet.corrected")
				}
				m := message.Render(d, retaining)
				check(t, m)
				if m.Plain != want {
					t.Errorf("%s, %s: got\n%s\nwant\n%s", c.Code(), kind, m.Plain, want)
				}
				button := message.Button{Text: c.T("button.show"), Data: "s:42"}
				if several {
					button.Data = "l:0"
				}
				if got := fmt.Sprint(m.Buttons); got != fmt.Sprint([][]message.Button{{button}}) {
					t.Errorf("%s, %s: the buttons are %s", c.Code(), kind, got)
				}
				secrets := []string{"••", "Азамат", "5", "2025", c.T("procedure.exit_visa.name"), c.T("outcome.approved.name")}
				for _, secret := range secrets {
					if strings.Contains(strings.ToLower(m.Plain), strings.ToLower(secret)) {
						t.Errorf("%s, %s: shows %q: %s", c.Code(), kind, secret, m.Plain)
					}
				}
			}
		}
	}
}

func TestADiscreetDigestOfOneLeadsToThatOne(t *testing.T) {
	d := unasked(t, visa.KindReturn, "en", application(t, visa.StageReceived, ""))
	d.Settings.Discreet, d.Subscription, d.Items = true, 0, d.Items[:1]
	if got := message.Render(d, opts).Buttons[0][0].Data; got != "s:43" {
		t.Errorf("the button's data is %q", got)
	}
}

func TestADiscreetHeartbeatLooksLikeNoNewsAndNamesNothing(t *testing.T) {
	for _, c := range i18n.Default().All() {
		d := unasked(t, visa.KindHeartbeat, c.Code(), nil)
		d.Settings.Discreet = true
		if got, want := message.Render(d, retaining).Plain, "👀 "+c.T("heartbeat.discreet"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		d.AsOf = asOf.AddDate(0, 0, -2)
		if got, want := message.Render(d, retaining).Plain, "⚠️ "+c.T("heartbeat.stale.title"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWhatADiscreetChatAsksForIsAnsweredInFullWithTheRemindersButtons(t *testing.T) {
	datas := func(m message.Message) (all []string) {
		for _, row := range m.Buttons {
			for _, b := range row {
				all = append(all, b.Data)
			}
		}
		return all
	}
	renewable := application(t, visa.StageDecided, visa.OutcomeApproved)
	renewable.Deadlines, renewable.Document = nil, visa.Document{Kind: visa.DocumentSinglePermit, ValidUntil: visa.NewDate(2025, 8, 1)}
	without := application(t, visa.StageReceived, "")
	without.Deadlines = nil
	tests := []struct {
		name     string
		a        *visa.Application
		discreet bool
		want     []string
	}{
		{"a deadline that is stated", application(t, visa.StageDecided, visa.OutcomeApproved), true, []string{"d:42", "u:42", "l:0"}},
		{"a day to renew that is not", renewable, true, []string{"d:42", "u:42", "l:0"}},
		{"no deadline", without, true, []string{"u:42", "l:0"}},
		{"closed, so that nobody is reminded", application(t, visa.StageClosed, visa.OutcomeApproved), true, []string{"u:42", "l:0"}},
		{"not in the data", nil, true, []string{"u:42", "l:0"}},
		{"a chat that is not discreet", application(t, visa.StageDecided, visa.OutcomeApproved), false, []string{"u:42", "l:0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := delivery(tt.a, "en", visa.KindReply, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole)})
			d.Settings.Discreet = tt.discreet
			m := message.Render(d, opts)
			if got := datas(m); !slices.Equal(got, tt.want) {
				t.Errorf("the buttons are %v, want %v", got, tt.want)
			}
			if !strings.Contains(m.Plain, "20••••33") || !strings.Contains(m.Plain, "Азамат") {
				t.Errorf("not shown in full:\n%s", m.Plain)
			}
		})
	}
	d := delivery(renewable, "en", visa.KindReply, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole)})
	if got := message.Render(d, opts).Plain; !strings.Contains(got, "Last day to renew: Friday 1 August 2025") {
		t.Errorf("the day that is reminded of is not in the status:\n%s", got)
	}
}

func TestWhichMessagesMakeNoSound(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2025, 6, 23, hour, minute, 0, 0, bishkek).UTC() }
	night := visa.ChatSettings{SilentNights: true}
	tests := []struct {
		name string
		lane visa.Lane
		s    visa.ChatSettings
		now  time.Time
		want bool
	}{
		{"news by day", visa.LaneDecision, visa.ChatSettings{}, at(12, 0), false},
		{"news by night, of a chat that chose nothing", visa.LaneDecision, visa.ChatSettings{}, at(3, 0), false},
		{"an announcement", visa.LaneAnnouncement, visa.ChatSettings{}, at(12, 0), true},
		{"a minute before the night", visa.LaneDecision, night, at(21, 59), false},
		{"the night begins", visa.LaneDecision, night, at(22, 0), true},
		{"after midnight", visa.LaneReminder, night, at(0, 30), true},
		{"the night's last minute", visa.LaneReminder, night, at(7, 59), true},
		{"the night is over", visa.LaneReminder, night, at(8, 0), false},
		{"an answer by night", visa.LaneConversation, night, at(23, 0), true},
		{"muted", visa.LaneReminder, visa.ChatSettings{MutedUntil: at(13, 0)}, at(12, 0), true},
		{"muted until just now", visa.LaneReminder, visa.ChatSettings{MutedUntil: at(12, 0)}, at(12, 0), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := delivery(nil, "en", visa.KindReply, visa.Note{Reply: visa.ReplyHelp})
			d.Lane, d.Settings = tt.lane, tt.s
			o := opts
			o.Now = tt.now
			if got := message.Render(d, o).Silent; got != tt.want {
				t.Errorf("silent: %t, want %t", got, tt.want)
			}
		})
	}
}
