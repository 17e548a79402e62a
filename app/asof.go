package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// asOf is register_as_of as far as it is known: read once, then told of.
type asOf struct {
	micros atomic.Int64 // 0: no complete feed yet
	due    atomic.Bool  // it must be read before it is relied upon

	mu      sync.Mutex
	changes uint64
}

// set takes in the time of a complete feed. It never goes back: what another
// process did may be told of after what this one did.
func (a *asOf) set(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes++
	if n := t.UnixMicro(); n > a.micros.Load() {
		a.micros.Store(n)
	}
	a.due.Store(false)
}

// forget makes the next reader read it again.
func (a *asOf) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes++
	a.due.Store(true)
}

// read returns register_as_of in microseconds, 0 if there was no complete feed
// yet, after reading it where that is due. With an error, what it returns is
// the last that was known.
func (a *asOf) read(ctx context.Context, store Store) (int64, error) {
	if !a.due.Load() {
		return a.micros.Load(), nil
	}
	a.mu.Lock()
	changes := a.changes
	a.mu.Unlock()
	t, err := store.AsOf(ctx)
	if err != nil {
		return a.micros.Load(), err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changes == changes { // else what was told meanwhile is newer
		micros := int64(0)
		if !t.IsZero() {
			micros = t.UnixMicro()
		}
		a.micros.Store(micros)
		a.due.Store(false)
	}
	return a.micros.Load(), nil
}
