package message

import (
	"kabarchy/explain"
	"kabarchy/visa"
)

// maxShow is how many buttons of single applications stand under a digest. The
// list has them all.
const maxShow = 8

// digest tells of several applications that changed in one import.
func (r *renderer) digest() {
	r.summary("📬", r.c.T("digest.title", "n", len(r.d.Items)), "")
}

// returned tells where applications stand of which something was not told
// while the chat could not be written to.
func (r *renderer) returned() {
	r.summary("📬", r.c.T("return.title", "n", len(r.d.Items)), r.c.T("return.text"))
}

func (r *renderer) summary(icon, headline, text string) {
	if len(r.d.Items) == 0 {
		r.fallback()
		return
	}
	r.headline(icon, headline)
	r.line(text)
	rows := r.rows(r.d.Items, true)
	r.countUrgent(rows)
	r.gap()
	buttons := 0
	left := r.writeRows(rows, func(w row) {
		if w.Subscription > 0 && buttons < maxShow {
			buttons++
			r.row(Button{Text: w.icon + " " + w.name, Data: data(visa.ButtonStatus, number(w.Subscription))})
		}
	})
	r.gap()
	if len(left) > 0 {
		r.line(r.c.T("bot.list.more", "n", len(left)))
	}
	for _, w := range left {
		if len(w.Corrected()) > 0 {
			r.line("❗ " + r.c.T("digest.corrected_more"))
			break
		}
	}
	r.gap()
	r.line(r.v.Complete())
	r.line(explain.NotDocument(r.c))
	r.line(explain.Portal(r.c))
	r.row(r.listButton())
}

// standing says where an application stands, or what else has changed if that
// has not.
func (r *renderer) standing(a visa.Application, changed []string) (icon, words string) {
	if icon, key, ok := headlineOf(changed); ok {
		return icon, r.c.T(key) + " (" + r.v.Standing(a.Statement) + ")"
	}
	return explain.Icon(a.Stage, a.Outcome), r.v.Standing(a.Statement)
}

// corrected says that a day named before no longer holds.
func (r *renderer) corrected(day visa.Date) string {
	return "❗ " + r.c.T("news.corrected", "date", day.Time())
}
