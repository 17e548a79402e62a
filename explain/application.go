package explain

import (
	"time"

	"kabarchy/i18n"
	"kabarchy/visa"
)

// An Application is an application in words. What does not apply is empty.
type Application struct {
	Icon      string   // one emoji, for the bot
	Headline  string   // where it stands, at most 40 characters
	Meaning   string   // what that means
	Todo      []string // what the applicant must do; never empty
	Deadlines []Deadline
	Reason    string
	Document  string // "Exit visa, valid from … until …"
	Then      string // what happens next
	Procedure string
	Submitted string // the day, in words
	History   []Event
	AsOf      string // since when unchanged, and when checked
	Decided   bool   // it has an outcome
}

// An Event is a point of the history in words.
type Event struct {
	When string // the day and time, in words
	What string
	At   time.Time // in the view's zone; zero if the register did not say
}

// Application puts an application into words.
func (v View) Application(a visa.Application) Application {
	c := v.Catalogue
	out := Application{
		Icon:      Icon(a.Stage, a.Outcome),
		Headline:  v.Headline(a.Statement),
		Meaning:   v.Meaning(a.Statement),
		Todo:      v.Todo(a.Statement),
		Deadlines: v.Deadlines(a.Statement),
		Reason:    v.Reasons.Text(a.Reason, c.Code()),
		Document:  v.Document(a.Document),
		Then:      v.Then(a.Statement),
		Procedure: v.Procedure(a.Procedure),
		AsOf:      v.AsOfLine(a),
		Decided:   a.Outcome != "",
	}
	if !a.SubmittedOn.IsZero() {
		out.Submitted = c.T("submitted.on", "date", a.SubmittedOn.Time())
	}
	for _, e := range a.History {
		out.History = append(out.History, v.Event(e))
	}
	return out
}

// Headline says in at most 40 characters where an application stands.
func (v View) Headline(s visa.Statement) string {
	for _, key := range []string{"headline." + string(s.Stage) + "." + string(s.Outcome), "headline." + string(s.Stage)} {
		if v.Catalogue.Has(key) {
			return v.Catalogue.T(key)
		}
	}
	return v.Catalogue.T("headline.news")
}

// Meaning says what a stage, or the outcome, means. That an application is
// closed is said before what it came to.
func (v View) Meaning(s visa.Statement) string {
	stage := optional(v.Catalogue, "stage."+string(s.Stage)+".meaning")
	if s.Outcome == "" {
		return stage
	}
	outcome := optional(v.Catalogue, "outcome."+string(s.Outcome)+".meaning")
	if s.Stage == visa.StageClosed && outcome != "" {
		return v.Catalogue.T("line.sentences", "first", stage, "second", outcome)
	}
	return outcome
}

// Todo says what the applicant must do: what the deadlines ask for, the
// earliest first, and what the stage or the outcome does. Where neither asks
// for anything it says that.
func (v View) Todo(s visa.Statement) []string {
	var todo []string
	corrected := false
	for _, d := range v.Deadlines(s) {
		if !asks(d.Kind, s) {
			continue
		}
		if line := v.TodoBy(d.Kind, d.Date); line != "" {
			todo = append(todo, line)
			corrected = corrected || d.Kind == visa.CorrectBy
		}
	}
	switch s.Stage {
	case visa.StageDecided:
		return append(todo, v.next("outcome", string(s.Outcome), string(visa.StageDecided)))
	case visa.StageClosed:
		// That it is closed is no reason not to read why.
		if s.Outcome == visa.OutcomeRefused || s.Outcome == visa.OutcomeCancelled {
			return append(todo, v.next("outcome", string(s.Outcome), string(s.Stage)))
		}
	case visa.StageCorrectionRequired:
		if corrected {
			return todo
		}
		return append(todo, v.next("stage", string(s.Stage), ""))
	}
	if len(todo) == 0 {
		todo = append(todo, v.next("stage", string(s.Stage), ""))
	}
	return todo
}

