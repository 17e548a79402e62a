// Package ratelimit decides who may ask again, and when.
//
// A Limiter bounds how often a client asks. A Budget bounds how many distinct
// references that nobody has a client tries: with 10⁸ numbers and no second
// factor, it is what stands between a guesser and everybody's applications.
// Both are in process, safe for concurrent use, of bounded memory, and never
// fail or block on anything but a short mutex.
//
// Limits: each process counts for itself, so that n of them admit n times as
// much, and a restart forgets. A client is an address or a network (see
// Client): whoever has many has as many budgets, and people behind one address
// share one.
package ratelimit

import (
	"net/netip"
	"time"
)

// A Decision says whether a request is admitted, and what the client may be told.
type Decision struct {
	Allowed    bool
	Limit      int           // admitted at once when nothing was used; 0: there is no limit
	Remaining  int           // admitted at once from now on
	RetryAfter time.Duration // exact; 0 if Allowed. Who asks no sooner is admitted, if nobody else with the same key asked
	ResetAfter time.Duration // until Remaining is Limit again, if nobody asks
}

// RetryAfterSeconds is RetryAfter as the HTTP field of that name has it: whole
// seconds, rounded up, so that it is 0 only if Allowed.
func (d Decision) RetryAfterSeconds() int { return seconds(d.RetryAfter) }

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// Client returns what counts as one client: an IPv4 address, also one that is
// written as IPv6 (::ffff:192.0.2.1), or the /64 network of an IPv6 address,
// which is what one subscriber has at least. All invalid addresses are one
// client, the zero Prefix.
func Client(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
