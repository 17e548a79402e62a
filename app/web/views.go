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
	Typed        string               // what was typed, to be kept
	Wrong        *visa.ReferenceError // what is wrong with it; nil: nothing
	ProofMissing bool                 // the second code is needed and was not given
}

type fieldError struct{ Field, Text string }

type askPage struct {
	frame
	Heading, Typed             string
	ReferenceError, ProofError string
	Errors                     []fieldError
}

// Start renders the page that asks for a reference, with what was wrong with
// the last one. What was typed as a proof is never repeated.
func (p *Pages) Start(v StartView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	d := p.ask(c, v, "web.start.title")
	return p.render(c, "start", &d)
}

// ask prepares a page with the form for a reference.
func (p *Pages) ask(c *i18n.Catalogue, v StartView, heading string) askPage {
	d := askPage{Heading: c.T(heading), Typed: clip(v.Typed)}
	if v.Wrong != nil {
		d.ReferenceError = explain.Fault(c, *v.Wrong)
		d.Errors = append(d.Errors, fieldError{"reference", d.ReferenceError})
	}
	if v.ProofMissing && p.o.AskProof {
		d.ProofError = c.T("fault.proof")
		d.Errors = append(d.Errors, fieldError{"proof", d.ProofError})
	}
	title := "web.title"
	if len(d.Errors) > 0 {
		title = "web.title_error"
	}
	d.frame = p.frame(c, v.Page, title, d.Heading)
	d.Private = false
	return d
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
}

type statusPage struct {
	frame
	E         explain.Application
	Reference string // in groups
	Whole     string // as forms send it back
	OneTodo   string
	Advice    explain.Advice
	Days      []dayLine
	Calendar  bool
	Whom      []string
	Echoes    []explain.Echo
	Stale     string
	Tone      string // the class of the answer's colour

	ProofError string // of the forms that ask for a proof again: never filled
}

// A dayLine is a deadline with what its last moment is.
type dayLine struct {
	explain.Deadline
	Last string
}

// Status renders the page that says where an application stands.
func (p *Pages) Status(v StatusView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	from := explain.At(v.Now, p.o.Zone, v.AsOf, c, p.reasons).Guidance(p.guide())
	a := v.Application
	d := statusPage{
		frame: p.frame(c, v.Page, "web.title", c.T("web.status.title")), E: from.Application(a),
		Reference: a.Reference.Grouped(), Whole: a.Reference.String(), Tone: tone(a.Outcome),
		Advice: from.Advice(a.Statement), Whom: from.Whom(), Echoes: from.Echoes(p.catalogues, a.Statement),
	}
	if len(d.E.Todo) == 1 {
		d.OneTodo = d.E.Todo[0]
	}
	for _, day := range d.E.Deadlines {
		d.Days = append(d.Days, dayLine{day, from.LastMoment(day.Kind)})
		d.Calendar = d.Calendar || !day.Passed() && a.Stage != visa.StageClosed
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
}

type problemPage struct {
	frame
	Heading, Text, Reference, Whole, Request string
	Checks                                   []string
}

// Problem renders a page that has no answer.
func (p *Pages) Problem(v ProblemView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	d := problemPage{}
	switch v.Problem {
	case NotFound:
		u := explain.At(v.Now, p.o.Zone, v.AsOf, c, p.reasons).Unknown()
		d.Text, d.Checks, d.Reference = u.Meaning, u.Checks, v.Reference.Grouped()
		d.Whole = v.Reference.String()
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
	return p.render(c, "problem", &d)
}

// simple renders a page that says one thing.
func (p *Pages) simple(page Page, heading, text string) ([]byte, error) {
	c := p.catalogues.Get(page.Language)
	d := problemPage{Heading: c.T(heading), Text: c.T(text)}
	d.frame = p.frame(c, page, "web.title", d.Heading)
	return p.render(c, "problem", &d)
}

// NoDays renders the page for who asks for a calendar file of an application
// that has no day to come.
func (p *Pages) NoDays(page Page) ([]byte, error) {
	return p.simple(page, "web.calendar.none.title", "web.calendar.none.text")
}

func minutes(d time.Duration) int { return max(1, int((d+time.Minute-1)/time.Minute)) }

// Match returns the language for a request: the code that was chosen if there
// is a catalogue of it, or else what fits the Accept-Language header.
func (p *Pages) Match(chosen, acceptLanguage string) *i18n.Catalogue {
	if c, ok := p.catalogues.Lookup(chosen); ok {
		return c
	}
	return p.catalogues.Match(acceptLanguage)
}
