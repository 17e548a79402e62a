package visa

import (
	"slices"
	"time"
)

// A Document is what was granted. The zero Document means none.
type Document struct {
	Kind       DocumentKind
	ValidFrom  Date
	ValidUntil Date
}

// IsZero reports whether no document is stated.
func (d Document) IsZero() bool { return d == Document{} }

// A Deadline is the last day, inclusive, for something the applicant must do.
type Deadline struct {
	Kind       DeadlineKind
	Date       Date
	Calculated bool // derived from another date, not stated by the register
}

// A Statement is all that the register says of one application.
type Statement struct {
	Procedure   Procedure
	Campaign    string // a slug, or empty
	Stage       Stage
	Outcome     Outcome // empty unless decided or closed
	Reason      string  // a configured code, or empty
	Document    Document
	Deadlines   []Deadline // sorted by kind, one of each kind at most
	SubmittedOn Date
}

// Equal reports whether two statements say the same.
func (s Statement) Equal(o Statement) bool {
	return s.Procedure == o.Procedure && s.Campaign == o.Campaign && s.Stage == o.Stage &&
		s.Outcome == o.Outcome && s.Reason == o.Reason && s.Document == o.Document &&
		s.SubmittedOn == o.SubmittedOn && slices.Equal(s.Deadlines, o.Deadlines)
}

// Deadline returns the deadline of a kind, and whether there is one.
func (s Statement) Deadline(kind DeadlineKind) (Deadline, bool) {
	for _, d := range s.Deadlines {
		if d.Kind == kind {
			return d, true
		}
	}
	return Deadline{}, false
}

// Reminded returns the deadlines that followers are reminded of: none of a
// closed application, else the stated ones, and the day until which a granted
// document is valid as the day to renew by, where the register states none and
// the document is not one to leave with.
func (s Statement) Reminded() []Deadline {
	if s.Stage == StageClosed {
		return nil
	}
	d := s.Document
	if s.Outcome != OutcomeApproved || d.ValidUntil.IsZero() || d.Kind == DocumentExitVisa {
		return s.Deadlines
	}
	for _, kind := range []DeadlineKind{RenewBy, LeaveBy} {
		if _, stated := s.Deadline(kind); stated {
			return s.Deadlines
		}
	}
	return append(s.Deadlines[:len(s.Deadlines):len(s.Deadlines)], Deadline{Kind: RenewBy, Date: d.ValidUntil, Calculated: true})
}

// A ProofMAC is the keyed MAC of an application's proof, with the id of the
// key it was made under. The zero ProofMAC means that the register sent none.
type ProofMAC struct {
	KeyID string
	MAC   string
}

// IsZero reports whether there is no proof.
func (p ProofMAC) IsZero() bool { return p == ProofMAC{} }

// An Application is what is known of one reference: the register's last
// statement, and how it came to it.
type Application struct {
	Reference Reference
	Version   int64 // the register's, ≥ 1
	Revision  int64 // ours, over all changes in the database, ≥ 1
	UpdatedAt time.Time
	Statement
	Proof   ProofMAC
	History []Event // oldest first, in the order of versions
}

// An Event is a point of an application's history: what it became, and when
// the register says so.
type Event struct {
	Stage   Stage
	Outcome Outcome
	At      time.Time
}

// Since returns the time of the last event that changed stage or outcome, or
// UpdatedAt where there is no history.
func (a Application) Since() time.Time {
	if n := len(a.History); n > 0 {
		return a.History[n-1].At
	}
	return a.UpdatedAt
}
