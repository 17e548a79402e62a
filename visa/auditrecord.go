package visa

import "time"

// An AuditRecord is an AuditEntry as JSON. There is one form of it, wherever an
// audit is written for programs: commands, exports and HTTP.
type AuditRecord struct {
	ID        int64                `json:"id"`
	Chat      string               `json:"chat"`
	ChatState ChatState            `json:"chat_state"`
	Reference string               `json:"reference"`
	Lane      string               `json:"lane"`
	Kind      Kind                 `json:"kind"`
	State     NotificationState    `json:"state"`
	Reason    string               `json:"reason"`
	CreatedAt *time.Time           `json:"created_at"`
	NotBefore *time.Time           `json:"not_before"`
	UseUntil  *time.Time           `json:"use_until"`
	EndedAt   *time.Time           `json:"ended_at"`
	Failures  int                  `json:"failures"`
	Ambiguous int                  `json:"ambiguous"`
	MessageID *int64               `json:"message_id"`
	Attempts  []AuditAttemptRecord `json:"attempts"`
}

// An AuditAttemptRecord is an AuditAttempt as JSON.
type AuditAttemptRecord struct {
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Result    string     `json:"result"`
	Code      int        `json:"code"`
	Reason    string     `json:"reason"`
	Ambiguous bool       `json:"ambiguous"`
	Sender    int64      `json:"sender"`
}

// Record returns e as JSON has it, with times in a zone and null for those
// that there are not.
func (e AuditEntry) Record(zone *time.Location) AuditRecord {
	in := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.In(zone)
		return &t
	}
	r := AuditRecord{
		ID: e.ID, Chat: e.Chat, ChatState: e.ChatState, Reference: e.Reference, Lane: e.Lane.String(), Kind: e.Kind,
		State: e.State, Reason: e.Reason, CreatedAt: in(e.CreatedAt), NotBefore: in(e.NotBefore), UseUntil: in(e.UseUntil),
		EndedAt: in(e.EndedAt), Failures: e.Failures, Ambiguous: e.Ambiguous(), Attempts: make([]AuditAttemptRecord, 0, len(e.Attempts)),
	}
	if e.MessageID != 0 {
		r.MessageID = &e.MessageID
	}
	for _, t := range e.Attempts {
		r.Attempts = append(r.Attempts, AuditAttemptRecord{in(t.StartedAt), in(t.EndedAt), t.Result, t.Code, t.Reason, t.Ambiguous, t.Sender})
	}
	return r
}
