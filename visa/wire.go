package visa

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxReason is the most characters a reason may have on the wire, where it may
// be a text that stands for a code.
const MaxReason = 2000

// A SyntaxError says that a line is not one JSON object at all. What is wrong
// with a field of an object is a *FieldError.
type SyntaxError struct {
	Offset  int    // bytes from the start of the line, from 0
	Problem string // what is wrong there; holds nothing of the line but single characters
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not one JSON object: %s at byte %d", e.Problem, e.Offset+1)
}

// ParseUpdate reads one JSON object as an Update: the one strict parser of the
// wire form, for the API and for JSON Lines alike.
//
// Field names are exact, case included. A null is the same as an absent field.
// Unknown fields, fields stated twice, values of another type, text that is
// not UTF-8 and anything after the object are refused. The reference must be a
// string, since leading zeros count; the version an integer literal from 1 to
// 9223372036854775807; updated_at a time of RFC 3339 with its offset; dates
// YYYY-MM-DD. The Update is normalized and valid.
//
// The error is a *SyntaxError or a *FieldError, and says what would be right.
// It never holds the whole reference, or the proof. With an error, the Update
// holds the reference alone, if that could be read. Nothing in the result
// shares memory with line.
func ParseUpdate(line []byte, rules ReferenceRules) (Update, error) {
	p := updateParser{scanner: scanner{b: line}, rules: rules}
	p.parse()
	u := p.u
	var err error
	switch {
	case p.err != nil:
		err = p.err
	case p.fault != nil:
		err = p.fault
	default:
		u.Normalize()
		err = u.Validate()
	}
	if err != nil {
		return Update{Reference: u.Reference}, discreet(err, u)
	}
	return u, nil
}

// updateParser walks the one object. The first fault of a field is kept and
// the walk goes on, so that the reference behind it can still be reported.
type updateParser struct {
	scanner
	rules ReferenceRules
	u     Update
	fault *FieldError
}

func (p *updateParser) wrong(field, problem string) {
	if p.fault == nil {
		p.fault = &FieldError{field, problem}
	}
}

// wireFields are the names of the fields on the wire. Their places are the
// bits in which fields seen are remembered.
var (
	wireFields = [...]string{"reference", "version", "updated_at", "procedure", "campaign", "stage", "outcome",
		"document", "deadlines", "submitted_on", "reason", "proof"}
	documentFields = [...]string{"kind", "valid_from", "valid_until"}
	deadlineFields = [...]string{"kind", "date", "calculated"}
)

