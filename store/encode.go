package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kabarchy/visa"
)

// columns of applications, in the order of values and scanApplication.
const columns = `reference, version, revision, updated_at, procedure, campaign, stage, outcome, reason,
	document, valid_from, valid_until, deadlines, submitted_on, history, proof_key, proof_mac`

const nColumns = 17

func values(a *visa.Application) []any {
	return []any{a.Reference.String(), a.Version, a.Revision, micros(a.UpdatedAt), string(a.Procedure), a.Campaign,
		string(a.Stage), string(a.Outcome), a.Reason, string(a.Document.Kind), a.Document.ValidFrom.String(),
		a.Document.ValidUntil.String(), encodeDeadlines(a.Deadlines), a.SubmittedOn.String(), encodeHistory(a.History),
		a.Proof.KeyID, a.Proof.MAC}
}

// scanApplication reads columns. What it can't read was not written by us, and
// is an error rather than a wrong answer.
func scanApplication(scan func(...any) error) (*visa.Application, error) {
	var a visa.Application
	var updated int64
	var reference, procedure, stage, outcome, document, from, until, deadlines, submitted, history string
	err := scan(&reference, &a.Version, &a.Revision, &updated, &procedure, &a.Campaign, &stage, &outcome, &a.Reason,
		&document, &from, &until, &deadlines, &submitted, &history, &a.Proof.KeyID, &a.Proof.MAC)
	if err != nil {
		return nil, err
	}
	if a.Reference, err = visa.ParseReference(reference); err != nil {
		return nil, fmt.Errorf("a stored reference: %w", err)
	}
	a.UpdatedAt = fromMicros(updated)
	a.Procedure, a.Stage, a.Outcome = visa.Procedure(procedure), visa.Stage(stage), visa.Outcome(outcome)
	a.Document.Kind = visa.DocumentKind(document)
	for _, d := range []struct {
		s string
		d *visa.Date
	}{{from, &a.Document.ValidFrom}, {until, &a.Document.ValidUntil}, {submitted, &a.SubmittedOn}} {
		if err := d.d.UnmarshalText([]byte(d.s)); err != nil {
			return nil, fmt.Errorf("a stored date of %s: %w", a.Reference.Masked(), err)
		}
	}
	if a.Deadlines, err = decodeDeadlines(deadlines); err != nil {
		return nil, fmt.Errorf("stored deadlines of %s: %w", a.Reference.Masked(), err)
	}
	if a.History, err = decodeHistory(history); err != nil {
		return nil, fmt.Errorf("the stored history of %s: %w", a.Reference.Masked(), err)
	}
	return &a, nil
}

// Deadlines stand as kind=YYYY-MM-DD, with a * where calculated, joined by ;.
func encodeDeadlines(ds []visa.Deadline) string {
	if len(ds) == 0 {
		return ""
	}
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(string(d.Kind) + "=" + d.Date.String())
		if d.Calculated {
			b.WriteByte('*')
		}
	}
	return b.String()
}

func decodeDeadlines(s string) ([]visa.Deadline, error) {
	if s == "" {
		return nil, nil
	}
	var out []visa.Deadline
	for part := range strings.SplitSeq(s, ";") {
		kind, day, _ := strings.Cut(part, "=")
		day, calculated := strings.CutSuffix(day, "*")
		date, err := visa.ParseDate(day)
		if err != nil {
			return nil, err
		}
		out = append(out, visa.Deadline{Kind: visa.DeadlineKind(kind), Date: date, Calculated: calculated})
	}
	return out, nil
}

// History stands as microseconds,stage,outcome joined by ;, oldest first.
func encodeHistory(es []visa.Event) string {
	b := make([]byte, 0, 48*len(es))
	for i, e := range es {
		if i > 0 {
			b = append(b, ';')
		}
		b = strconv.AppendInt(b, micros(e.At), 10)
		b = append(b, ',')
		b = append(b, e.Stage...)
		b = append(b, ',')
		b = append(b, e.Outcome...)
	}
	return string(b)
}

func decodeHistory(s string) ([]visa.Event, error) {
	if s == "" {
		return nil, nil
	}
	out := make([]visa.Event, 0, 1+strings.Count(s, ";"))
	for part := range strings.SplitSeq(s, ";") {
		at, rest, _ := strings.Cut(part, ",")
		stage, outcome, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, visa.Event{Stage: visa.Stage(stage), Outcome: visa.Outcome(outcome), At: fromMicros(n)})
	}
	return out, nil
}

// maxHistory bounds an application's history: a register that keeps going
// back and forth must not make its rows grow without end. The first event and
// the latest ones are kept.
const maxHistory = 200

// appendEvent adds what a new statement says, if it says something new.
func appendEvent(h []visa.Event, st visa.Statement, at time.Time) []visa.Event {
	if n := len(h); n > 0 && h[n-1].Stage == st.Stage && h[n-1].Outcome == st.Outcome {
		return h
	}
	h = append(h[:len(h):len(h)], visa.Event{Stage: st.Stage, Outcome: st.Outcome, At: at})
	if len(h) > maxHistory {
		h = append(h[:1:1], h[len(h)-maxHistory+1:]...)
	}
	return h
}
