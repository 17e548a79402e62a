package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kabarchy/app/apptest"
	"kabarchy/visa"
)

// counts are the counters of a summary: applied, duplicate, stale, conflict, rejected.
func counts(t testing.TB, m map[string]any) string {
	t.Helper()
	return fmt.Sprint(m["applied"], m["duplicate"], m["stale"], m["conflict"], m["rejected"])
}

// version is decided at another version and of another campaign.
func version(n int, campaign string) string {
	return strings.Replace(strings.Replace(decided, `"version":7`, fmt.Sprintf(`"version":%d`, n), 1), "legalization-2025", campaign, 1)
}

func TestOneUpdateIsAnsweredWithWhatBecameOfIt(t *testing.T) {
	s := newSite(t, nil)
	received := `{"reference":"20417744","version":%d,"updated_at":"2025-06-02T05:02:00Z","procedure":"%s","stage":"received"}`
	for _, step := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"a new one", fmt.Sprintf(received, 3, "visa"), 200, "1 0 0 0 0"},
		{"the same again", fmt.Sprintf(received, 3, "visa"), 200, "0 1 0 0 0"},
		{"an older one", fmt.Sprintf(received, 2, "visa"), 200, "0 0 1 0 0"},
		{"the same version with other content", fmt.Sprintf(received, 3, "exit_visa"), 409, "0 0 0 1 0"},
		{"one that contradicts itself", `{"reference":"20417744","version":4,"procedure":"visa","stage":"received","outcome":"approved"}`, 422, "0 0 0 0 1"},
		{"a newer one", fmt.Sprintf(received, 4, "visa"), 200, "1 0 0 0 0"},
	} {
		t.Run(step.name, func(t *testing.T) {
			a := s.update(step.body)
			if a.status != step.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, step.status)
			}
			m := a.json(t)
			if got := counts(t, m); got != step.want || m["truncated"] != false {
				t.Errorf("counts %s, want %s", got, step.want)
			}
			results := m["results"].([]any)
			listed := step.want != "1 0 0 0 0" && step.want != "0 1 0 0 0"
			if (len(results) == 1) != listed {
				t.Fatalf("results %v", results)
			}
			if listed {
				r := results[0].(map[string]any)
				if r["line"] != 1.0 || r["reference"] != "20417744" || r["problem"] == "" {
					t.Errorf("%v", r)
				}
			}
			if step.status >= 400 {
				wantProblem(t, a, step.status, map[int]string{409: "conflict", 422: "invalid-update"}[step.status])
			}
		})
	}
}

func TestTheAnswerToAnUpdateIsThatOfTheDesign(t *testing.T) {
	s := newSite(t, nil)
	if a := s.update(decided); a.body != `{"applied":1,"duplicate":0,"stale":0,"conflict":0,"rejected":0,"results":[],"truncated":false}` {
		t.Errorf("%s", a.body)
	}
	if a := s.update(version(6, "another")); a.body != `{"applied":0,"duplicate":0,"stale":1,"conflict":0,"rejected":0,"results":[{"line":1,"reference":"20417733","result":"stale",`+
		`"problem":"version 6 is older than the one that is known; nothing was changed"}],"truncated":false}` {
		t.Errorf("%s", a.body)
	}
}

