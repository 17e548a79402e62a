package telegram

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	testToken  = "7100000001:AAsecretHalf_ofTheToken-0123456789"
	tokenHalf  = "AAsecretHalf_ofTheToken-0123456789"
	noJSONPage = "<html><body>502 Bad Gateway</body></html>"
)

// quiet fails the test if the token shows in err, however it is printed, or
// in what was logged meanwhile.
func quiet(t *testing.T, err error, logged *bytes.Buffer) {
	t.Helper()
	for _, s := range []string{fmt.Sprint(err), fmt.Sprintf("%+v|%#v|%q", err, err, err), logged.String()} {
		for _, word := range []string{testToken, tokenHalf, "7100000001"} {
			if strings.Contains(s, word) {
				t.Fatalf("the token shows in %q", strings.ReplaceAll(s, word, "<here>"))
			}
		}
	}
}

func newTest(o Options) (*Gateway, *bytes.Buffer) {
	logged := new(bytes.Buffer)
	o.Log = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if o.Token == "" {
		o.Token = testToken
	}
	return New(o), logged
}

// wantError compares but for the cause and, unless wanted, the description.
func wantError(t *testing.T, err error, want Error) {
	t.Helper()
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("error is %v (%T), not *Error", err, err)
	}
	ignore := cmp.Options{cmpopts.IgnoreUnexported(Error{})}
	if want.Description == "" {
		ignore = append(ignore, cmpopts.IgnoreFields(Error{}, "Description"))
	}
	want.Method = "sendMessage"
	if d := cmp.Diff(&want, got, ignore); d != "" {
		t.Errorf("error (-want +got):\n%s", d)
	}
}

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	refusalOf := func(code int, description, parameters string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"ok":false,"error_code":%d,"description":%q%s}`, code, description, parameters)
		}
	}
	say := func(code int, contentType, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name    string
		answer  http.HandlerFunc
		options Options
		want    Error
	}{
		{"too fast", refusalOf(429, "Too Many Requests: retry after 35", `,"parameters":{"retry_after":35}`), Options{},
			Error{Kind: TooFast, Reason: "too_fast", Code: 429, RetryAfter: 35 * time.Second, Description: "Too Many Requests: retry after 35"}},
		{"too fast, without saying how long", refusalOf(429, "Too Many Requests", ""), Options{},
			Error{Kind: TooFast, Reason: "too_fast", Code: 429, RetryAfter: time.Second}},
		{"too fast, for a thousand years", refusalOf(429, "Too Many Requests", `,"parameters":{"retry_after":31536000000}`), Options{},
			Error{Kind: TooFast, Reason: "too_fast", Code: 429, RetryAfter: 24 * time.Hour}},
		{"too fast, says a proxy", say(429, "text/html", noJSONPage, "Retry-After", "7"), Options{},
			Error{Kind: TooFast, Reason: "too_fast", Code: 429, RetryAfter: 7 * time.Second}},

		{"the server's own fault", refusalOf(500, "Internal Server Error", ""), Options{},
			Error{Kind: Transient, Reason: "server_error", Code: 500, Ambiguous: true}},
		{"a gateway's page", say(502, "text/html", noJSONPage), Options{},
			Error{Kind: Transient, Reason: "server_error", Code: 502, Ambiguous: true, Description: "Bad Gateway"}},
		{"a gateway's page that says all is well", say(200, "text/html", "<html>log in</html>"), Options{},
			Error{Kind: Transient, Reason: "not_json", Code: 200, Ambiguous: true}},
		{"a page that says not found", say(404, "text/html", noJSONPage), Options{},
			Error{Kind: Transient, Reason: "not_json", Code: 404, Ambiguous: true}},
		{"a redirect is not followed", say(307, "text/html", "moved", "Location", "/elsewhere"), Options{},
			Error{Kind: Transient, Reason: "not_json", Code: 307, Ambiguous: true}},
		{"an empty body", say(200, "application/json", ""), Options{},
			Error{Kind: Transient, Reason: "empty_answer", Code: 200, Ambiguous: true}},
		{"half an answer", say(200, "application/json", `{"ok":true,"result":{"mess`), Options{},
			Error{Kind: Transient, Reason: "truncated", Code: 200, Ambiguous: true}},
		{"an answer that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"ok":true`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, Options{}, Error{Kind: Transient, Reason: "truncated", Code: 200, Ambiguous: true}},
		{"an endless answer", say(200, "application/json", `{"ok":true,"result":"`+strings.Repeat("x", maxAnswerBytes)+`"}`), Options{},
			Error{Kind: Transient, Reason: "too_large", Code: 200, Ambiguous: true}},
		{"success without a message", say(200, "application/json", `{"ok":true,"result":true}`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 200, Ambiguous: true}},
		{"success with message 0", say(200, "application/json", `{"ok":true,"result":{}}`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 200, Ambiguous: true}},
		{"another API's JSON", say(200, "application/json", `["hello"]`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 200, Ambiguous: true}},
		{"an empty object", say(200, "application/json", `{}`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 200, Ambiguous: true}},
		{"a refusal with fields of wrong types", say(400, "application/json", `{"ok":false,"error_code":"x"}`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 400, Ambiguous: true}},
		{"success under a status of failure", say(403, "application/json", `{"ok":true,"result":{"message_id":1}}`), Options{},
			Error{Kind: Transient, Reason: "bad_answer", Code: 403, Ambiguous: true}},

		{"blocked", refusalOf(403, "Forbidden: bot was blocked by the user", ""), Options{}, Error{Kind: Gone, Reason: "blocked", Code: 403}},
		{"deactivated", refusalOf(403, "Forbidden: user is deactivated", ""), Options{}, Error{Kind: Gone, Reason: "deactivated", Code: 403}},
		{"kicked", refusalOf(403, "Forbidden: bot was kicked from the group chat", ""), Options{}, Error{Kind: Gone, Reason: "kicked", Code: 403}},
		{"never started", refusalOf(403, "Forbidden: bot can't initiate conversation with a user", ""), Options{}, Error{Kind: Gone, Reason: "forbidden", Code: 403}},
		{"chat not found", refusalOf(400, "Bad Request: chat not found", ""), Options{}, Error{Kind: Gone, Reason: "chat_not_found", Code: 400}},
		{"no rights", refusalOf(400, "Bad Request: not enough rights to send text messages to the chat", ""), Options{}, Error{Kind: Gone, Reason: "no_rights", Code: 400}},
		{"migrated", refusalOf(400, "Bad Request: group chat was upgraded to a supergroup chat", `,"parameters":{"migrate_to_chat_id":-1001234567890}`), Options{},
			Error{Kind: Migrated, Reason: "migrated", Code: 400, MigrateTo: -1001234567890}},

		{"markup", refusalOf(400, `Bad Request: can't parse entities: Unsupported start tag "Aisuluu" at byte offset 17`, ""), Options{},
			Error{Kind: BadMessage, Reason: "markup", Code: 400, Description: "Bad Request: can't parse entities: Unsupported start tag … at byte offset 17"}},
		{"too long", refusalOf(400, "Bad Request: message is too long", ""), Options{}, Error{Kind: BadMessage, Reason: "too_long", Code: 400}},
		{"too long for any server", refusalOf(413, "Request Entity Too Large", ""), Options{}, Error{Kind: BadMessage, Reason: "too_long", Code: 413}},
		{"empty", refusalOf(400, "Bad Request: message text is empty", ""), Options{}, Error{Kind: BadMessage, Reason: "empty_text", Code: 400}},
		{"buttons", refusalOf(400, "Bad Request: BUTTON_DATA_INVALID", ""), Options{}, Error{Kind: BadMessage, Reason: "buttons", Code: 400}},
		{"a button's address", refusalOf(400, "Bad Request: inline keyboard button URL 'https://example.invalid/20417733' is invalid: Wrong HTTP URL", ""), Options{},
			Error{Kind: BadMessage, Reason: "buttons", Code: 400, Description: "Bad Request: inline keyboard button URL … is invalid: Wrong HTTP URL"}},

		{"the token is not accepted", refusalOf(401, "Unauthorized", ""), Options{}, Error{Kind: Unauthorized, Reason: "unauthorized", Code: 401}},
		{"the method is not known", refusalOf(404, "Not Found", ""), Options{}, Error{Kind: Unauthorized, Reason: "not_found", Code: 404}},
		{"a conflict", refusalOf(409, "Conflict: terminated by other getUpdates request", ""), Options{}, Error{Kind: Other, Reason: "conflict", Code: 409}},
		{"a refusal nobody has heard of", refusalOf(400, "Bad Request: NEW_THING_INVALID", ""), Options{}, Error{Kind: Other, Reason: "other", Code: 400}},
		{"a description that holds what it must not", refusalOf(400, "chat 5100000001 "+testToken+" \u202e20417733\n"+strings.Repeat("long ", 100), ""), Options{},
			Error{Kind: Other, Reason: "other", Code: 400, Description: "chat ••• ••• ••• " + strings.Repeat("long ", 100)[:maxDescription-17] + "…"}},

		{"no answer in time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Options{Timeout: 50 * time.Millisecond},
			Error{Kind: Transient, Reason: "timeout", Ambiguous: true}},
		{"reset after the request", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}, Options{}, Error{Kind: Transient, Reason: "reset", Ambiguous: true}},
		{"closed after the request", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.Close()
		}, Options{}, Error{Kind: Transient, Reason: "reset", Ambiguous: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n.Add(1)
				_, _ = io.Copy(io.Discard, r.Body) // so that a hanging handler notices the client leave
				tt.answer(w, r)
			}))
			defer s.Close()
			tt.options.APIURL = s.URL + "/a%2Fb"
			g, logged := newTest(tt.options)
			defer func() { _ = g.Close() }()
			id, err := g.Send(t.Context(), 5100000001, "hello", SendOptions{})
			if id != 0 || n.Load() != 1 {
				t.Errorf("message %d after %d requests; want none after 1", id, n.Load())
			}
			wantError(t, err, tt.want)
			quiet(t, err, logged)
		})
	}
}

