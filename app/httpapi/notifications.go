package httpapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"kabarchy/visa"
)

// An Audit lists what became of notifications. Its method may be called from
// many goroutines.
type Audit interface {
	// AuditPage returns a page of a listing, newest first, in a time that does
	// not grow with the number of notifications: visa.ErrCursor where the
	// cursor is none of this filter and reader, an error that wraps
	// visa.ErrUnavailable where trying again later is right.
	AuditPage(ctx context.Context, q visa.AuditQuery) (visa.AuditPage, error)
}

const (
	defaultAuditLimit = 100
	maxAuditLimit     = 1000
	// auditTurns is how many pages are read at the same time: audits may wait,
	// look-ups read the same database.
	auditTurns = 2
)

// audits is an Audit with the turns for it.
type audits struct {
	Audit
	turns chan struct{}
}

func newAudits(a Audit) *audits {
	if a == nil {
		return nil
	}
	return &audits{a, make(chan struct{}, auditTurns)}
}

// page waits for a turn, as long as ctx lasts, and reads a page.
func (a *audits) page(ctx context.Context, q visa.AuditQuery) (visa.AuditPage, error) {
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
		return a.AuditPage(ctx, q)
	case <-ctx.Done():
		return visa.AuditPage{}, ctx.Err()
	}
}

// notifications answers GET /v1/notifications.
func (s *Server) notifications(r *request) {
	key, ok := s.authorized(r, visa.ScopeAudit)
	if !ok {
		return
	}
	q, p, ok := s.auditQuery(r)
	if !ok {
		r.fail(p)
		return
	}
	q.Reader, r.ref = key.ID, q.Filter.Reference
	ctx, cancel := s.timeLimited()
	defer cancel()
	page, err := s.audits.page(ctx, q)
	switch {
	case errors.Is(err, visa.ErrCursor):
		r.fail(problem{kind: invalidParameter, detail: "cursor: a cursor goes with the key and the parameters of the listing it came from, limit apart, for a day from the first page. Repeat them as they were, or leave cursor out to begin a new listing."})
	case err != nil:
		r.fail(faultOf(overdue(ctx, err)))
	default:
		r.result(encodeJSON(s.auditAnswer(page)))
	}
}

// auditAnswer is the body of an answer.
type auditAnswer struct {
	Notifications []visa.AuditRecord `json:"notifications"`
	Next          *string            `json:"next"`
}

func (s *Server) auditAnswer(page visa.AuditPage) auditAnswer {
	a := auditAnswer{Notifications: make([]visa.AuditRecord, len(page.Entries))}
	for i, e := range page.Entries {
		a.Notifications[i] = e.Record(s.service.Zone())
	}
	if page.Next != "" {
		a.Next = &page.Next
	}
	return a
}

var auditParameters = []string{"state", "lane", "reason", "since", "until", "reference", "ambiguous", "limit", "cursor"}

// auditQuery reads what the query asks for.
func (s *Server) auditQuery(r *request) (q visa.AuditQuery, p problem, ok bool) {
	q.Limit = defaultAuditLimit
	given := map[string]string{}
	for name, value := range r.ctx.QueryArgs().All() {
		n := string(name)
		if !slices.Contains(auditParameters, n) {
			return q, problem{kind: invalidParameter, detail: "There is a parameter that this route does not have; it has " + strings.Join(auditParameters, ", ") + "."}, false
		}
		if _, twice := given[n]; twice {
			return q, problem{kind: invalidParameter, detail: n + ": it can be given once."}, false
		}
		given[n] = string(value)
	}
	for _, n := range auditParameters { // in one order, so that the same query is refused for the same reason
		value, asked := given[n]
		if !asked {
			continue
		}
		var bad *visa.ReferenceError
		switch err := s.auditParameter(&q, n, value); {
		case errors.As(err, &bad):
			return q, malformed(err), false
		case err != nil:
			return q, problem{kind: invalidParameter, detail: n + ": " + err.Error() + "."}, false
		}
	}
	if err := q.Filter.Check(); err != nil {
		return q, problem{kind: invalidParameter, detail: capital(err.Error()) + "."}, false
	}
	return q, problem{}, true
}

// auditParameter reads one parameter; the error says what would be right.
func (s *Server) auditParameter(q *visa.AuditQuery, name, value string) (err error) {
	f := &q.Filter
	switch name {
	case "state":
		f.State, err = visa.ParseNotificationState(value)
	case "lane":
		f.Lane, err = visa.ParseLane(value)
	case "reason":
		f.Reason, err = visa.ParseAuditReason(value)
	case "since", "until":
		end := name == "until"
		at := &f.Since
		if end {
			at = &f.Until
		}
		// A + that was not encoded arrives as a space.
		*at, err = visa.ParseAuditTime(strings.Replace(value, " ", "+", 1), s.service.Zone(), end)
	case "reference":
		f.Reference, err = s.service.Rules().Parse(value)
	case "ambiguous":
		if f.Ambiguous = value == "true"; !f.Ambiguous {
			err = errors.New("it is true, or left out")
		}
	case "limit":
		n, bad := strconv.ParseUint(value, 10, 16)
		if bad != nil || n < 1 || n > maxAuditLimit {
			err = errors.New("it is a number from 1 to " + itoa(maxAuditLimit) + "; " + itoa(defaultAuditLimit) + " if left out")
		}
		q.Limit = int(n)
	case "cursor":
		if q.Cursor = value; value == "" {
			err = errors.New("it is what next of the page before says; leave it out to begin a listing")
		}
	}
	return err
}
