package register

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kabarchy/visa"
)

// A mapper turns the rows of one file into updates. It is not safe for
// concurrent use.
type mapper struct {
	plan
	profile *Profile // nil: the columns are the fields
	rules   visa.ReferenceRules
	reasons Reasons
	zone    *time.Location
	asOf    time.Time // of counted updates
	latest  time.Time // after which no counted update may be dated
	clocks  map[field]*clock
	fixed   []fixedValue
	dropped int64 // texts of reasons that are no code, since taken last
}

type fixedValue struct {
	field field
	value string
}

// newMapper returns the mapper of a plan.
func newMapper(pl plan, p *Profile, o *Options) *mapper {
	m := &mapper{plan: pl, profile: p, rules: o.Rules, reasons: o.Reasons, zone: o.Zone, clocks: map[field]*clock{}}
	if p == nil {
		return m
	}
	for f := range field(fieldCount) {
		if v, ok := p.fixed[f]; ok {
			m.fixed = append(m.fixed, fixedValue{f, v})
		}
	}
	return m
}

// clock returns the reader of a field's dates.
func (m *mapper) clock(f field) *clock {
	c := m.clocks[f]
	if c == nil {
		c = newClock(m.profile, m.zone)
		m.clocks[f] = c
	}
	return c
}

func newClock(p *Profile, zone *time.Location) *clock {
	if zone == nil {
		zone = time.UTC
	}
	if p != nil && len(p.layouts) > 0 {
		return &clock{layouts: p.layouts, zone: zone}
	}
	return &clock{layouts: isoLayouts, iso: true, zone: zone}
}

// cell returns the trimmed cell of a column.
func cell(cells []string, at int) string {
	if at < 0 || at >= len(cells) {
		return ""
	}
	return strings.TrimSpace(cells[at])
}

// blank reports whether a row has nothing in it: it is no row at all.
func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// ignored reports whether a row is a remark by the profile's rules, or the
// header once more.
func (m *mapper) ignored(cells []string) bool {
	if p := m.profile; p != nil {
		for _, f := range p.without {
			if m.at[f] != none && cell(cells, m.at[f]) == "" {
				return true
			}
		}
		for _, r := range p.where {
			if m.at[r.field] != none && r.pattern.MatchString(cell(cells, m.at[r.field])) {
				return true
			}
		}
	}
	return m.width > 0 && slices.Equal(cells, m.headings)
}

// update maps a row. The error says what is wrong and what would be right; it
// holds no proof. The reference is set where it could be read.
func (m *mapper) update(cells []string) (visa.Update, error) {
	var u visa.Update
	if m.width > 0 && len(cells) != m.width {
		return u, fmt.Errorf("has %d cells, the header has %d; a delimiter within a cell needs quotation marks around it", len(cells), m.width)
	}
	for _, f := range m.fixed {
		if err := m.set(&u, f.field, f.value); err != nil {
			return u, err
		}
	}
	for i, at := range m.at {
		if at == none || field(i) == fVersion {
			continue
		}
		text, err := m.value(field(i), cell(cells, at))
		if err != nil {
			return u, err
		}
		if text == "" && field(i) != fReference {
			continue
		}
		if err := m.set(&u, field(i), text); err != nil {
			return u, err
		}
	}
	if err := m.setVersion(&u, cells); err != nil {
		return u, err
	}
	u.Normalize()
	return u, u.Validate()
}

// value gives a cell its meaning.
func (m *mapper) value(f field, text string) (string, error) {
	if m.profile == nil {
		return text, nil
	}
	values, ok := m.profile.values[f]
	if !ok {
		return text, nil
	}
	if to, ok := values.to[text]; ok {
		return to, nil
	}
	if to, ok := values.to[fold(text)]; ok {
		return to, nil
	}
	if f == fReason {
		return text, nil // no code, and so dropped and counted
	}
	if text == "" {
		return "", fmt.Errorf(`%s is empty; the profile maps %s, and does not say what "" means`, fieldNames[f], strings.Join(values.written, ", "))
	}
	return "", fmt.Errorf("%s is %s; the profile maps %s", fieldNames[f], quote(text), strings.Join(values.written, ", "))
}

