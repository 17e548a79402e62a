package visa

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Update is the register's whole statement of one application at a version.
// It is no delta: what it leaves out is no longer so.
type Update struct {
	Reference Reference
	Version   int64     // ≥ 1, growing per reference; see Counted for 0
	UpdatedAt time.Time // zero where the register does not say
	Statement
	Proof string // as sent; only its MAC is ever kept

	// Counted asks for the next version if the content differs from what is
	// known, and is a duplicate otherwise. AsOf, the time that its source was
	// true, then guards against going back: a change known to be later wins.
	Counted bool
	AsOf    time.Time
}

// MaxProof is the most characters a proof may have.
const MaxProof = 64

// Normalize brings u into the one form in which statements are compared and
// kept: deadlines sorted, times in UTC at microseconds.
func (u *Update) Normalize() {
	slices.SortFunc(u.Deadlines, func(a, b Deadline) int {
		return cmp.Compare(slices.Index(DeadlineKinds, a.Kind), slices.Index(DeadlineKinds, b.Kind))
	})
	if len(u.Deadlines) == 0 {
		u.Deadlines = nil
	}
	u.UpdatedAt = u.UpdatedAt.UTC().Truncate(time.Microsecond)
	u.AsOf = u.AsOf.UTC().Truncate(time.Microsecond)
}

// Validate returns the first thing wrong with u, as a *FieldError, or nil. It
// asks whether the statement is whole and does not contradict itself, never
// whether it may follow an earlier one.
func (u *Update) Validate() error {
	if u.Reference.IsZero() {
		return &FieldError{"reference", "is missing; it has 6 to 24 letters A to Z and digits"}
	}
	if !u.Counted && u.Version < 1 {
		return &FieldError{"version", "must be a whole number from 1 to 9223372036854775807, growing with each statement of this reference"}
	}
	if !u.UpdatedAt.IsZero() && (u.UpdatedAt.Year() < minYear || u.UpdatedAt.Year() > maxYear) {
		return &FieldError{"updated_at", fmt.Sprintf("must be of the years %d to %d", minYear, maxYear)}
	}
	if !u.UpdatedAt.IsZero() && u.UpdatedAt.UnixMicro() == 0 {
		return &FieldError{"updated_at", "is 1970-01-01T00:00:00Z, which programs write where they know no time; state the true time, or leave it out"}
	}
	if err := word("procedure", u.Procedure, Procedures); err != nil {
		return err
	}
	if !validCampaign(u.Campaign) {
		return &FieldError{"campaign", "must be a slug of at most 64 small letters, digits and single dashes, such as legalization-2025"}
	}
	if err := word("stage", u.Stage, Stages); err != nil {
		return err
	}
	if n := len([]rune(u.Proof)); n > MaxProof {
		return &FieldError{"proof", fmt.Sprintf("has %d characters; it may have at most %d", n, MaxProof)}
	}
	if err := u.validateOutcome(); err != nil {
		return err
	}
	return u.validateDeadlines()
}

func (u *Update) validateOutcome() error {
	ended := u.Stage == StageDecided || u.Stage == StageClosed
	if u.Outcome != "" {
		if err := word("outcome", u.Outcome, Outcomes); err != nil {
			return err
		}
		if !ended {
			return &FieldError{"outcome", fmt.Sprintf("is %q though the stage is %q; only the stages decided and closed have an outcome", u.Outcome, u.Stage)}
		}
	}
	if u.Stage == StageDecided && u.Outcome == "" {
		return &FieldError{"outcome", "is missing; the stage decided needs one of approved, refused, cancelled, withdrawn"}
	}
	d := u.Document
	if d.IsZero() {
		return nil
	}
	if err := word("document.kind", d.Kind, DocumentKinds); err != nil {
		return err
	}
	if u.Outcome != OutcomeApproved {
		return &FieldError{"document", "is stated though the outcome is not approved; only an approved application grants a document"}
	}
	if !d.ValidFrom.IsZero() && !d.ValidUntil.IsZero() && d.ValidUntil < d.ValidFrom {
		return &FieldError{"document.valid_until", fmt.Sprintf("is %s, before document.valid_from, %s", d.ValidUntil, d.ValidFrom)}
	}
	return nil
}

func (u *Update) validateDeadlines() error {
	var seen [8]bool
	for _, d := range u.Deadlines {
		if err := word("deadlines.kind", d.Kind, DeadlineKinds); err != nil {
			return err
		}
		if d.Date.IsZero() {
			return &FieldError{"deadlines.date", "is missing; write a day that exists as YYYY-MM-DD"}
		}
		i := slices.Index(DeadlineKinds, d.Kind)
		if seen[i] {
			return &FieldError{"deadlines", fmt.Sprintf("holds %s twice; state each kind once", d.Kind)}
		}
		seen[i] = true
	}
	return nil
}

func validCampaign(s string) bool {
	if len(s) > 64 || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") || strings.Contains(s, "--") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// A Result is what became of an update.
type Result string

const (
	Applied   Result = "applied"   // newer: it is what is known now
	Duplicate Result = "duplicate" // said before; no effect
	Stale     Result = "stale"     // older than what is known; no effect
	Conflict  Result = "conflict"  // the same version with other content; refused
	Rejected  Result = "rejected"  // wrong in itself; refused
)

// Judge says what becomes of a valid, normalized u against what is known of
// its reference (nil if nothing is), and returns the version it would have.
// sameProof tells whether u's proof is the one kept, under the key it was kept
// with; it is called only where the answer depends on it.
func (u *Update) Judge(known *Application, sameProof func() bool) (Result, int64) {
	if known == nil {
		return Applied, max(u.Version, 1)
	}
	same := func() bool { return u.Statement.Equal(known.Statement) && sameProof() }
	if u.Counted {
		switch {
		case same():
			return Duplicate, known.Version
		case u.AsOf.Before(known.UpdatedAt):
			return Stale, known.Version
		default:
			return Applied, known.Version + 1
		}
	}
	switch {
	case u.Version > known.Version:
		return Applied, u.Version
	case u.Version < known.Version:
		return Stale, u.Version
	case same() && (u.UpdatedAt.IsZero() || u.UpdatedAt.Equal(known.UpdatedAt)):
		return Duplicate, u.Version
	default:
		return Conflict, u.Version
	}
}
