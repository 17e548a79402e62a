package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"kabarchy/app"
	"kabarchy/app/web"
	"kabarchy/i18n"
	"kabarchy/ratelimit"
	"kabarchy/visa"
)

// Times and sizes that bound what a client can hold.
const (
	headerBytes  = 8 << 10 // of a request's line and header fields
	readTimeout  = 10 * time.Second
	writeTimeout = 15 * time.Second
	idleTimeout  = 60 * time.Second
	feedPause    = 30 * time.Second
	storeTimeout = 15 * time.Second // for one transaction, the wait for its turn included
	connections  = 20_000
)

// Limits of what one client may do. A client is an IPv4 address or an IPv6 /64.
type Limits struct {
	Rate   int // look-ups a minute; 0: no limit
	Burst  int // look-ups at once
	Misses int // distinct unknown references an hour, at most 60
}

// ErrForbidden is what Webhook answers if the secret is wrong, ErrNotUpdate if
// the body is no update.
var (
	ErrForbidden = errors.New("httpapi: not allowed")
	ErrNotUpdate = errors.New("httpapi: not an update")
)

// Options of a Server. Service must be given.
type Options struct {
	Service        *app.Service
	Pages          *web.Pages    // nil: none are served
	Reasons        *i18n.Reasons // of the vocabulary; nil: none
	Limits         Limits
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	ReadTimeout    time.Duration  // for a whole request to arrive, feeds apart; 0: 10 s
	FeedPause      time.Duration  // the longest that a feed may send nothing; 0: 30 s
	// Webhook takes an update of Telegram with the secret that came with it,
	// and returns once it is stored: ErrForbidden if the secret is wrong, an
	// error that wraps visa.ErrUnavailable if Telegram shall send it again. The
	// body is the function's to keep. nil: there is no such route.
	Webhook func(ctx context.Context, secret string, body []byte) error
	// Announcer makes messages to many. nil: there are no such routes.
	Announcer *app.Announcer
	// Audit lists what became of notifications. nil: there is no such route.
	Audit    Audit
	Log      *slog.Logger
	LogEvery int                  // one of so many requests is logged, those that failed here always; 0: 100
	Registry *prometheus.Registry // nil: a new one
	Now      func() time.Time     // for the limits alone
}

// A Server serves the public routes and, on another listener, the private ones.
type Server struct {
	service   *app.Service
	pages     *web.Pages
	webhook   func(context.Context, string, []byte) error
	audits    *audits        // nil: none are given
	announcer *app.Announcer // nil: nothing is announced
	trusted   []netip.Prefix
	log       *slog.Logger

	fiber    *fiber.App
	admin    *http.Server
	registry *prometheus.Registry
	metrics  *metrics
	requests sync.Pool

	lookups     *ratelimit.Limiter[netip.Prefix]
	links       *ratelimit.Limiter[netip.Prefix]
	keyLookups  *ratelimit.Limiter[int64]
	misses      *ratelimit.Budget[netip.Prefix]
	fingerprint maphash.Seed

	vocabulary map[string]rendered // by language
	contract   rendered
	pagesTag   string // tells the pages of this process from those of another release

	statusPages pageCache

	feedPause time.Duration
	logEvery  uint64
	served    atomic.Uint64
	state     atomic.Int32 // starting, serving, draining

	mu     sync.Mutex
	public net.Listener // once Serve was called

	base   context.Context // of what requests do; ends when Shutdown gives up on them
	cancel context.CancelFunc
}

const (
	starting int32 = iota
	serving
	draining
)

