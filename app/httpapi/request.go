package httpapi

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"kabarchy/ratelimit"
	"kabarchy/visa"
)

// A request is one request of a route, from its match to its answer. It is
// reused afterwards: nothing may keep it.
type request struct {
	server *Server
	fiber  *fiber.Ctx
	ctx    *fasthttp.RequestCtx
	route  *route
	start  time.Time
	id     string         // made when it is first needed
	ref    visa.Reference // that it is about, for the log
	public netip.Prefix   // the client, once asked for
	html   bool           // problems are answered by pages
	whole  bool           // its body was read to the end
}

// A handler answers a request.
type handler func(*request)

// route adds a route; a GET route answers HEAD, too.
func (s *Server) route(method, pattern string, h handler) {
	rt := s.metrics.route(pattern, method)
	f := func(c *fiber.Ctx) error {
		r := s.requests.Get().(*request)
		r.fiber, r.ctx, r.route = c, c.Context(), rt
		r.start = r.ctx.Time() // fasthttp has just looked
		defer s.finish(r)
		h(r)
		return nil
	}
	if method == fiber.MethodGet {
		s.fiber.Get(pattern, f)
	} else {
		s.fiber.Add(method, pattern, f)
	}
}

// finish counts and logs a request, and answers for a handler that panicked.
func (s *Server) finish(r *request) {
	if cause := recover(); cause != nil {
		r.panicked(cause)
	}
	took := time.Since(r.start)
	status := r.ctx.Response.StatusCode()
	if status >= 400 && !r.whole {
		r.leaveBody()
	}
	r.route.observe(r.ctx.IsHead(), status, took)
	if s.served.Add(1)%s.logEvery == 0 || status >= 500 {
		r.logAccess(status, took)
	}
	r.fiber, r.ctx, r.route, r.id, r.ref, r.public = nil, nil, nil, "", visa.Reference{}, netip.Prefix{}
	r.html, r.whole = false, false
	s.requests.Put(r)
}

// leaveBody sees to a refused request whose body, if it has one, was not read.
// What is small of a known length fasthttp passes over, so that the connection
// can serve on. How much is left of a chunked one nobody knows: the connection
// ends, and the answer says so.
func (r *request) leaveBody() {
	length := r.ctx.Request.Header.ContentLength()
	if length == 0 || r.ctx.IsGet() || r.ctx.IsHead() {
		return
	}
	if length < 0 {
		r.ctx.SetConnectionClose()
	}
	if conn, ok := r.ctx.Conn().(*trackedConn); ok {
		conn.unread.Store(true)
	}
}

// panicked answers with a bare 500, and logs where it happened. What the panic
// says is logged only where the runtime says it: other texts may hold what was
// sent.
func (r *request) panicked(cause any) {
	said := "of type " + typeName(cause)
	if err, ok := cause.(runtime.Error); ok {
		said = err.Error()
	}
	stack := string(debug.Stack())
	r.fail(problem{kind: internalError, detail: "The fault is on our side. State the request_id if you report it."})
	r.server.metrics.panics.Inc()
	r.server.log.Error("a request panicked", "request_id", r.requestID(), "route", r.route.pattern, "panic", said, "stack", stack)
}

// logAccess writes a line that says nothing of who asked.
func (r *request) logAccess(status int, took time.Duration) {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs,
		slog.String("method", r.route.methodOf(r.ctx.IsHead())), slog.String("route", r.route.pattern),
		slog.Int("status", status), slog.Duration("took", took))
	if !r.ref.IsZero() {
		attrs = append(attrs, slog.Any("reference", r.ref))
	}
	if r.id != "" {
		attrs = append(attrs, slog.String("request_id", r.id))
	}
	r.server.log.LogAttrs(r.server.base, slog.LevelInfo, "request", attrs...)
}

// requestID names the request to whoever reports a problem.
func (r *request) requestID() string {
	if r.id == "" {
		r.id = rand.Text()[:16]
	}
	return r.id
}

// client returns who asks. It must be called before the body is read.
func (r *request) client() netip.Prefix {
	if r.public == (netip.Prefix{}) {
		addr, forged := clientAddress(r.ctx, r.server.trusted)
		if forged {
			r.server.metrics.forged.Inc()
		}
		r.public = ratelimit.Client(addr)
	}
	return r.public
}

// unrouted answers what no route took, and what could not even be read.
func (s *Server) unrouted(c *fiber.Ctx, err error) error {
	r := &request{server: s, fiber: c, ctx: c.Context(), route: s.metrics.unrouted, start: time.Now()}
	defer s.finish(r)
	status := fasthttp.StatusInternalServerError
	var e *fiber.Error
	if errors.As(err, &e) {
		status = e.Code
	}
	path := string(c.Context().URI().PathOriginal())
	routed := status == fasthttp.StatusNotFound || status == fasthttp.StatusMethodNotAllowed
	r.html = s.pages != nil && routed && !isAPI(path)
	switch status {
	case fasthttp.StatusNotFound:
		r.fail(problem{kind: unknownRoute, detail: "The routes are listed in /openapi.yaml."})
	case fasthttp.StatusMethodNotAllowed:
		allow := string(c.Response().Header.Peek(fasthttp.HeaderAllow))
		r.fail(problem{kind: methodNotAllowed, detail: "Here go " + allow + "."})
		r.ctx.Response.Header.Set(fasthttp.HeaderAllow, allow)
	case fasthttp.StatusRequestTimeout:
		r.fail(problem{kind: requestTimeout, detail: "The request stopped arriving. Send it again."})
	case fasthttp.StatusRequestHeaderFieldsTooLarge:
		r.fail(problem{kind: headersTooLarge, detail: "Address and header fields may have " + byteCount(headerBytes) + " together."})
	case fasthttp.StatusRequestEntityTooLarge:
		r.fail(problem{kind: tooLarge, detail: "Send a smaller body."})
	case fasthttp.StatusBadRequest, fasthttp.StatusBadGateway:
		r.fail(problem{kind: malformedRequest, detail: "It is not valid HTTP/1.1."})
	default:
		r.fail(faultOf(err))
	}
	return nil
}

func isAPI(path string) bool { return path == "/v1" || strings.HasPrefix(path, "/v1/") }

// guard stands before Fiber: it answers methods that Fiber does not know, and
// for panics outside of the handlers.
func (s *Server) guard(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if cause := recover(); cause != nil {
				r := &request{server: s, ctx: ctx, route: s.metrics.unrouted, start: time.Now()}
				r.panicked(cause)
				s.finish(r)
			}
		}()
		switch string(ctx.Method()) {
		case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT":
			next(ctx)
		default:
			r := &request{server: s, ctx: ctx, route: s.metrics.unrouted, start: time.Now()}
			r.fail(problem{kind: unknownMethod, detail: "Use GET, HEAD or POST."})
			s.finish(r)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
