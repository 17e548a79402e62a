package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/app/httpapi"
	"kabarchy/app/web"
	"kabarchy/i18n"
	"kabarchy/visa"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's sweeper of idle workers ends up to 10 s after its server, its clock never.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

var bishkek = time.FixedZone("+06", 6*3600)

// noon is when the tests' service thinks it is, unless they say otherwise.
var noon = time.Date(2025, 6, 23, 12, 0, 0, 0, bishkek)

// Keys of the tests, by their scope.
const (
	updatesKey  = "key-for-updates"
	lookupsKey  = "key-for-lookups"
	auditKey    = "key-for-audits"
	announceKey = "key-for-announcements"
)

// A site is a server on a loopback listener, with a store in memory behind it.
type site struct {
	t       testing.TB
	store   *apptest.Store
	service *app.Service
	server  *httpapi.Server
	address string
	client  *http.Client
	log     *lockedBuffer
	clock   *testClock
}

type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A setup is what a test may change before its site is made.
type setup struct {
	app  app.Options
	http httpapi.Options
	web  web.Options
}

func newSite(t testing.TB, change func(*setup)) *site {
	t.Helper()
	s := &site{t: t, store: &apptest.Store{}, log: &lockedBuffer{}, clock: &testClock{t: noon}}
	o := setup{
		app: app.Options{Store: s.store, Links: s.store, Zone: bishkek, Now: s.clock.now, Reasons: i18n.DefaultReasons()},
		http: httpapi.Options{
			Limits: httpapi.Limits{Rate: 60_000, Burst: 1_000, Misses: 60}, Reasons: i18n.DefaultReasons(), Now: s.clock.now,
			LogEvery: 1, Log: slog.New(slog.NewJSONHandler(s.log, nil)), Registry: prometheus.NewRegistry(),
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Webhook:        func(context.Context, string, []byte) error { return nil },
			Audit:          &ledger{},
			Announcer:      newAnnouncer(s),
		},
		web: web.Options{Zone: bishkek, BotUsername: "kabarchy_bot"},
	}
	if change != nil {
		change(&o)
	}
	s.service = app.New(o.app)
	s.store.OnChange(s.service.Apply)
	o.web.AskProof = o.app.ProofRequired
	o.http.Service, o.http.Pages = s.service, web.New(i18n.Default(), i18n.DefaultReasons(), o.web)
	s.server = httpapi.New(o.http)
	s.store.MakeKey(updatesKey, visa.Key{ID: 1, Name: "register", Scopes: []visa.Scope{visa.ScopeUpdates}})
	s.store.MakeKey(lookupsKey, visa.Key{ID: 2, Name: "university", Scopes: []visa.Scope{visa.ScopeLookups}})
	s.store.MakeKey(auditKey, visa.Key{ID: 3, Name: "auditor", Scopes: []visa.Scope{visa.ScopeAudit}})
	s.store.MakeKey(announceKey, visa.Key{ID: 4, Name: "press office", Scopes: []visa.Scope{visa.ScopeAnnounce}})
	s.listen()
	return s
}

func (s *site) listen() {
	s.t.Helper()
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = public.Addr().String()
	s.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
	done := make(chan error, 1)
	go func() { done <- s.server.Serve(public, nil) }()
	s.t.Cleanup(func() {
		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.server.Shutdown(ctx); err != nil {
			s.t.Errorf("Shutdown: %v", err)
		}
		if err := <-done; err != nil {
			s.t.Errorf("Serve: %v", err)
		}
		s.service.Close()
	})
}

// An answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return m
}

// do sends a request; headers alternate names and values.
func (s *site) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	return s.send(method, path, strings.NewReader(body), headers...)
}

func (s *site) send(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.address+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, string(got)}
}

func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do("GET", path, "", headers...)
}

// raw sends bytes as they are, and reads one response.
func (s *site) raw(request string) answer {
	s.t.Helper()
	conn := s.dial()
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	return s.read(bufio.NewReader(conn))
}

func (s *site) dial() *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// read reads one response from a connection.
func (s *site) read(br *bufio.Reader) answer {
	s.t.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		s.t.Fatalf("no response: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.Close {
		res.Header.Set("Connection", "close") // net/http takes it out
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// update posts one update as the register.
func (s *site) update(body string) answer {
	s.t.Helper()
	return s.do("POST", "/v1/updates", body, "Authorization", "Bearer "+updatesKey, "Content-Type", "application/json")
}

// feed posts NDJSON as the register.
func (s *site) feed(query, body string) answer {
	s.t.Helper()
	return s.do("POST", "/v1/updates"+query, body, "Authorization", "Bearer "+updatesKey, "Content-Type", "application/x-ndjson")
}

func (s *site) lookup(body string, headers ...string) answer {
	s.t.Helper()
	return s.do("POST", "/v1/lookups", body, append(headers, "Content-Type", "application/json")...)
}

const decided = `{"reference":"20417733","version":7,"updated_at":"2025-06-20T09:15:00+06:00","procedure":"exit_visa","campaign":"legalization-2025",` +
	`"stage":"decided","outcome":"approved","submitted_on":"2025-06-02",` +
	`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},"deadlines":[{"kind":"leave_by","date":"2025-07-05"}]}`

func (s *site) decide() {
	s.t.Helper()
	if a := s.update(decided); a.status != 200 {
		s.t.Fatalf("%d %s", a.status, a.body)
	}
}

// wantProblem checks status and type of a problem, and that it helps.
func wantProblem(t testing.TB, a answer, status int, kind string) map[string]any {
	t.Helper()
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %s %s; want problem %d %s", a.status, a.header.Get("Content-Type"), a.body, status, kind)
	}
	p := a.json(t)
	if p["type"] != "/problems/"+kind || p["status"] != float64(status) || p["title"] == "" || p["detail"] == "" || p["request_id"] == nil {
		t.Errorf("got %s; want a whole problem of type /problems/%s", a.body, kind)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control of a problem is %q", a.header.Get("Cache-Control"))
	}
	return p
}
