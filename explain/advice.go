package explain

import (
	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/visa"
)

// An Advice is what those who run the service say to do, in their own words.
type Advice struct {
	Steps    []string
	Reviewed string // who looked the steps over, and when; "" if nobody did
}

// Advice returns the steps for an application, none where the guidance has
// none in this language: no advice is made up.
func (v View) Advice(s visa.Statement) Advice {
	steps, ok := v.Guide.Steps(v.Catalogue.Code(), s)
	if !ok {
		return Advice{}
	}
	out := Advice{Steps: steps.Lines}
	if steps.Reviewer != "" {
		out.Reviewed = v.Catalogue.T("guidance.reviewed", "name", steps.Reviewer, "date", steps.ReviewedOn.Time())
	}
	return out
}

// Whom says whom to ask, by what the guidance knows of who runs the service:
// lines, none where it knows nothing.
func (v View) Whom() []string {
	c, s := v.Catalogue, v.Guide.Service(v.Catalogue.Code())
	var out []string
	for _, line := range []string{s.Contact, s.Name, s.Address, s.Hours} {
		if line != "" {
			out = append(out, line)
		}
	}
	if s.Phone != "" {
		out = append(out, c.T("guidance.phone", "phone", c.Isolate(s.Phone)))
	}
	if s.Email != "" {
		out = append(out, c.T("guidance.email", "email", c.Isolate(s.Email)))
	}
	return out
}

// An Echo says outcome and deadlines once more in another language.
type Echo struct {
	Code, Direction, Name string // of the language, the name in itself
	Lines                 []string
}

// echoed are the languages in which what matters most is said once more where
// nobody who speaks it has looked a language over.
var echoed = []string{"en", "ru"}

// Echoes says the outcome and the deadlines of an application in English and
// Russian too, where the view's language has no named reviewer: an error of
// translation must not cost anybody a day. There is none for an application
// that has neither.
func (v View) Echoes(all *i18n.Catalogues, s visa.Statement) []Echo {
	return v.echoes(all, func(other View) []string {
		var lines []string
		if s.Outcome != "" {
			lines = append(lines, other.Headline(s))
		}
		for _, d := range other.Deadlines(s) {
			lines = append(lines, d.Line)
		}
		return lines
	})
}

// EchoDeadline is Echoes for a single deadline.
func (v View) EchoDeadline(all *i18n.Catalogues, d visa.Deadline) []Echo {
	return v.echoes(all, func(other View) []string { return []string{other.Deadline(d).Line} })
}

func (v View) echoes(all *i18n.Catalogues, say func(View) []string) []Echo {
	if v.Catalogue.Reviewer() != "" || all == nil {
		return nil
	}
	var out []Echo
	for _, code := range echoed {
		c, ok := all.Lookup(code)
		if !ok || c == v.Catalogue {
			continue
		}
		other := v
		other.Catalogue = c
		if lines := say(other); len(lines) > 0 {
			out = append(out, Echo{Code: c.Code(), Direction: c.Direction(), Name: c.Name(), Lines: lines})
		}
	}
	return out
}

// LastMoment says until when on its day a deadline can be met, "" if nobody
// has said.
func (v View) LastMoment(kind visa.DeadlineKind) string {
	return v.Guide.LastMoment(v.Catalogue.Code(), kind)
}

// Guidance gives the view what those who run the service say.
func (v View) Guidance(g *guidance.Guide) View {
	v.Guide = g
	return v
}
