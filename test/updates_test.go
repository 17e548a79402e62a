package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kabarchy/test/harness"
)

func TestUpdatesAreTakenIn(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	key := s.Key("register", "updates")
	s.Start()
	send := func(kind, body string) harness.Answer {
		return s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: kind, Body: body})
	}

	s.Sub(t, "one at a time, each with its own answer", func(t *testing.T) {
		other := decided("20417701", 2)
		other.SubmittedOn = "2025-06-03"
		tests := []struct {
			name   string
			update harness.Update
			status int
			want   harness.Summary
		}{
			{"first", received("20417701", 1), 200, harness.Summary{Applied: 1}},
			{"newer", decided("20417701", 2), 200, harness.Summary{Applied: 1}},
			{"said before", decided("20417701", 2), 200, harness.Summary{Duplicate: 1}},
			{"the same version with other content", other, 409, harness.Summary{Conflict: 1}},
			{"older", received("20417701", 1), 200, harness.Summary{Stale: 1}},
		}
		for _, tt := range tests {
			a := send(harness.JSON, tt.update.Line())
			got := a.Summary(t)
			n := len(got.Results)
			got.Results = nil
			if a.Status != tt.status || got.Applied != tt.want.Applied || got.Duplicate != tt.want.Duplicate ||
				got.Conflict != tt.want.Conflict || got.Stale != tt.want.Stale || n != got.Conflict+got.Stale+got.Rejected {
				t.Errorf("%s: status %d\n%s", tt.name, a.Status, a.Body)
			}
		}
		if a := s.Lookup("20417701"); a.Version != 2 || a.Stage != "decided" {
			t.Errorf("in the end it is version %d, %s", a.Version, a.Stage)
		}
	})

	s.Sub(t, "many as lines, where a bad one concerns itself alone", func(t *testing.T) {
		before := time.Now().Truncate(time.Second)
		var body strings.Builder
		for i := range 2500 {
			switch i {
			case 7:
				body.WriteString("{broken\n")
			case 1300:
				body.WriteString(strings.Replace(received("30400000", 1).Line(), "received", "lost", 1) + "\n")
			default:
				body.WriteString(received(fmt.Sprintf("3040%04d", i), 1).Line() + "\r\n")
			}
		}
		a := send(harness.NDJSON, body.String())
		sum := a.Summary(t)
		if a.Status != 200 || sum.Applied != 2498 || sum.Rejected != 2 || len(sum.Results) != 2 ||
			sum.Results[0].Line != 8 || sum.Results[1].Line != 1301 || !strings.Contains(sum.Results[1].Problem, "stage") {
			t.Fatalf("status %d\n%s", a.Status, a.Body)
		}
		if got := s.Lookup("30402499").RegisterAsOf; got.Before(before) || got.After(time.Now()) {
			t.Errorf("a complete feed moves register_as_of to now; it is %s", got)
		}
		again := send(harness.NDJSON, body.String()).Summary(t)
		if again.Duplicate != 2498 || again.Applied != 0 {
			t.Errorf("sent again: %+v", again)
		}
	})

	s.Sub(t, "only with a key", func(t *testing.T) {
		r := harness.Request{Method: http.MethodPost, Path: "/v1/updates", Type: harness.JSON, Body: received("20417702", 1).Line()}
		wantProblem(t, s.Send(r), 401, "unauthenticated")
		r.Key = "kab_made-up"
		wantProblem(t, s.Send(r), 401, "unauthenticated")
		r.Key = s.Key("reader", "lookups", "audit")
		wantProblem(t, s.Send(r), 403, "missing-scope")
		wantProblem(t, s.Get("/v1/applications/20417702"), 404, "unknown-reference")
	})

	s.Sub(t, "and are there after the service was started again", func(t *testing.T) {
		s.Stop()
		s.Start()
		if a := s.Lookup("20417701"); a.Version != 2 {
			t.Errorf("version %d, want 2", a.Version)
		}
		if a := s.Lookup("30400042"); a.Version != 1 {
			t.Errorf("version %d, want 1", a.Version)
		}
	})
}
