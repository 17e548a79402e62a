package guidance

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/visa"
)

var languages = []string{"en", "ru"}

const good = `{
 "service": {"name": {"en": "The desk"}, "phone": "+996 312 000 000", "contact": {"en": "Ask the desk."}},
 "portal": "https://portal.example.kg/",
 "last_moment": {"leave_by": {"en": "Until midnight."}},
 "steps": [
  {"stage": "decided", "text": {"en": ["Any decision."], "ru": ["Решение."]}},
  {"outcome": "approved", "text": {"en": ["Any approval."]}},
  {"procedure": "exit_visa", "stage": "decided", "outcome": "approved", "text": {"en": ["First.", "Second."]}, "reviewer": "The desk", "reviewed_on": "2026-11-01"}
 ]
}`

func TestTheClosestEntryIsTaken(t *testing.T) {
	g, err := Parse([]byte(good), languages)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, lang string
		s          visa.Statement
		want       string
	}{
		{"all three fit", "en", visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved}, "First.|Second."},
		{"the outcome counts more than the stage", "en", visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved}, "Any approval."},
		{"the stage alone fits", "en", visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeRefused}, "Any decision."},
		{"an entry without the language is passed over", "ru", visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved}, "Решение."},
		{"nothing fits", "en", visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageReceived}, ""},
		{"no language of the file", "ky", visa.Statement{Stage: visa.StageDecided}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := g.Steps(tt.lang, tt.s)
			if strings.Join(got.Lines, "|") != tt.want || ok != (tt.want != "") {
				t.Errorf("Steps(%q, %v) = %q, %v; want %q", tt.lang, tt.s, got.Lines, ok, tt.want)
			}
		})
	}
	if s, _ := g.Steps("en", tests[0].s); s.Reviewer != "The desk" || s.ReviewedOn != visa.NewDate(2026, 11, 1) {
		t.Errorf("the reviewer is %q, %v", s.Reviewer, s.ReviewedOn)
	}
	if n := g.Missing([]string{"en", "ru"}); n["ru"] != 2 || n["en"] != 0 {
		t.Errorf("Missing = %v; want 2 of ru", n)
	}
}

func TestNoGuideSaysNothing(t *testing.T) {
	var g *Guide
	var s *Source
	if _, ok := g.Steps("en", visa.Statement{}); ok || !g.Service("en").IsZero() || g.Portal() != "" || g.LastMoment("en", visa.LeaveBy) != "" || g.Revision() != "" || s.Current() != nil {
		t.Error("a guide that is not there says something")
	}
}

func TestABadFileIsRefusedWithWhatWouldBeRight(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"empty", ``, "the file is empty"},
		{"not an object", `[]`, "cannot unmarshal array"},
		{"a field nobody knows", `{"portals":"x"}`, `unknown field "portals"`},
		{"a name twice", `{"portal":"https://a.kg/","portal":"https://b.kg/"}`, `portal stands twice`},
		{"something after it", `{} {}`, "something stands after its end"},
		{"a broken line", "{\n\"portal\": \n}", "line 3"},
		{"a portal without https", `{"portal":"http://portal.example.kg/"}`, "want an address such as"},
		{"a portal that runs something", `{"portal":"javascript:alert(1)"}`, "want an address such as"},
		{"a language nobody has", `{"service":{"name":{"xx":"A"}}}`, "want one of en, ru"},
		{"a phone of words", `{"service":{"phone":"call us"}}`, "want digits"},
		{"no e-mail address", `{"service":{"email":"a@b@c"}}`, "no e-mail address"},
		{"a stage nobody knows", `{"steps":[{"stage":"lost","text":{"en":["A"]}}]}`, "want one of received"},
		{"an entry for everything", `{"steps":[{"text":{"en":["A"]}}]}`, "want procedure, stage or outcome"},
		{"an outcome before the decision", `{"steps":[{"stage":"received","outcome":"refused","text":{"en":["A"]}}]}`, "only an application that is decided or closed"},
		{"two entries for the same", `{"steps":[{"stage":"received","text":{"en":["A"]}},{"stage":"received","text":{"en":["B"]}}]}`, "steps[1] is for the same"},
		{"no text", `{"steps":[{"stage":"received"}]}`, "want lines by language"},
		{"a line of two lines", `{"steps":[{"stage":"received","text":{"en":["A\nB"]}}]}`, "one line"},
		{"an empty line", `{"steps":[{"stage":"received","text":{"en":[" "]}}]}`, "leave it out"},
		{"a line too long", `{"steps":[{"stage":"received","text":{"en":["` + strings.Repeat("a", 401) + `"]}}]}`, "at most 400"},
		{"a reviewer without a day", `{"steps":[{"stage":"received","text":{"en":["A"]},"reviewer":"R"}]}`, "belong together"},
		{"a day that does not exist", `{"steps":[{"stage":"received","text":{"en":["A"]},"reviewer":"R","reviewed_on":"2026-02-30"}]}`, "not a date"},
		{"a kind of deadline nobody knows", `{"last_moment":{"sleep_by":{"en":"A"}}}`, "want one of leave_by"},
		{"not UTF-8", "{\"portal\":\"\xff\"}", "save it as UTF-8"},
		{"too large", strings.Repeat(" ", MaxBytes+1), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse([]byte(tt.file), languages); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse says %v; want %q in it", err, tt.want)
			}
		})
	}
}

func TestAFileThatChangesIsReadAnewAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "guidance.json")
	write := func(text string, minute int) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"portal":"https://one.example.kg/"}`, 0)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := Open(path, languages, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.Watch(ctx, time.Second)
		for _, step := range []struct {
			name, text string
			logged     int
			want       string
		}{
			{"as it was", "", 0, "one"},
			{"another", `{"portal":"https://two.example.kg/"}`, 1, "two"},
			{"a broken one", `{"portal":`, 2, "two"},
			{"the broken one still", "", 2, "two"},
			{"a good one again", `{"portal":"https://three.example.kg/"}`, 3, "three"},
		} {
			if step.text != "" {
				write(step.text, step.logged)
			}
			<-time.After(3 * time.Second)
			synctest.Wait()
			if got := s.Current().Portal(); !strings.Contains(got, step.want) {
				t.Errorf("%s: the portal is %s; want %s", step.name, got, step.want)
			}
			if n := strings.Count(log.String(), "\n"); n != step.logged {
				t.Errorf("%s: %d lines are logged; want %d: %s", step.name, n, step.logged, log.String())
			}
		}
	})
}

func TestTheExampleOfTheDocumentationIsAGoodFile(t *testing.T) {
	text, err := os.ReadFile("../docs/guidance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	g, err := Parse([]byte(example), languages)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := g.Steps("en", visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved})
	if !ok || len(s.Lines) != 2 || g.LastMoment("en", visa.LeaveBy) == "" || g.Service("en").Phone == "" {
		t.Errorf("it says %v, %v", s, ok)
	}
}
