package ratelimit

import (
	"math"
	"time"
)

// A gcra is the generic cell rate algorithm: a bucket of burst tokens, into
// which one drips every interval, kept as one number per client, the instant
// at which its bucket is full again. Instants are nanoseconds on any clock that
// does not go back. Being pure, it counts the same wherever the number is kept.
type gcra struct {
	interval int64 // nanoseconds, at least 1
	burst    int64 // at least 1; interval × burst is less than 2⁶¹
}

// newGCRA returns the algorithm that admits n per period, and burst at once. An
// interval that is no whole number of nanoseconds is rounded up: never more
// than n per period.
func newGCRA(n int, period time.Duration, burst int) gcra {
	g := gcra{interval: (int64(period) + int64(n) - 1) / int64(n), burst: int64(max(burst, 1))}
	g.burst = min(g.burst, math.MaxInt64/4/g.interval)
	return g
}

// take spends cost tokens at now if there are as many, and returns when the
// bucket is full after that.
func (g gcra) take(full, now, cost int64) (int64, Decision) {
	full = max(full, now)
	after := full + cost*g.interval
	if wait := after - g.burst*g.interval - now; wait > 0 {
		d := g.state(full, now)
		d.Allowed, d.RetryAfter = false, time.Duration(wait)
		return full, d
	}
	return after, g.state(after, now)
}

// state is what a client is told who spends nothing: Allowed as if it had.
func (g gcra) state(full, now int64) Decision {
	full = max(full, now)
	return Decision{
		Allowed:    true,
		Limit:      int(g.burst),
		Remaining:  int(g.burst - (full-now+g.interval-1)/g.interval),
		ResetAfter: time.Duration(full - now),
	}
}

// look is take without spending.
func (g gcra) look(full, now int64) Decision {
	if _, d := g.take(full, now, 1); !d.Allowed {
		return d
	}
	return g.state(full, now)
}
