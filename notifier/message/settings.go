package message

import (
	"slices"

	"kabarchy/visa"
)

// Settings as Note.Extra of visa.ReplySettings names the one that was changed.
const (
	SettingSilentNights = "silent_nights"
	SettingDiscreet     = "discreet"
	SettingMute         = "mute"
	SettingHeartbeat    = "heartbeat"
)

// settings shows what the chat has chosen, what was changed just now first.
func (r *renderer) settings() {
	c, s := r.c, r.d.Settings
	if r.d.Note.Settings != nil {
		s = *r.d.Note.Settings
	}
	muted := s.MutedUntil.After(r.o.Now)
	all := []struct {
		name, verb string
		on         bool
	}{
		{SettingSilentNights, visa.ButtonSilentNights, s.SilentNights},
		{SettingDiscreet, visa.ButtonDiscreet, s.Discreet},
		{SettingHeartbeat, visa.ButtonHeartbeat, s.Heartbeat},
		{SettingMute, visa.ButtonMute, muted},
	}
	state := func(name string, on bool) string {
		word := "settings.off"
		if on {
			word = "settings.on"
		}
		return c.T("settings.line", "name", c.T("settings."+name), "state", c.T(word))
	}
	icon, headline := "⚙️", c.T("settings.title")
	for _, setting := range all {
		if slices.Contains(r.d.Note.Extra, setting.name) {
			icon, headline = "✅", state(setting.name, setting.on)
		}
	}
	r.headline(icon, headline)
	for _, setting := range all {
		r.gap()
		r.line("• " + state(setting.name, setting.on))
		if setting.name == SettingMute && muted {
			r.line(c.T("settings.muted", "until", r.v.Near(s.MutedUntil)))
		}
		r.line(c.T("settings." + setting.name + ".about"))
		if setting.name == SettingMute {
			continue
		}
		turn, argument := "button.turn_on", "1"
		if setting.on {
			turn, argument = "button.turn_off", "0"
		}
		r.row(Button{Text: c.T(turn, "name", c.T("settings."+setting.name)), Data: data(setting.verb, argument)})
	}
	r.muteButtons(muted)
	r.row(r.listButton(), Button{Text: c.T("button.languages"), Data: visa.ButtonLangs})
}

// muteButtons offer to mute the chat for a while, or to end that.
func (r *renderer) muteButtons(muted bool) {
	if muted {
		r.row(r.button("button.mute.end", visa.ButtonMute, "0"))
		return
	}
	for _, hours := range visa.MuteHours {
		text := r.c.T("button.mute.hours", "n", hours)
		if days := hours / 24; hours%24 == 0 && days > 1 {
			text = r.c.T("button.mute.days", "n", days)
		}
		r.row(Button{Text: text, Data: data(visa.ButtonMute, number(int64(hours)))})
	}
}
