package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kabarchy/ratelimit"
)

// A clock stands still until it is moved.
type clock struct{ at time.Time }

func newClock() *clock                { return &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }
func (c *clock) now() time.Time       { return c.at }
func (c *clock) move(d time.Duration) { c.at = c.at.Add(d) }

// seeded returns a source of chance, and prints how to repeat it if t fails.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

func TestTheBurstIsAdmittedAtOnceAndThenTheRate(t *testing.T) {
	c := newClock()
	l := ratelimit.New[string](ratelimit.Options{Rate: 60, Burst: 3, Now: c.now})
	for i, want := range []ratelimit.Decision{
		{Allowed: true, Limit: 3, Remaining: 2, ResetAfter: time.Second},
		{Allowed: true, Limit: 3, Remaining: 1, ResetAfter: 2 * time.Second},
		{Allowed: true, Limit: 3, Remaining: 0, ResetAfter: 3 * time.Second},
		{Allowed: false, Limit: 3, Remaining: 0, RetryAfter: time.Second, ResetAfter: 3 * time.Second},
		{Allowed: false, Limit: 3, Remaining: 0, RetryAfter: time.Second, ResetAfter: 3 * time.Second},
	} {
		if got := l.Allow("a"); got != want {
			t.Errorf("request %d: %+v, want %+v", i+1, got, want)
		}
	}
	if d := l.Allow("b"); !d.Allowed || d.Remaining != 2 {
		t.Errorf("another key: %+v", d)
	}
	c.move(time.Second - 1)
	if d := l.Allow("a"); d.Allowed || d.RetryAfter != 1 {
		t.Errorf("a nanosecond too soon: %+v", d)
	}
	c.move(1)
	if d := l.Allow("a"); !d.Allowed || d.Remaining != 0 {
		t.Errorf("in time: %+v", d)
	}
	c.move(time.Hour)
	if d := l.Allow("a"); !d.Allowed || d.Remaining != 2 {
		t.Errorf("after an hour: %+v", d)
	}
}

func TestABatchIsAdmittedAsAWhole(t *testing.T) {
	c := newClock()
	l := ratelimit.New[string](ratelimit.Options{Rate: 60, Burst: 10, Now: c.now})
	if d := l.AllowN("a", 7); !d.Allowed || d.Remaining != 3 {
		t.Errorf("7 of 10: %+v", d)
	}
	if d := l.AllowN("a", 5); d.Allowed || d.Remaining != 3 || d.RetryAfter != 2*time.Second {
		t.Errorf("5 of 3: %+v", d)
	}
	if d := l.AllowN("a", 0); !d.Allowed || d.Remaining != 3 {
		t.Errorf("0 of 3: %+v", d)
	}
	if d := l.AllowN("b", 100); !d.Allowed || d.Remaining != 0 {
		t.Errorf("more than the burst: %+v", d)
	}
}

func TestRateNoughtIsNoLimit(t *testing.T) {
	l := ratelimit.New[string](ratelimit.Options{})
	for range 10 {
		if d := l.Allow("a"); d != (ratelimit.Decision{Allowed: true}) || d.Field("lookups") != "" {
			t.Fatalf("%+v", d)
		}
	}
	if p := l.Policy("lookups"); p != "" {
		t.Errorf("Policy = %q", p)
	}
}

// Whoever waits for as many whole seconds as the answer says is admitted, and
// whoever comes back a nanosecond before the exact time is not.
func TestWaitingForRetryAfterAdmits(t *testing.T) {
	random := seeded(t)
	for trial := range 10_000 {
		c := newClock()
		c.move(time.Duration(random.Int64N(int64(time.Hour))))
		o := ratelimit.Options{Rate: 1 + random.IntN(100_000), Burst: 1 + random.IntN(50), Now: c.now}
		l := ratelimit.New[int](o)
		var d ratelimit.Decision
		for d = l.Allow(1); d.Allowed; d = l.Allow(1) {
			c.move(time.Duration(random.Int64N(int64(time.Minute) / int64(o.Rate))))
		}
		if d.RetryAfter <= 0 || d.RetryAfterSeconds() < 1 || time.Duration(d.RetryAfterSeconds())*time.Second < d.RetryAfter {
			t.Fatalf("trial %d, %+v: refused with %+v", trial, o, d)
		}
		c.move(d.RetryAfter - 1)
		if early := l.Allow(1); early.Allowed || early.RetryAfter != 1 {
			t.Fatalf("trial %d, %+v: admitted a nanosecond before %v: %+v", trial, o, d.RetryAfter, early)
		}
		c.move(time.Duration(d.RetryAfterSeconds())*time.Second - d.RetryAfter + 1)
		if late := l.Allow(1); !late.Allowed {
			t.Fatalf("trial %d, %+v: refused after %d s: %+v", trial, o, d.RetryAfterSeconds(), late)
		}
	}
}

// bucket is the same limit told in another way: tokens, counted in nanoseconds
// of refill.
type bucket struct{ tokens, last int64 }

