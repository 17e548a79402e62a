package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/app/httpapi"
)

func from(address string) []string { return []string{"X-Forwarded-For", address} }

// wantRetry checks the fields of a 429 and returns how long to wait.
func wantRetry(t testing.TB, a answer) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != 429 || err != nil || n < 1 || a.header.Get("RateLimit") == "" || a.header.Get("RateLimit-Policy") == "" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	return time.Duration(n) * time.Second
}

func TestAClientOverItsRateWaitsAsLongAsItIsTold(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 60, Burst: 3, Misses: 60} })
	s.decide()
	for range 3 {
		if a := s.get("/v1/applications/20417733", from("198.51.100.1")...); a.status != 200 {
			t.Fatal(a.status)
		}
	}
	a := s.get("/v1/applications/20417733", from("198.51.100.1")...)
	wantProblem(t, a, 429, "too-many-requests")
	if a := s.get("/v1/applications/20417733", from("198.51.100.2")...); a.status != 200 {
		t.Errorf("another client: %d", a.status)
	}
	page := s.get("/status/20417733", from("198.51.100.1")...)
	if wantRetry(t, page); !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("%v", page.header)
	}
	s.clock.add(wantRetry(t, a))
	if a := s.get("/v1/applications/20417733", from("198.51.100.1")...); a.status != 200 {
		t.Errorf("after the wait it was told: %d", a.status)
	}
	if got := s.metric(`kabarchy_http_refused_total{limit="rate"}`); got != "2" {
		t.Errorf("%s refusals counted", got)
	}
}

func TestAClientOverItsBudgetLearnsNothingNew(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 0, Misses: 5} })
	s.decide()
	s.update(strings.Replace(decided, "20417733", "20417744", 1))
	me := from("198.51.100.1")
	if a := s.get("/v1/applications/20417733", me...); a.status != 200 {
		t.Fatal(a.status)
	}
	for i := range 5 {
		for range 3 { // typed again, it is the same one
			if a := s.get(fmt.Sprintf("/v1/applications/9999990%d", i), me...); a.status != 404 {
				t.Fatalf("miss %d: %d", i, a.status)
			}
		}
	}
	unknown, known := s.get("/v1/applications/99999988", me...), s.get("/v1/applications/20417744", me...)
	wantProblem(t, unknown, 429, "too-many-requests")
	wantProblem(t, known, 429, "too-many-requests")
	if unknown.header.Get("Retry-After") != known.header.Get("Retry-After") || unknown.header.Get("RateLimit") != known.header.Get("RateLimit") {
		t.Errorf("%v and %v tell known from unknown", unknown.header, known.header)
	}
	reads := s.store.Reads.Load()
	if a := s.lookup(`{"reference":"20417744"}`, me...); a.status != 429 || s.store.Reads.Load() != reads {
		t.Errorf("%d; it must be decided before the look-up", a.status)
	}
	for name, path := range map[string]string{"shown before": "/v1/applications/20417733", "shown before, as a page": "/status/20417733"} {
		if a := s.get(path, me...); a.status != 200 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := s.get("/v1/applications/99999904", me...); a.status != 404 {
		t.Errorf("paid for: %d", a.status)
	}
	if a := s.get("/v1/applications/20417744", from("198.51.100.2")...); a.status != 200 {
		t.Errorf("another client: %d", a.status)
	}
	s.clock.add(wantRetry(t, unknown))
	if a := s.get("/v1/applications/20417744", me...); a.status != 200 {
		t.Errorf("after the wait it was told: %d", a.status)
	}
}

func TestManyRequestsAtOnceLearnNoMoreThanTheBudget(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 0, Misses: 10} })
	var mu sync.Mutex
	told := 0
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				a := s.get(fmt.Sprintf("/v1/applications/9%d%06d", w, i), from("2001:db8:1:2::"+strconv.Itoa(i+1))...)
				if a.status == 404 {
					mu.Lock()
					told++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if told != 10 {
		t.Errorf("%d unknown references were told to one network, want 10", told)
	}
}

func TestUnderProofEveryProofTriedCosts(t *testing.T) {
	s := newSite(t, func(o *setup) {
		o.app.ProofRequired, o.app.ProofTime = true, time.Millisecond
		o.http.Limits = httpapi.Limits{Rate: 0, Misses: 5}
	})
	s.update(strings.Replace(decided, `"stage"`, `"proof":"A1B2","stage"`, 1))
	for i := range 5 {
		if a := s.lookup(fmt.Sprintf(`{"reference":"20417733","proof":"%04d"}`, i)); a.status != 404 {
			t.Fatal(a.status)
		}
	}
	if a := s.lookup(`{"reference":"20417733","proof":"0005"}`); a.status != 429 {
		t.Errorf("the sixth proof of one reference: %d, want 429", a.status)
	}
	if a := s.lookup(`{"reference":"20417733","proof":"A1B2"}`, from("198.51.100.9")...); a.status != 200 {
		t.Errorf("its owner elsewhere: %d", a.status)
	}
}

func TestAKeyForManyHasARateOfItsOwn(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 60, Burst: 10, Misses: 1} })
	refs := make([]string, 10)
	for i := range refs {
		refs[i] = fmt.Sprintf(`"9999990%d"`, i)
	}
	body := `{"references":[` + strings.Join(refs, ",") + `]}`
	if a := s.lookup(body, "Authorization", "Bearer "+lookupsKey); a.status != 200 || strings.Count(a.body, "unknown-reference") != 10 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	wantRetry(t, s.lookup(body, "Authorization", "Bearer "+lookupsKey))
	if a := s.get("/v1/applications/99999900"); a.status != 404 {
		t.Errorf("the key's rate is not that of its address: %d", a.status)
	}
}

func TestKeysCannotBeTriedAtWill(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 60, Burst: 3, Misses: 1} })
	status := 0
	for i := range 4 {
		status = s.do("POST", "/v1/updates", decided, "Authorization", fmt.Sprintf("Bearer guess-%d", i), "Content-Type", "application/json").status
	}
	if status != 429 {
		t.Errorf("the fourth guess: %d, want 429", status)
	}
	if a := s.update(decided); a.status != 200 {
		t.Errorf("the true key from the same address: %d", a.status)
	}
}

func TestATrailerIsNoHeader(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 60, Burst: 1, Misses: 60} })
	status := 0
	for i := range 2 {
		conn := s.dial()
		_, err := io.WriteString(conn, "POST /v1/lookups HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\nContent-Type: application/json\r\nTrailer: X-Forwarded-For\r\n"+
			"Transfer-Encoding: chunked\r\n\r\n"+chunk(`{"reference":"99999999"}`)+fmt.Sprintf("0\r\nX-Forwarded-For: 203.0.113.%d\r\n\r\n", i+1))
		if err != nil {
			t.Fatal(err)
		}
		status = s.read(bufio.NewReader(conn)).status
		_ = conn.Close()
	}
	if status == 404 {
		t.Error("a client took another address by a trailer")
	}
}

func TestAnAddressThatIsForwardedByAStrangerIsCountedAndNotBelieved(t *testing.T) {
	s := newSite(t, func(o *setup) {
		o.http.TrustedProxies = nil
		o.http.Limits = httpapi.Limits{Rate: 60, Burst: 1, Misses: 60}
	})
	s.get("/v1/applications/99999999", from("198.51.100.1")...)
	if a := s.get("/v1/applications/99999999", from("198.51.100.2")...); a.status != 429 {
		t.Errorf("%d, want 429", a.status)
	}
	if got := s.metric("kabarchy_http_forwarded_untrusted_total"); got != "2" {
		t.Errorf("%s counted", got)
	}
}