func TestWhatNeverReachedTelegramIsNotAmbiguous(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	strange := httptest.NewTLSServer(nil)
	strange.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	defer strange.Close()
	plain := httptest.NewServer(nil)
	defer plain.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	tests := []struct {
		name string
		ctx  context.Context
		o    Options
		dial func(context.Context, string, string) (net.Conn, error)
		want Error
	}{
		{"refused", t.Context(), Options{APIURL: closed.URL}, nil, Error{Kind: Transient, Reason: "refused"}},
		{"a name that is not found", t.Context(), Options{APIURL: "http://telegram.invalid"},
			func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "telegram.invalid", IsNotFound: true}}
			}, Error{Kind: Transient, Reason: "dns"}},
		{"a certificate nobody knows", t.Context(), Options{APIURL: strange.URL}, nil, Error{Kind: Transient, Reason: "tls"}},
		{"no TLS where it should be", t.Context(), Options{APIURL: "https" + strings.TrimPrefix(plain.URL, "http")}, nil, Error{Kind: Transient, Reason: "tls"}},
		{"cancelled before", cancelled, Options{APIURL: plain.URL}, nil, Error{Kind: Transient, Reason: "cancelled"}},
		{"a dial that takes too long", t.Context(), Options{APIURL: plain.URL, Timeout: 20 * time.Millisecond},
			func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
			Error{Kind: Transient, Reason: "timeout"}},
		{"a connection that takes no byte", t.Context(), Options{APIURL: plain.URL},
			func(context.Context, string, string) (net.Conn, error) { return brokenAfter(t, plain, 0), nil },
			Error{Kind: Transient, Reason: "reset"}},
		{"a connection that takes some bytes is ambiguous", t.Context(), Options{APIURL: plain.URL},
			func(context.Context, string, string) (net.Conn, error) { return brokenAfter(t, plain, 10), nil },
			Error{Kind: Transient, Reason: "reset", Ambiguous: true}},
		{"no token", t.Context(), Options{APIURL: plain.URL, Token: " "}, nil, Error{Kind: Unauthorized, Reason: "token"}},
		{"a token that is a path", t.Context(), Options{APIURL: plain.URL, Token: testToken + "/../x"}, nil, Error{Kind: Unauthorized, Reason: "token"}},
		{"an address that is none", t.Context(), Options{APIURL: "http://[::1"}, nil, Error{Kind: Other, Reason: "api_url"}},
		{"an address of no known scheme", t.Context(), Options{APIURL: "gopher://telegram.invalid"}, nil, Error{Kind: Transient, Reason: "network"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, logged := newTest(tt.o)
			defer func() { _ = g.Close() }()
			if tt.dial != nil {
				g.transport.(*http.Transport).DialContext = tt.dial
			}
			_, err := g.Send(tt.ctx, 5100000001, "hello", SendOptions{})
			wantError(t, err, tt.want)
			quiet(t, err, logged)
			if tt.want.Reason == "cancelled" && !errors.Is(err, context.Canceled) ||
				tt.want.Reason == "timeout" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v does not unwrap to the context's error", err)
			}
		})
	}
}

