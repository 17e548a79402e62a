package message

import (
	"slices"
	"strings"

	"kabarchy/explain"
	"kabarchy/visa"
)

// maxLabel is how many characters of a person's own label are shown.
const maxLabel = 40

// changes are the headlines of news that moved neither stage nor outcome, in
// the order of what matters most.
var changes = []struct{ changed, icon, key string }{
	{"deadlines", "📅", "headline.deadlines"},
	{"document", "📄", "headline.document"},
	{"reason", "📄", "headline.reason"},
	{"procedure", "📄", "headline.procedure"},
}

// news tells that an application changed, or appeared.
func (r *renderer) news() {
	a := r.d.Application
	if a == nil {
		r.headline("🔔", r.c.T("headline.news"))
		r.about()
		r.gap()
		r.line(r.c.T("bot.gone"))
		r.line(r.v.Checked())
		r.newsButtons()
		return
	}
	e := r.v.Application(*a)
	icon, headline := e.Icon, e.Headline
	if other, key, ok := headlineOf(r.d.Note.Changed); ok {
		icon, headline = other, r.c.T(key)
	}
	r.headline(icon, headline)
	r.about()
	r.gap()
	if r.changed("appeared") {
		r.line(r.c.T("bot.appeared"))
	}
	if headline != e.Headline {
		r.line(e.Icon + " " + e.Headline)
	}
	r.state(e)
	r.gap()
	for _, day := range r.d.Note.Corrected() {
		r.line(r.corrected(day))
	}
	r.echo(echoed(a.Statement, r.d.Note.Corrected()))
	r.advice(a)
	r.gap()
	if a.Stage == visa.StageClosed {
		r.erasureLine(a)
	}
	r.gap()
	r.line(e.AsOf)
	r.line(explain.NotDocument(r.c))
	r.line(explain.Portal(r.c))
	r.newsButtons()
}

func (r *renderer) changed(name string) bool { return slices.Contains(r.d.Note.Changed, name) }

// headlineOf returns how a message opens of a change that moved neither stage
// nor outcome; false if it moved one of them, or nothing that has a headline.
func headlineOf(changed []string) (icon, key string, ok bool) {
	for _, moved := range []string{"appeared", "stage", "outcome"} {
		if slices.Contains(changed, moved) {
			return "", "", false
		}
	}
	for _, c := range changes {
		if slices.Contains(changed, c.changed) {
			return c.icon, c.key, true
		}
	}
	return "", "", false
}

// about says which application: the masked reference, the procedure, and the
// person's own label for it.
func (r *renderer) about() {
	var parts []string
	if ref := r.reference(); !ref.IsZero() {
		parts = append(parts, r.hint(ref))
	}
	if a := r.d.Application; a != nil {
		parts = append(parts, foreign(r.v.Procedure(a.Procedure), maxLabel))
	}
	parts = append(parts, foreign(r.d.Label, maxLabel))
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	r.line(strings.Join(parts, " · "))
}

// state says what it means, why, what to do and by when.
func (r *renderer) state(e explain.Application) {
	r.line(e.Meaning)
	if e.Reason != "" {
		r.line(r.c.T("reason.line", "reason", e.Reason))
	}
	if e.Document != "" {
		r.line(r.c.T("line.document", "document", e.Document))
	}
	r.gap()
	if len(e.Todo) == 1 {
		r.line(r.c.T("line.todo", "todo", e.Todo[0]))
	} else {
		r.label("label.todo")
		for _, todo := range e.Todo {
			r.line("• " + todo)
		}
	}
	r.deadlines(e.Deadlines)
}

// label writes the line that opens a list.
func (r *renderer) label(key string) { r.line(r.c.T("line.label", "label", r.c.T(key))) }

func (r *renderer) deadlines(all []explain.Deadline) {
	if len(all) == 0 {
		return
	}
	r.gap()
	for _, d := range all {
		r.line("📅 " + d.Line)
		r.line(d.Note)
		if !d.Passed() {
			r.line(r.v.LastMoment(d.Kind))
		}
	}
}

// reminder tells that a deadline comes near, with the days counted as it is
// sent.
func (r *renderer) reminder() {
	n := r.d.Note
	icon := "⏰"
	if left := r.v.Today.DaysUntil(n.Date); left < 0 {
		icon = "ℹ️"
	} else if left == 0 {
		icon = "❗"
	}
	r.headline(icon, r.v.ReminderHeadline(n.Deadline, n.Date))
	r.about()
	r.gap()
	deadline := visa.Deadline{Kind: n.Deadline, Date: n.Date}
	if a := r.d.Application; a != nil {
		for _, now := range a.Reminded() {
			if now.Kind == n.Deadline && now.Date == n.Date {
				deadline.Calculated = now.Calculated
			}
		}
	}
	r.line(r.v.TodoBy(n.Deadline, n.Date))
	r.deadlines([]explain.Deadline{r.v.Deadline(deadline)})
	r.echo(echoedDay(deadline))
	r.advice(r.d.Application)
	r.gap()
	if a := r.d.Application; a != nil {
		r.line(r.v.AsOfLine(*a))
	} else {
		r.line(r.v.Checked())
	}
	r.line(explain.NotDocument(r.c))
	r.line(explain.Portal(r.c))
	r.endButtons()
	r.row(r.portalButton())
	r.row(r.listButton())
}

// endButtons are what ends the reminders of an application: having left, or
// that it is somebody else's by now.
func (r *renderer) endButtons() {
	if id := r.d.Subscription; id > 0 {
		r.row(r.button("button.left", visa.ButtonLeft, number(id)), r.button("button.not_mine", visa.ButtonUnfollow, number(id)))
	}
}

func (r *renderer) newsButtons() {
	if id := r.d.Subscription; id > 0 {
		r.row(r.button("button.stop", visa.ButtonUnfollow, number(id)))
	}
	r.row(r.portalButton())
	r.row(r.listButton())
}
