package message_test

import (
	"strings"
	"testing"

	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

func TestEveryDayThatNoLongerHoldsIsNamedInEveryLanguage(t *testing.T) {
	gone := []visa.Date{visa.NewDate(2025, 6, 27), visa.NewDate(2025, 7, 4), visa.NewDate(2025, 7, 9)}
	for _, c := range i18n.Default().All() {
		for _, kind := range []visa.Kind{visa.KindNews, visa.KindDigest, visa.KindReturn} {
			a := application(t, visa.StageDecided, visa.OutcomeApproved)
			d := delivery(a, c.Code(), kind, visa.Note{Changed: []string{"deadlines"}})
			if kind == visa.KindNews {
				d.Note.Dates = gone
			} else {
				d.Items = []visa.DeliveryItem{{Application: a, NoteItem: visa.NoteItem{
					Subscription: 42, Reference: a.Reference, Changed: []string{"deadlines"}, Dates: gone,
				}}}
			}
			m := message.Render(d, opts)
			check(t, m)
			readable(t, m)
			for _, day := range gone {
				if n := strings.Count(m.Plain, c.T("news.corrected", "date", day.Time())); n != 1 {
					t.Errorf("%s, %s: %s is named %d times:\n%s", c.Code(), kind, day, n, m.Plain)
				}
			}
		}
	}
}
