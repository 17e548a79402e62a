package ratelimit

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAShardForgetsTheOneUsedLongestAgo(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	table := newTable[int, int](20)
	var model []int // the latest used first
	for step := range 20_000 {
		key := random.IntN(40)
		s := table.shard(key)
		at := slices.Index(model, key)
		v := s.get(key)
		if (v != nil) != (at >= 0) || v != nil && *v != key {
			t.Fatalf("seed %d, step %d: get(%d) = %v, model has it at %d", seed, step, key, v, at)
		}
		if at >= 0 {
			model = slices.Delete(model, at, at+1)
		} else {
			*s.put(key) = key
		}
		model = slices.Insert(model, 0, key)
		model = model[:min(len(model), 20)]
		if random.IntN(10) == 0 {
			s.removeOldest()
			model = model[:len(model)-1]
		}
		if v := s.oldest(); len(model) == 0 && v != nil || len(model) > 0 && (v == nil || *v != model[len(model)-1]) {
			t.Fatalf("seed %d, step %d: oldest = %v, model %v", seed, step, v, model)
		}
		s.Unlock()
		if table.len() != len(model) || len(s.slots) > 20 {
			t.Fatalf("seed %d, step %d: %d keys in %d slots, want %d", seed, step, table.len(), len(s.slots), len(model))
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	now := time.Now()
	still := func() time.Time { return now }
	for _, most := range []int{1, 100, 1000, 20_000} {
		l := New[int](Options{Rate: 1, Burst: 2, MaxKeys: most, Now: still})
		b := NewBudget[int](BudgetOptions{Limit: 60, MaxClients: most, Now: still})
		for key := range 2*most + 10 {
			l.Allow(key)
			b.Miss(key, 1)
		}
		if n := l.keys.len(); n > most || n < most/2 {
			t.Errorf("%d keys of at most %d", n, most)
		}
		if n := b.clients.len(); n > most || n < most/2 {
			t.Errorf("%d clients of at most %d", n, most)
		}
	}
}

func TestOneClientIsBounded(t *testing.T) {
	now := time.Now()
	b := NewBudget[int](BudgetOptions{Limit: 60, Now: func() time.Time { return now }})
	for i := range uint64(100_000) {
		b.Hit(1, i)
		b.Miss(1, i)
		now = now.Add(30 * time.Second)
	}
	s := b.clients.shard(1)
	defer s.Unlock()
	if c := s.get(1); len(c.missed.items) > 2*60 || len(c.shown.items) > shownAtMost {
		t.Errorf("%d misses and %d shown are remembered", len(c.missed.items), len(c.shown.items))
	}
}

func TestTheIdleAreForgotten(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	l := New[int](Options{Rate: 60, Burst: 10, MaxKeys: 200, Now: clock})
	b := NewBudget[int](BudgetOptions{Limit: 60, MaxClients: 200, Now: clock})
	for key := range 100 {
		l.Allow(key)
		b.Hit(key, 1)
	}
	now = now.Add(time.Hour)
	for range 60 { // two for each that comes in
		l.Allow(1000)
		b.Hit(1000, 1)
	}
	if l.keys.len() != 1 || b.clients.len() != 1 {
		t.Errorf("%d keys and %d clients remain, want 1 and 1", l.keys.len(), b.clients.len())
	}
}
