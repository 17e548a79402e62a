package harness

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// An Update is the register's statement of an application, as it is sent.
type Update struct {
	Reference   string     `json:"reference"`
	Version     int64      `json:"version"`
	UpdatedAt   string     `json:"updated_at,omitempty"`
	Procedure   string     `json:"procedure"`
	Campaign    string     `json:"campaign,omitempty"`
	Stage       string     `json:"stage"`
	Outcome     string     `json:"outcome,omitempty"`
	Document    *Document  `json:"document,omitempty"`
	Deadlines   []Deadline `json:"deadlines,omitempty"`
	SubmittedOn string     `json:"submitted_on,omitempty"`
	Reason      string     `json:"reason,omitempty"`
}

// A Document is one that was granted.
type Document struct {
	Kind       string `json:"kind"`
	ValidFrom  string `json:"valid_from,omitempty"`
	ValidUntil string `json:"valid_until,omitempty"`
}

// A Deadline is one of an update, or of an answer.
type Deadline struct {
	Kind     string `json:"kind"`
	Date     string `json:"date"`
	DaysLeft *int   `json:"days_left,omitempty"` // of answers
}

// Line is u as JSON.
func (u Update) Line() string {
	b, err := json.Marshal(u)
	if err != nil {
		panic(err) // of strings and numbers alone
	}
	return string(b)
}

// An Application is the answer of a look-up.
type Application struct {
	Reference    string     `json:"reference"`
	Procedure    string     `json:"procedure"`
	Campaign     *string    `json:"campaign"`
	Stage        string     `json:"stage"`
	Outcome      *string    `json:"outcome"`
	Reason       *string    `json:"reason"`
	Document     *Document  `json:"document"`
	Deadlines    []Deadline `json:"deadlines"`
	SubmittedOn  *string    `json:"submitted_on"`
	UpdatedAt    time.Time  `json:"updated_at"`
	RegisterAsOf time.Time  `json:"register_as_of"`
	Version      int64      `json:"version"`
	History      []Event    `json:"history"`
}

// An Event is a point of an application's history.
type Event struct {
	Stage   string    `json:"stage"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"`
}

// A Summary is what became of updates.
type Summary struct {
	Applied   int  `json:"applied"`
	Duplicate int  `json:"duplicate"`
	Stale     int  `json:"stale"`
	Conflict  int  `json:"conflict"`
	Rejected  int  `json:"rejected"`
	Truncated bool `json:"truncated"`
	Results   []struct {
		Line      int     `json:"line"`
		Reference *string `json:"reference"`
		Result    string  `json:"result"`
		Problem   string  `json:"problem"`
	} `json:"results"`
}

// A Problem is a problem document.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Summary
}

// Lookup looks a reference up by its canonical form; it must be known.
func (s *Service) Lookup(reference string) Application {
	s.t.Helper()
	answer := s.Get("/v1/applications/" + reference)
	if answer.Status != http.StatusOK {
		s.t.Fatalf("look-up: status %d\n%s", answer.Status, answer.Body)
	}
	var a Application
	answer.Decode(s.t, &a)
	return a
}

// Push sends one update, which must be applied.
func (s *Service) Push(key string, u Update) {
	s.t.Helper()
	a := s.Send(Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: JSON, Body: u.Line()})
	if sum := a.Summary(s.t); a.Status != http.StatusOK || sum.Applied != 1 {
		s.t.Fatalf("update: status %d\n%s", a.Status, a.Body)
	}
}

// Summary reads the answer to updates.
func (a Answer) Summary(t testing.TB) Summary {
	t.Helper()
	var s Summary
	a.Decode(t, &s)
	return s
}
