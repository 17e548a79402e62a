package cli

import (
	"strings"
	"time"

	core "kabarchy/app"
	"kabarchy/config"
	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/store"
	"kabarchy/visa"
)

// newAnnouncer makes what checks, previews and makes announcements.
func newAnnouncer(c config.Config, s *store.Store) *core.Announcer {
	words := i18n.Default()
	var languages []string
	for _, c := range words.All() {
		languages = append(languages, c.Code())
	}
	return core.NewAnnouncer(core.AnnouncerOptions{
		Store: s, Languages: languages,
		Match: func(language string) string { return words.Get(language).Code() },
		Render: func(texts map[string]string, language string) core.Shown {
			m := message.Render(visa.Delivery{
				Notification: visa.Notification{Lane: visa.LaneAnnouncement, Kind: visa.KindAnnouncement},
				Language:     language, Texts: texts,
			}, message.Options{Now: time.Now(), Zone: c.Timezone, Catalogues: words})
			shown := core.Shown{Text: m.Plain}
			for _, row := range m.Buttons {
				for _, b := range row {
					shown.Buttons = append(shown.Buttons, strings.TrimSpace(b.Text))
				}
			}
			return shown
		},
	})
}
