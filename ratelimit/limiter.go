package ratelimit

import "time"

// Options of a Limiter.
type Options struct {
	Rate    int              // requests a minute per key; 0: no limit
	Burst   int              // requests at once per key; at least 1
	MaxKeys int              // keys remembered; 0: 100,000, about 100 bytes each
	Now     func() time.Time // nil: time.Now
}

// A Limiter admits a steady rate and a burst of requests per key, such as
// Client's. New makes it. Keys are kept, so a string must own its bytes.
//
// A key whose burst is whole again is forgotten, which changes nothing. Beyond
// MaxKeys the one that asked longest ago is forgotten, and starts afresh.
type Limiter[K comparable] struct {
	rule  gcra
	keys  *table[K, int64] // when the key's burst is whole again; nil: no limit
	clock clock
}

// New returns a Limiter that remembers nobody.
func New[K comparable](o Options) *Limiter[K] {
	l := &Limiter[K]{clock: newClock(o.Now)}
	if o.Rate <= 0 {
		return l
	}
	if o.MaxKeys <= 0 {
		o.MaxKeys = 100_000
	}
	l.rule = newGCRA(o.Rate, time.Minute, o.Burst)
	l.keys = newTable[K, int64](o.MaxKeys)
	return l
}

// Allow asks for one request, and counts it if it is admitted. One that is
// refused costs nothing.
func (l *Limiter[K]) Allow(key K) Decision { return l.AllowN(key, 1) }

// AllowN asks for n requests at once, all or none. More than the burst cost
// the whole burst, since they could never be admitted otherwise; less than 1
// costs nothing.
func (l *Limiter[K]) AllowN(key K, n int) Decision {
	if l.keys == nil {
		return Decision{Allowed: true}
	}
	cost := min(max(int64(n), 0), l.rule.burst)
	s := l.keys.shard(key)
	defer s.Unlock()
	now := l.clock.now() // under the lock, so that it does not go back for a key
	for range 2 {        // more than come in, so that what is idle goes at last
		if full := s.oldest(); full != nil && *full <= now {
			s.removeOldest()
		}
	}
	full := s.get(key)
	if full == nil {
		full = s.put(key)
	}
	var d Decision
	*full, d = l.rule.take(*full, now, cost)
	return d
}

// Policy describes the limit, as the field RateLimit-Policy has it; "" if
// there is none.
func (l *Limiter[K]) Policy(name string) string {
	if l.keys == nil {
		return ""
	}
	return policy(name, l.rule)
}

// A clock counts nanoseconds from its making.
type clock struct {
	time  func() time.Time
	start time.Time
}

func newClock(now func() time.Time) clock {
	if now == nil {
		now = time.Now
	}
	return clock{time: now, start: now()}
}

func (c clock) now() int64 { return int64(c.time().Sub(c.start)) }