func TestBodiesOfUpdatesThatAreNotUnderstoodChangeNothing(t *testing.T) {
	s := newSite(t, nil)
	type post struct{ media, body, query, encoding string }
	for _, tt := range []struct {
		name   string
		in     post
		status int
		kind   string
	}{
		{"empty", post{"application/json", "", "", ""}, 400, "malformed-body"},
		{"blank", post{"application/json", " \n ", "", ""}, 400, "malformed-body"},
		{"cut short", post{"application/json", decided[:50], "", ""}, 400, "malformed-body"},
		{"an array", post{"application/json", "[" + decided + "]", "", ""}, 400, "malformed-body"},
		{"two objects", post{"application/json", decided + decided, "", ""}, 400, "malformed-body"},
		{"not UTF-8", post{"application/json", `{"reference":"` + "\xff" + `"}`, "", ""}, 400, "malformed-body"},
		{"UTF-16", post{"application/json", "\xff\xfe{\x00}\x00", "", ""}, 400, "malformed-body"},
		{"an unknown field", post{"application/json", strings.Replace(decided, "campaign", "name", 1), "", ""}, 422, "invalid-update"},
		{"a number as reference", post{"application/json", strings.Replace(decided, `"20417733"`, `20417733`, 1), "", ""}, 422, "invalid-update"},
		{"a day that does not exist", post{"application/json", strings.Replace(decided, "2025-07-05", "2025-02-30", 1), "", ""}, 422, "invalid-update"},
		{"a version out of range", post{"application/json", strings.Replace(decided, `"version":7`, `"version":9223372036854775808`, 1), "", ""}, 422, "invalid-update"},
		{"too large", post{"application/json", `{"reference":"` + strings.Repeat(" ", 65<<10) + `"}`, "", ""}, 413, "too-large"},
		{"another type", post{"text/csv", decided, "", ""}, 415, "unsupported-media-type"},
		{"no type", post{"", decided, "", ""}, 415, "unsupported-media-type"},
		{"another charset", post{"application/json; charset=windows-1251", decided, "", ""}, 415, "unsupported-media-type"},
		{"compressed", post{"application/json", decided, "", "gzip"}, 415, "unsupported-media-type"},
		{"an update as a feed", post{"application/json", decided, "?complete=true", ""}, 400, "invalid-parameter"},
		{"an empty feed", post{"application/x-ndjson", "", "", ""}, 400, "malformed-body"},
		{"a feed of blank lines", post{"application/x-ndjson", "\n \n\r\n", "", ""}, 400, "malformed-body"},
		{"a feed in UTF-16", post{"application/x-ndjson", "\xff\xfe{\x00", "", ""}, 400, "malformed-body"},
		{"complete neither true nor false", post{"application/x-ndjson", decided, "?complete=yes", ""}, 400, "invalid-parameter"},
		{"a parameter that a feed does not have", post{"application/x-ndjson", decided, "?completed=false", ""}, 400, "invalid-parameter"},
		{"as_of that is no time", post{"application/x-ndjson", decided, "?as_of=yesterday", ""}, 400, "invalid-parameter"},
		{"as_of in the future", post{"application/x-ndjson", decided, "?as_of=2025-06-24T10:00:00Z", ""}, 400, "invalid-parameter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Authorization", "Bearer " + updatesKey}
			if tt.in.media != "" {
				headers = append(headers, "Content-Type", tt.in.media)
			}
			if tt.in.encoding != "" {
				headers = append(headers, "Content-Encoding", tt.in.encoding)
			}
			wantProblem(t, s.do("POST", "/v1/updates"+tt.in.query, tt.in.body, headers...), tt.status, tt.kind)
		})
	}
	if s.store.Records.Load() != 0 || len(s.store.Feeds()) != 0 {
		t.Errorf("%d batches recorded, feeds %v; want none", s.store.Records.Load(), s.store.Feeds())
	}
}

func TestKeysAreNeededToUpdate(t *testing.T) {
	s := newSite(t, nil)
	post := func(authorization string) answer {
		return s.do("POST", "/v1/updates", decided, "Authorization", authorization, "Content-Type", "application/json")
	}
	for _, tt := range []struct {
		name, authorization string
		status              int
		kind, challenge     string
	}{
		{"none", "", 401, "unauthenticated", "Bearer"},
		{"another scheme", "Basic cmVnaXN0ZXI6eA==", 401, "unauthenticated", "Bearer"},
		{"an empty one", "Bearer ", 401, "unauthenticated", "Bearer"},
		{"one never made", "Bearer nobody's", 401, "unauthenticated", `Bearer error="invalid_token"`},
		{"one of another scope", "Bearer " + lookupsKey, 403, "missing-scope", `Bearer error="insufficient_scope", scope="updates"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := post(tt.authorization)
			wantProblem(t, a, tt.status, tt.kind)
			if got := a.header.Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("WWW-Authenticate: %s, want %s", got, tt.challenge)
			}
			if strings.Contains(a.body+s.log.String(), "nobody's") {
				t.Error("the key was repeated")
			}
		})
	}
	if a := post("bearer  " + updatesKey); a.status != 200 {
		t.Errorf("the scheme in small letters: %d", a.status)
	}
}

func TestEachLineOfAFeedFaresByItself(t *testing.T) {
	s := newSite(t, nil)
	long := `{"reference":"20417799","version":1,"reason":"` + strings.Repeat("x", 70<<10) + `"}`
	a := s.feed("", strings.Join([]string{
		"\ufeff" + decided,
		"",
		"not JSON",
		"  ",
		version(7, "another"),
		version(6, "another"),
		decided + "\r",
		long,
		`{"reference":"20417744","version":1,"procedure":"visa","stage":"nowhere"}`,
		`{"reference":"12","version":1}`,
		`{"reference":"20417755","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`,
	}, "\n"))
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	m := a.json(t)
	if got := counts(t, m); got != "2 1 1 1 4" {
		t.Errorf("counts %s", got)
	}
	type listed struct {
		line              float64
		reference, result any
	}
	want := []listed{{3, nil, "rejected"}, {5, "20417733", "conflict"}, {6, "20417733", "stale"}, {8, nil, "rejected"}, {9, "20417744", "rejected"}, {10, nil, "rejected"}}
	results := m["results"].([]any)
	if len(results) != len(want) {
		t.Fatalf("%v", results)
	}
	for i, w := range want {
		r := results[i].(map[string]any)
		if got := (listed{r["line"].(float64), r["reference"], r["result"]}); got != w || r["problem"] == "" {
			t.Errorf("result %d: %v, want %v", i, r, w)
		}
	}
}

