package test

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"kabarchy/test/harness"
)

// valid is an update that says something new of the application that nothing
// bad may change; each bad one differs from it in one place.
const valid = `{"reference":"20417733","version":8,"procedure":"exit_visa","stage":"decided","outcome":"approved",` +
	`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},` +
	`"deadlines":[{"kind":"leave_by","date":"2025-07-05"}],"submitted_on":"2025-06-02","updated_at":"2025-06-20T09:15:00+06:00"}`

// badUpdates are refused each for one reason. from, which stands in valid, is
// replaced by to.
var badUpdates = []struct {
	name, from, to string
	status         int
	kind, detail   string
}{
	{"no reference", `"reference":"20417733",`, ``, 422, "invalid-update", "reference"},
	{"a reference that is a number", `"20417733"`, `20417733`, 422, "invalid-update", "reference"},
	{"a reference that is too short", `"20417733"`, `"20417"`, 422, "invalid-update", "reference"},
	{"a reference with a letter of no reference", `"20417733"`, `"2041773Ж"`, 422, "invalid-update", "reference"},
	{"no version", `"version":8,`, ``, 422, "invalid-update", "version"},
	{"version 0", `"version":8`, `"version":0`, 422, "invalid-update", "version"},
	{"a version below 0", `"version":8`, `"version":-8`, 422, "invalid-update", "version"},
	{"a version beyond int64", `"version":8`, `"version":9223372036854775808`, 422, "invalid-update", "version"},
	{"a version with a fraction", `"version":8`, `"version":8.5`, 422, "invalid-update", "version"},
	{"a version that is a string", `"version":8`, `"version":"8"`, 422, "invalid-update", "version"},
	{"an unknown procedure", `"exit_visa","stage"`, `"tourist","stage"`, 422, "invalid-update", "procedure"},
	{"an unknown stage", `"stage":"decided"`, `"stage":"Decided"`, 422, "invalid-update", "stage"},
	{"an outcome without a decision", `"stage":"decided"`, `"stage":"in_processing"`, 422, "invalid-update", "outcome"},
	{"a decision without an outcome", `"outcome":"approved",`, ``, 422, "invalid-update", "outcome"},
	{"a document without approval", `"approved"`, `"refused"`, 422, "invalid-update", "document"},
	{"a document that ends before it begins", `"valid_until":"2025-07-05"`, `"valid_until":"2025-06-19"`, 422, "invalid-update", "valid_until"},
	{"a document that is a string", `{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"}`, `"exit_visa"`, 422, "invalid-update", "document"},
	{"a day that does not exist", `"date":"2025-07-05"`, `"date":"2025-02-30"`, 422, "invalid-update", "date"},
	{"a day in another form", `"submitted_on":"2025-06-02"`, `"submitted_on":"02.06.2025"`, 422, "invalid-update", "submitted_on"},
	{"a year nobody lives in", `"submitted_on":"2025-06-02"`, `"submitted_on":"0202-06-02"`, 422, "invalid-update", "submitted_on"},
	{"a time that does not exist", `T09:15:00`, `T25:15:00`, 422, "invalid-update", "updated_at"},
	{"a time without an offset", `09:15:00+06:00`, `09:15:00`, 422, "invalid-update", "updated_at"},
	{"an unknown kind of deadline", `"leave_by"`, `"run_by"`, 422, "invalid-update", "deadlines"},
	{"one kind of deadline twice", `{"kind":"leave_by","date":"2025-07-05"}`, `{"kind":"leave_by","date":"2025-07-05"},{"kind":"leave_by","date":"2025-07-06"}`, 422, "invalid-update", "deadlines"},
	{"deadlines that are no list", `[{"kind":"leave_by","date":"2025-07-05"}]`, `{}`, 422, "invalid-update", "deadlines"},
	{"an unknown field", `"version":8`, `"version":8,"name":"A"`, 422, "invalid-update", "name"},
	{"a field stated twice", `"version":8`, `"version":8,"version":9`, 422, "invalid-update", "version"},
	{"a field in capitals", `"version"`, `"Version"`, 422, "invalid-update", "version"},
	{"an array", valid, `[` + valid + `]`, 400, "malformed-body", ""},
	{"two objects", valid, valid + valid, 400, "malformed-body", ""},
	{"half an object", valid, valid[:100], 400, "malformed-body", ""},
	{"nothing", valid, ``, 400, "malformed-body", ""},
	{"blanks", valid, " \n ", 400, "malformed-body", ""},
	{"null", valid, `null`, 400, "malformed-body", ""},
	{"text that is not UTF-8", `"version":8`, "\"version\":8,\"reason\":\"\xff\"", 400, "malformed-body", ""},
	{"a byte of zero", `"version":8`, "\"version\":8\x00", 400, "malformed-body", ""},
	{"values nested without end", `"version":8`, `"version":8,"x":` + strings.Repeat("[", 5000), 400, "malformed-body", ""},
	{"more than fits", `"version":8`, `"version":8` + strings.Repeat(" ", 64<<10), 413, "too-large", ""},
}

