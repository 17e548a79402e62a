package simulator

import (
	"context"
	"hash/maphash"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Simulator is one pretended Telegram with one bot in it. It is an
// http.Handler; all its methods may be called at the same time from any
// goroutine. Make it with New and end it with Close.
type Simulator struct {
	opts Options
	now  func() time.Time
	seed maphash.Seed
	web  http.Handler
	done chan struct{} // closed by Close: whoever waits, stops

	mu      sync.Mutex
	tokens  map[string]bool // nil: any
	bot     User
	chats   map[int64]*chat
	order   []int64       // chats in the order of their making
	rev     int64         // counts changes of any kind
	pageRev int64         // rev of the last change that the page shows
	changed chan struct{} // closed and forgotten at each change; nil while nobody waits
	outage  bool
	closed  bool
	epoch   int64 // counts resets

	oracle  oracle
	pace    pace
	limiter limiter
	faults  faultList
	updates updateQueue
	hook    webhook
	profile profile
	queries map[string]query

	nextUser, nextGroup, nextMessage, nextQuery int64

	server *http.Server
	base   string // "http://host:port" while listening
	wg     sync.WaitGroup
}

// New returns a Simulator with no chats. It listens nowhere yet: hand it to an
// HTTP server, or call Listen.
func New(o Options) *Simulator {
	o = o.withDefaults()
	s := &Simulator{
		opts: o,
		now:  o.Now,
		seed: maphash.MakeSeed(),
		done: make(chan struct{}),
	}
	s.setTokens(o.Tokens)
	s.resetState()
	s.web = s.routes()
	return s
}

// resetState empties everything that Reset promises to. The caller holds the
// lock, or is alone.
func (s *Simulator) resetState() {
	s.epoch++
	s.bot = User{ID: s.opts.BotID, IsBot: true, FirstName: s.opts.BotName, Username: s.opts.BotUsername}
	s.chats = map[int64]*chat{}
	s.order = nil
	s.outage = false
	s.oracle.reset(s.opts)
	s.pace = pace{chats: map[int64]*chatPace{}}
	s.limiter = newLimiter(s.opts.Limits)
	s.faults = faultList{}
	s.updates = updateQueue{next: s.opts.FirstUpdateID}
	s.profile = profile{}
	s.queries = map[string]query{}
	s.nextUser, s.nextGroup, s.nextMessage = 5100000001, -4100000001, int64(s.opts.FirstMessageID)
	s.nextQuery = 1_000_000_000
}

// Reset forgets chats, messages, requests, updates, faults, limits set by
// hand, the webhook and the bot's commands, as if New had just been called.
// Tokens and listeners stay. A long poll under way ends with nothing.
func (s *Simulator) Reset() {
	s.stopWebhook()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abortPollLocked("")
	s.resetState()
	s.pageRev = s.rev + 1
	s.changedLocked()
}

// SetTokens replaces the tokens that are let in; none means any. It is how a
// test revokes a token.
func (s *Simulator) SetTokens(tokens ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setTokens(tokens)
}

func (s *Simulator) setTokens(tokens []string) {
	s.tokens = nil
	for _, t := range tokens {
		if s.tokens == nil {
			s.tokens = map[string]bool{}
		}
		s.tokens[t] = true
	}
}

// BotUsername returns the bot's name as in t.me links, without @.
func (s *Simulator) BotUsername() string { return s.opts.BotUsername }

// Listen opens addr (host:port, port 0 for a free one) and serves on it until
// Close. It returns the base URL, such as http://127.0.0.1:40123, without a
// final slash. A Simulator listens at most once.
func (s *Simulator) Listen(addr string) (baseURL string, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	if s.closed || s.server != nil {
		s.mu.Unlock()
		_ = l.Close()
		return "", net.ErrClosed
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.base = "http://" + l.Addr().String()
	srv, base := s.server, s.base
	s.mu.Unlock()
	s.wg.Go(func() { _ = srv.Serve(l) })
	return base, nil
}

// URL returns the base URL after Listen, and "" before.
func (s *Simulator) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// DeepLink returns the simulator's own stand-in for
// https://t.me/BOT?start=payload, absolute after Listen.
func (s *Simulator) DeepLink(payload string) string {
	return s.URL() + "/t.me/" + s.opts.BotUsername + "?start=" + url.QueryEscape(payload)
}

// closeGrace is how long Close lets answers under way be finished.
const closeGrace = 100 * time.Millisecond

// Close ends long polls, hanging requests, pushes and the listener, and waits
// for them. Wait functions return ErrClosed. What was recorded can still be
// read. Closing twice does nothing.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	srv := s.server
	s.mu.Unlock()

	s.stopWebhook()
	var err error
	if srv != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		if err = srv.Shutdown(ctx); err != nil {
			err = srv.Close()
		}
	}
	s.wg.Wait()
	return err
}

// ServeHTTP answers the Bot API at /bot<TOKEN>/<method>, the scripting API
// under /simulator/api/, and the page at /.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/bot"); ok {
		if token, method, ok := strings.Cut(rest, "/"); ok {
			s.serveBot(w, r, token, strings.TrimSuffix(method, "/"))
			return
		}
	}
	s.web.ServeHTTP(w, r)
}

// changedLocked wakes everyone who waits for a change. It costs nothing while
// nobody does.
func (s *Simulator) changedLocked() {
	s.rev++
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// watchLocked returns a channel that is closed at the next change.
func (s *Simulator) watchLocked() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
