package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kabarchy/ratelimit"
)

func newBudget(limit int, c *clock) *ratelimit.Budget[string] {
	return ratelimit.NewBudget[string](ratelimit.BudgetOptions{Limit: limit, Now: c.now})
}

// spend uses up a budget of limit with the references from, from+1, …
func spend(t *testing.T, b *ratelimit.Budget[string], client string, from uint64, limit int) {
	t.Helper()
	for i := range limit {
		if d := b.Miss(client, from+uint64(i)); !d.Allowed || d.Remaining != limit-i-1 {
			t.Fatalf("miss %d: %+v", i+1, d)
		}
	}
}

func TestDistinctUnknownReferencesUseTheBudget(t *testing.T) {
	c := newClock()
	b := newBudget(60, c)
	if d := b.Check("a", 1); !d.Allowed || d.Remaining != 60 {
		t.Fatalf("at first: %+v", d)
	}
	spend(t, b, "a", 1, 60)
	want := ratelimit.Decision{Limit: 60, RetryAfter: time.Minute, ResetAfter: time.Hour}
	if d := b.Check("a", 61); d != want {
		t.Errorf("the 61st, before: %+v, want %+v", d, want)
	}
	if d := b.Miss("a", 61); d != want {
		t.Errorf("the 61st, after: %+v, want %+v", d, want)
	}
	if d := b.Hit("a", 62); d != want {
		t.Errorf("a known one: %+v, want %+v", d, want)
	}
	if d := b.Check("b", 61); !d.Allowed || d.Remaining != 60 {
		t.Errorf("another client: %+v", d)
	}
	c.move(time.Minute)
	if d := b.Miss("a", 61); !d.Allowed || d.Remaining != 0 {
		t.Errorf("a minute later: %+v", d)
	}
	if d := b.Miss("a", 62); d.Allowed {
		t.Errorf("a minute later, the second: %+v", d)
	}
}

func TestTheSameUnknownReferenceCountsOnceAnHour(t *testing.T) {
	c := newClock()
	b := newBudget(2, c)
	for range 10 {
		if d := b.Miss("a", 7); !d.Allowed || d.Remaining != 1 {
			t.Fatalf("typed again: %+v", d)
		}
	}
	b.Miss("a", 8)
	for _, fingerprint := range []uint64{7, 8} {
		if d := b.Check("a", fingerprint); !d.Allowed || d.Remaining != 0 {
			t.Errorf("Check of %d, over budget but paid for: %+v", fingerprint, d)
		}
		if d := b.Miss("a", fingerprint); !d.Allowed {
			t.Errorf("Miss of %d, over budget but paid for: %+v", fingerprint, d)
		}
	}
	if d := b.Hit("a", 8); !d.Allowed {
		t.Errorf("paid for while unknown, now known: %+v", d)
	}
	c.move(30 * time.Minute) // one more
	b.Miss("a", 9)
	c.move(30 * time.Minute) // and one; what was paid an hour ago is not any more
	if d := b.Miss("a", 7); !d.Allowed || d.Remaining != 0 {
		t.Errorf("after an hour it counts again: %+v", d)
	}
	if d := b.Miss("a", 10); d.Allowed {
		t.Errorf("after an hour the budget is spent again: %+v", d)
	}
}

func TestWhatWasShownIsShownAgainOverBudget(t *testing.T) {
	c := newClock()
	b := newBudget(3, c)
	if d := b.Hit("a", 100); !d.Allowed || d.Remaining != 3 {
		t.Fatalf("a known reference costs nothing: %+v", d)
	}
	spend(t, b, "a", 1, 3)
	for range 3 {
		if d := b.Check("a", 100); !d.Allowed || d.Remaining != 0 {
			t.Errorf("Check of what was shown: %+v", d)
		}
		if d := b.Hit("a", 100); !d.Allowed {
			t.Errorf("Hit of what was shown: %+v", d)
		}
	}
	if d := b.Check("a", 101); d.Allowed {
		t.Errorf("what was not shown: %+v", d)
	}
	if b.Hit("a", 101); b.Check("a", 101).Allowed {
		t.Error("a refused hit was taken for shown")
	}
	if d := b.Check("b", 100); !d.Allowed {
		t.Errorf("another client has its own budget: %+v", d)
	}
}

// A guesser sends its look-ups all at once, so that each is checked before any
// has missed.
func TestAtOnceIsNoWayAroundTheBudget(t *testing.T) {
	c := newClock()
	b := newBudget(20, c)
	const guesses = 400
	var told, shown atomic.Int64
	var wg, checked sync.WaitGroup
	checked.Add(guesses)
	for i := range uint64(guesses) {
		wg.Go(func() {
			admitted := b.Check("guesser", i).Allowed
			checked.Done()
			checked.Wait()
			if !admitted {
				t.Error("refused before anything missed")
			}
			if i%40 == 0 { // one in forty exists
				if b.Hit("guesser", i).Allowed {
					shown.Add(1)
				}
			} else if b.Miss("guesser", i).Allowed {
				told.Add(1)
			}
		})
	}
	wg.Wait()
	if told.Load() != 20 {
		t.Errorf("told of %d unknown references, want 20", told.Load())
	}
	for i := range uint64(guesses) {
		if i%40 == 0 && b.Hit("guesser", i).Allowed {
			shown.Add(-1)
		}
	}
	if shown.Load() != 0 {
		t.Errorf("%d references more or less are shown than were before", -shown.Load())
	}
}