func TestBadUpdatesAreRefusedOneByOneAndChangeNothing(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	key := s.Key("register", "updates")
	s.Start()
	s.Push(key, received("20417733", 7))
	before := s.Get("/v1/applications/20417733")
	for _, tt := range badUpdates {
		body := strings.Replace(valid, tt.from, tt.to, 1)
		if body == valid {
			t.Fatalf("%s: %q does not stand in the valid update", tt.name, tt.from)
		}
		a := s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: harness.JSON, Body: body})
		p := wantProblem(t, a, tt.status, tt.kind)
		if !strings.Contains(p.Detail, tt.detail) || p.Applied != 0 {
			t.Errorf("%s: the detail does not name %q: %s", tt.name, tt.detail, a.Body)
		}
		if t.Failed() {
			t.Fatalf("that was %s", tt.name)
		}
	}
	for _, tt := range []struct{ name, kind string }{
		{"another type", "text/csv"}, {"no type", ""}, {"a form", harness.Form},
		{"another encoding", harness.JSON + "; charset=windows-1251"},
	} {
		a := s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: tt.kind, Body: valid})
		wantProblem(t, a, 415, "unsupported-media-type")
	}
	compressed := harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: harness.JSON, Body: valid, Header: map[string]string{"Content-Encoding": "gzip"}}
	wantProblem(t, s.Send(compressed), 415, "unsupported-media-type")

	unchanged(t, s, before)
	if a := s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: harness.JSON, Body: valid}); a.Status != 200 {
		t.Errorf("the valid update itself is refused: %s", a.Body)
	}
}