func TestTheLimiterIsATokenBucket(t *testing.T) {
	random := seeded(t)
	for range 50 {
		c := newClock()
		start := c.at
		rate, burst := 1+random.IntN(6000), 1+random.IntN(20)
		interval := (int64(time.Minute) + int64(rate) - 1) / int64(rate)
		whole := interval * int64(burst)
		l := ratelimit.New[int](ratelimit.Options{Rate: rate, Burst: burst, Now: c.now})
		model := map[int]*bucket{}
		for step := range 2000 {
			c.move(time.Duration(random.Int64N(2 * interval / int64(1+random.IntN(5)))))
			now := int64(c.at.Sub(start))
			key, cost := random.IntN(3), int64(1+random.IntN(min(burst, 3)))
			b := model[key]
			if b == nil {
				b = &bucket{tokens: whole, last: now}
				model[key] = b
			}
			b.tokens, b.last = min(whole, b.tokens+now-b.last), now
			want := ratelimit.Decision{Limit: burst}
			if b.tokens >= cost*interval {
				b.tokens -= cost * interval
				want.Allowed = true
			} else {
				want.RetryAfter = time.Duration(cost*interval - b.tokens)
			}
			want.Remaining = int(b.tokens / interval)
			want.ResetAfter = time.Duration(whole - b.tokens)
			if got := l.AllowN(key, int(cost)); got != want {
				t.Fatalf("step %d, rate %d, burst %d, key %d, cost %d: %+v, want %+v", step, rate, burst, key, cost, got, want)
			}
		}
	}
}

func TestManyAtOnceAreAdmittedAsOftenAsAllowed(t *testing.T) {
	c := newClock() // stands still: only the burst
	l := ratelimit.New[string](ratelimit.Options{Rate: 600, Burst: 100, MaxKeys: 10_000, Now: c.now})
	var admitted [4]atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 400 {
				key := (g + i) % len(admitted)
				if l.Allow(strconv.Itoa(key)).Allowed {
					admitted[key].Add(1)
				}
				l.Allow(fmt.Sprint("other", g, i))
			}
		})
	}
	wg.Wait()
	for key := range admitted {
		if n := admitted[key].Load(); n != 100 {
			t.Errorf("key %d: %d admitted, want 100", key, n)
		}
	}
}

func TestClient(t *testing.T) {
	tests := []struct{ name, addr, want string }{
		{name: "IPv4 is itself", addr: "192.0.2.7", want: "192.0.2.7/32"},
		{name: "IPv4 in IPv6 notation is IPv4", addr: "::ffff:192.0.2.7", want: "192.0.2.7/32"},
		{name: "IPv6 is its network", addr: "2001:db8:1:2:3:4:5:6", want: "2001:db8:1:2::/64"},
		{name: "a zone does not count", addr: "fe80::1%eth0", want: "fe80::/64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ratelimit.Client(netip.MustParseAddr(tt.addr)); got != netip.MustParsePrefix(tt.want) {
				t.Errorf("Client(%s) = %s, want %s", tt.addr, got, tt.want)
			}
		})
	}
	if got := ratelimit.Client(netip.Addr{}); got.IsValid() {
		t.Errorf("Client of no address = %s", got)
	}
}

func TestFields(t *testing.T) {
	c := newClock()
	lookups := ratelimit.New[string](ratelimit.Options{Rate: 60_000, Burst: 1000, Now: c.now})
	slow := ratelimit.New[string](ratelimit.Options{Rate: 7, Burst: 2, Now: c.now})
	misses := ratelimit.NewBudget[string](ratelimit.BudgetOptions{Limit: 60, Now: c.now})
	slow.Allow("a")
	slow.Allow("a")
	tests := []struct{ name, got, want string }{
		{"policy of the default limit", lookups.Policy("lookups"), `"lookups";q=1000;w=1`},
		{"policy whose window is no whole second", slow.Policy("slow"), `"slow";q=2;w=18`},
		{"policy of misses", misses.Policy("misses"), `"misses";q=60;w=3600`},
		{"policy with a quote in its name", lookups.Policy(`a"\b`), `"a\"\\b";q=1000;w=1`},
		{"one of a thousand used", lookups.Allow("a").Field("lookups"), `"lookups";r=999;t=1`},
		{"none left", slow.Allow("a").Field("slow"), `"slow";r=0;t=18`},
		{"no miss yet", misses.Check("a", 1).Field("misses"), `"misses";r=60;t=0`},
		{"one miss", misses.Miss("a", 1).Field("misses"), `"misses";r=59;t=60`},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func BenchmarkAllow(b *testing.B) {
	for _, n := range []int{1, 50_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			l := ratelimit.New[netip.Prefix](ratelimit.Options{Rate: 60_000, Burst: 1000})
			clients := manyClients(n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				l.Allow(clients[i%n])
				i++
			}
		})
	}
}

func BenchmarkAllowUnderPressure(b *testing.B) {
	l := ratelimit.New[netip.Prefix](ratelimit.Options{Rate: 1, Burst: 10, MaxKeys: 10_000})
	clients := manyClients(100_000)
	for _, c := range clients {
		l.Allow(c)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		l.Allow(clients[i%len(clients)])
		i++
	}
}

func BenchmarkAllowParallel(b *testing.B) {
	l := ratelimit.New[netip.Prefix](ratelimit.Options{Rate: 60_000, Burst: 1000})
	clients := manyClients(1000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(1000); pb.Next(); i++ {
			l.Allow(clients[i%1000])
		}
	})
}

func manyClients(n int) []netip.Prefix {
	clients := make([]netip.Prefix, n)
	for i := range clients {
		clients[i] = ratelimit.Client(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	return clients
}

func TestAdmittingAllocatesNothing(t *testing.T) {
	l := ratelimit.New[netip.Prefix](ratelimit.Options{Rate: 60_000, Burst: 1000})
	budget := ratelimit.NewBudget[netip.Prefix](ratelimit.BudgetOptions{Limit: 60})
	client := manyClients(1)[0]
	for range 3 { // the first time, it remembers
		l.Allow(client)
		budget.Hit(client, 7)
		budget.Miss(client, 8)
	}
	if n := testing.AllocsPerRun(1000, func() {
		l.Allow(client)
		budget.Check(client, 7)
		budget.Hit(client, 7)
		budget.Miss(client, 8)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