func TestAFeedReadToItsEndMovesRegisterAsOf(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct {
		name, query, body string
		want              visa.Feed
	}{
		{"as it is", "", decided, visa.Feed{AsOf: noon, Complete: true}},
		{"that changes nothing", "", decided, visa.Feed{AsOf: noon, Complete: true}},
		{"of an earlier time", "?as_of=2025-06-22T20:05:00%2B06:00", decided, visa.Feed{AsOf: noon.Add(-15*60*60e9 - 55*60e9), Complete: true}},
		{"of a time whose plus was not encoded", "?as_of=2025-06-22T20:05:00+06:00", decided, visa.Feed{AsOf: noon.Add(-15*60*60e9 - 55*60e9), Complete: true}},
		{"that is not complete", "?complete=false", decided, visa.Feed{AsOf: noon}},
		{"of which nothing was understood", "", "no\nno", visa.Feed{AsOf: noon}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.store.Feeds())
			if a := s.feed(tt.query, tt.body); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			feeds := s.store.Feeds()[before:]
			if len(feeds) != 1 {
				t.Fatalf("%v", feeds)
			}
			got := feeds[0]
			if got.Source != "api" || got.Origin != "register" || !got.AsOf.Equal(tt.want.AsOf) || got.Complete != tt.want.Complete {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if a := s.update(decided); a.status != 200 || len(s.store.Feeds()) != 6 {
		t.Error("a single update counted as a feed")
	}
}

func TestOnlyTheFirstThousandResultsAreListed(t *testing.T) {
	for _, n := range []int{999, 1000, 1001, 5000} {
		s := newSite(t, nil)
		m := s.feed("", strings.Repeat("broken\n", n)).json(t)
		results := m["results"].([]any)
		if len(results) != min(n, 1000) || m["truncated"] != (n > 1000) || m["rejected"] != float64(n) {
			t.Errorf("%d broken lines: %d listed, truncated %v, rejected %v", n, len(results), m["truncated"], m["rejected"])
		}
		for i, r := range results {
			if r.(map[string]any)["line"] != float64(i+1) {
				t.Fatalf("result %d is of line %v", i, r.(map[string]any)["line"])
			}
		}
	}
}

func TestResultsStandInTheOrderOfLinesAcrossBatches(t *testing.T) {
	s := newSite(t, nil)
	var b strings.Builder
	for i := range 1500 {
		if i%3 == 0 {
			fmt.Fprintf(&b, "broken\n")
		} else {
			fmt.Fprintf(&b, `{"reference":"3%07d","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`+"\n", i)
		}
	}
	s.feed("", b.String())
	again := strings.ReplaceAll(b.String(), `"procedure":"visa"`, `"procedure":"exit_visa"`)
	m := s.feed("", again).json(t)
	if got := counts(t, m); got != "0 0 0 1000 500" {
		t.Errorf("counts %s", got)
	}
	for i, r := range m["results"].([]any) {
		if r.(map[string]any)["line"] != float64(i+1) {
			t.Fatalf("result %d is of line %v", i, r.(map[string]any)["line"])
		}
	}
}

func TestAStoreThatGoesAwayMidwayKeepsWhatItRecorded(t *testing.T) {
	var mu sync.Mutex
	records, fault := 0, error(nil)
	s := newSite(t, nil)
	s.store.Before(func(_ context.Context, operation string) error {
		mu.Lock()
		defer mu.Unlock()
		if operation != "Record" || fault == nil {
			return nil
		}
		if records++; records > 3 {
			return fault
		}
		return nil
	})
	for i, tt := range []struct {
		fault  error
		status int
		kind   string
	}{{fmt.Errorf("disk: %w", visa.ErrUnavailable), 503, "unavailable"}, {errors.New("secret detail"), 500, "internal-error"}} {
		mu.Lock()
		records, fault = 0, tt.fault
		mu.Unlock()
		var b strings.Builder
		for n := range 10_000 {
			fmt.Fprintf(&b, `{"reference":"%d%07d","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`+"\n", i+3, n)
		}
		a := s.feed("", b.String())
		p := wantProblem(t, a, tt.status, tt.kind)
		if got := counts(t, p); got != "1500 0 0 0 0" || strings.Contains(a.body, "secret detail") {
			t.Errorf("%s", a.body)
		}
	}
	if len(s.store.Feeds()) != 0 {
		t.Errorf("feeds %v; want none", s.store.Feeds())
	}
	s.store.Before(nil)
	if a := s.get("/v1/applications/30000000"); a.status != 200 {
		t.Errorf("what was recorded is gone: %d", a.status)
	}
}

func TestASingleUpdateWhileTheStoreIsAway(t *testing.T) {
	s := newSite(t, nil)
	s.get("/v1/applications/20417733")
	s.update(decided) // the key is known now
	s.store.Before(apptest.Away)
	a := s.update(version(8, "another"))
	wantProblem(t, a, 503, "unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
}

func TestAReasonThatIsNoCodeIsCounted(t *testing.T) {
	s := newSite(t, nil)
	s.update(strings.Replace(decided, `"stage"`, `"reason":"Ask in room 5","stage"`, 1))
	if a := s.get("/v1/applications/20417733"); !strings.Contains(a.body, `"reason":null`) {
		t.Errorf("%s", a.body)
	}
	if got := s.metric("kabarchy_reasons_dropped_total"); got != "1" {
		t.Errorf("kabarchy_reasons_dropped_total %s", got)
	}
}
