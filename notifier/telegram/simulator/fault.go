package simulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind names what goes wrong.
type FaultKind string

// Kinds of faults. Those of the transport spoil the answer before the request
// takes effect, unless Fault.Accept is set. Those of the Bot API refuse it.
const (
	FaultServerError    FaultKind = "server_error"     // 500 as JSON
	FaultBadGateway     FaultKind = "bad_gateway"      // 502 as JSON
	FaultBadGatewayHTML FaultKind = "bad_gateway_html" // 502 with a proxy's HTML page
	FaultEmptyBody      FaultKind = "empty_body"       // 200 and nothing more
	FaultTruncated      FaultKind = "truncated_json"   // 200, and the first half of the answer
	FaultReset          FaultKind = "reset"            // the connection is reset; alias reset_before
	FaultResetAfter     FaultKind = "reset_after"      // accepted, then the connection is reset
	FaultHang           FaultKind = "hang"             // no answer until the client leaves; with Delay, a reset after it
	FaultSlow           FaultKind = "slow"             // accepted at once, and the true answer comes Delay late

	FaultTooManyRequests FaultKind = "too_many_requests" // 429 with RetryAfter
	FaultUnauthorized    FaultKind = "unauthorized"      // 401
	FaultNotFound        FaultKind = "not_found"         // 404
	FaultConflict        FaultKind = "conflict"          // 409
	FaultBlocked         FaultKind = "blocked"           // 403 bot was blocked by the user
	FaultDeactivated     FaultKind = "deactivated"       // 403 user is deactivated
	FaultKicked          FaultKind = "kicked"            // 403 bot was kicked from the group chat
	FaultChatNotFound    FaultKind = "chat_not_found"    // 400
	FaultCantParse       FaultKind = "cant_parse"        // 400 can't parse entities
	FaultTooLong         FaultKind = "too_long"          // 400 message is too long
	FaultMigrate         FaultKind = "migrate"           // 400 with MigrateTo
	FaultError           FaultKind = "error"             // Code and Description as given
)

// A Fault is a scripted misfortune. It befalls the requests that Method and
// Chat select, after the first Skip of them, until Count of them were hit or
// For has passed; with Probability, a coin is thrown for each. The first
// scripted fault that applies wins.
type Fault struct {
	Kind   FaultKind `json:"kind"`
	Method string    `json:"method,omitempty"` // "": every method; case does not matter
	Chat   int64     `json:"chat,omitempty"`   // 0: any

	Skip        int           `json:"skip,omitempty"`
	Count       int           `json:"count,omitempty"`       // 0: no bound
	For         time.Duration `json:"-"`                     // from when it is scripted; 0: no bound
	Probability float64       `json:"probability,omitempty"` // 0 and 1: always
	Seed        uint64        `json:"seed,omitempty"`        // of the coin: the same seed, the same throws

	Accept      bool          `json:"accept,omitempty"` // transport faults: the request takes effect first
	Delay       time.Duration `json:"-"`                // of hang and slow
	RetryAfter  int           `json:"retry_after,omitempty"`
	MigrateTo   int64         `json:"migrate_to,omitempty"`
	Code        int           `json:"code,omitempty"`
	Description string        `json:"description,omitempty"`
}

// A FaultState is a scripted fault with its number and how often it has hit.
type FaultState struct {
	Fault
	Number int `json:"number"`
	Hits   int `json:"hits"`
}

type scripted struct {
	FaultState
	seen  int
	until time.Time // zero: no bound
	coin  *rand.Rand
}

type faultList struct {
	list []*scripted
	next int
}

