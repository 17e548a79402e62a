package web

import (
	"time"

	"kabarchy/explain"
	"kabarchy/i18n"
	"kabarchy/visa"
)

// maxTyped bounds, in characters, what a form repeats of what was typed.
const maxTyped = 500

// A StartView is the page that asks for a reference.
type StartView struct {
	Page
	Typed        string              // what was typed, to be kept
	Fault        visa.ReferenceFault // what is wrong with it; "": nothing
	N            int                 // letters and digits counted, where Fault is about their number
	ProofMissing bool                // the second code is needed and was not given
}

type fieldError struct{ Field, Text string }

type startPage struct {
	frame
	Heading, Typed             string
	AskProof                   bool
	ReferenceError, ProofError string
	Errors                     []fieldError
}

// Start renders the page that asks for a reference, with what was wrong with
// the last one. What was typed as a proof is never repeated.
func (p *Pages) Start(v StartView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	d := startPage{Heading: c.T("web.start.title"), AskProof: p.o.AskProof, Typed: clip(v.Typed)}
	if v.Fault != "" {
		d.ReferenceError = explain.Fault(c, v.Fault, v.N)
		d.Errors = append(d.Errors, fieldError{"reference", d.ReferenceError})
	}
	if v.ProofMissing && d.AskProof {
		d.ProofError = c.T("fault.proof")
		d.Errors = append(d.Errors, fieldError{"proof", d.ProofError})
	}
	title := "web.title"
	if len(d.Errors) > 0 {
		title = "web.title_error"
	}
	d.frame = p.frame(c, v.Page, title, d.Heading)
	d.Private = false
	return p.render(c, "start", &d)
}

func clip(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxTyped {
			return s[:i]
		}
	}
	return s
}

// A StatusView is the page that says where an application stands.
type StatusView struct {
	Page
	Application visa.Application
	Now         time.Time
	AsOf        time.Time // register_as_of; zero: no complete feed yet
	Stale       bool      // the last known answer: the data cannot be reached
	AlertURL    string    // a deep link to the bot for this reference, if there is one
}

type statusPage struct {
	frame
	E         explain.Application
	Reference string
	OneTodo   string
	Stale     string
	Tone      string // the class of the answer's colour
	AlertURL  string
}

// Status renders the page that says where an application stands.
func (p *Pages) Status(v StatusView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	from := explain.At(v.Now, p.o.Zone, v.AsOf, c, p.reasons)
	d := statusPage{
		frame: p.frame(c, v.Page, "web.title", c.T("web.status.title")), E: from.Application(v.Application), Reference: v.Application.Reference.Grouped(),
		Tone: tone(v.Application.Outcome), AlertURL: v.AlertURL,
	}
	if len(d.E.Todo) == 1 {
		d.OneTodo = d.E.Todo[0]
	}
	if v.Stale {
		d.Stale = from.Stale()
	}
	return p.render(c, "status", &d)
}

func tone(o visa.Outcome) string {
	switch o {
	case visa.OutcomeApproved:
		return "good"
	case visa.OutcomeRefused, visa.OutcomeCancelled:
		return "bad"
	}
	return "wait"
}

// A Problem is a page that has no answer, and says what to do.
type Problem string

const (
	NotFound    Problem = "unknown"     // the reference is not in the data, or must look so
	TooMany     Problem = "too_many"    // too many requests
	Unavailable Problem = "unavailable" // no answer just now, and no last known one
	Broken      Problem = "broken"      // a fault of ours
	Missing     Problem = "missing"     // there is no such page
	Refused     Problem = "refused"     // a request that makes no sense
)

// A ProblemView is a page that has no answer. An unknown Problem is Broken.
type ProblemView struct {
	Page
	Problem    Problem
	Reference  visa.Reference // that was looked up, for NotFound
	Now        time.Time
	AsOf       time.Time     // for NotFound; zero: no complete feed yet
	RetryAfter time.Duration // for TooMany; said in minutes, rounded up
	Request    string        // the request's number, for Broken
	AlertURL   string        // to follow the reference anyway, for NotFound
}

type problemPage struct {
	frame
	Heading, Text, Reference, Request string
	Checks                            []string
	AlertURL                          string
}

// Problem renders a page that has no answer.
func (p *Pages) Problem(v ProblemView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	d := problemPage{}
	switch v.Problem {
	case NotFound:
		u := explain.At(v.Now, p.o.Zone, v.AsOf, c, p.reasons).Unknown()
		d.Text, d.Checks, d.Reference = u.Meaning, u.Checks, v.Reference.Grouped()
	case TooMany:
		d.Text = c.T("web.too_many.text", "n", minutes(v.RetryAfter))
	case Unavailable, Missing, Refused:
		d.Text = c.T("web." + string(v.Problem) + ".text")
	default:
		v.Problem = Broken
		d.Text = c.T("web.broken.text")
		if v.Request != "" {
			d.Request = c.T("web.broken.request", "request", c.Isolate(v.Request))
		}
	}
	d.Heading = c.T("web." + string(v.Problem) + ".title")
	d.frame = p.frame(c, v.Page, "web.title", d.Heading)
	d.AlertURL = v.AlertURL
	return p.render(c, "problem", &d)
}

func minutes(d time.Duration) int { return max(1, int((d+time.Minute-1)/time.Minute)) }

// A HelpView is the page of help.
type HelpView struct{ Page }

type section struct {
	Head       string
	Paragraphs []string
	Items      []string
	Terms      []explain.Term
}

type helpPage struct {
	frame
	Heading  string
	Sections []section
}

// Help renders the page of help.
func (p *Pages) Help(v HelpView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	words := explain.Vocabulary(c, nil)
	d := helpPage{Heading: c.T("web.help.title")}
	d.Sections = []section{
		{Head: c.T("web.help.what.head"), Paragraphs: []string{c.T("web.help.what.text"), c.T("note.portal")}},
		{Head: c.T("web.help.stages.head"), Terms: append(words.Stages, words.Outcomes...)},
		{Head: c.T("web.help.number.head"), Items: explain.View{Catalogue: c}.Unknown().Checks},
		{Head: c.T("web.help.passed.head"), Paragraphs: []string{c.T("web.help.passed.text")}},
		{Head: c.T("web.help.never.head"), Paragraphs: []string{c.T("web.help.never.text")}},
		{Head: c.T("web.help.stored.head"), Paragraphs: []string{c.T("web.help.stored.text")}},
	}
	if bot := p.bot(); bot != "" {
		d.Sections = append(d.Sections, section{Head: c.T("web.help.telegram.head"), Paragraphs: []string{
			c.T("web.help.telegram.text"), c.T("web.help.telegram.bot", "bot", c.Isolate("@"+bot)),
		}})
	}
	d.frame = p.frame(c, v.Page, "web.title", d.Heading)
	d.Private = false
	return p.render(c, "help", &d)
}

// Match returns the language for a request: the code that was chosen if there
// is a catalogue of it, or else what fits the Accept-Language header.
func (p *Pages) Match(chosen, acceptLanguage string) *i18n.Catalogue {
	if c, ok := p.catalogues.Lookup(chosen); ok {
		return c
	}
	return p.catalogues.Match(acceptLanguage)
}
