package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/app/httpapi"
)

func TestAPanicIsABare500AndALineInTheLog(t *testing.T) {
	s := newSite(t, func(o *setup) {
		o.http.Webhook = func(context.Context, string, []byte) error { panic("canary-secret") }
	})
	s.store.Before(func(_ context.Context, operation string) error {
		if operation == "Application" {
			var none []int
			return errors.New(string(rune(none[len(operation)])))
		}
		if operation == "Record" {
			panic("canary-secret")
		}
		return nil
	})
	json := []string{"Content-Type", "application/json"}
	for _, a := range []answer{
		s.get("/v1/applications/20417733"), s.get("/status/20417733"), s.update(decided), s.feed("", decided),
		s.do("POST", "/telegram/webhook", `{"canary-secret":1}`, json...), s.lookup(`{"reference":"20417733"}`),
	} {
		if a.status != 500 || strings.Contains(a.body, "canary") || strings.Contains(a.body, "index out of range") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	a := s.lookup(`{"references":["20417733"]}`, "Authorization", "Bearer "+lookupsKey)
	if a.status != 200 || !strings.Contains(a.body, "/problems/internal-error") {
		t.Errorf("%d %s", a.status, a.body)
	}
	log := s.log.String()
	if strings.Contains(log, "canary") || strings.Contains(log, "20417733") {
		t.Errorf("the log repeats what was sent: %s", log)
	}
	if !strings.Contains(log, "index out of range") || !strings.Contains(log, "stack") {
		t.Errorf("the log does not say where: %s", log)
	}
	s.store.Before(nil)
	if a := s.get("/v1/applications/99999999"); a.status != 404 {
		t.Errorf("the server did not go on: %d", a.status)
	}
}

func TestTheAccessLogHoldsNoReferenceAndNoAddress(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	s.get("/v1/applications/20417733", from("198.51.100.77")...)
	s.get("/v1/applications/2041-7733?canary=1")
	s.get("/status/20417733")
	s.lookup(`{"reference":"2041 7733"}`)
	s.get("/canary-path")
	s.form(map[string][]string{"reference": {"20417733"}})
	s.feed("", decided)
	log := s.log.String()
	for _, bad := range []string{"20417733", "2041-7733", "2041 7733", "canary", "198.51.100.77", updatesKey} {
		if strings.Contains(log, bad) {
			t.Errorf("the log holds %s: %s", bad, log)
		}
	}
	for _, good := range []string{`"route":"/v1/applications/*"`, `"reference":"2041••••"`, `"route":"unrouted"`, `"status":404`} {
		if !strings.Contains(log, good) {
			t.Errorf("the log lacks %s: %s", good, log)
		}
	}
}

func TestTheAccessLogIsSampledButForFaults(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.LogEvery = 50 })
	s.decide()
	for range 99 {
		s.get("/v1/applications/20417733")
	}
	if n := strings.Count(s.log.String(), `"msg":"request"`); n != 2 {
		t.Errorf("%d of 100 requests logged, want 2", n)
	}
	s.store.Before(apptest.Away)
	s.get("/v1/applications/99999999")
	if !strings.Contains(s.log.String(), `"status":503`) {
		t.Error("a fault was not logged")
	}
}

func TestMetricsHaveLabelsOfSmallSetsOnly(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	for _, path := range []string{"/v1/applications/20417733", "/v1/applications/99999999", "/a", "/b?c", "/v1/x", "/status/12"} {
		s.get(path)
		s.do("PURGE", path, "")
	}
	s.feed("", decided+"\nbroken")
	w := httptest.NewRecorder()
	s.server.Admin().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`kabarchy_http_requests_total{class="2xx",method="GET",route="/v1/applications/*"} 1`,
		`kabarchy_http_requests_total{class="4xx",method="GET",route="/v1/applications/*"} 1`,
		`kabarchy_updates_total{result="applied"} 1`, `kabarchy_updates_total{result="duplicate"} 1`, `kabarchy_updates_total{result="rejected"} 1`,
		`kabarchy_cache_lookups_total{from="store"}`, `kabarchy_http_request_seconds_count{route="/v1/updates"} 2`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if bad := regexp.MustCompile(`"[^"]*(20417733|99999999|PURGE|/a|/v1/x)"`).FindString(text); bad != "" {
		t.Errorf("a label holds %s", bad)
	}
}

func TestProbes(t *testing.T) {
	store := &apptest.Store{}
	service := app.New(app.Options{Store: store, Zone: bishkek})
	defer service.Close()
	s := httpapi.New(httpapi.Options{Service: service})
	probe := func(path string) int {
		w := httptest.NewRecorder()
		s.Admin().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	if probe("/livez") != 200 || probe("/readyz") != 503 {
		t.Errorf("while starting: livez %d, readyz %d", probe("/livez"), probe("/readyz"))
	}
	public, admin := listener(t), listener(t)
	done := make(chan error, 1)
	go func() { done <- s.Serve(public, admin) }()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + admin.Addr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("while serving: %d", res.StatusCode)
	}
	store.Before(apptest.Away)
	if probe("/readyz") != 200 {
		t.Error("a dependency that is away must not take the service out of rotation")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if probe("/livez") != 200 || probe("/readyz") != 503 {
		t.Error("it counts as ready after its end")
	}
	again := listener(t)
	if err := s.Serve(again, nil); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
	if _, err := again.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error("the listener was left open")
	}
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	service := app.New(app.Options{Store: &apptest.Store{}, Zone: bishkek})
	defer service.Close()
	s := httpapi.New(httpapi.Options{Service: service})
	admin := listener(t)
	_ = admin.Close()
	if err := s.Serve(listener(t), admin); err == nil || !strings.Contains(err.Error(), "httpapi: serve") {
		t.Errorf("%v", err)
	}
}

func TestRequestsUnderWayEndBeforeTheServerDoes(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	store := &apptest.Store{}
	service := app.New(app.Options{Store: store, Zone: bishkek})
	defer service.Close()
	s := httpapi.New(httpapi.Options{Service: service, Limits: httpapi.Limits{Misses: 60}})
	store.Before(func(_ context.Context, operation string) error {
		if operation == "Application" {
			close(entered)
			<-release
		}
		return nil
	})
	public := listener(t)
	done, answered := make(chan error, 1), make(chan int, 1)
	go func() { done <- s.Serve(public, nil) }()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		res, err := client.Get("http://" + public.Addr().String() + "/v1/applications/20417733")
		if err != nil {
			answered <- 0
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	close(release)
	if status := <-answered; status != 404 {
		t.Errorf("a request under way got %d", status)
	}
	if err := errors.Join(<-stopped, <-done); err != nil {
		t.Error(err)
	}
}
