package message

import (
	"kabarchy/explain"
	"kabarchy/visa"
)

// erasure tells that what is kept of an application is erased soon.
func (r *renderer) erasure() {
	a, n := r.d.Application, r.d.Note
	r.headline("🗑", r.c.T("erasure.title"))
	r.about()
	r.gap()
	switch {
	case n.Reply == visa.ErasureCampaign, a != nil && a.Stage != visa.StageClosed && a.Campaign != "":
		r.line(r.c.T("erasure.campaign"))
	case a != nil:
		r.line(r.v.Meaning(a.Statement))
	}
	r.eraseOn(n.Date)
	r.line(r.c.T("erasure.moves"))
	r.gap()
	r.line(r.c.T("erasure.yours"))
	r.line(explain.Portal(r.c))
	if id := r.d.Subscription; id > 0 {
		r.row(Button{Text: r.c.T("button.show"), Data: data(visa.ButtonStatus, number(id))})
	}
	r.row(r.listButton())
}

// eraseOn says what is erased and when; a day that is over is not named.
func (r *renderer) eraseOn(day visa.Date) {
	if day < r.v.Today {
		r.line("🗑 " + r.c.T("erasure.soon"))
		return
	}
	r.line("🗑 " + r.c.T("erasure.on", "date", day.Time()))
}

// erasureNear is from how many days before it on a status names the day of
// erasure of an application that is not closed.
const erasureNear = 30

// erasureLine says until when an application is kept, once its case is over or
// the day is near. A discreet chat finds it in every status: what told of it
// did not say so.
func (r *renderer) erasureLine(a *visa.Application) {
	if r.o.ErasureDay == nil {
		return
	}
	day, ok := r.o.ErasureDay(a)
	if !ok {
		return
	}
	if a.Stage == visa.StageClosed || r.d.Settings.Discreet || r.v.Today.DaysUntil(day) <= erasureNear {
		r.gap()
		r.eraseOn(day)
	}
}
