// Package cache keeps answers in memory, bounded by their number, and never
// older than what this process was told of.
//
// Revisions order everything: a value is kept only if it is newer than the one
// it would replace, and a load that was under way when its reference changed
// is run again before anybody gets its result. Nobody sees an older version
// after a newer one, and nobody who asks after Invalidate returned sees what
// was true before.
//
// Limits: it trusts the store to read at least what was committed before the
// read began, which holds for SQLite and for a PostgreSQL primary, and it
// holds no more than one process's memory. A store whose revisions go back
// (a restored backup) needs a new process.
package cache

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"kabarchy/visa"
)

// A Load reads the value of a reference and its revision. It answers with an
// error that wraps visa.ErrNotFound where there is none, and with one that
// wraps visa.ErrUnavailable where it cannot tell.
type Load[V any] func(ctx context.Context, ref visa.Reference) (value V, revision int64, err error)

// A Source says where a value came from.
type Source uint8

// The sources, for metrics and for the caller who wants to tell of staleness.
const (
	Fresh  Source = iota // from memory, nothing newer known
	Loaded               // read just now
	Stale                // from memory, not checked: the store is away
)

// Options of a Memory. Only Size must be set.
type Options struct {
	Size         int           // most values kept, ≥ 1
	UnknownSize  int           // most unknown references kept; 0: 10,000
	UnknownFor   time.Duration // how long a reference counts as unknown, at most 1 s; 0: 1 s
	LoadTimeout  time.Duration // most time a load may take; 0: 5 s
	CheckTimeout time.Duration // most time a check of a stale value may take, and how long a failed one is not repeated, at most 1 s; 0: 1 s
	Now          func() time.Time
}

// Memory holds values by reference. All its methods may be called from many
// goroutines.
type Memory[V any] struct {
	known   *otter.Cache[visa.Reference, *entry[V]]
	unknown *otter.Cache[visa.Reference, missing]

	unknownFor, loadTimeout, checkTimeout time.Duration
	now                                   func() time.Time

	epoch  atomic.Uint64 // grows with each InvalidateAll
	seed   maphash.Seed
	shards [shards]shard[V]

	hits, loads, stales, unknowns, joins atomic.Uint64
}

const shards = 64

// A shard guards the flights of some references, and every change of what is
// kept of them. Hits do not come here.
type shard[V any] struct {
	mu      sync.Mutex
	flights map[visa.Reference]*flight[V]
}

// An entry is a value kept. Its epoch is the one in which it was last found
// to be true.
type entry[V any] struct {
	value    V
	revision int64
	epoch    atomic.Uint64
	retryAt  atomic.Int64  // unix nanoseconds before which a failed check is not repeated
	failedIn atomic.Uint64 // the epoch whose check failed
}

// missing says that a reference was unknown.
type missing struct {
	epoch uint64
	until int64 // unix nanoseconds
}

// NewMemory returns an empty Memory.
func NewMemory[V any](o Options) *Memory[V] {
	m := &Memory[V]{
		known:        otter.Must(&otter.Options[visa.Reference, *entry[V]]{MaximumSize: max(o.Size, 1)}),
		unknown:      otter.Must(&otter.Options[visa.Reference, missing]{MaximumSize: orDefault(o.UnknownSize, 10_000)}),
		unknownFor:   min(orDefault(o.UnknownFor, time.Second), time.Second),
		loadTimeout:  orDefault(o.LoadTimeout, 5*time.Second),
		checkTimeout: min(orDefault(o.CheckTimeout, time.Second), time.Second),
		now:          o.Now,
		seed:         maphash.MakeSeed(),
	}
	if m.now == nil {
		m.now = time.Now
	}
	for i := range m.shards {
		m.shards[i].flights = map[visa.Reference]*flight[V]{}
	}
	return m
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Get returns the value of ref from memory, or by load: one load however many
// ask. The load runs in the first caller's goroutine with its context's values
// but not its end, so that a caller who leaves spoils it for nobody; the others
// wait for it or for the end of their own context.
//
// A value that InvalidateAll made stale is checked by a load. Where that fails
// with visa.ErrUnavailable, the stale value is the answer, with Stale.
//
// Errors: those of load; visa.ErrUnavailable where a load outlasted its time
// or the store stayed behind what it had announced; the context's, while
// waiting.
func (m *Memory[V]) Get(ctx context.Context, ref visa.Reference, load Load[V]) (V, Source, error) {
	e, ok := m.known.GetIfPresent(ref)
	if ok && e.epoch.Load() == m.epoch.Load() {
		m.hits.Add(1)
		return e.value, Fresh, nil
	}
	now := m.now().UnixNano()
	if ok && now < e.retryAt.Load() && e.failedIn.Load() == m.epoch.Load() {
		m.stales.Add(1)
		return e.value, Stale, nil
	}
	if !ok {
		if u, found := m.unknown.GetIfPresent(ref); found && u.epoch == m.epoch.Load() && now < u.until {
			m.unknowns.Add(1)
			var none V
			return none, Fresh, visa.ErrNotFound
		}
	}
	return m.fly(ctx, ref, load)
}

// Invalidate says that ref changed (or appeared, or was erased) at a revision.
// When it returns, nothing older is kept, and no load that began before will
// hand out anything older.
func (m *Memory[V]) Invalidate(ref visa.Reference, revision int64) {
	s := m.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[ref]; f != nil {
		f.need = max(f.need, revision)
		f.changes++
	}
	if e, ok := m.known.GetEntryQuietly(ref); ok && e.Value.revision < revision {
		m.known.Invalidate(ref)
	}
	if _, ok := m.unknown.GetEntryQuietly(ref); ok {
		m.unknown.Invalidate(ref)
	}
}

// InvalidateAll says that anything may have changed. Values become stale, not
// gone: each is checked when it is next asked for.
func (m *Memory[V]) InvalidateAll() { m.epoch.Add(1) }

// Stats counts what a Memory did since it was made.
type Stats struct {
	Hits    uint64 // from memory
	Loads   uint64 // loads run, repeated ones included
	Joined  uint64 // waited for somebody else's load
	Stale   uint64 // served unchecked, the store being away
	Unknown uint64 // known to be unknown
	Size    int    // values kept, about
}

// Stats returns the counts so far.
func (m *Memory[V]) Stats() Stats {
	return Stats{
		Hits: m.hits.Load(), Loads: m.loads.Load(), Joined: m.joins.Load(),
		Stale: m.stales.Load(), Unknown: m.unknowns.Load(), Size: m.known.EstimatedSize(),
	}
}

func (m *Memory[V]) shard(ref visa.Reference) *shard[V] {
	return &m.shards[maphash.String(m.seed, ref.String())%shards]
}
