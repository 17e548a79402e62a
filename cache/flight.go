package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kabarchy/visa"
)

// A flight is a load under way, and whoever waits for it. At most one exists
// for a reference. need and changes are guarded by the shard; the result may
// be read once done is closed.
type flight[V any] struct {
	done    chan struct{}
	need    int64  // the newest revision announced while it flew
	changes uint64 // announcements while it flew

	value  V
	source Source
	err    error
}

// maxBehind is how often a load is repeated though it began after a revision
// was announced that it does not show yet.
const maxBehind = 3

var errAbandoned = errors.New("cache: the load did not end")

// fly joins the flight of ref or leads one.
func (m *Memory[V]) fly(ctx context.Context, ref visa.Reference, load Load[V]) (V, Source, error) {
	s := m.shard(ref)
	s.mu.Lock()
	if f := s.flights[ref]; f != nil {
		s.mu.Unlock()
		m.joins.Add(1)
		select {
		case <-f.done:
			return f.value, f.source, f.err
		case <-ctx.Done():
			var none V
			return none, Loaded, fmt.Errorf("cache: wait for %s: %w", ref.Masked(), ctx.Err())
		}
	}
	// Somebody's flight may have ended between the look at the cache and the lock.
	if e, ok := m.known.GetEntryQuietly(ref); ok && e.Value.epoch.Load() == m.epoch.Load() {
		s.mu.Unlock()
		m.hits.Add(1)
		return e.Value.value, Fresh, nil
	}
	f := &flight[V]{done: make(chan struct{}), err: errAbandoned}
	s.flights[ref] = f
	s.mu.Unlock()

	// Also on a panic of load, which goes on to the caller.
	landed := false
	defer func() {
		if !landed {
			s.mu.Lock()
			delete(s.flights, ref)
			s.mu.Unlock()
		}
		close(f.done)
	}()
	for behind := 0; !landed; {
		landed = m.attempt(ctx, s, f, ref, load, &behind)
	}
	return f.value, f.source, f.err
}

// attempt runs load once and ends the flight with its result, unless the
// reference changed meanwhile: then it returns false.
func (m *Memory[V]) attempt(ctx context.Context, s *shard[V], f *flight[V], ref visa.Reference, load Load[V], behind *int) bool {
	s.mu.Lock()
	changes := f.changes
	s.mu.Unlock()
	epoch := m.epoch.Load()

	value, revision, err := m.run(ctx, ref, load)

	s.mu.Lock()
	defer s.mu.Unlock()
	moved := f.changes != changes || m.epoch.Load() != epoch
	switch {
	case err == nil && revision < f.need && !moved:
		if *behind++; *behind < maxBehind {
			return false
		}
		err = fmt.Errorf("cache: load %s: the store shows a revision older than the one it announced: %w", ref.Masked(), visa.ErrUnavailable)
	case err == nil && (revision < f.need || m.epoch.Load() != epoch):
		return false
	case errors.Is(err, visa.ErrNotFound) && moved:
		return false
	}
	switch {
	case err == nil:
		f.value, f.source, f.err = m.keep(ref, value, revision, epoch), Loaded, nil
	case errors.Is(err, visa.ErrNotFound):
		m.known.Invalidate(ref)
		m.unknown.Set(ref, missing{epoch: epoch, until: m.now().Add(m.unknownFor).UnixNano()})
		f.source, f.err = Loaded, err
	default:
		f.source, f.err = Loaded, err
		if e, ok := m.known.GetEntryQuietly(ref); ok && errors.Is(err, visa.ErrUnavailable) {
			e.Value.failedIn.Store(epoch)
			e.Value.retryAt.Store(m.now().Add(m.checkTimeout).UnixNano())
			m.stales.Add(1)
			f.value, f.source, f.err = e.Value.value, Stale, nil
		}
	}
	delete(s.flights, ref)
	return true
}

// run calls load under its time-out: the shorter one where a stale value could
// be served instead.
func (m *Memory[V]) run(ctx context.Context, ref visa.Reference, load Load[V]) (V, int64, error) {
	timeout := m.loadTimeout
	if _, ok := m.known.GetEntryQuietly(ref); ok {
		timeout = min(timeout, m.checkTimeout)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	m.loads.Add(1)
	value, revision, err := load(ctx, ref)
	if err != nil && ctx.Err() != nil && !errors.Is(err, visa.ErrUnavailable) {
		err = fmt.Errorf("cache: load %s took longer than %s: %w", ref.Masked(), timeout.Round(time.Millisecond), visa.ErrUnavailable)
	}
	return value, revision, err
}

// keep stores a value if it is newer than the one kept, and returns the newer
// of the two. A value found unchanged stays the same value, with all that its
// owner attached to it. The caller holds the shard.
func (m *Memory[V]) keep(ref visa.Reference, value V, revision int64, epoch uint64) V {
	if old, ok := m.known.GetEntryQuietly(ref); ok && old.Value.revision >= revision {
		old.Value.epoch.Store(epoch)
		old.Value.retryAt.Store(0)
		return old.Value.value
	}
	e := &entry[V]{value: value, revision: revision}
	e.epoch.Store(epoch)
	m.known.Set(ref, e)
	if _, ok := m.unknown.GetEntryQuietly(ref); ok {
		m.unknown.Invalidate(ref)
	}
	return value
}
