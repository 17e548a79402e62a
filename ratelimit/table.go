package ratelimit

import (
	"hash/maphash"
	"sync"
)

// shardsAtMost bounds how many mutexes a table has; leastPerShard, below how
// many keys another one is not worth it, as each evicts by itself.
const (
	shardsAtMost  = 64
	leastPerShard = 256
)

// A table maps keys to values in bounded memory: at the bound, a new key takes
// the place of the one that was used longest ago in its shard. Every operation
// is O(1), and none allocates for a key that is there.
type table[K comparable, V any] struct {
	seed   maphash.Seed
	shards []shard[K, V] // a power of two of them
}

func newTable[K comparable, V any](maxKeys int) *table[K, V] {
	n := 1
	for n < shardsAtMost && maxKeys/(2*n) >= leastPerShard {
		n *= 2
	}
	t := &table[K, V]{seed: maphash.MakeSeed(), shards: make([]shard[K, V], n)}
	for i := range t.shards {
		t.shards[i].max = max(maxKeys/n, 1)
		t.shards[i].index = map[K]int32{}
		t.shards[i].first, t.shards[i].last = none, none
	}
	return t
}

// shard returns key's shard, locked.
func (t *table[K, V]) shard(key K) *shard[K, V] {
	s := &t.shards[maphash.Comparable(t.seed, key)&uint64(len(t.shards)-1)]
	s.Lock()
	return s
}

// len counts the keys, shard by shard.
func (t *table[K, V]) len() int {
	n := 0
	for i := range t.shards {
		t.shards[i].Lock()
		n += len(t.shards[i].index)
		t.shards[i].Unlock()
	}
	return n
}

// none is no slot.
const none int32 = -1

// A shard is a map whose entries stand in a list, the latest used first. Its
// methods need the lock.
type shard[K comparable, V any] struct {
	sync.Mutex
	max         int
	index       map[K]int32
	slots       []slot[K, V]
	free        []int32
	first, last int32
	_           [64]byte // a cache line, lest neighbours' locks share one
}

type slot[K comparable, V any] struct {
	key            K
	value          V
	later, earlier int32 // its neighbours in the order of use
}

// get returns key's value and makes it the latest used, or returns nil. The
// pointer is good until the next put.
func (s *shard[K, V]) get(key K) *V {
	i, ok := s.index[key]
	if !ok {
		return nil
	}
	if i != s.first {
		s.unlink(i)
		s.pushFront(i)
	}
	return &s.slots[i].value
}

// put adds key, which is not there, with the zero value.
func (s *shard[K, V]) put(key K) *V {
	if len(s.index) >= s.max {
		s.removeOldest()
	}
	var i int32
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		i = int32(len(s.slots))
		s.slots = append(s.slots, slot[K, V]{})
	}
	s.slots[i].key = key
	s.index[key] = i
	s.pushFront(i)
	return &s.slots[i].value
}

// oldest returns the value that was used longest ago, or nil.
func (s *shard[K, V]) oldest() *V {
	if s.last == none {
		return nil
	}
	return &s.slots[s.last].value
}

// removeOldest forgets the oldest; there must be one.
func (s *shard[K, V]) removeOldest() {
	i := s.last
	s.unlink(i)
	delete(s.index, s.slots[i].key)
	s.slots[i] = slot[K, V]{}
	s.free = append(s.free, i)
}

func (s *shard[K, V]) pushFront(i int32) {
	s.slots[i].later, s.slots[i].earlier = none, s.first
	if s.first != none {
		s.slots[s.first].later = i
	} else {
		s.last = i
	}
	s.first = i
}

func (s *shard[K, V]) unlink(i int32) {
	later, earlier := s.slots[i].later, s.slots[i].earlier
	if later != none {
		s.slots[later].earlier = earlier
	} else {
		s.first = earlier
	}
	if earlier != none {
		s.slots[earlier].later = later
	} else {
		s.last = later
	}
}
