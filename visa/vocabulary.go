package visa

import (
	"fmt"
	"slices"
	"strings"
)

// A Procedure is what somebody applied for.
type Procedure string

// A Stage is where an application stands. Any stage may follow any other: the
// register is authoritative.
type Stage string

// An Outcome is how an application ended. Only one that is decided or closed
// has one.
type Outcome string

// A DocumentKind is the kind of document an approved application granted.
type DocumentKind string

// A DeadlineKind says what must be done by a deadline.
type DeadlineKind string

const (
	ProcedureVisa            Procedure = "visa"
	ProcedureSinglePermit    Procedure = "single_permit"
	ProcedureExitVisa        Procedure = "exit_visa"
	ProcedureResidencePermit Procedure = "residence_permit"

	StageReceived           Stage = "received"
	StageInProcessing       Stage = "in_processing"
	StageCorrectionRequired Stage = "correction_required"
	StageDecided            Stage = "decided"
	StageClosed             Stage = "closed"

	OutcomeApproved  Outcome = "approved"
	OutcomeRefused   Outcome = "refused"
	OutcomeCancelled Outcome = "cancelled"
	OutcomeWithdrawn Outcome = "withdrawn"

	DocumentVisa            DocumentKind = "visa"
	DocumentSinglePermit    DocumentKind = "single_permit"
	DocumentExitVisa        DocumentKind = "exit_visa"
	DocumentResidencePermit DocumentKind = "residence_permit"

	LeaveBy   DeadlineKind = "leave_by"   // last day to leave, inclusive
	CorrectBy DeadlineKind = "correct_by" // last day to correct a returned application
	AppealBy  DeadlineKind = "appeal_by"
	CollectBy DeadlineKind = "collect_by"
	RenewBy   DeadlineKind = "renew_by"
)

// The whole vocabulary, in the order in which it is shown.
var (
	Procedures    = []Procedure{ProcedureVisa, ProcedureSinglePermit, ProcedureExitVisa, ProcedureResidencePermit}
	Stages        = []Stage{StageReceived, StageInProcessing, StageCorrectionRequired, StageDecided, StageClosed}
	Outcomes      = []Outcome{OutcomeApproved, OutcomeRefused, OutcomeCancelled, OutcomeWithdrawn}
	DocumentKinds = []DocumentKind{DocumentVisa, DocumentSinglePermit, DocumentExitVisa, DocumentResidencePermit}
	DeadlineKinds = []DeadlineKind{LeaveBy, CorrectBy, AppealBy, CollectBy, RenewBy}
)

// word checks that w is of the vocabulary; the error lists what would be right.
func word[T ~string](field string, w T, all []T) error {
	if slices.Contains(all, w) {
		return nil
	}
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = string(a)
	}
	if w == "" {
		return &FieldError{Field: field, Problem: "is missing; it must be one of " + strings.Join(words, ", ")}
	}
	return &FieldError{Field: field, Problem: fmt.Sprintf("is %q; it must be one of %s", clip(string(w)), strings.Join(words, ", "))}
}

// A FieldError is what is wrong with one field of an update.
type FieldError struct {
	Field   string // the field's name on the wire, such as "document.valid_until"
	Problem string // what is wrong and what would be right, to follow the name
}

func (e *FieldError) Error() string { return e.Field + " " + e.Problem }