// New returns a Server that does not listen yet.
func New(o Options) *Server {
	s := &Server{
		service: o.Service, pages: o.Pages, webhook: o.Webhook, audits: newAudits(o.Audit), announcer: o.Announcer, trusted: o.TrustedProxies, log: o.Log,
		registry: o.Registry, logEvery: uint64(o.LogEvery), fingerprint: maphash.MakeSeed(),
		lookups:    ratelimit.New[netip.Prefix](ratelimit.Options{Rate: o.Limits.Rate, Burst: o.Limits.Burst, Now: o.Now}),
		links:      ratelimit.New[netip.Prefix](ratelimit.Options{Rate: linkRate, Burst: linkBurst, Now: o.Now}),
		keyLookups: ratelimit.New[int64](ratelimit.Options{Rate: o.Limits.Rate, Burst: o.Limits.Burst, Now: o.Now}),
		misses:     ratelimit.NewBudget[netip.Prefix](ratelimit.BudgetOptions{Limit: o.Limits.Misses, Now: o.Now}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.registry == nil {
		s.registry = prometheus.NewRegistry()
	}
	if s.feedPause = o.FeedPause; s.feedPause <= 0 {
		s.feedPause = feedPause
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = readTimeout
	}
	if s.logEvery == 0 {
		s.logEvery = 100
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.pagesTag = rand.Text()[:8]
	s.requests.New = func() any { return &request{server: s} }
	s.vocabulary = renderVocabulary(o.Reasons)
	s.contract = render(Contract)
	s.metrics = newMetrics(s.registry, o.Service)
	s.fiber = fiber.New(fiber.Config{
		AppName:                      "kabarchy",
		CaseSensitive:                true,
		StrictRouting:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		StreamRequestBody:            true,
		ReadTimeout:                  o.ReadTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		ReadBufferSize:               headerBytes,
		Concurrency:                  connections,
		ErrorHandler:                 s.unrouted,
	})
	s.routes()
	server := s.fiber.Server()
	server.Handler = s.guard(server.Handler)
	server.CloseOnShutdown = true
	server.SecureErrorLogMessage = true
	s.admin = &http.Server{
		Handler:           s.adminRoutes(),
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	return s
}

// App is the public Fiber app, for tests that look at its routes.
func (s *Server) App() *fiber.App { return s.fiber }

// Admin serves the private routes: /livez, /readyz and /metrics.
func (s *Server) Admin() http.Handler { return s.admin.Handler }

// Serve serves both listeners until Shutdown, or until one of them fails; then
// it ends the other and returns the fault. A nil listener is not served; one of
// them must be given. The Server counts as ready from here on. After Shutdown
// it serves nothing.
func (s *Server) Serve(public, admin net.Listener) error {
	if !s.open(public) {
		for _, l := range []net.Listener{public, admin} {
			if l != nil {
				_ = l.Close()
			}
		}
		return nil
	}
	failed := make(chan error, 2)
	n := 0
	if public != nil {
		n++
		go func() {
			err := s.fiber.Listener(&trackingListener{Listener: public})
			if err != nil && s.state.Load() != draining {
				err = fmt.Errorf("httpapi: serve %s: %w", public.Addr(), err)
			} else {
				err = nil
			}
			failed <- err
		}()
	}
	if admin != nil {
		n++
		go func() {
			err := s.admin.Serve(admin)
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			} else if err != nil {
				err = fmt.Errorf("httpapi: serve %s: %w", admin.Addr(), err)
			}
			failed <- err
		}()
	}
	err := <-failed
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
	}
	for range n - 1 {
		if more := <-failed; err == nil {
			err = more
		}
	}
	return err
}

// open notes the public listener; false where Shutdown came first.
func (s *Server) open(public net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public = public
	return s.state.CompareAndSwap(starting, serving)
}

// closePublic closes the public listener where fasthttp has not taken it over
// yet, and so did not close it itself.
func (s *Server) closePublic() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.public != nil {
		_ = s.public.Close()
	}
}

// Shutdown ends both listeners: it takes no more connections, lets the
// requests under way end, the private listener last, and returns nil. When ctx
// ends first, what requests do is cancelled and the context's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.state.Store(draining)
	defer s.cancel()
	err := s.fiber.ShutdownWithContext(ctx)
	s.closePublic()
	if err != nil {
		s.cancel()
		err = fmt.Errorf("httpapi: shut down: %w", err)
	}
	return errors.Join(err, s.admin.Shutdown(ctx))
}

// timeLimited returns the context for one transaction of the store.
func (s *Server) timeLimited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, storeTimeout)
}

// distinct returns the mark by which a reference, and under ProofRequired a
// proof tried on it, is told from others in the budget of misses.
func (s *Server) distinct(ref visa.Reference, proof string) uint64 {
	if !s.service.ProofRequired() {
		return maphash.String(s.fingerprint, ref.String())
	}
	var h maphash.Hash
	h.SetSeed(s.fingerprint)
	_, _ = h.WriteString(ref.String())
	_ = h.WriteByte(0)
	_, _ = h.WriteString(proof)
	return h.Sum64()
}
