package explain_test

import (
	"testing"
	"time"

	"kabarchy/i18n"
	"kabarchy/visa"
)

func TestStandingSaysOfEveryStageAndOutcomeWhereItIs(t *testing.T) {
	today := visa.NewDate(2025, time.June, 23)
	for _, c := range i18n.Default().All() {
		seen := map[string]visa.Statement{}
		for _, s := range statements() {
			got := view(c.Code(), today, time.Time{}).Standing(s)
			if other, twice := seen[got]; twice || untold(got) || len([]rune(got)) > 40 {
				t.Errorf("%s: %s %s is %q, as is %s %s", c.Code(), s.Stage, s.Outcome, got, other.Stage, other.Outcome)
			}
			seen[got] = s
		}
	}
}

func TestTheNextDeadlineIsTheEarliestAheadThatAsksSomething(t *testing.T) {
	today := date(t, "2025-06-23")
	by := func(kind visa.DeadlineKind, n int) visa.Deadline {
		return visa.Deadline{Kind: kind, Date: today.Add(n)}
	}
	approved := func(all ...visa.Deadline) visa.Statement {
		return visa.Statement{Stage: visa.StageDecided, Outcome: visa.OutcomeApproved, Deadlines: all}
	}
	permit := func(n int) visa.Statement {
		s := approved()
		s.Document = visa.Document{Kind: visa.DocumentSinglePermit, ValidUntil: today.Add(n)}
		return s
	}
	tests := []struct {
		name   string
		s      visa.Statement
		next   string
		urgent bool
		by     int
	}{
		{"none", visa.Statement{Stage: visa.StageReceived}, "", false, 0},
		{"one", approved(by(visa.LeaveBy, 12)), "Last day to leave: Saturday 5 July 2025 (12 days left)", true, 12},
		{"the earlier of two", approved(by(visa.LeaveBy, 12), by(visa.CollectBy, 1)), "Last day to collect: Tuesday 24 June 2025 (1 day left)", true, 1},
		{"one that is over, and one ahead", approved(by(visa.CollectBy, -3), by(visa.LeaveBy, 12)), "Last day to leave: Saturday 5 July 2025 (12 days left)", true, 12},
		{"one ahead, and one that is over", approved(by(visa.LeaveBy, 12), by(visa.RenewBy, -3)), "Last day to leave: Saturday 5 July 2025 (12 days left)", true, 12},
		{"the later of two that are over", approved(by(visa.CollectBy, -9), by(visa.LeaveBy, -1)), "Last day to leave: Sunday 22 June 2025. That day has passed.", false, 0},
		{"today", approved(by(visa.LeaveBy, 0)), "Last day to leave: today, Monday 23 June 2025 (today itself still counts)", true, 0},
		{"one that asks nothing any more", visa.Statement{Stage: visa.StageInProcessing, Deadlines: []visa.Deadline{by(visa.CorrectBy, 5)}}, "", false, 0},
		{"a document that ends soon", permit(60), "Last day to renew: Friday 22 August 2025 (60 days left)", true, 60},
		{"a document that is good for long", permit(61), "Last day to renew: Saturday 23 August 2025 (61 days left)", false, 0},
		{"to correct, no day stated", visa.Statement{Stage: visa.StageCorrectionRequired}, "", true, 0},
		{"to correct by a day", visa.Statement{Stage: visa.StageCorrectionRequired, Deadlines: []visa.Deadline{by(visa.CorrectBy, 5)}},
			"Last day to correct: Saturday 28 June 2025 (5 days left)", true, 5},
		{"closed, with a day to leave", visa.Statement{Stage: visa.StageClosed, Deadlines: []visa.Deadline{by(visa.LeaveBy, 2), by(visa.AppealBy, 1)}},
			"Last day to leave: Wednesday 25 June 2025 (2 days left)", true, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := view("en", today, time.Time{})
			next := ""
			if d, ok := v.Next(tt.s); ok {
				next = v.Short(d)
			}
			if next != tt.next {
				t.Errorf("next is %q, want %q", next, tt.next)
			}
			switch day, urgent := v.Urgent(tt.s); {
			case urgent != tt.urgent:
				t.Errorf("urgent: %t, want %t", urgent, tt.urgent)
			case urgent && day != today.Add(tt.by):
				t.Errorf("by %s, want %s", day, today.Add(tt.by))
			}
		})
	}
}

func TestCompleteSaysWhenTheDataWas(t *testing.T) {
	v := view("en", date(t, "2025-11-20"), time.Date(2025, 11, 20, 14, 5, 0, 0, time.UTC))
	if got, want := v.Complete(), "Last complete data from the register: 20 November, 20:05."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	v.AsOf = time.Time{}
	if got, want := v.Complete(), "No complete data has come from the register yet."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
