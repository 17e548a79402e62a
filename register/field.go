package register

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"kabarchy/visa"
)

// A field is what a column may be: a field of the update, or a part of one.
type field int

const (
	fReference field = iota
	fVersion
	fUpdatedAt
	fProcedure
	fCampaign
	fStage
	fOutcome
	fDocumentKind
	fValidFrom
	fValidUntil
	fDeadlines
	fSubmittedOn
	fReason
	fProof
	fDeadline // and one for each kind, in the order of visa.DeadlineKinds
)

const fieldCount = int(fDeadline) + 5

var fieldNames = func() (n [fieldCount]string) {
	copy(n[:], []string{"reference", "version", "updated_at", "procedure", "campaign", "stage", "outcome", "document.kind",
		"document.valid_from", "document.valid_until", "deadlines", "submitted_on", "reason", "proof"})
	for i, kind := range visa.DeadlineKinds {
		n[int(fDeadline)+i] = "deadlines." + string(kind)
	}
	return n
}()

// plainHeadings are the headings of a file that needs no profile.
var plainHeadings = func() map[string]field {
	m := map[string]field{}
	for i, name := range fieldNames {
		m[heading(name)] = field(i)
	}
	for i, kind := range visa.DeadlineKinds {
		m[heading(string(kind))] = fDeadline + field(i)
	}
	return m
}()

// heading is the form in which headings are compared: letters and digits, in
// lower case. "Application Number", "application_number" and "APPLICATION
// NUMBER " are one. A heading without any is compared as it is.
func heading(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	if b.Len() == 0 {
		return strings.TrimSpace(s)
	}
	return b.String()
}

// A plan says in which columns of one file the fields stand.
type plan struct {
	headings []string // as they are written; for JSON Lines as the profile names them
	at       [fieldCount]int
	version  int // the column that gives the version, as a number or a date; -1: counted
	dated    bool
	asOf     int // the column that gives the file's as-of; -1: none
	width    int // cells a row must have; 0: any number
}

const none = -1

func newPlan() plan {
	p := plan{version: none, asOf: none}
	for i := range p.at {
		p.at[i] = none
	}
	return p
}

// find looks for the columns of a profile in a row that may be its header. It
// returns the names of those it misses, and of those that stand twice.
func (p *Profile) find(cells []string) (pl plan, missing, twice []string) {
	pl = newPlan()
	pl.headings, pl.width = cells, len(cells)
	folded := make([]string, len(cells))
	for i, c := range cells {
		folded[i] = heading(c)
	}
	lookup := func(n names, optional bool) int {
		at := none
		for i, c := range folded {
			if !slices.ContainsFunc(n, func(name string) bool { return heading(name) == c }) {
				continue
			}
			if at != none {
				twice = append(twice, cells[i])
			}
			at = i
		}
		if at == none && !optional {
			missing = append(missing, n[0])
		}
		return at
	}
	for i := range pl.at {
		if n, ok := p.columns[field(i)]; ok {
			pl.at[i] = lookup(n, p.optional[field(i)])
		}
	}
	if n := p.version.column; n != nil {
		pl.version = lookup(n, false)
	}
	if n := p.version.date; n != nil {
		pl.version, pl.dated = lookup(n, false), true
	}
	for _, rule := range p.asOf {
		if rule.column != nil && pl.asOf == none {
			pl.asOf = lookup(rule.column, true)
		}
	}
	return pl, missing, twice
}

// direct is the plan of JSON Lines, whose rows have no header: each column has
// the place in which the profile names it first.
func (p *Profile) direct() (plan, map[string]int) {
	var headings []string
	places := map[string]int{}
	place := func(n names) int {
		for _, name := range n {
			if i, ok := places[heading(name)]; ok {
				return i
			}
		}
		headings = append(headings, n[0])
		for _, name := range n {
			places[heading(name)] = len(headings) - 1
		}
		return len(headings) - 1
	}
	pl := newPlan()
	for i := range pl.at {
		if n, ok := p.columns[field(i)]; ok {
			pl.at[i] = place(n)
		}
	}
	if n := p.version.column; n != nil {
		pl.version = place(n)
	}
	if n := p.version.date; n != nil {
		pl.version, pl.dated = place(n), true
	}
	for _, rule := range p.asOf {
		if rule.column != nil && pl.asOf == none {
			pl.asOf = place(rule.column)
		}
	}
	pl.headings = headings
	return pl, places
}

// findPlain reads a header whose columns are the update's fields. It returns
// the headings that are none, and those that stand twice.
func findPlain(cells []string) (pl plan, unknown, twice []string) {
	pl = newPlan()
	pl.headings, pl.width = cells, len(cells)
	for i, c := range cells {
		f, ok := plainHeadings[heading(c)]
		switch {
		case heading(c) == "":
		case !ok:
			unknown = append(unknown, c)
		case pl.at[f] != none:
			twice = append(twice, c)
		default:
			pl.at[f] = i
		}
	}
	pl.version = pl.at[fVersion]
	return pl, unknown, twice
}

// quote bounds what an error repeats of a file.
func quote(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return strconv.Quote(s[:i] + "…")
		}
	}
	return strconv.Quote(s)
}

func quoteAll(list []string) string {
	const most = 8
	out := make([]string, 0, most+1)
	for i, s := range list {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, quote(s))
	}
	return strings.Join(out, ", ")
}