func TestBadLinesAreRefusedAloneAndBadFeedsAltogether(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	key := s.Key("register", "updates")
	s.Start()
	s.Push(key, received("20417733", 7))
	before := s.Get("/v1/applications/20417733")
	feed := func(path, body string) harness.Answer {
		return s.Send(harness.Request{Method: http.MethodPost, Path: path, Key: key, Type: harness.NDJSON, Body: body})
	}

	var lines []string
	for _, tt := range badUpdates {
		if line := strings.Replace(valid, tt.from, tt.to, 1); strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	lines = append(lines, strings.Repeat("x", 200<<10)) // no end of a line for long
	a := feed("/v1/updates", strings.Join(lines, "\n"))
	sum := a.Summary(t)
	if a.Status != 200 || sum.Rejected != len(lines) || sum.Applied != 0 || len(sum.Results) != len(lines) {
		t.Errorf("%d bad lines: status %d\n%s", len(lines), a.Status, a.Body)
	}
	for i, r := range sum.Results {
		if r.Line != i+1 || r.Result != "rejected" || r.Problem == "" {
			t.Errorf("line %d is reported as %+v", i+1, r)
		}
	}
	for _, tt := range []struct {
		name, path, body, kind string
	}{
		{"an empty feed", "/v1/updates", "\n \n", "malformed-body"},
		{"a feed in UTF-16", "/v1/updates", "\xff\xfe{\x00}\x00", "malformed-body"},
		{"a feed of the future", "/v1/updates?as_of=2199-01-01T00:00:00Z", valid, "invalid-parameter"},
		{"a feed of no time", "/v1/updates?as_of=yesterday", valid, "invalid-parameter"},
		{"a feed that is perhaps complete", "/v1/updates?complete=perhaps", valid, "invalid-parameter"},
	} {
		wantProblem(t, feed(tt.path, tt.body), 400, tt.kind)
		if t.Failed() {
			t.Fatalf("that was %s", tt.name)
		}
	}
	unchanged(t, s, before)
}

func TestBadLookupsAreRefused(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	s.Start()
	const lookups = "/v1/lookups"
	tests := []struct {
		name, method, path, kind, body string
		status                         int
		problem                        string
	}{
		{"too short", "GET", "/v1/applications/12345", "", "", 400, "malformed-reference"},
		{"too long", "GET", "/v1/applications/1234567890123456789012345", "", "", 400, "malformed-reference"},
		{"empty", "GET", "/v1/applications/", "", "", 400, "malformed-reference"},
		{"ornaments alone", "GET", "/v1/applications/--%2F--", "", "", 400, "malformed-reference"},
		{"another letter", "GET", "/v1/applications/2041773%D0%96", "", "", 400, "malformed-reference"},
		{"half a percent code", "GET", "/v1/applications/20417733%2", "", "", 400, "malformed-reference"},
		{"a percent code of nothing", "GET", "/v1/applications/20417733%zz", "", "", 400, "malformed-reference"},
		{"decoded once only", "GET", "/v1/applications/2041%25377733", "", "", 400, "malformed-reference"},
		{"bytes that are no text", "GET", "/v1/applications/%FF%FE204177", "", "", 400, "malformed-reference"},
		{"a way out", "GET", "/v1/applications/..%2F..%2Fetc%2Fpasswd%00", "", "", 400, "malformed-reference"},
		{"unknown", "GET", "/v1/applications/99999999", "", "", 404, "unknown-reference"},
		{"no such route", "GET", "/v1/application/99999999", "", "", 404, "unknown-route"},
		{"another method", "DELETE", "/v1/applications/99999999", "", "", 405, "method-not-allowed"},
		{"no type", "POST", lookups, "", `{"reference":"99999999"}`, 415, "unsupported-media-type"},
		{"no body", "POST", lookups, harness.JSON, ``, 400, "malformed-body"},
		{"half a body", "POST", lookups, harness.JSON, `{"reference":"9999`, 400, "malformed-body"},
		{"two bodies", "POST", lookups, harness.JSON, `{"reference":"99999999"}{}`, 400, "malformed-body"},
		{"an unknown field", "POST", lookups, harness.JSON, `{"reference":"99999999","name":"x"}`, 422, "invalid-fields"},
		{"a wrong type", "POST", lookups, harness.JSON, `{"reference":99999999}`, 422, "invalid-fields"},
		{"nothing asked", "POST", lookups, harness.JSON, `{}`, 422, "invalid-fields"},
		{"a malformed reference", "POST", lookups, harness.JSON, `{"reference":"no"}`, 400, "malformed-reference"},
		{"an unknown reference", "POST", lookups, harness.JSON, `{"reference":"99999999"}`, 404, "unknown-reference"},
		{"more than fits", "POST", lookups, harness.JSON, `{"reference":"` + strings.Repeat("9", 300<<10) + `"}`, 413, "too-large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := s.Raw(tt.method, tt.path, tt.kind, tt.body)
			wantProblem(t, raw, tt.status, tt.problem)
		})
	}
	t.Run("a page's problem is a page", func(t *testing.T) {
		for path, status := range map[string]int{"/status/12": 400, "/status/99999999": 404, "/nowhere": 404} {
			a := s.Get(path)
			if a.Status != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || strings.Contains(string(a.Body), "panic") {
				t.Errorf("%s: status %d, %s", path, a.Status, a.Header.Get("Content-Type"))
			}
		}
	})
	t.Run("guessing is answered for 60 numbers an hour", func(t *testing.T) {
		const seed = 20250623
		rnd := rand.New(rand.NewPCG(seed, 0))
		refused := 0
		for range 80 {
			path := "/v1/applications/5" + strings.Repeat("0", 3) + string(rune('A'+rnd.IntN(26))) + string(rune('A'+rnd.IntN(26))) + string(rune('A'+rnd.IntN(26)))
			a := s.Send(harness.Request{Method: "GET", Path: path, Client: "203.0.113.9"})
			if a.Status == http.StatusTooManyRequests {
				refused++
				wantProblem(t, a, 429, "too-many-requests")
				if a.Header.Get("Retry-After") == "" || a.Header.Get("RateLimit") == "" || a.Header.Get("RateLimit-Policy") == "" {
					t.Fatalf("a client needs Retry-After, RateLimit and RateLimit-Policy; it got %v", a.Header)
				}
			}
		}
		if refused < 15 || refused > 20 {
			t.Errorf("of 80 guesses %d were refused, want about 20 (seed %d)", refused, seed)
		}
		if a := s.Send(harness.Request{Method: "GET", Path: "/v1/applications/50001234", Client: "203.0.113.10"}); a.Status != 404 {
			t.Errorf("another client gets %d, want 404", a.Status)
		}
	})
}

// unchanged checks that an application is answered to the byte, tag included
// (it holds the revision), as it was before.
func unchanged(t *testing.T, s *harness.Service, before harness.Answer) {
	t.Helper()
	after := s.Get("/v1/applications/20417733")
	if after.Header.Get("ETag") != before.Header.Get("ETag") || string(after.Body) != string(before.Body) {
		t.Errorf("bad input changed something: %s\n%s\nwas %s\n%s", after.Header.Get("ETag"), after.Body, before.Header.Get("ETag"), before.Body)
	}
	var n int
	if err := s.Open().QueryRow(`SELECT count(*) FROM applications`).Scan(&n); err != nil || n != 1 {
		t.Errorf("there are %d applications (%v), want 1", n, err)
	}
}
