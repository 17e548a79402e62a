package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kabarchy/cache"
	"kabarchy/visa"
)

// history is a store of revisions in which reads are linearizable: what was
// committed before a read began is seen by it. Revision 0 stands for a
// reference that is not there, a negative one for one that was erased.
type history struct {
	rows     []atomic.Int64 // the revision, negative if that revision erased it
	revision atomic.Int64
	commit   sync.Mutex
}

func abs(n int64) int64 { return max(n, -n) }

// TestNobodySeesAnOlderVersionAfterANewerOne lets writers commit and announce
// as they like while readers hold every answer against two marks taken before
// they asked: what had been announced by then, and what anybody had seen.
func TestNobodySeesAnOlderVersionAfterANewerOne(t *testing.T) {
	const references, writers, readers = 4, 3, 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range 25 {
		m := cache.NewMemory[int64](cache.Options{Size: 3 + round%4, UnknownSize: 2})
		h := &history{rows: make([]atomic.Int64, references)}
		refs := make([]visa.Reference, references)
		for i := range refs {
			refs[i] = reference(t, fmt.Sprintf("2041773%d", i))
		}
		var announced, seen [references]atomic.Int64
		raise := func(mark *atomic.Int64, to int64) {
			for have := mark.Load(); have < to && !mark.CompareAndSwap(have, to); have = mark.Load() {
			}
		}
		var writing atomic.Int32
		writing.Store(writers)
		var wg sync.WaitGroup
		for w := range writers {
			rnd := rand.New(rand.NewPCG(seed, uint64(round*100+w)))
			wg.Go(func() {
				defer writing.Add(-1)
				for range 150 {
					i := rnd.IntN(references)
					h.commit.Lock()
					r := h.revision.Add(1)
					if rnd.IntN(8) == 0 {
						h.rows[i].Store(-r)
					} else {
						h.rows[i].Store(r)
					}
					h.commit.Unlock()
					for range rnd.IntN(4) {
						runtime.Gosched()
					}
					if rnd.IntN(6) == 0 {
						m.InvalidateAll()
					} else {
						m.Invalidate(refs[i], r)
					}
					raise(&announced[i], r)
				}
			})
		}
		for w := range readers {
			rnd := rand.New(rand.NewPCG(seed, uint64(round*100+50+w)))
			wg.Go(func() {
				for writing.Load() > 0 {
					i := rnd.IntN(references)
					pause := rnd.IntN(5)
					load := func(context.Context, visa.Reference) (int64, int64, error) {
						for range pause / 2 {
							runtime.Gosched()
						}
						r := h.rows[i].Load()
						for range pause {
							runtime.Gosched()
						}
						if r <= 0 {
							return 0, 0, visa.ErrNotFound
						}
						return r, r, nil
					}
					told, before := announced[i].Load(), seen[i].Load()
					got, _, err := m.Get(context.Background(), refs[i], load)
					switch {
					case err == nil && (got < told || got < before):
						t.Errorf("round %d: got revision %d though %d was announced and %d seen before", round, got, told, before)
						return
					case err == nil:
						raise(&seen[i], got)
					case h.rows[i].Load() > 0 && abs(h.rows[i].Load()) == told:
						// Nothing was committed since the announcement of a
						// revision that is there, and yet it was not found.
						t.Errorf("round %d: revision %d is there, and was not found: %v", round, told, err)
						return
					}
				}
			})
		}
		wg.Wait()
		for i := range refs {
			r := h.rows[i].Load()
			got, _, err := m.Get(context.Background(), refs[i], func(context.Context, visa.Reference) (int64, int64, error) {
				if r <= 0 {
					return 0, 0, visa.ErrNotFound
				}
				return r, r, nil
			})
			if r > 0 && (err != nil || got != r) || r <= 0 && err == nil {
				t.Errorf("round %d: at rest %v is %d, %v; the store has %d", round, refs[i], got, err, r)
			}
		}
	}
}