// Script adds a fault and returns its number, or says what is wrong with it.
func (s *Simulator) Script(f Fault) (number int, err error) {
	if f.Kind == "reset_before" {
		f.Kind = FaultReset
	}
	if f.Kind == FaultResetAfter {
		f.Accept = true
	}
	switch {
	case !f.transport() && f.refusal() == nil:
		return 0, fmt.Errorf("simulator: no such kind of fault: %q", f.Kind)
	case f.Kind == FaultError && (f.Code < 400 || f.Code > 599):
		return 0, fmt.Errorf("simulator: fault %q needs a code of 400 to 599", f.Kind)
	case f.Kind == FaultMigrate && f.MigrateTo == 0:
		return 0, fmt.Errorf("simulator: fault %q needs migrate_to", f.Kind)
	case f.Kind == FaultSlow && f.Delay <= 0:
		return 0, fmt.Errorf("simulator: fault %q needs a delay", f.Kind)
	case f.Probability < 0 || f.Probability > 1 || f.Count < 0 || f.Skip < 0 || f.For < 0 || f.Delay < 0 || f.RetryAfter < 0:
		return 0, fmt.Errorf("simulator: fault %q: a figure is out of range", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.next++
	n := &scripted{FaultState: FaultState{Fault: f, Number: s.faults.next}}
	if f.For > 0 {
		n.until = s.now().Add(f.For)
	}
	if f.Probability > 0 && f.Probability < 1 {
		n.coin = rand.New(rand.NewPCG(f.Seed, 0x6b616261))
	}
	s.faults.list = append(s.faults.list, n)
	return n.Number, nil
}

// Unscript removes one fault; requests that it already holds stay held.
func (s *Simulator) Unscript(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.list = slices.DeleteFunc(s.faults.list, func(f *scripted) bool { return f.Number == number })
}

// ClearFaults removes every fault and ends an outage.
func (s *Simulator) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.list = nil
	s.outage = false
}

// Faults returns the scripted faults, those that are used up included.
func (s *Simulator) Faults() []FaultState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []FaultState
	for _, f := range s.faults.list {
		out = append(out, f.FaultState)
	}
	return out
}

// Outage begins or ends an outage: while it lasts every Bot API connection is
// reset and nothing is accepted, pushed or answered; long polls break off.
func (s *Simulator) Outage(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = on
	s.changedLocked()
}

// pick returns the fault that befalls a request, or nil.
func (l *faultList) pick(method string, chat int64, now time.Time) *Fault {
	for _, f := range l.list {
		if f.Method != "" && !strings.EqualFold(f.Method, method) || f.Chat != 0 && f.Chat != chat {
			continue
		}
		if !f.until.IsZero() && !now.Before(f.until) || f.Count > 0 && f.Hits >= f.Count {
			continue
		}
		if f.seen++; f.seen <= f.Skip {
			continue
		}
		if f.coin != nil && f.coin.Float64() >= f.Probability {
			continue
		}
		f.Hits++
		hit := f.Fault
		return &hit
	}
	return nil
}

// transport reports whether the fault spoils the answer instead of being one.
func (f *Fault) transport() bool {
	switch f.Kind {
	case FaultServerError, FaultBadGateway, FaultBadGatewayHTML, FaultEmptyBody, FaultTruncated, FaultReset, FaultResetAfter, FaultHang, FaultSlow:
		return true
	}
	return false
}

// refusal returns what a fault of the Bot API answers, nil for other kinds.
func (f *Fault) refusal() *apiError {
	switch f.Kind {
	case FaultTooManyRequests:
		return tooManyRequests(max(f.RetryAfter, 1))
	case FaultUnauthorized:
		return &apiError{Code: http.StatusUnauthorized, Description: "Unauthorized"}
	case FaultNotFound:
		return &apiError{Code: http.StatusNotFound, Description: "Not Found"}
	case FaultConflict:
		return &apiError{Code: http.StatusConflict, Description: conflictPoll}
	case FaultBlocked:
		return errBlocked
	case FaultDeactivated:
		return errDeactivated
	case FaultKicked:
		return errKicked
	case FaultChatNotFound:
		return errChatNotFound
	case FaultCantParse:
		return badRequest("can't parse entities: Unsupported start tag \"scripted\" at byte offset 0")
	case FaultTooLong:
		return badRequest("message is too long")
	case FaultMigrate:
		return errMigrated(f.MigrateTo)
	case FaultError:
		return &apiError{Code: f.Code, Description: f.Description, RetryAfter: f.RetryAfter, MigrateTo: f.MigrateTo}
	}
	return nil
}
