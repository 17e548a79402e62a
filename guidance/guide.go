package guidance

import (
	"cmp"
	"slices"

	"kabarchy/visa"
)

// A Guide is what one file says. It does not change and may be used by many
// goroutines. The nil Guide says nothing.
type Guide struct {
	service    service
	portal     string
	lastMoment map[visa.DeadlineKind]texts
	steps      []steps
	revision   string
}

// texts are by language code.
type texts map[string]string

type service struct {
	Name, Address, Hours, Contact texts
	Phone, Email                  string
}

type steps struct {
	Procedure  visa.Procedure
	Stage      visa.Stage
	Outcome    visa.Outcome
	Text       map[string][]string
	Reviewer   string
	ReviewedOn visa.Date
}

// A Service says who runs the service, in a language. What is not known is "".
type Service struct {
	Name, Address, Hours, Phone, Email string
	Contact                            string // whom to ask, in a sentence
}

// IsZero reports whether nothing is known of who runs the service.
func (s Service) IsZero() bool { return s == Service{} }

// Service returns who runs the service.
func (g *Guide) Service(lang string) Service {
	if g == nil {
		return Service{}
	}
	s := g.service
	return Service{Name: s.Name[lang], Address: s.Address[lang], Hours: s.Hours[lang], Contact: s.Contact[lang], Phone: s.Phone, Email: s.Email}
}

// Portal is the address of the authorities' own portal, "" if it is not known.
func (g *Guide) Portal() string {
	if g == nil {
		return ""
	}
	return g.portal
}

// LastMoment says until when on its day a deadline of a kind can be met, ""
// if that is not known.
func (g *Guide) LastMoment(lang string, kind visa.DeadlineKind) string {
	if g == nil {
		return ""
	}
	return g.lastMoment[kind][lang]
}

// Revision tells one file's content from another's. It is "" for the nil Guide.
func (g *Guide) Revision() string {
	if g == nil {
		return ""
	}
	return g.revision
}

// Steps are what to do, one step a line, and who looked the text over.
type Steps struct {
	Lines      []string
	Reviewer   string    // "": nobody
	ReviewedOn visa.Date // zero where there is no reviewer
}

// Steps returns the advice for an application in a language, and false where
// there is none: of the entries that fit, the one that says most closely which
// applications it is for. An outcome counts more than a stage, a stage more
// than a procedure.
func (g *Guide) Steps(lang string, s visa.Statement) (Steps, bool) {
	if g == nil {
		return Steps{}, false
	}
	best := -1
	for i := range g.steps {
		e := &g.steps[i]
		if e.fits(s) && len(e.Text[lang]) > 0 && (best < 0 || e.rank() > g.steps[best].rank()) {
			best = i
		}
	}
	if best < 0 {
		return Steps{}, false
	}
	e := &g.steps[best]
	return Steps{Lines: e.Text[lang], Reviewer: e.Reviewer, ReviewedOn: e.ReviewedOn}, true
}

func (e *steps) fits(s visa.Statement) bool {
	return (e.Procedure == "" || e.Procedure == s.Procedure) && (e.Stage == "" || e.Stage == s.Stage) &&
		(e.Outcome == "" || e.Outcome == s.Outcome)
}

func (e *steps) rank() int {
	rank := 0
	for bit, set := range []bool{e.Procedure != "", e.Stage != "", e.Outcome != ""} {
		if set {
			rank |= 1 << bit
		}
	}
	return rank
}

// key orders entries, and tells two of the same from each other.
func (e *steps) compare(o *steps) int {
	return cmp.Or(cmp.Compare(e.Procedure, o.Procedure), cmp.Compare(e.Stage, o.Stage), cmp.Compare(e.Outcome, o.Outcome))
}

// Missing names, for each of the languages given, how many of the guide's
// entries have no text in it.
func (g *Guide) Missing(languages []string) map[string]int {
	out := make(map[string]int)
	if g == nil {
		return out
	}
	for _, lang := range languages {
		n := 0
		for _, e := range g.steps {
			if len(e.Text[lang]) == 0 {
				n++
			}
		}
		if n > 0 {
			out[lang] = n
		}
	}
	return out
}

func sortedKinds(m map[visa.DeadlineKind]texts) []visa.DeadlineKind {
	var out []visa.DeadlineKind
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
