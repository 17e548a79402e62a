package httpapi

import (
	"net/netip"

	"github.com/valyala/fasthttp"

	"kabarchy/app"
	"kabarchy/ratelimit"
	"kabarchy/visa"
)

// Names of the limits, as the fields RateLimit and RateLimit-Policy have them.
const (
	limitLookups = "lookups"
	limitMisses  = "unknown-references"
)

// admitted asks for n look-ups of a client; if it returns false it has
// answered 429.
func (s *Server) admitted(r *request, n int) bool {
	d := s.lookups.AllowN(r.client(), n)
	if !d.Allowed {
		s.refuse(r, d, limitLookups, s.lookups.Policy(limitLookups), refusedRate)
	}
	return d.Allowed
}

// refuse answers 429 with all that a client needs to come back in time.
func (s *Server) refuse(r *request, d ratelimit.Decision, name, policy, label string) {
	s.metrics.refused[label].Inc()
	r.fail(tooMany(d, name))
	setLimitFields(&r.ctx.Response.Header, d, name, policy)
}

func tooMany(d ratelimit.Decision, name string) problem {
	detail := "Slow down: wait as long as Retry-After says."
	if name == limitMisses {
		detail = "Too many numbers that are not in the register's data were tried from this connection, which many people may share. Wait as long as Retry-After says; references that were shown here before still answer."
	}
	return problem{kind: tooManyRequests, detail: detail, retry: max(d.RetryAfterSeconds(), 1)}
}

func setLimitFields(h *fasthttp.ResponseHeader, d ratelimit.Decision, name, policy string) {
	h.Set("RateLimit", d.Field(name))
	h.Set("RateLimit-Policy", policy)
}

// found looks a reference up within a client's budget of unknown references:
// decided before the look-up, and again with its result, so that no number of
// requests at once learns more than the budget allows. The decision is that of
// the budget; the answer and the error count only if it allows.
func (s *Server) found(client netip.Prefix, ref visa.Reference, proof string) (*app.Answer, ratelimit.Decision, error) {
	mark := s.distinct(ref, proof)
	if d := s.misses.Check(client, mark); !d.Allowed {
		return nil, d, nil
	}
	a, err := s.service.LookupWithProof(s.base, ref, proof)
	switch {
	case err == nil:
		return a, s.misses.Hit(client, mark), nil
	case isNotFound(err):
		return nil, s.misses.Miss(client, mark), visa.ErrNotFound
	}
	return nil, ratelimit.Decision{Allowed: true}, err
}
