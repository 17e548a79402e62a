package httpapi

import (
	"fmt"

	"kabarchy/visa"
)

// maxResults is how many lines a summary lists.
const maxResults = 1000

// A summary says what became of updates. Of those that were neither applied
// nor said before it lists the first, in the order of their lines.
type summary struct {
	Applied   int          `json:"applied"`
	Duplicate int          `json:"duplicate"`
	Stale     int          `json:"stale"`
	Conflict  int          `json:"conflict"`
	Rejected  int          `json:"rejected"`
	Results   []lineResult `json:"results"`
	Truncated bool         `json:"truncated"`
}

// A lineResult is what became of one line, and why.
type lineResult struct {
	Line      int         `json:"line"`      // from 1, blank lines included
	Reference *string     `json:"reference"` // canonical; null where it could not be read
	Result    visa.Result `json:"result"`
	Problem   string      `json:"problem"`
}

func newSummary() *summary { return &summary{Results: []lineResult{}} }

// add counts an update, and lists it if it had no effect. problem is asked only
// for one that is listed.
func (s *summary) add(line int, ref visa.Reference, result visa.Result, problem func() string) {
	switch result {
	case visa.Applied:
		s.Applied++
		return
	case visa.Duplicate:
		s.Duplicate++
		return
	case visa.Stale:
		s.Stale++
	case visa.Conflict:
		s.Conflict++
	default:
		s.Rejected++
	}
	if len(s.Results) == maxResults {
		s.Truncated = true
		return
	}
	l := lineResult{Line: line, Result: result, Problem: problem()}
	if !ref.IsZero() {
		text := ref.String()
		l.Reference = &text
	}
	s.Results = append(s.Results, l)
}

// record is add for what the store answered.
func (s *summary) record(line int, u *visa.Update, recorded visa.Recorded) {
	s.add(line, u.Reference, recorded.Result, func() string {
		if recorded.Result == visa.Stale {
			return fmt.Sprintf("version %d is older than the one that is known; nothing was changed", u.Version)
		}
		return fmt.Sprintf("version %d was received before with other content; send the change under a higher version", u.Version)
	})
}

// understood is the number of updates that were valid in themselves.
func (s *summary) understood() int { return s.Applied + s.Duplicate + s.Stale + s.Conflict }
