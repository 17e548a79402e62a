package bot_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kabarchy/notifier/bot"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

func TestEverySettingIsChangedByItsButtonAloneAndShown(t *testing.T) {
	now := time.Date(2025, 6, 23, 20, 30, 45, 7, time.UTC)
	until := func(hours int) time.Time {
		return time.Date(2025, 6, 23, 20, 30, 0, 0, time.UTC).Add(time.Duration(hours) * time.Hour)
	}
	all := visa.ChatSettings{SilentNights: true, Discreet: true, MutedUntil: until(8), Heartbeat: true}
	without := func(change func(*visa.ChatSettings)) visa.ChatSettings {
		s := all
		change(&s)
		return s
	}
	tests := []struct {
		name    string
		in      telegram.Update
		before  visa.ChatSettings
		after   visa.ChatSettings
		changed string
	}{
		{"/settings", text("/settings"), all, all, ""},
		{"/settings with more", text("/Settings@KabarchyBot please"), all, all, ""},
		{"the button to them", press("o"), all, all, ""},
		{"the button to them, with an argument", press("o:1"), visa.ChatSettings{}, visa.ChatSettings{}, ""},
		{"silent nights on", press("sn:1"), visa.ChatSettings{}, visa.ChatSettings{SilentNights: true}, message.SettingSilentNights},
		{"silent nights on twice", press("sn:1"), all, all, message.SettingSilentNights},
		{"silent nights off", press("sn:0"), all, without(func(s *visa.ChatSettings) { s.SilentNights = false }), message.SettingSilentNights},
		{"discreet on", press("sd:1"), visa.ChatSettings{}, visa.ChatSettings{Discreet: true}, message.SettingDiscreet},
		{"discreet off", press("sd:0"), all, without(func(s *visa.ChatSettings) { s.Discreet = false }), message.SettingDiscreet},
		{"heartbeat on", press("hb:1"), visa.ChatSettings{}, visa.ChatSettings{Heartbeat: true}, message.SettingHeartbeat},
		{"heartbeat off", press("hb:0"), all, without(func(s *visa.ChatSettings) { s.Heartbeat = false }), message.SettingHeartbeat},
		{"muted for 8 hours", press("sm:8"), visa.ChatSettings{}, visa.ChatSettings{MutedUntil: until(8)}, message.SettingMute},
		{"muted for a day", press("sm:24"), visa.ChatSettings{}, visa.ChatSettings{MutedUntil: until(24)}, message.SettingMute},
		{"muted for a week, by one who is muted", press("sm:168"), all, without(func(s *visa.ChatSettings) { s.MutedUntil = until(168) }), message.SettingMute},
		{"not muted any more", press("sm:0"), all, without(func(s *visa.ChatSettings) { s.MutedUntil = time.Time{} }), message.SettingMute},

		{"forged: neither on nor off", press("sn:2"), all, all, ""},
		{"forged: a word", press("sd:true"), all, all, ""},
		{"forged: nothing", press("hb:"), all, all, ""},
		{"forged: no argument", press("hb"), visa.ChatSettings{}, visa.ChatSettings{}, ""},
		{"forged: an argument that goes on", press("sn:1:1"), visa.ChatSettings{}, visa.ChatSettings{}, ""},
		{"forged: hours that no button has", press("sm:9"), visa.ChatSettings{}, visa.ChatSettings{}, ""},
		{"forged: hours beyond any", press("sm:9223372036854775807"), visa.ChatSettings{}, visa.ChatSettings{}, ""},
		{"forged: hours beyond numbers", press("sm:99999999999999999999"), all, all, ""},
		{"forged: hours below zero", press("sm:-8"), all, all, ""},
		{"forged: hours that are none", press("sm:<b>"), all, all, ""},
		{"forged: mute without hours", press("sm"), all, all, ""},
		{"forged: in a group", telegram.Update{ID: 1, Kind: telegram.UpdateButton, ChatID: -5, Data: "sd:0"}, all, all, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(knownRef)
			follows(w, me, 1)
			follows(w, somebody, 1)
			w.chats[me].settings, w.chats[somebody].settings = tt.before, tt.before
			got := say(t, newBot(bot.Options{Now: func() time.Time { return now }}), w, me, tt.in)
			want := visa.Note{Reply: visa.ReplySettings, Settings: &tt.after}
			switch tt.changed {
			case "none":
				want = visa.Note{}
			case "":
			default:
				want.Extra = []string{tt.changed}
			}
			if d := cmp.Diff(want, got, exactly); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
			if w.chats[me].settings != tt.after {
				t.Errorf("the chat has %+v; want %+v", w.chats[me].settings, tt.after)
			}
			if w.chats[somebody].settings != tt.before || len(w.chats[me].follows) != 1 {
				t.Error("more was changed than the chat's own settings")
			}
		})
	}
}

func TestEveryButtonOfTheSettingsIsOneThatTheBotKnows(t *testing.T) {
	on := visa.ChatSettings{SilentNights: true, Discreet: true, Heartbeat: true, MutedUntil: time.Now().Add(time.Hour)}
	for _, s := range []visa.ChatSettings{{}, on} {
		d := visa.Delivery{Notification: visa.Notification{Kind: visa.KindReply, Note: visa.Note{Reply: visa.ReplySettings, Settings: &s}}}
		w := newWorld()
		w.converse(me, "en")
		for _, row := range message.Render(d, message.Options{Now: time.Now()}).Buttons {
			for _, button := range row {
				w.chats[me].settings = s
				got := say(t, newBot(bot.Options{}), w, me, press(button.Data))
				changed := w.chats[me].settings != s
				if button.Data == "l:0" || button.Data == "gl" {
					if changed || got.Reply == visa.ReplySettings {
						t.Errorf("%q is answered by %+v", button.Data, got)
					}
				} else if !changed || got.Reply != visa.ReplySettings || len(got.Extra) != 1 {
					t.Errorf("%q changes nothing: %+v", button.Data, got)
				}
			}
		}
	}
}
