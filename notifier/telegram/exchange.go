package telegram

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
)

// An exchange is one request and its answer. It is the library's HTTP client
// for that request alone: it gives the request a context, sees how far it got,
// and lets through only what the Bot API can have said.
type exchange struct {
	ctx       context.Context
	transport http.RoundTripper
	maxBytes  int64

	status int // of the answer; 0 while there is none
	conn   atomic.Pointer[grip]
}

// A grip is a connection at the moment the request got it.
type grip struct {
	conn *meteredConn // nil: of a kind that does not count
	had  int64        // bytes written to it before
}

// A meteredConn counts the bytes that reach the operating system.
type meteredConn struct {
	net.Conn
	written atomic.Int64
}

func (c *meteredConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// metered finds the counting connection within c, under any layers of TLS.
func metered(c net.Conn) *meteredConn {
	for {
		switch at := c.(type) {
		case *meteredConn:
			return at
		case interface{ NetConn() net.Conn }:
			c = at.NetConn()
		default:
			return nil
		}
	}
}

// Do sends the request once. The transport is used without http.Client, which
// would follow redirects, and name the address, token and all, in its errors.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			g := &grip{conn: metered(i.Conn)}
			if g.conn != nil {
				g.had = g.conn.written.Load()
			}
			x.conn.Store(g)
		},
	})
	req = req.WithContext(ctx)
	// Without it the transport cannot send the body a second time: not on
	// another connection, not for any reason.
	req.GetBody = nil

	resp, err := x.transport.RoundTrip(req)
	if err != nil {
		return nil, x.failure(err)
	}
	defer func() { _ = resp.Body.Close() }()
	x.status = resp.StatusCode
	body, err := io.ReadAll(io.LimitReader(resp.Body, x.maxBytes+1))
	if e := x.judge(resp, body, err); e != nil {
		return nil, e
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// maybeSent reports whether any part of the request may have been written.
func (x *exchange) maybeSent() bool {
	g := x.conn.Load()
	if g == nil {
		return false // no connection: refused, not found, not trusted, or too slow
	}
	// A request that was broken off may still be on its way into the
	// connection; any other error is returned after the last write.
	return x.ctx.Err() != nil || g.conn == nil || g.conn.written.Load() > g.had
}

// failure makes the error of a request that got no answer.
func (x *exchange) failure(err error) *Error {
	e := &Error{Kind: Transient, Reason: "network", Description: err.Error(), Ambiguous: x.maybeSent()}
	var (
		dns      *net.DNSError
		timeout  net.Error
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
	)
	switch {
	case errors.Is(x.ctx.Err(), context.Canceled):
		e.Reason, e.Description, e.cause = "cancelled", "", context.Canceled
	case errors.Is(x.ctx.Err(), context.DeadlineExceeded):
		e.Reason, e.Description, e.cause = "timeout", "no answer in time", context.DeadlineExceeded
	case errors.As(err, &dns):
		e.Reason = "dns"
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert),
		errors.As(err, &unknown), errors.As(err, &hostname):
		e.Reason = "tls"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Reason = "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason = "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Reason = "reset"
	}
	return e
}

// judge returns nil if the body is an answer of the Bot API, whatever it says,
// and otherwise what came instead.
func (x *exchange) judge(resp *http.Response, body []byte, err error) *Error {
	code := resp.StatusCode
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	isJSON := media == "application/json" && json.Valid(body)
	switch {
	case code == http.StatusTooManyRequests && (err != nil || !isJSON):
		// A proxy's limit, not the Bot API's: nobody passed the request on.
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &Error{Kind: TooFast, Reason: "too_fast", Code: code, RetryAfter: retryAfter(seconds)}
	case err != nil:
		e := x.failure(err)
		e.Code, e.Ambiguous = code, true
		if e.Reason == "reset" {
			e.Reason = "truncated"
		}
		return e
	case int64(len(body)) > x.maxBytes:
		return unreadable("too_large", code, "the answer has more than %d bytes", x.maxBytes)
	case code >= 500:
		return unreadable("server_error", code, "%s", http.StatusText(code))
	case len(bytes.TrimSpace(body)) == 0:
		return unreadable("empty_answer", code, "the answer has no body")
	case media != "application/json":
		return unreadable("not_json", code, "the answer is not JSON: something stands in between")
	case !isJSON:
		return unreadable("truncated", code, "the answer is not whole")
	}
	var said struct {
		OK bool `json:"ok"`
	}
	if json.Unmarshal(body, &said) != nil || said.OK && code != http.StatusOK {
		return unreadable(reasonBadAnswer, code, "the answer is JSON, but not of the Bot API")
	}
	return nil
}
