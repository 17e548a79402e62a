package guidance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kabarchy/strictjson"
	"kabarchy/visa"
)

// Limits of a file of guidance.
const (
	MaxBytes   = 1 << 20 // of the file
	maxLine    = 400     // characters of a text
	maxSteps   = 12      // lines of advice
	maxEntries = 200
)

// file is the form of the file. Every text is an object by language code.
type file struct {
	Service struct {
		Name    texts  `json:"name"`
		Phone   string `json:"phone"`
		Email   string `json:"email"`
		Address texts  `json:"address"`
		Hours   texts  `json:"hours"`
		Contact texts  `json:"contact"`
	} `json:"service"`
	Portal     string                      `json:"portal"`
	LastMoment map[visa.DeadlineKind]texts `json:"last_moment"`
	Steps      []struct {
		Procedure  visa.Procedure      `json:"procedure"`
		Stage      visa.Stage          `json:"stage"`
		Outcome    visa.Outcome        `json:"outcome"`
		Text       map[string][]string `json:"text"`
		Reviewer   string              `json:"reviewer"`
		ReviewedOn string              `json:"reviewed_on"`
	} `json:"steps"`
}

// Parse reads a file of guidance; languages are the codes that texts may be
// in. The error says all that is wrong, a line for each, and what would be
// right; nothing is taken from such a file.
func Parse(data []byte, languages []string) (*Guide, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("guidance: the file has %d bytes; at most %d are read", len(data), MaxBytes)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("guidance: the file is not UTF-8; save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var f file
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("guidance: %w", explained(data, err))
	}
	if err := strictjson.Object(data); err != nil {
		return nil, fmt.Errorf("guidance: the file: %w", err)
	}
	c := checker{languages: languages}
	g := &Guide{portal: f.Portal, lastMoment: f.LastMoment, service: service{
		Name: f.Service.Name, Address: f.Service.Address, Hours: f.Service.Hours, Contact: f.Service.Contact,
		Phone: f.Service.Phone, Email: f.Service.Email,
	}}
	c.service(g)
	for _, kind := range sortedKinds(f.LastMoment) {
		if !slices.Contains(visa.DeadlineKinds, kind) {
			c.say("last_moment: %q is no kind of deadline; want one of %s", clip(string(kind)), list(visa.DeadlineKinds))
		}
		c.texts("last_moment."+clip(string(kind)), f.LastMoment[kind])
	}
	if len(f.Steps) > maxEntries {
		c.say("steps: %d entries; at most %d are read", len(f.Steps), maxEntries)
		f.Steps = nil
	}
	for i, e := range f.Steps {
		g.steps = append(g.steps, c.steps(fmt.Sprintf("steps[%d]", i), steps{Procedure: e.Procedure, Stage: e.Stage,
			Outcome: e.Outcome, Text: e.Text, Reviewer: e.Reviewer}, e.ReviewedOn))
	}
	for i := range g.steps {
		for j := range i {
			if g.steps[i].compare(&g.steps[j]) == 0 {
				c.say("steps[%d] is for the same applications as steps[%d]; want one entry for them", i, j)
			}
		}
	}
	if len(c.wrong) > 0 {
		return nil, errors.Join(c.wrong...)
	}
	sum := sha256.Sum256(data)
	g.revision = hex.EncodeToString(sum[:6])
	return g, nil
}

// A checker gathers what is wrong.
type checker struct {
	languages []string
	wrong     []error
}

func (c *checker) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf("guidance: "+format, args...))
}

var phone = regexp.MustCompile(`^\+?[0-9][0-9 ()-]{2,28}$`)