func TestLimitsOutsideAreBroughtWithin(t *testing.T) {
	for limit, want := range map[int]int{-1: 1, 0: 1, 1: 1, 60: 60, 61: 60, 1 << 40: 60} {
		if d := newBudget(limit, newClock()).Check("a", 1); d.Limit != want {
			t.Errorf("limit %d is %d, want %d", limit, d.Limit, want)
		}
	}
}

// Whoever waits for as many whole seconds as the answer says may miss again.
func TestWaitingForRetryAfterRefillsTheBudget(t *testing.T) {
	random := seeded(t)
	for trial := range 2000 {
		c := newClock()
		b := newBudget(1+random.IntN(60), c)
		next := uint64(0)
		d := b.Miss("a", next)
		for d.Allowed {
			c.move(time.Duration(random.Int64N(int64(10 * time.Second))))
			next++
			d = b.Miss("a", next)
		}
		if before := b.Check("a", next); before != d {
			t.Fatalf("trial %d: Check %+v, Miss %+v", trial, before, d)
		}
		c.move(d.RetryAfter - 1)
		if early := b.Check("a", next); early.Allowed || early.RetryAfter != 1 {
			t.Fatalf("trial %d: a nanosecond before %v: %+v", trial, d.RetryAfter, early)
		}
		c.move(time.Duration(d.RetryAfterSeconds())*time.Second - d.RetryAfter + 1)
		if !b.Check("a", next).Allowed || !b.Miss("a", next).Allowed {
			t.Fatalf("trial %d: refused after %d s", trial, d.RetryAfterSeconds())
		}
	}
}

// client is the same budget told in another way: every payment with its time.
type client struct {
	tokens, last int64
	paid         map[uint64]int64
	shown        map[uint64]bool
}

func TestTheBudgetFollowsItsModel(t *testing.T) {
	random := seeded(t)
	for range 20 {
		c := newClock()
		start := c.at
		limit := 1 + random.IntN(10)
		interval := (int64(time.Hour) + int64(limit) - 1) / int64(limit)
		whole := interval * int64(limit)
		b := newBudget(limit, c)
		model := map[string]*client{}
		for step := range 3000 {
			// Whole seconds, to which payments are remembered; never idle for an hour.
			c.move(time.Duration(random.IntN(300)) * time.Second)
			now := int64(c.at.Sub(start))
			name, fingerprint := fmt.Sprint(random.IntN(3)), random.Uint64N(40)
			m := model[name]
			if m == nil || now-m.last >= int64(time.Hour) {
				m = &client{tokens: whole, last: now, paid: map[uint64]int64{}, shown: map[uint64]bool{}}
				model[name] = m
			}
			m.tokens, m.last = min(whole, m.tokens+now-m.last), now
			at, paid := m.paid[fingerprint]
			paid = paid && now-at < int64(time.Hour)
			want := m.tokens >= interval || paid
			var got ratelimit.Decision
			switch op := random.IntN(3); op {
			case 0:
				want = want || m.shown[fingerprint]
				got = b.Check(name, fingerprint)
			case 1:
				want = want || m.shown[fingerprint]
				got = b.Hit(name, fingerprint)
				m.shown[fingerprint] = m.shown[fingerprint] || want
			case 2:
				if want && !paid {
					m.tokens -= interval
					m.paid[fingerprint] = now
				}
				got = b.Miss(name, fingerprint)
			}
			if got.Allowed != want || got.Remaining != int(m.tokens/interval) || got.ResetAfter != time.Duration(whole-m.tokens) {
				t.Fatalf("step %d, limit %d, client %s, reference %d: %+v; want allowed %v, remaining %d, reset %v",
					step, limit, name, fingerprint, got, want, m.tokens/interval, time.Duration(whole-m.tokens))
			}
		}
	}
}

// What the documentation promises a guesser gets, at most.
func TestWithinAnyHourAClientGetsAtMostTwiceTheLimit(t *testing.T) {
	c := newClock()
	b := newBudget(60, c)
	next, inHour, inDay := uint64(0), 0, 0
	for second := range 24 * 3600 {
		for b.Miss("a", next).Allowed {
			next++
			inDay++
			if second < 3600 {
				inHour++
			}
		}
		c.move(time.Second)
	}
	if inHour > 120 || inDay > 25*60 {
		t.Errorf("%d in an hour, %d in a day; want at most 120 and 1500", inHour, inDay)
	}
}

func BenchmarkBudgetKnown(b *testing.B) {
	budget := ratelimit.NewBudget[netip.Prefix](ratelimit.BudgetOptions{Limit: 60})
	clients := manyClients(10_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		client := clients[i%len(clients)]
		budget.Check(client, uint64(i%3))
		budget.Hit(client, uint64(i%3))
		i++
	}
}

func BenchmarkBudgetKnownBehindOneAddress(b *testing.B) {
	budget := ratelimit.NewBudget[netip.Prefix](ratelimit.BudgetOptions{Limit: 60})
	client := manyClients(1)[0]
	b.ReportAllocs()
	for b.Loop() {
		fingerprint := rand.Uint64()
		budget.Check(client, fingerprint)
		budget.Hit(client, fingerprint)
	}
}

func BenchmarkBudgetUnknown(b *testing.B) {
	budget := ratelimit.NewBudget[netip.Prefix](ratelimit.BudgetOptions{Limit: 60})
	client := manyClients(1)[0]
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		budget.Check(client, i)
		budget.Miss(client, i)
		i++
	}
}
