package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/app/httpapi"
	"kabarchy/app/web"
	"kabarchy/i18n"
	"kabarchy/visa"
)

type benchConn struct{ net.Conn }

var benchPeer net.Addr = &net.TCPAddr{IP: net.IPv4(198, 51, 100, 1), Port: 4711}

func (benchConn) RemoteAddr() net.Addr { return benchPeer }

// benchServer is a server as shipped: limits, metrics, sampled log, 1,000
// applications in memory.
func benchServer(b *testing.B) fasthttp.RequestHandler {
	b.Helper()
	store := &apptest.Store{}
	service := app.New(app.Options{Store: store, Zone: bishkek, Reasons: i18n.DefaultReasons()})
	b.Cleanup(service.Close)
	store.OnChange(service.Apply)
	server := httpapi.New(httpapi.Options{
		Service: service, Pages: web.New(i18n.Default(), i18n.DefaultReasons(), web.Options{Zone: bishkek}),
		Limits:         httpapi.Limits{Rate: 60_000_000, Burst: 1_000_000, Misses: 60},
		Log:            slog.New(slog.NewJSONHandler(io.Discard, nil)),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	for i := range 1000 {
		u := visa.Update{Version: 1, UpdatedAt: time.Date(2025, 6, 2, 5, 2, 0, 0, time.UTC)}
		u.Procedure, u.Stage, u.Campaign = visa.ProcedureExitVisa, visa.StageDecided, "legalization-2025"
		u.Outcome = visa.OutcomeApproved
		u.Reference, _ = visa.ParseReference(fmt.Sprintf("2041%04d", i))
		if _, err := service.Record(b.Context(), "bench", "", []visa.Update{u}); err != nil {
			b.Fatal(err)
		}
		if _, err := service.Lookup(b.Context(), u.Reference); err != nil {
			b.Fatal(err)
		}
	}
	server.App().Handler() // builds Fiber's tree of routes
	return server.App().Server().Handler
}

// benchmark runs a request that is already parsed through the handler.
func benchmark(b *testing.B, path func(i int) string, headers ...string) {
	handler := benchServer(b)
	contexts := make([]*fasthttp.RequestCtx, 256)
	for i := range contexts {
		ctx := &fasthttp.RequestCtx{}
		ctx.Init2(benchConn{}, nil, true)
		ctx.Request.SetRequestURI(path(i))
		ctx.Request.Header.SetHost("example.kg")
		for j := 0; j+1 < len(headers); j += 2 {
			ctx.Request.Header.Set(headers[j], headers[j+1])
		}
		contexts[i] = ctx
		handler(ctx)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ctx := contexts[i%len(contexts)]
		ctx.Response.Reset()
		handler(ctx)
	}
}

func known(i int) string { return fmt.Sprintf("/v1/applications/2041%04d", i) }

func BenchmarkHit(b *testing.B) { benchmark(b, known) }

func BenchmarkHitInAnotherSpelling(b *testing.B) {
	benchmark(b, func(i int) string { return fmt.Sprintf("/v1/applications/2041%%20%04d", i) })
}

func BenchmarkNotModified(b *testing.B) { benchmark(b, known, "If-None-Match", "*") }

func BenchmarkStatusPage(b *testing.B) {
	benchmark(b, func(i int) string { return fmt.Sprintf("/status/2041%04d", i) })
}

func BenchmarkUnknownRoute(b *testing.B) {
	benchmark(b, func(int) string { return "/v1/nothing" })
}

// BenchmarkHitOverLoopback is a whole request over a connection that is kept.
func BenchmarkHitOverLoopback(b *testing.B) {
	s := newSite(b, func(o *setup) {
		o.http.Limits.Rate, o.http.LogEvery = 0, 0
		o.app.Now = nil
	})
	s.decide()
	conn := s.dial()
	defer func() { _ = conn.Close() }()
	br := bufio.NewReader(conn)
	request := []byte("GET /v1/applications/20417733 HTTP/1.1\r\nHost: x\r\n\r\n")
	var res fasthttp.Response
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if err := res.Read(br); err != nil || res.StatusCode() != 200 {
			b.Fatal(err, res.StatusCode())
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	s := newSite(b, func(o *setup) { o.http.LogEvery = 0 })
	for i := 0; b.Loop(); i++ {
		if a := s.update(fmt.Sprintf(`{"reference":"20417733","version":%d,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`, i+1)); a.status != 200 {
			b.Fatal(a.body)
		}
	}
}