func (c *checker) service(g *Guide) {
	c.texts("service.name", g.service.Name)
	c.texts("service.address", g.service.Address)
	c.texts("service.hours", g.service.Hours)
	c.texts("service.contact", g.service.Contact)
	if p := g.service.Phone; p != "" && !phone.MatchString(p) {
		c.say("service.phone: %q; want digits, spaces, brackets and dashes, a + in front if international", clip(p))
	}
	if e := g.service.Email; e != "" {
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e {
			c.say("service.email: %q is no e-mail address", clip(e))
		}
	}
	if g.portal != "" {
		u, err := url.Parse(g.portal)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsFunc(g.portal, unprintable) {
			c.say(`portal: %q; want an address such as "https://portal.example.kg/"`, clip(g.portal))
		}
	}
}

func (c *checker) steps(where string, e steps, reviewedOn string) steps {
	if e.Procedure == "" && e.Stage == "" && e.Outcome == "" {
		c.say("%s: is for no application in particular; want procedure, stage or outcome", where)
	}
	if e.Procedure != "" && !slices.Contains(visa.Procedures, e.Procedure) {
		c.say("%s.procedure: %q; want one of %s", where, clip(string(e.Procedure)), list(visa.Procedures))
	}
	if e.Stage != "" && !slices.Contains(visa.Stages, e.Stage) {
		c.say("%s.stage: %q; want one of %s", where, clip(string(e.Stage)), list(visa.Stages))
	}
	if e.Outcome != "" && !slices.Contains(visa.Outcomes, e.Outcome) {
		c.say("%s.outcome: %q; want one of %s", where, clip(string(e.Outcome)), list(visa.Outcomes))
	}
	if e.Outcome != "" && e.Stage != "" && e.Stage != visa.StageDecided && e.Stage != visa.StageClosed {
		c.say("%s: only an application that is decided or closed has an outcome; want another stage, or no outcome", where)
	}
	if len(e.Text) == 0 {
		c.say(`%s.text: is empty; want lines by language: {"en":["…"]}`, where)
	}
	for _, lang := range slices.Sorted(maps.Keys(e.Text)) {
		at := where + ".text." + clip(lang)
		c.language(at, lang)
		if n := len(e.Text[lang]); n == 0 || n > maxSteps {
			c.say("%s: %d lines; want 1 to %d", at, n, maxSteps)
		}
		for _, line := range e.Text[lang] {
			c.line(at, line)
		}
	}
	if e.Reviewer != "" {
		c.line(where+".reviewer", e.Reviewer)
	}
	if (e.Reviewer == "") != (reviewedOn == "") {
		c.say("%s: reviewer and reviewed_on belong together; want both or neither", where)
	}
	if reviewedOn != "" {
		var err error
		if e.ReviewedOn, err = visa.ParseDate(reviewedOn); err != nil {
			c.say("%s.reviewed_on: %w", where, err)
		}
	}
	return e
}

func (c *checker) texts(where string, t texts) {
	for _, lang := range slices.Sorted(maps.Keys(t)) {
		c.language(where+"."+clip(lang), lang)
		c.line(where+"."+clip(lang), t[lang])
	}
}

func (c *checker) language(where, lang string) {
	if !slices.Contains(c.languages, lang) {
		c.say("%s: there is no such language here; want one of %s", where, strings.Join(c.languages, ", "))
	}
}

func (c *checker) line(where, text string) {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		c.say("%s: is empty; leave it out instead", where)
	case n > maxLine:
		c.say("%s: %d characters; at most %d fit", where, n, maxLine)
	case strings.TrimSpace(text) != text || strings.ContainsFunc(text, unprintable):
		c.say("%s: must be one line, without control characters and without spaces around it", where)
	}
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e'
}

func list[T ~string](all []T) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

func clip(s string) string {
	if n := []rune(s); len(n) > 60 {
		return string(n[:60]) + "…"
	}
	return s
}

// explained says where in the file a fault of its form stands.
func explained(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	at := int64(-1)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty; want a JSON object")
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	if at < 0 || at > int64(len(data)) {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return fmt.Errorf("line %d: %s", 1+bytes.Count(data[:at], []byte("\n")), strings.TrimPrefix(err.Error(), "json: "))
}
