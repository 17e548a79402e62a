package ratelimit

import "time"

// window is what a Budget's limit counts in.
const window = time.Hour

// MostMisses is the highest limit of a Budget.
const MostMisses = 60

// shownAtMost is how many references that were shown a client is remembered for.
const shownAtMost = 128

// BudgetOptions of a Budget.
type BudgetOptions struct {
	Limit      int              // distinct unknown references an hour per client, 1 to MostMisses; what is outside is brought within
	MaxClients int              // clients remembered; 0: 50,000, from 100 bytes to 1.7 kB each
	Now        func() time.Time // nil: time.Now
}

// A Budget is the number of distinct unknown references that a client may try.
// NewBudget makes it. K is the client: Client's prefix, or a chat. It is kept, so a string
// must own its bytes.
//
// The budget refills evenly, one every hour/Limit, up to Limit: so the wait is
// short, and within any hour a client gets at most twice the limit, the whole
// budget and its refill; over a day, the limit an hour.
//
// References are told apart by a fingerprint of 64 bits, which the caller
// makes with a key of its own, so that nobody can choose two alike.
//
// A look-up is two steps: Check before, which spares the store; and then Hit or
// Miss, whose Decision is the one to obey, since other look-ups of the same
// client may have ended in between. However many a client sends at once, it is
// told no more than its budget allows.
//
// Who is over budget still gets what tells nothing new: references that were
// shown to this client before, and unknown ones that it paid for within the
// hour, whether or not they have become known.
//
// A client that asks nothing for an hour is forgotten, and what was shown to it
// too; beyond MaxClients, the one that asked longest ago, which starts
// afresh.
type Budget[K comparable] struct {
	rule    gcra
	clients *table[K, spending]
	clock   clock
}

// spending is what is known of one client.
type spending struct {
	full   int64 // when its budget is whole again
	used   int64 // when it last asked anything
	missed ring[miss]
	shown  ring[uint32]
}

// A miss is an unknown reference that was paid for. It is kept small, as
// clients are many: of two unknown references in four billion one is free.
type miss struct {
	mark uint32
	at   uint32 // whole seconds, rounded up
}

// NewBudget returns a Budget of which nobody has used anything.
func NewBudget[K comparable](o BudgetOptions) *Budget[K] {
	if o.MaxClients <= 0 {
		o.MaxClients = 50_000
	}
	limit := min(max(o.Limit, 1), MostMisses)
	return &Budget[K]{
		rule:    newGCRA(limit, window, limit),
		clients: newTable[K, spending](o.MaxClients),
		clock:   newClock(o.Now),
	}
}

// Check says whether a look-up may begin. It spends nothing.
func (b *Budget[K]) Check(client K, fingerprint uint64) Decision {
	s, c, now := b.open(client)
	defer s.Unlock()
	if c == nil {
		return b.rule.state(0, now)
	}
	return b.decide(c, mark(fingerprint), now)
}

// Hit says whether a reference that was found may be shown. It spends nothing.
func (b *Budget[K]) Hit(client K, fingerprint uint64) Decision {
	s, c, now := b.open(client)
	defer s.Unlock()
	if c == nil {
		c = s.put(client)
		c.used = now
	}
	d := b.decide(c, mark(fingerprint), now)
	if d.Allowed && !c.wasShown(mark(fingerprint)) {
		c.shown.add(mark(fingerprint), shownAtMost)
	}
	return d
}

// Miss says whether the client may be told that a reference is unknown, and
// spends one if so, unless this reference was paid for within the hour.
func (b *Budget[K]) Miss(client K, fingerprint uint64) Decision {
	s, c, now := b.open(client)
	defer s.Unlock()
	if c == nil {
		c = s.put(client)
		c.used = now
	}
	m := mark(fingerprint)
	if c.paid(m, now) {
		return b.rule.state(c.full, now)
	}
	var d Decision
	c.full, d = b.rule.take(c.full, now, 1)
	if d.Allowed {
		// No more than the budget and its refill are paid for in an hour.
		c.missed.add(miss{mark: m, at: wholeSeconds(now)}, 2*int(b.rule.burst))
	}
	return d
}

// Policy describes the limit, as the field RateLimit-Policy has it.
func (b *Budget[K]) Policy(name string) string { return policy(name, b.rule) }

// open locks the client's shard and returns what is known of the client, nil
// if nothing, and the time.
func (b *Budget[K]) open(client K) (*shard[K, spending], *spending, int64) {
	s := b.clients.shard(client)
	now := b.clock.now() // under the lock, so that it does not go back for a client
	for range 2 {        // more than come in, so that who is idle goes at last
		if c := s.oldest(); c != nil && now-c.used >= int64(window) {
			s.removeOldest()
		}
	}
	c := s.get(client)
	if c != nil {
		c.used = now
	}
	return s, c, now
}

// decide says whether a client may learn of a reference. It spends nothing.
func (b *Budget[K]) decide(c *spending, m uint32, now int64) Decision {
	d := b.rule.look(c.full, now)
	if !d.Allowed && (c.wasShown(m) || c.paid(m, now)) {
		return b.rule.state(c.full, now)
	}
	return d
}

func (c *spending) wasShown(m uint32) bool {
	for _, shown := range c.shown.items {
		if shown == m {
			return true
		}
	}
	return false
}

func (c *spending) paid(m uint32, now int64) bool {
	for _, missed := range c.missed.items {
		if missed.mark == m && now-int64(missed.at)*int64(time.Second) < int64(window) {
			return true
		}
	}
	return false
}

// mark folds a fingerprint.
func mark(fingerprint uint64) uint32 { return uint32(fingerprint ^ fingerprint>>32) }

func wholeSeconds(now int64) uint32 {
	return uint32((now + int64(time.Second) - 1) / int64(time.Second))
}

// A ring keeps the latest items. The zero ring is empty.
type ring[T any] struct {
	items []T
	next  int // where the oldest stands, once the ring is full
}

// add puts item in the place of the oldest if there are n already.
func (r *ring[T]) add(item T, n int) {
	if len(r.items) < n {
		r.items = append(r.items, item)
		return
	}
	r.items[r.next] = item
	r.next = (r.next + 1) % n
}
