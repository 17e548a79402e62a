package telegram

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// Options configure a Gateway. Only Token is needed.
type Options struct {
	Token   string
	APIURL  string        // "": https://api.telegram.org; with or without a path
	Proxy   *url.URL      // http, https or socks5; nil: none, whatever the environment says
	Timeout time.Duration // of one call, long polls aside; 0: 20 s
	Log     *slog.Logger  // nil: slog.Default
}

// Format keeps the token out of whatever prints its options.
func (o Options) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("telegram.Options{…}")) }

// LogValue does so in structured logs.
func (o Options) LogValue() slog.Value { return slog.StringValue("telegram.Options{…}") }

const (
	defaultAPIURL  = "https://api.telegram.org"
	defaultTimeout = 20 * time.Second

	// The largest answers that are read. A long poll's holds up to 100 updates
	// of at most some 50 kB each.
	maxAnswerBytes  = 256 << 10
	maxUpdatesBytes = 16 << 20
)

// A Gateway speaks for one bot. Its methods may be called from any goroutine.
// Their errors are *Error. Once Telegram has asked for silence, whatever the
// method, none of them makes a request until it is over.
type Gateway struct {
	token     secret
	endpoint  string // the library's format of a method's address
	transport http.RoundTripper
	timeout   time.Duration
	log       *slog.Logger
	jitter    func() float64 // of [0, 1)

	gate     gate
	username atomic.Pointer[string] // the bot's, once Me has said it
}

// New returns a Gateway. It makes no request: that Telegram is down is no
// reason not to start. A token or address that cannot be right shows as
// Unauthorized, or as Other, at the first call.
func New(o Options) *Gateway {
	g := &Gateway{
		token:     newSecret(strings.TrimSpace(o.Token)),
		transport: newTransport(o.Proxy),
		timeout:   o.Timeout,
		log:       o.Log,
		jitter:    rand.Float64,
	}
	if o.APIURL == "" {
		o.APIURL = defaultAPIURL
	}
	base := strings.ReplaceAll(strings.TrimRight(o.APIURL, "/"), "%", "%%")
	g.endpoint = base + "/bot%s/%s"
	if g.timeout <= 0 {
		g.timeout = defaultTimeout
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	return g
}

// keptConns is how many connections are kept for the next request: as many as
// the notifier has requests under way at most. Each one beyond those that are
// kept would cost a handshake of its own.
const keptConns = 256

// newTransport returns a transport on which one request is never sent twice:
// HTTP/1.1 (an HTTP/2 client may repeat what a server says it has not begun),
// and connections that count what is written to them. Idle ones are closed
// before Telegram would do it, so that requests seldom meet a closing one.
func newTransport(proxy *url.URL) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &meteredConn{Conn: c}, nil
		},
		Protocols:              protocols,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    keptConns,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}

// Close drops idle connections. Calls under way go on.
func (g *Gateway) Close() error {
	if t, ok := g.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// String keeps a Gateway's inside out of logs.
func (g *Gateway) String() string { return "telegram.Gateway" }

// wellFormed is what a token can look like: anything else would change the
// address that it is put into.
var wellFormed = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,256}$`)

// call makes one request of the Bot API, within the patience given, and
// decodes its result into out, unless that is nil. An answer of success whose
// result is not what it should be counts as no answer.
func (g *Gateway) call(ctx context.Context, method string, params tgbotapi.Params, out any) error {
	return g.callWithin(ctx, g.timeout, maxAnswerBytes, method, params, out)
}

func (g *Gateway) callWithin(ctx context.Context, patience time.Duration, maxBytes int64, method string, params tgbotapi.Params, out any) error {
	token := g.token()
	if !wellFormed.MatchString(token) {
		return &Error{Method: method, Kind: Unauthorized, Reason: "token",
			Description: "the token is missing, or holds what no token does"}
	}
	if e := g.gate.closed(); e != nil {
		e.Method = method
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x := &exchange{ctx: ctx, transport: g.transport, maxBytes: maxBytes}
	bot := &tgbotapi.BotAPI{Token: token, Client: x}
	bot.SetAPIEndpoint(g.endpoint)

	answer, err := bot.MakeRequest(method, params)
	if err == nil && out != nil {
		if json.Unmarshal(answer.Result, out) != nil {
			err = unreadable(reasonBadAnswer, 200, "the result is not what %s gives", method)
		}
	}
	if err == nil {
		return nil
	}
	e := g.explain(err, x)
	e.Method = method
	if e.Kind == TooFast {
		g.gate.hold(time.Now().Add(e.RetryAfter))
	}
	e.Description = g.token.describe(e.Description)
	return e
}

// explain turns what the library returned into an *Error.
func (g *Gateway) explain(err error, x *exchange) *Error {
	var ours *Error
	var said *tgbotapi.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &said):
		code := said.Code
		if code == 0 {
			code = x.status
		}
		return refusal(code, said.Message, said.RetryAfter, said.MigrateToChatID)
	case x.status != 0:
		return unreadable(reasonBadAnswer, x.status, "the answer is JSON, but not of the Bot API")
	default: // no request could be made of the address; its text holds the token
		return &Error{Kind: Other, Reason: "api_url", Description: "the API's address cannot be used"}
	}
}
