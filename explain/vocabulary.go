package explain

import (
	"kabarchy/i18n"
	"kabarchy/visa"
)

// Words are all codes of the API in a language, as GET /v1/vocabulary gives
// them: groups and codes in the order in which they are shown, reasons sorted
// by code. No group is nil.
type Words struct {
	Language   string `json:"language"`
	Direction  string `json:"direction"`
	Procedures []Term `json:"procedures"`
	Stages     []Term `json:"stages"`
	Outcomes   []Term `json:"outcomes"`
	Documents  []Term `json:"documents"`
	Deadlines  []Term `json:"deadlines"`
	Reasons    []Term `json:"reasons"`
}

// A Term is a code with its name, its meaning, and what an applicant must do
// about it.
type Term struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Meaning  string `json:"meaning"`
	NextStep string `json:"next_step"`
}

// Vocabulary returns all codes in a language.
func Vocabulary(c *i18n.Catalogue, r *i18n.Reasons) Words {
	w := Words{
		Language:   c.Code(),
		Direction:  c.Direction(),
		Procedures: terms(c, "procedure", visa.Procedures),
		Stages:     terms(c, "stage", visa.Stages),
		Outcomes:   terms(c, "outcome", visa.Outcomes),
		Documents:  terms(c, "document", visa.DocumentKinds),
		Deadlines:  terms(c, "deadline", visa.DeadlineKinds),
		Reasons:    []Term{},
	}
	for _, code := range r.Codes() {
		w.Reasons = append(w.Reasons, Term{
			Code: code, Name: r.Text(code, c.Code()),
			Meaning: c.T("reason.meaning"), NextStep: c.T("reason.next"),
		})
	}
	return w
}

func terms[T ~string](c *i18n.Catalogue, group string, codes []T) []Term {
	out := make([]Term, 0, len(codes))
	for _, code := range codes {
		key := group + "." + string(code)
		out = append(out, Term{Code: string(code), Name: c.T(key + ".name"), Meaning: c.T(key + ".meaning"), NextStep: c.T(key + ".next")})
	}
	return out
}
