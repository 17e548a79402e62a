package app

import (
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kabarchy/cache"
	"kabarchy/visa"
)

// An Answer is what a look-up tells, on one day, as of one time. It does not
// change once made and is shared by all who ask: nobody may write to it.
type Answer struct {
	Application visa.Application
	AsOf        time.Time // register_as_of, in the configured zone; where there was no complete feed yet, the application's UpdatedAt
	Checked     time.Time // the last complete feed, zero if there was none yet
	Day         visa.Date // the local day from which days_left counts
	Stale       bool      // the store is away, and this is the last that was known
	JSON        []byte
	ETag        string // in its quotation marks; of the revision, the day and register_as_of

	micros int64 // register_as_of, 0 if there was no complete feed yet
}

// known is an application in memory, with its latest Answer.
type known struct {
	application visa.Application
	latest      atomic.Pointer[Answer]
	encoding    sync.Mutex
}

// answer returns what k says today, encoding it only where the day or
// register_as_of has moved since it last did.
func (s *Service) answer(k *known) *Answer {
	today, micros := s.day(), s.asOf.micros.Load()
	if a := k.latest.Load(); a != nil && a.Day == today && a.micros == micros {
		return a
	}
	k.encoding.Lock()
	defer k.encoding.Unlock()
	today, micros = s.day(), s.asOf.micros.Load()
	if a := k.latest.Load(); a != nil && a.Day == today && a.micros == micros {
		return a
	}
	a := s.newAnswer(k.application, today, micros)
	k.latest.Store(a)
	return a
}

// answerFrom is answer, marked where k could not be checked.
func (s *Service) answerFrom(k *known, source cache.Source) *Answer {
	a := s.answer(k)
	if source != cache.Stale {
		return a
	}
	stale := *a
	stale.Stale = true
	return &stale
}

func (s *Service) newAnswer(app visa.Application, today visa.Date, micros int64) *Answer {
	a := &Answer{Application: app, Day: today, micros: micros, AsOf: app.UpdatedAt.In(s.zone)}
	if micros != 0 {
		a.Checked = time.UnixMicro(micros).In(s.zone)
		a.AsOf = a.Checked
	}
	e := encoder{b: make([]byte, 0, 640), zone: s.zone}
	e.application(&a.Application, s.reason(app.Reason), a.AsOf, today)
	a.JSON = e.b
	a.ETag = etag(app.Revision, today, micros)
	return a
}

// reason returns a code that is configured, and nothing for any other.
func (s *Service) reason(code string) string {
	if s.hasReason(code) {
		return code
	}
	return ""
}

// encoding is the generation of the JSON, part of every ETag: a release that
// encodes otherwise must not be taken for the one before.
const encoding = "1"

func etag(revision int64, day visa.Date, micros int64) string {
	b := append(make([]byte, 0, 48), '"', encoding[0], '-')
	b = strconv.AppendInt(b, revision, 36)
	b = append(b, '-')
	b = day.Time().AppendFormat(b, "20060102")
	b = append(b, '-')
	b = strconv.AppendInt(b, micros, 36)
	return string(append(b, '"'))
}

// An encoder appends the JSON of a look-up, its fields always in the same
// order. What is absent is null, but for a history entry's outcome, which is
// left out. Times are whole seconds in the zone.
type encoder struct {
	b    []byte
	zone *time.Location
}

func (e *encoder) application(a *visa.Application, reason string, asOf time.Time, today visa.Date) {
	e.text(`{"reference":`, a.Reference.String())
	e.text(`,"procedure":`, string(a.Procedure))
	e.text(`,"campaign":`, a.Campaign)
	e.text(`,"stage":`, string(a.Stage))
	e.text(`,"outcome":`, string(a.Outcome))
	e.text(`,"reason":`, reason)
	if d := a.Document; d.IsZero() {
		e.raw(`,"document":null`)
	} else {
		e.text(`,"document":{"kind":`, string(d.Kind))
		e.date(`,"valid_from":`, d.ValidFrom)
		e.date(`,"valid_until":`, d.ValidUntil)
		e.raw(`}`)
	}
	e.raw(`,"deadlines":[`)
	for i, d := range a.Deadlines {
		e.comma(i)
		e.text(`{"kind":`, string(d.Kind))
		e.date(`,"date":`, d.Date)
		e.number(`,"days_left":`, int64(today.DaysUntil(d.Date)))
		e.raw(`,"calculated":`)
		e.b = strconv.AppendBool(e.b, d.Calculated)
		e.raw(`}`)
	}
	e.date(`],"submitted_on":`, a.SubmittedOn)
	e.time(`,"updated_at":`, a.UpdatedAt)
	e.time(`,"register_as_of":`, asOf)
	e.number(`,"version":`, a.Version)
	e.raw(`,"history":[`)
	for i, h := range a.History {
		e.comma(i)
		e.text(`{"stage":`, string(h.Stage))
		if h.Outcome != "" {
			e.text(`,"outcome":`, string(h.Outcome))
		}
		e.time(`,"at":`, h.At)
		e.raw(`}`)
	}
	e.raw(`]}`)
}

func (e *encoder) raw(s string) { e.b = append(e.b, s...) }

func (e *encoder) comma(i int) {
	if i > 0 {
		e.b = append(e.b, ',')
	}
}

func (e *encoder) number(name string, n int64) {
	e.raw(name)
	e.b = strconv.AppendInt(e.b, n, 10)
}

func (e *encoder) text(name, s string) {
	e.raw(name)
	if s == "" {
		e.raw("null")
		return
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string cannot fail
			e.b = append(e.b, quoted...)
			return
		}
	}
	e.b = append(append(append(e.b, '"'), s...), '"')
}

func (e *encoder) date(name string, d visa.Date) {
	e.raw(name)
	if d.IsZero() {
		e.raw("null")
		return
	}
	e.b = append(d.Time().AppendFormat(append(e.b, '"'), time.DateOnly), '"')
}

func (e *encoder) time(name string, t time.Time) {
	e.raw(name)
	e.b = append(t.In(e.zone).AppendFormat(append(e.b, '"'), time.RFC3339), '"')
}

// A day is a local day and the instants between which it is today.
type day struct {
	date       visa.Date
	start, end int64 // unix nanoseconds, end exclusive
}

// day returns today's local date, reckoned anew only when it has passed.
func (s *Service) day() visa.Date {
	now := s.now()
	if d, at := s.today.Load(), now.UnixNano(); d != nil && at >= d.start && at < d.end {
		return d.date
	}
	date := visa.DateOf(now.In(s.zone))
	s.today.Store(&day{date: date, start: date.Start(s.zone).UnixNano(), end: date.End(s.zone).UnixNano()})
	return date
}
