package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/app/apptest"
	"kabarchy/visa"
)

const decidedJSON = `{"reference":"20417733","procedure":"exit_visa","campaign":"legalization-2025","stage":"decided","outcome":"approved","reason":null,` +
	`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},` +
	`"deadlines":[{"kind":"leave_by","date":"2025-07-05","days_left":12,"calculated":false}],` +
	`"submitted_on":"2025-06-02","updated_at":"2025-06-20T09:15:00+06:00","register_as_of":"2025-06-20T09:15:00+06:00","version":7,` +
	`"history":[{"stage":"decided","outcome":"approved","at":"2025-06-20T09:15:00+06:00"}]}`

func TestALookUpAnswersWithTheApplication(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	for name, a := range map[string]answer{
		"GET":  s.get("/v1/applications/20417733"),
		"POST": s.lookup(`{"reference":"2041 7733"}`),
	} {
		if a.status != 200 || a.body != decidedJSON || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestEverySpellingInAPathFindsTheApplication(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	for _, path := range []string{
		"20417733", "2041-7733", "2041%207733", "2041%2F7733", "2041%2f7733", "2041/7733", "/20417733", "20417733/", "2041%E2%80%8B7733",
		"%EF%BC%92041%D9%A7733", "%32%30417733", "№20417733", "%E2%84%9620417733", "(2041)7733", "2041.7733", "..20417733", "2041//7733", "./20417733",
	} {
		if a := s.get("/v1/applications/" + path); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestTenThousandSpellingsOfOneReferenceFindIt(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits.Rate = 0; o.http.LogEvery = 1 << 30 })
	if a := s.update(`{"reference":"0B41EX33","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`); a.status != 200 {
		t.Fatal(a.body)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	forms := map[rune][]rune{
		'0': []rune("0٠۰०০０"), '4': []rune("4٤۴४৪４"), '1': []rune("1١۱१১１"), '3': []rune("3٣۳३৩３"),
		'B': []rune("BbВвＢ"), 'E': []rune("EeЕеＥ"), 'X': []rune("XxХхＸ"),
	}
	ornaments := []string{"", "", "", " ", "-", "–", ".", "/", "(", ")", "№", "#", "\u200b", "\u00a0", "\ufeff", "\u2060", "[", "]"}
	spell := func() string {
		var b strings.Builder
		for _, r := range "0B41EX33" {
			b.WriteString(ornaments[rnd.IntN(len(ornaments))])
			b.WriteRune(forms[r][rnd.IntN(len(forms[r]))])
		}
		b.WriteString(ornaments[rnd.IntN(len(ornaments))])
		return b.String()
	}
	for i := range 10_000 {
		spelling := spell()
		var a answer
		if i%2 == 0 {
			a = s.get("/v1/applications/" + url.PathEscape(spelling))
		} else {
			a = s.lookup(fmt.Sprintf(`{"reference":%q}`, spelling))
		}
		if a.status != 200 || !strings.HasPrefix(a.body, `{"reference":"0B41EX33"`) {
			t.Fatalf("spelling %+q: %d %s", spelling, a.status, a.body)
		}
	}
}

func TestMalformedReferencesAreRefusedWithWhatWouldBeRight(t *testing.T) {
	s := newSite(t, nil)
	for name, path := range map[string]string{
		"empty": "", "too short": "123", "too long": strings.Repeat("1", 25), "a character": "2041%217733", "broken escape": "2041%zz",
		"broken UTF-8": "20417733%ff", "a zero byte": "20417733%00", "a line break": "20417733%0d%0aX-Injected:%20yes", "far too long": strings.Repeat("-", 3000),
		"an escape of an escape": "%2532%30417733",
	} {
		t.Run(name, func(t *testing.T) {
			a := s.raw("GET /v1/applications/" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			p := wantProblem(t, a, 400, "malformed-reference")
			if a.header.Get("X-Injected") != "" || strings.Contains(p["detail"].(string), "\n") {
				t.Errorf("%v %v", a.header, p)
			}
		})
	}
	if n := s.store.Reads.Load(); n != 0 {
		t.Errorf("the store was read %d times for what is no reference", n)
	}
}

func TestAnUnknownReferenceSaysWhenTheRegisterWasRead(t *testing.T) {
	s := newSite(t, nil)
	if p := wantProblem(t, s.get("/v1/applications/99999999"), 404, "unknown-reference"); p["register_as_of"] != nil {
		t.Errorf("%v though there was no feed", p)
	}
	if a := s.feed("?as_of=2025-06-23T10:05:00%2B06:00", decided); a.status != 200 {
		t.Fatal(a.body)
	}
	if p := wantProblem(t, s.get("/v1/applications/99999999"), 404, "unknown-reference"); p["register_as_of"] != "2025-06-23T10:05:00+06:00" {
		t.Errorf("%v", p)
	}
}

func TestRevalidation(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	first := s.get("/v1/applications/20417733")
	tag := first.header.Get("ETag")
	for _, tt := range []struct {
		name   string
		fields []string
		status int
	}{
		{"the tag", []string{tag}, 304},
		{"the tag as a weak one", []string{"W/" + tag}, 304},
		{"any", []string{"*"}, 304},
		{"a list that holds it", []string{`"a", W/"b",` + tag + `, "c"`}, 304},
		{"two fields, the second holds it", []string{`"a"`, tag}, 304},
		{"another tag", []string{`"a"`}, 200},
		{"a tag that holds a comma and is another", []string{`"a,` + strings.Trim(tag, `"`) + `"`}, 200},
		{"without its quotation marks", []string{strings.Trim(tag, `"`)}, 200},
		{"never closed", []string{`"` + strings.Trim(tag, `"`)}, 200},
		{"nothing", []string{""}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(tt.name+", "+method, func(t *testing.T) {
				var headers []string
				for _, f := range tt.fields {
					headers = append(headers, "If-None-Match", f)
				}
				a := s.do(method, "/v1/applications/20417733", "", headers...)
				if a.status != tt.status || a.header.Get("ETag") != tag || a.header.Get("Cache-Control") != "private, no-cache" {
					t.Errorf("%d %v", a.status, a.header)
				}
				if (a.body != "") != (a.status == 200 && method == "GET") {
					t.Errorf("body %q of %s with %d", a.body, method, a.status)
				}
			})
		}
	}
	s.clock.add(24 * time.Hour)
	if a := s.get("/v1/applications/20417733", "If-None-Match", tag); a.status != 200 || !strings.Contains(a.body, `"days_left":11`) {
		t.Errorf("on the next day: %d %s", a.status, a.body)
	}
}

func TestHEADAnswersAsGETWithoutTheBody(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	for _, path := range []string{"/v1/applications/20417733", "/v1/applications/99999999", "/v1/vocabulary", "/openapi.yaml", "/", "/help", "/status/20417733"} {
		get, head := s.get(path, "Accept-Encoding", "identity"), s.do("HEAD", path, "", "Accept-Encoding", "identity")
		if head.status != get.status || head.body != "" {
			t.Errorf("HEAD %s: %d %q; GET: %d", path, head.status, head.body, get.status)
		}
		for _, h := range []string{"Content-Type", "ETag", "Cache-Control", "Content-Security-Policy"} {
			if head.header.Get(h) != get.header.Get(h) {
				t.Errorf("HEAD %s: %s is %q, with GET %q", path, h, head.header.Get(h), get.header.Get(h))
			}
		}
	}
}

func TestManyReferencesAtOnceNeedAKey(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	body := `{"references":["20417733","99999999","12"]}`
	if a := s.lookup(body); a.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%v", a.header)
	} else {
		wantProblem(t, a, 401, "unauthenticated")
	}
	wantProblem(t, s.lookup(body, "Authorization", "Bearer "+updatesKey), 403, "missing-scope")
	a := s.lookup(body, "Authorization", "Bearer "+lookupsKey)
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	results := a.json(t)["results"].([]any)
	if len(results) != 3 {
		t.Fatalf("%s", a.body)
	}
	for i, want := range []any{nil, "/problems/unknown-reference", "/problems/malformed-reference"} {
		if got := results[i].(map[string]any)["type"]; got != want {
			t.Errorf("result %d is of type %v, want %v", i, got, want)
		}
	}
	if results[0].(map[string]any)["reference"] != "20417733" {
		t.Errorf("%v", results[0])
	}
}

func TestBodiesOfLookUpsThatAreNotUnderstood(t *testing.T) {
	s := newSite(t, nil)
	many := `["` + strings.Repeat(`20417733","`, 100) + `20417733"]`
	for _, tt := range []struct {
		name, body string
		status     int
		kind       string
	}{
		{"empty", "", 400, "malformed-body"},
		{"not JSON", "reference=20417733", 400, "malformed-body"},
		{"an array", `["20417733"]`, 400, "malformed-body"},
		{"two objects", `{"reference":"20417733"}{}`, 400, "malformed-body"},
		{"cut short", `{"reference":"204`, 400, "malformed-body"},
		{"nothing in it", `{}`, 422, "invalid-fields"},
		{"a number", `{"reference":20417733}`, 422, "invalid-fields"},
		{"an unknown field", `{"reference":"20417733","name":"x"}`, 422, "invalid-fields"},
		{"both forms", `{"reference":"20417733","references":["20417733"]}`, 422, "invalid-fields"},
		{"no references", `{"references":[]}`, 422, "invalid-fields"},
		{"101 references", `{"references":` + many + `}`, 422, "invalid-fields"},
		{"proofs that do not fit", `{"references":["20417733"],"proofs":["a","b"]}`, 422, "invalid-fields"},
		{"a malformed reference", `{"reference":"12"}`, 400, "malformed-reference"},
		{"far too large", `{"reference":"` + strings.Repeat(" ", 300<<10) + `"}`, 413, "too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) { wantProblem(t, s.lookup(tt.body), tt.status, tt.kind) })
	}
	a := s.do("POST", "/v1/lookups", `{"reference":"20417733"}`, "Content-Type", "text/plain")
	wantProblem(t, a, 415, "unsupported-media-type")
	if a.header.Get("Accept-Post") != "application/json" {
		t.Errorf("%v", a.header)
	}
}

func TestUnderProofEveryRefusalIsOneAnswer(t *testing.T) {
	s := newSite(t, func(o *setup) { o.app.ProofRequired = true; o.app.ProofTime = time.Millisecond })
	line := `{"reference":"%s","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"%s}`
	s.update(fmt.Sprintf(line, "20417733", `,"proof":"A1B2"`))
	s.update(fmt.Sprintf(line, "20417744", ""))
	var want answer
	for i, body := range []string{
		`{"reference":"99999999","proof":"A1B2"}`, `{"reference":"99999998"}`, `{"reference":"20417733","proof":"ZZZZ"}`,
		`{"reference":"20417733"}`, `{"reference":"20417744","proof":"A1B2"}`, `{"reference":"20417744"}`,
	} {
		a := s.lookup(body)
		p := wantProblem(t, a, 404, "unknown-reference")
		a.body = strings.Replace(a.body, p["request_id"].(string), "", 1)
		a.header.Del("Date")
		if i == 0 {
			want = a
		} else if a.body != want.body || fmt.Sprint(a.header) != fmt.Sprint(want.header) {
			t.Errorf("%s: %v %s; want %v %s", body, a.header, a.body, want.header, want.body)
		}
	}
	for _, path := range []string{"20417733", "99999999", "12"} {
		wantProblem(t, s.get("/v1/applications/"+path), 404, "unknown-reference")
	}
	if a := s.lookup(`{"reference":"20417733","proof":"A1B2"}`); a.status != 200 {
		t.Errorf("the right proof: %d %s", a.status, a.body)
	}
	a := s.lookup(`{"references":["20417733","20417733"],"proofs":["A1B2","ZZZZ"]}`, "Authorization", "Bearer "+lookupsKey)
	if a.status != 200 || strings.Count(a.body, `"stage"`) != 2 || strings.Count(a.body, "/problems/unknown-reference") != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhileTheStoreIsAway(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	s.get("/v1/applications/20417733")
	s.store.Before(apptest.Away)
	s.service.Apply(visa.Changes{Everything: true})
	if a := s.get("/v1/applications/20417733"); a.status != 200 || a.body != decidedJSON {
		t.Errorf("the last known answer: %d %s", a.status, a.body)
	}
	a := s.get("/v1/applications/99999999")
	wantProblem(t, a, 503, "unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if page := s.get("/status/20417733"); page.status != 200 || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", page.status, page.header)
	}
	if page := s.get("/status/99999999"); page.status != 503 || page.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", page.status, page.header)
	}
}

func TestLookUpsWhileUpdatesArriveNeverGoBack(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits.Rate = 0; o.http.LogEvery = 1 << 30 })
	line := `{"reference":"20417733","version":%d,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`
	s.update(fmt.Sprintf(line, 1))
	var mu sync.Mutex
	acknowledged, stop := 1, make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				floor := acknowledged
				mu.Unlock()
				a := s.get("/v1/applications/20417733")
				if v := a.json(t)["version"]; a.status != 200 || int(v.(float64)) < floor {
					t.Errorf("%d %s after version %d was acknowledged", a.status, a.body, floor)
					return
				}
			}
		})
	}
	for v := 2; v <= 150; v++ {
		if a := s.update(fmt.Sprintf(line, v)); a.status != 200 {
			t.Fatal(a.body)
		}
		mu.Lock()
		acknowledged = v
		mu.Unlock()
	}
	close(stop)
	wg.Wait()
}