// set states one field from a text that is not empty.
func (m *mapper) set(u *visa.Update, f field, text string) error {
	switch f {
	case fReference:
		r, err := m.reference(text)
		u.Reference = r
		return err
	case fProcedure:
		u.Procedure = visa.Procedure(text)
	case fCampaign:
		u.Campaign = text
	case fStage:
		u.Stage = visa.Stage(text)
	case fOutcome:
		u.Outcome = visa.Outcome(text)
	case fDocumentKind:
		u.Document.Kind = visa.DocumentKind(text)
	case fUpdatedAt:
		i, err := m.clock(f).read(text)
		if err != nil {
			return fmt.Errorf("%s %w", fieldNames[f], err)
		}
		u.UpdatedAt = i.time
	case fValidFrom:
		return m.date(&u.Document.ValidFrom, f, text)
	case fValidUntil:
		return m.date(&u.Document.ValidUntil, f, text)
	case fSubmittedOn:
		return m.date(&u.SubmittedOn, f, text)
	case fReason:
		m.setReason(u, text)
	case fProof:
		if strings.ContainsFunc(text, unicode.IsControl) {
			return errors.New("proof holds a control character; write plain text")
		}
		u.Proof = text
	case fDeadlines:
		return m.deadlines(u, text)
	default:
		d := visa.Deadline{Kind: visa.DeadlineKinds[f-fDeadline]}
		if err := m.date(&d.Date, f, text); err != nil {
			return err
		}
		u.Deadlines = append(u.Deadlines, d)
	}
	return nil
}

// setReason keeps a code alone: a text that is none is never shown.
func (m *mapper) setReason(u *visa.Update, text string) {
	if m.reasons != nil && m.reasons.Has(text) {
		u.Reason = text
		return
	}
	m.dropped++
}

func (m *mapper) date(to *visa.Date, f field, text string) error {
	i, err := m.clock(f).read(text)
	if err != nil {
		return fmt.Errorf("%s %w", fieldNames[f], err)
	}
	*to = i.day(m.clock(f).zone)
	return nil
}

// deadlines reads leave_by=2025-07-05;correct_by=2025-06-20.
func (m *mapper) deadlines(u *visa.Update, text string) error {
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		kind, date, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("deadlines holds %s; write leave_by=2025-07-05, with ; between two", quote(part))
		}
		d := visa.Deadline{Kind: visa.DeadlineKind(strings.TrimSpace(kind))}
		if err := m.date(&d.Date, fDeadlines, strings.TrimSpace(date)); err != nil {
			return err
		}
		if u.Deadlines = append(u.Deadlines, d); len(u.Deadlines) > 2*len(visa.DeadlineKinds) {
			return errors.New("deadlines holds too many; state each kind once")
		}
	}
	return nil
}

// setVersion reads the version, or asks for it to be counted.
func (m *mapper) setVersion(u *visa.Update, cells []string) error {
	if m.version == none {
		u.Counted, u.AsOf = true, m.asOf
		// What is dated in the future would stand against every later file.
		if u.UpdatedAt.After(m.latest) {
			return fmt.Errorf("updated_at is %s, in the future; correct it", u.UpdatedAt.In(m.zone).Format(time.DateTime))
		}
		return nil
	}
	text := cell(cells, m.version)
	if !m.dated {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v < 1 || text[0] == '+' {
			return fmt.Errorf("version is %s; it must be a whole number from 1 to 9223372036854775807, written in digits alone", quote(text))
		}
		u.Version = v
		return nil
	}
	i, err := m.clock(fVersion).read(text)
	if err != nil {
		return fmt.Errorf("version %w", err)
	}
	if u.Version = i.time.Unix(); u.Version < 1 {
		return fmt.Errorf("version is %s; a date that gives a version must be after 1970-01-01", quote(text))
	}
	return nil
}

// What a spreadsheet makes of a number: 2.0417733E7, or 20417733.0. Read as it
// stands, each would be another reference.
var (
	scientific = regexp.MustCompile(`^\d+[.,]\d+[eE][+-]?\d+$|^\d+[eE][+-]\d+$`)
	decimal    = regexp.MustCompile(`^\d{5,}[.,]0{1,2}$`)
)

const asText = "; format the column as text in the spreadsheet, restore the numbers and export again"

// reference reads the cell of the reference, past what spreadsheets put around
// a text that looks like a number, and refuses what they made of one.
func (m *mapper) reference(text string) (visa.Reference, error) {
	if inner, ok := strings.CutPrefix(text, `="`); ok && strings.HasSuffix(inner, `"`) {
		text = inner[:len(inner)-1]
	}
	text = strings.TrimPrefix(text, "'")
	if scientific.MatchString(text) {
		return visa.Reference{}, fmt.Errorf("reference is %s, a number in scientific notation that has lost digits%s", quote(text), asText)
	}
	if decimal.MatchString(text) {
		return visa.Reference{}, fmt.Errorf("reference is %s, a number with decimals%s", quote(text), asText)
	}
	r, err := m.rules.Parse(text)
	if err != nil {
		return r, fmt.Errorf("reference %s", strings.TrimPrefix(err.Error(), "the reference number "))
	}
	if m.profile != nil && m.profile.width > 0 {
		if n := utf8.RuneCountInString(r.String()); n < m.profile.width {
			return r, fmt.Errorf("reference has %d characters, those of this source have %d; leading zeros may have been lost%s", n, m.profile.width, asText)
		} else if n > m.profile.width {
			return r, fmt.Errorf("reference has %d characters; those of this source have %d", n, m.profile.width)
		}
	}
	return r, nil
}