// brokenAfter returns a connection to s that breaks once n bytes were written.
func brokenAfter(t *testing.T, s *httptest.Server, n int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &meteredConn{Conn: &brokenConn{Conn: c, left: n}}
}

type brokenConn struct {
	net.Conn
	left int
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:c.left])
	c.left = 0
	return n, syscall.EPIPE
}

// A server may reset a connection that has served requests before, after it
// has read the next one: the one case in which Go's transport repeats requests
// that it takes for harmless.
func TestARequestOnAReusedConnectionIsNotRepeated(t *testing.T) {
	for _, ending := range []string{"reset", "close"} {
		t.Run(ending, func(t *testing.T) {
			var n, conns atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if n.Add(1) <= 3 {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"ok":true,"result":{"message_id":7}}`)
					return
				}
				c, _, _ := w.(http.Hijacker).Hijack()
				if ending == "reset" {
					_ = c.(*net.TCPConn).SetLinger(0)
				}
				_ = c.Close()
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					conns.Add(1)
				}
			}
			s.Start()
			defer s.Close()
			g, _ := newTest(Options{APIURL: s.URL})
			defer func() { _ = g.Close() }()
			for range 3 {
				if id, err := g.Send(t.Context(), 1, "hello", SendOptions{}); id != 7 || err != nil {
					t.Fatalf("Send = %d, %v", id, err)
				}
			}
			_, err := g.Send(t.Context(), 1, "hello", SendOptions{})
			wantError(t, err, Error{Kind: Transient, Reason: "reset", Ambiguous: true})
			if n.Load() != 4 || conns.Load() != 1 {
				t.Errorf("%d requests on %d connections; want 4 on 1", n.Load(), conns.Load())
			}
		})
	}
}

func TestOverTLSTooBytesAreCounted(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 1 {
			t.Errorf("protocol %s; want HTTP/1.1", r.Proto)
		}
		c, _, _ := w.(http.Hijacker).Hijack()
		_ = c.Close()
	}))
	defer s.Close()
	g, logged := newTest(Options{APIURL: s.URL})
	defer func() { _ = g.Close() }()
	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	g.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	_, err := g.Send(t.Context(), 1, "hello", SendOptions{})
	wantError(t, err, Error{Kind: Transient, Reason: "reset", Ambiguous: true})
	quiet(t, err, logged)
}

func TestNothingPrintsTheToken(t *testing.T) {
	o := Options{Token: testToken}
	g, logged := newTest(o)
	g.log.Info("x", "options", o, "gateway", g)
	libraryLog{}.Printf("https://api.telegram.org/bot%s/getMe", testToken)
	quiet(t, fmt.Errorf("%v %+v %#v %s %q %x", o, &o, o, o, o, o), logged)
	quiet(t, fmt.Errorf("%v %+v %#v %s %q %+v", g, g, g, g, g, []any{g}), logged)
	for _, s := range []string{
		"Post \"https://api.telegram.org/bot" + testToken + "/sendMessage\": EOF",
		"bot" + strings.ReplaceAll(testToken, ":", "%3A"), "half: " + tokenHalf, "another: 123456:AAAAAAAAAAAAAAAA",
	} {
		got := g.token.describe(s)
		quiet(t, errors.New(got), logged)
		if strings.Contains(got, "AAAAAAAA") {
			t.Errorf("another bot's token shows in %q", got)
		}
	}
}
