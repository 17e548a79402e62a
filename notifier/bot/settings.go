package bot

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// settings changes what a button asks for, and shows what the chat has chosen
// then. An argument that no button of ours has changes nothing.
func (b *Bot) settings(ctx context.Context, c visa.Conversation, verb, arg string) error {
	s, err := c.Settings(ctx)
	if err != nil {
		return err
	}
	note := visa.Note{Reply: visa.ReplySettings, Settings: &s}
	if name := b.choose(&s, verb, arg); name != "" {
		note.Extra = []string{name}
		if err := c.SetSettings(ctx, s); err != nil {
			return err
		}
	}
	return c.Reply(ctx, note)
}

// choose makes a choice in s and returns its name, or "" where there is none.
func (b *Bot) choose(s *visa.ChatSettings, verb, arg string) (name string) {
	if verb == visa.ButtonMute {
		hours, err := strconv.Atoi(arg)
		switch {
		case err != nil:
			return ""
		case hours == 0:
			s.MutedUntil = time.Time{}
		case slices.Contains(visa.MuteHours, hours):
			// To the minute, as it is shown.
			s.MutedUntil = b.o.Now().Add(time.Duration(hours) * time.Hour).Truncate(time.Minute)
		default:
			return ""
		}
		return message.SettingMute
	}
	if arg != "0" && arg != "1" {
		return ""
	}
	switch on := arg == "1"; verb {
	case visa.ButtonSilentNights:
		s.SilentNights, name = on, message.SettingSilentNights
	case visa.ButtonDiscreet:
		s.Discreet, name = on, message.SettingDiscreet
	case visa.ButtonHeartbeat:
		s.Heartbeat, name = on, message.SettingHeartbeat
	}
	return name
}