// next is the next step of a code, or else that of a stage, or else that the
// stage says what to do.
func (v View) next(group, code, stage string) string {
	for _, key := range []string{group + "." + code + ".next", "stage." + stage + ".next"} {
		if v.Catalogue.Has(key) {
			return v.Catalogue.T(key)
		}
	}
	return v.Catalogue.T("note.portal")
}

// Then says what happens next, without the applicant's doing.
func (v View) Then(s visa.Statement) string {
	if s.Stage == visa.StageDecided {
		return optional(v.Catalogue, "outcome."+string(s.Outcome)+".then")
	}
	return optional(v.Catalogue, "stage."+string(s.Stage)+".then")
}

// Procedure is what somebody applied for.
func (v View) Procedure(p visa.Procedure) string { return name(v.Catalogue, "procedure", p) }

// Document says what was granted and from when until when it is valid; "" for
// none.
func (v View) Document(d visa.Document) string {
	if d.IsZero() {
		return ""
	}
	c := v.Catalogue
	granted := name(c, "document", d.Kind)
	if granted == "" {
		granted = c.T("label.document")
	}
	args := []any{"name", granted, "from", d.ValidFrom.Time(), "until", d.ValidUntil.Time()}
	switch {
	case d.ValidFrom.IsZero() && d.ValidUntil.IsZero():
		return granted
	case d.ValidUntil.IsZero():
		return c.T("document.line.from", args...)
	case d.ValidFrom.IsZero():
		return c.T("document.line.until", args...)
	default:
		return c.T("document.line.both", args...)
	}
}

// Event puts a point of the history into words. An event at midnight sharp is
// one whose register states days only, and is said without the time.
func (v View) Event(e visa.Event) Event {
	c := v.Catalogue
	out := Event{What: optional(c, "history."+string(e.Stage))}
	if out.What == "" {
		out.What = string(e.Stage)
	}
	if e.Outcome != "" {
		out.What = c.T("history.with_outcome", "stage", out.What, "outcome", name(c, "outcome", e.Outcome))
	}
	if e.At.IsZero() {
		out.When = c.T("history.undated")
		return out
	}
	out.At = v.local(e.At)
	key := "history.at"
	if h, m, s := out.At.Clock(); h == 0 && m == 0 && s == 0 {
		key = "history.on"
	}
	out.When = c.T(key, "at", out.At)
	return out
}

// An Unknown says that a reference is not in the data, and what to check.
type Unknown struct {
	Icon, Headline, Meaning string
	Checks                  []string
}

// Unknown puts into words that a reference is not known.
func (v View) Unknown() Unknown {
	c := v.Catalogue
	out := Unknown{Icon: "🔎", Headline: c.T("headline.unknown"), Meaning: c.T("unknown.meaning_never")}
	if !v.AsOf.IsZero() {
		out.Meaning = c.T("unknown.meaning", "at", v.near(v.AsOf))
	}
	out.Checks = []string{c.T("unknown.check.compare"), c.T("unknown.check.new"), c.T("unknown.check.portal")}
	return out
}

// Icon is the emoji that opens a message about an application.
func Icon(stage visa.Stage, outcome visa.Outcome) string {
	switch outcome {
	case visa.OutcomeApproved:
		return "✅"
	case visa.OutcomeRefused:
		return "❌"
	case visa.OutcomeCancelled:
		return "🚫"
	case visa.OutcomeWithdrawn:
		return "↩️"
	}
	switch stage {
	case visa.StageReceived:
		return "📥"
	case visa.StageInProcessing:
		return "⏳"
	case visa.StageCorrectionRequired:
		return "✏️"
	case visa.StageClosed:
		return "📁"
	}
	return "📄"
}

// NotDocument is said with every decision in a message.
func NotDocument(c *i18n.Catalogue) string { return c.T("note.not_document") }

// Portal says whose word counts.
func Portal(c *i18n.Catalogue) string { return c.T("note.portal") }