func (p *updateParser) parse() {
	if !utf8.Valid(p.b) {
		i := 0
		for i < len(p.b) {
			r, n := utf8.DecodeRune(p.b[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		p.i = i
		p.fail("text that is not UTF-8")
		return
	}
	switch p.next() {
	case '{':
	case 0:
		p.fail("nothing")
		return
	default:
		p.fail("no { that opens the object")
		return
	}
	p.i++
	var seen uint32
	for first := true; ; first = false {
		key, ok := p.key(first)
		if !ok {
			break
		}
		p.field(p.claim(key, "", wireFields[:], &seen))
	}
	if p.err == nil && p.next() != 0 {
		p.fail("something after the object")
	}
}

// claim resolves a key to the name of a field not seen before; else it notes
// the fault, passes over the value and returns nothing.
func (p *updateParser) claim(key []byte, within string, fields []string, seen *uint32) string {
	for i, name := range fields {
		if string(key) != name {
			continue
		}
		if *seen&(1<<i) != 0 {
			p.wrong(within+name, "stands twice; state each field once")
			p.skip(0)
			return ""
		}
		*seen |= 1 << i
		return name
	}
	if p.fault == nil {
		p.wrong(within+quotedName(key), unknownField(key, fields))
	}
	p.skip(0)
	return ""
}

func unknownField(key []byte, fields []string) string {
	for _, name := range fields {
		if strings.EqualFold(strings.TrimSpace(string(key)), name) {
			return "is not a field; write " + name
		}
	}
	return "is not a field; the fields are " + strings.Join(fields, ", ")
}

// quotedName bounds what an error repeats of an unknown name, and masks one
// that may well be a reference.
func quotedName(key []byte) string {
	digits := 0
	for _, c := range key {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if r, err := ParseReference(string(key)); err == nil && digits > 3 {
		return strconv.Quote(r.Masked())
	}
	return strconv.Quote(clip(string(key)))
}

func (p *updateParser) field(name string) {
	u := &p.u
	switch name {
	case "reference":
		if s, ok := p.text(name); ok {
			r, err := p.rules.Parse(string(s))
			if err != nil {
				p.wrong(name, strings.TrimPrefix(err.Error(), "the reference number "))
			}
			u.Reference = r
		}
	case "version":
		p.version()
	case "updated_at":
		if s, ok := p.text(name); ok {
			p.time(name, s)
		}
	case "procedure":
		u.Procedure = known(p, name, Procedures)
	case "campaign":
		if s, ok := p.text(name); ok {
			u.Campaign = string(s)
		}
	case "stage":
		u.Stage = known(p, name, Stages)
	case "outcome":
		u.Outcome = known(p, name, Outcomes)
	case "document":
		p.document()
	case "deadlines":
		p.deadlines()
	case "submitted_on":
		u.SubmittedOn = p.date(name)
	case "reason":
		u.Reason = p.prose(name, MaxReason, "\t\n\r")
	case "proof":
		u.Proof = p.prose(name, MaxProof, "")
	}
}

// text reads a string; ok is false for null and for anything else, whose fault
// is then noted. The bytes are good until the next string is read.
func (p *updateParser) text(field string) (s []byte, ok bool) {
	switch c := p.next(); c {
	case '"':
		s = p.str()
		return s, p.err == nil
	case 'n':
		p.skip(0)
	default:
		if field == "reference" {
			p.wrong(field, "must be a string in quotation marks, since leading zeros count, not "+kindOf(c))
		} else {
			p.wrong(field, "must be a string, not "+kindOf(c))
		}
		p.skip(0)
	}
	return nil, false
}

// known reads a word of the vocabulary without a copy where it is one; what is
// none is left to Validate.
func known[T ~string](p *updateParser, field string, all []T) T {
	s, _ := p.text(field)
	for _, w := range all {
		if string(s) == string(w) {
			return w
		}
	}
	return T(s)
}

// prose reads free text of at most so many characters, and no control
// characters but those allowed.
func (p *updateParser) prose(field string, most int, controls string) string {
	s, ok := p.text(field)
	if !ok {
		return ""
	}
	if n := utf8.RuneCount(s); n > most {
		p.wrong(field, fmt.Sprintf("has %d characters; it may have at most %d", n, most))
		return ""
	}
	bad := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(controls, r) }
	if bytes.ContainsFunc(s, bad) {
		p.wrong(field, "holds a control character; write plain text")
		return ""
	}
	return string(s)
}

const versionRange = "a whole number from 1 to 9223372036854775807"

func (p *updateParser) version() {
	switch c := p.next(); {
	case c == '-' || c >= '0' && c <= '9':
		digits, whole := p.number()
		if p.err != nil {
			return
		}
		v, err := strconv.ParseInt(string(digits), 10, 64)
		if !whole || err != nil || v < 1 {
			p.wrong("version", "must be "+versionRange+", written in digits alone")
			return
		}
		p.u.Version = v
	case c == 'n':
		p.skip(0)
	default:
		p.wrong("version", "must be "+versionRange+", not "+kindOf(c))
		p.skip(0)
	}
}

func (p *updateParser) time(field string, s []byte) {
	t, err := ParseTime(string(s))
	if err != nil {
		p.wrong(field, fmt.Sprintf("is %q; write a time that exists with its offset, such as 2025-06-20T09:15:00+06:00", clip(string(s))))
	}
	p.u.UpdatedAt = t
}

// ParseTime reads a time of RFC 3339 with its offset, to the letter: package
// time would take an hour of one digit, too. The zero time is refused.
func ParseTime(s string) (time.Time, error) {
	// The digits and marks up to the seconds, then a fraction, then the offset.
	const form = "0000-00-00T00:00:00"
	ok := len(s) > len(form)
	for i := 0; ok && i < len(form); i++ {
		ok = fits(s[i], form[i])
	}
	if ok {
		rest := s[len(form):]
		if rest[0] == '.' {
			n := 1
			for n < len(rest) && fits(rest[n], '0') {
				n++
			}
			ok = n > 1 && n <= 10
			rest = rest[n:]
		}
		ok = ok && (rest == "Z" || len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') &&
			fits(rest[1], '0') && fits(rest[2], '0') && rest[3] == ':' && fits(rest[4], '0') && fits(rest[5], '0'))
	}
	if ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil && !t.IsZero() {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time with its offset; write one that exists as 2025-06-20T09:15:00+06:00", clip(s))
}

// fits reports whether c is what a form asks for: a digit for 0, else itself.
func fits(c, form byte) bool {
	if form == '0' {
		return c >= '0' && c <= '9'
	}
	return c == form
}

func (p *updateParser) date(field string) Date {
	s, ok := p.text(field)
	if !ok {
		return 0
	}
	d, err := ParseDate(string(s))
	if err != nil {
		p.wrong(field, fmt.Sprintf("is %q; write a day that exists as YYYY-MM-DD, of the years %d to %d", clip(string(s)), minYear, maxYear))
	}
	return d
}

// enter opens an object or array; false for null and for anything else, whose
// fault is then noted.
func (p *updateParser) enter(open byte, field, want string) bool {
	c := p.next()
	if c == open {
		p.i++
		return true
	}
	if c != 'n' {
		p.wrong(field, "must be "+want+", not "+kindOf(c))
	}
	p.skip(0)
	return false
}

func (p *updateParser) document() {
	if !p.enter('{', "document", "an object with kind, valid_from and valid_until") {
		return
	}
	d := &p.u.Document
	var seen uint32
	for first := true; ; first = false {
		key, ok := p.key(first)
		if !ok {
			return
		}
		switch p.claim(key, "document.", documentFields[:], &seen) {
		case "kind":
			d.Kind = known(p, "document.kind", DocumentKinds)
		case "valid_from":
			d.ValidFrom = p.date("document.valid_from")
		case "valid_until":
			d.ValidUntil = p.date("document.valid_until")
		}
	}
}

func (p *updateParser) deadlines() {
	if !p.enter('[', "deadlines", `an array of objects such as {"kind":"leave_by","date":"2025-07-05"}`) {
		return
	}
	if p.next() == ']' {
		p.i++
		return
	}
	list := make([]Deadline, 0, 2)
	for p.err == nil {
		if c := p.next(); c == '{' {
			p.i++
			list = append(list, p.deadline())
		} else {
			p.wrong("deadlines", `must hold objects such as {"kind":"leave_by","date":"2025-07-05"}, not `+kindOf(c))
			p.skip(0)
		}
		if len(list) > len(DeadlineKinds) {
			p.wrong("deadlines", fmt.Sprintf("holds more than %d; state each kind once", len(DeadlineKinds)))
			list = list[:len(DeadlineKinds)]
		}
		if c := p.next(); c == ',' {
			p.i++
		} else if c == ']' {
			p.i++
			break
		} else {
			p.fail("no comma or ] after a deadline")
		}
	}
	p.u.Deadlines = list
}

func (p *updateParser) deadline() (d Deadline) {
	var seen uint32
	for first := true; ; first = false {
		key, ok := p.key(first)
		if !ok {
			return d
		}
		switch p.claim(key, "deadlines.", deadlineFields[:], &seen) {
		case "kind":
			d.Kind = known(p, "deadlines.kind", DeadlineKinds)
		case "date":
			d.Date = p.date("deadlines.date")
		case "calculated":
			switch c := p.next(); c {
			case 't', 'f':
				d.Calculated = c == 't'
			case 'n':
			default:
				p.wrong("deadlines.calculated", "must be true or false, not "+kindOf(c))
			}
			p.skip(0)
		}
	}
}

// discreet takes the reference and the proof out of an error that repeats what
// stood in another field.
func discreet(err error, u Update) error {
	fe, ok := err.(*FieldError)
	if !ok {
		return err
	}
	field, problem := fe.Field, fe.Problem
	hide := func(secret, instead string) {
		if secret != "" {
			field = strings.ReplaceAll(field, secret, instead)
			problem = strings.ReplaceAll(problem, secret, instead)
		}
	}
	hide(u.Reference.String(), u.Reference.Masked())
	if utf8.RuneCountInString(u.Proof) > 2 && strings.Contains(field+problem, `"`) {
		hide(u.Proof, "…")
	}
	return &FieldError{field, problem}
}
