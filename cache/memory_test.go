package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/cache"
	"kabarchy/visa"
)

func reference(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// at loads the text "vN" at revision N.
func at(revision int64) cache.Load[string] {
	return func(context.Context, visa.Reference) (string, int64, error) {
		return fmt.Sprintf("v%d", revision), revision, nil
	}
}

func failing(err error) cache.Load[string] {
	return func(context.Context, visa.Reference) (string, int64, error) { return "", 0, err }
}

func forbidden(t *testing.T) cache.Load[string] {
	return func(_ context.Context, r visa.Reference) (string, int64, error) {
		t.Errorf("%v was loaded", r)
		return "", 0, errors.New("must not be loaded")
	}
}

func want(t *testing.T, m *cache.Memory[string], ref visa.Reference, load cache.Load[string], value string, source cache.Source, is error) {
	t.Helper()
	got, from, err := m.Get(t.Context(), ref, load)
	if !errors.Is(err, is) || got != value || err == nil && from != source {
		t.Errorf("Get = %q, %v, %v; want %q, %v, %v", got, from, err, value, source, is)
	}
}

func TestAValueIsLoadedOnceAndThenServedFromMemory(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	want(t, m, ref, at(7), "v7", cache.Loaded, nil)
	want(t, m, ref, forbidden(t), "v7", cache.Fresh, nil)
	if s := m.Stats(); s.Hits != 1 || s.Loads != 1 {
		t.Errorf("Stats = %+v, want one hit and one load", s)
	}
}

func TestInvalidateDropsOnlyWhatIsOlder(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	want(t, m, ref, at(7), "v7", cache.Loaded, nil)
	m.Invalidate(ref, 7)
	want(t, m, ref, forbidden(t), "v7", cache.Fresh, nil)
	m.Invalidate(ref, 8)
	want(t, m, ref, at(8), "v8", cache.Loaded, nil)
	m.Invalidate(reference(t, "20417734"), 99)
	want(t, m, ref, forbidden(t), "v8", cache.Fresh, nil)
}

func TestALoadOvertakenByAChangeRunsAgainBeforeAnybodyGetsIt(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	calls := 0
	load := func(ctx context.Context, r visa.Reference) (string, int64, error) {
		if calls++; calls == 1 {
			m.Invalidate(ref, 2) // committed between the read and the set
			return "v1", 1, nil
		}
		return "v2", 2, nil
	}
	want(t, m, ref, load, "v2", cache.Loaded, nil)
	want(t, m, ref, forbidden(t), "v2", cache.Fresh, nil)
}

func TestALoadOvertakenByAnAppearanceDoesNotAnswerUnknown(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	calls := 0
	load := func(ctx context.Context, r visa.Reference) (string, int64, error) {
		if calls++; calls == 1 {
			m.Invalidate(ref, 2)
			return "", 0, visa.ErrNotFound
		}
		return "v2", 2, nil
	}
	want(t, m, ref, load, "v2", cache.Loaded, nil)
}

func TestALoadOvertakenByInvalidateAllRunsAgain(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	calls := 0
	load := func(ctx context.Context, r visa.Reference) (string, int64, error) {
		if calls++; calls == 1 {
			m.InvalidateAll()
			return "v1", 1, nil
		}
		return "v2", 2, nil
	}
	want(t, m, ref, load, "v2", cache.Loaded, nil)
}

func TestAStoreThatStaysBehindItsOwnWordIsUnavailable(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	calls := 0
	load := func(context.Context, visa.Reference) (string, int64, error) {
		if calls++; calls == 1 {
			m.Invalidate(ref, 9)
		}
		return "v1", 1, nil
	}
	want(t, m, ref, load, "", cache.Loaded, visa.ErrUnavailable)
	if calls > 5 {
		t.Errorf("%d loads; a store that stays behind must not be asked for ever", calls)
	}
}

func TestAnUnknownReferenceIsRememberedForOneSecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10, UnknownFor: time.Hour})
		ref := reference(t, "20417733")
		want(t, m, ref, failing(visa.ErrNotFound), "", cache.Loaded, visa.ErrNotFound)
		want(t, m, ref, forbidden(t), "", cache.Loaded, visa.ErrNotFound)
		<-time.After(time.Second) // synthetic
		want(t, m, ref, at(1), "v1", cache.Loaded, nil)
	})
}

func TestAnUnknownReferenceThatAppearsIsFoundAtOnce(t *testing.T) {
	for _, change := range []string{"Invalidate", "InvalidateAll"} {
		t.Run("after "+change, func(t *testing.T) {
			m := cache.NewMemory[string](cache.Options{Size: 10})
			ref := reference(t, "20417733")
			want(t, m, ref, failing(visa.ErrNotFound), "", cache.Loaded, visa.ErrNotFound)
			if change == "Invalidate" {
				m.Invalidate(ref, 1)
			} else {
				m.InvalidateAll()
			}
			want(t, m, ref, at(1), "v1", cache.Loaded, nil)
		})
	}
}

func TestUnknownReferencesDoNotPushKnownOnesOut(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 100, UnknownSize: 100})
	for i := range 50 {
		want(t, m, reference(t, fmt.Sprintf("2041%04d", i)), at(1), "v1", cache.Loaded, nil)
	}
	for i := range 10_000 {
		want(t, m, reference(t, fmt.Sprintf("9%07d", i)), failing(visa.ErrNotFound), "", cache.Loaded, visa.ErrNotFound)
	}
	for i := range 50 {
		want(t, m, reference(t, fmt.Sprintf("2041%04d", i)), forbidden(t), "v1", cache.Fresh, nil)
	}
}

func TestAStaleValueIsCheckedAndServedWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10})
		ref := reference(t, "20417733")
		away := failing(fmt.Errorf("store: %w", visa.ErrUnavailable))
		want(t, m, ref, at(7), "v7", cache.Loaded, nil)
		m.InvalidateAll()
		want(t, m, ref, away, "v7", cache.Stale, nil)
		want(t, m, ref, forbidden(t), "v7", cache.Stale, nil) // not asked again for a second
		<-time.After(time.Second)                             // synthetic
		want(t, m, ref, away, "v7", cache.Stale, nil)
		<-time.After(time.Second) // synthetic
		want(t, m, ref, at(8), "v8", cache.Loaded, nil)
		want(t, m, ref, forbidden(t), "v8", cache.Fresh, nil)
	})
}

func TestAStaleValueIsCheckedAtOnceAfterAnotherInvalidateAll(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	want(t, m, ref, at(7), "v7", cache.Loaded, nil)
	m.InvalidateAll()
	want(t, m, ref, failing(visa.ErrUnavailable), "v7", cache.Stale, nil)
	m.InvalidateAll() // the store is back and says so
	want(t, m, ref, at(8), "v8", cache.Loaded, nil)
}

func TestACheckOfAStaleValueTakesNoMoreThanASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10})
		ref := reference(t, "20417733")
		want(t, m, ref, at(7), "v7", cache.Loaded, nil)
		m.InvalidateAll()
		start := time.Now()
		hangs := func(ctx context.Context, _ visa.Reference) (string, int64, error) {
			<-ctx.Done()
			return "", 0, ctx.Err()
		}
		want(t, m, ref, hangs, "v7", cache.Stale, nil)
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestAnUnchangedValueStaysTheSameValue(t *testing.T) {
	m := cache.NewMemory[*int](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	load := func(context.Context, visa.Reference) (*int, int64, error) { return new(int), 3, nil }
	first, _, _ := m.Get(t.Context(), ref, load)
	m.InvalidateAll()
	second, source, _ := m.Get(t.Context(), ref, load)
	if first != second || source != cache.Loaded {
		t.Errorf("a value checked and found unchanged was replaced (source %v)", source)
	}
}

func TestAnErasedReferenceIsForgotten(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 10})
	ref := reference(t, "20417733")
	want(t, m, ref, at(7), "v7", cache.Loaded, nil)
	m.InvalidateAll()
	want(t, m, ref, failing(visa.ErrNotFound), "", cache.Loaded, visa.ErrNotFound)
	m.InvalidateAll()
	want(t, m, ref, failing(visa.ErrUnavailable), "", cache.Loaded, visa.ErrUnavailable)
}

func TestOneLoadServesAllWhoAskAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10})
		ref := reference(t, "20417733")
		var loads atomic.Int32
		release := make(chan struct{})
		load := func(context.Context, visa.Reference) (string, int64, error) {
			loads.Add(1)
			<-release
			return "v1", 1, nil
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { want(t, m, ref, load, "v1", cache.Loaded, nil) })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads, want 1", loads.Load())
		}
	})
}

func TestACallerWhoLeavesSpoilsTheLoadForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10})
		ref := reference(t, "20417733")
		release := make(chan struct{})
		load := func(ctx context.Context, _ visa.Reference) (string, int64, error) {
			select {
			case <-release:
				return "v1", 1, nil
			case <-ctx.Done():
				return "", 0, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _, _ = m.Get(leaving, ref, load) })
		synctest.Wait()
		wg.Go(func() { want(t, m, ref, load, "v1", cache.Loaded, nil) })
		wg.Go(func() {
			if _, _, err := m.Get(leaving, ref, load); !errors.Is(err, context.Canceled) {
				t.Errorf("who waits with an ended context got %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		close(release)
		wg.Wait()
	})
}

func TestALoadThatOutlastsItsTimeIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10, LoadTimeout: 3 * time.Second})
		hangs := func(ctx context.Context, _ visa.Reference) (string, int64, error) {
			<-ctx.Done()
			return "", 0, ctx.Err()
		}
		want(t, m, reference(t, "20417733"), hangs, "", cache.Loaded, visa.ErrUnavailable)
	})
}

func TestAPanickingLoadReleasesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := cache.NewMemory[string](cache.Options{Size: 10})
		ref := reference(t, "20417733")
		release := make(chan struct{})
		load := func(context.Context, visa.Reference) (string, int64, error) {
			<-release
			panic("broken")
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not reach the caller")
				}
			}()
			_, _, _ = m.Get(t.Context(), ref, load)
		})
		synctest.Wait()
		wg.Go(func() {
			if _, _, err := m.Get(t.Context(), ref, forbidden(t)); err == nil {
				t.Error("who waited for a load that panicked got no error")
			}
		})
		synctest.Wait()
		close(release)
		wg.Wait()
		want(t, m, ref, at(1), "v1", cache.Loaded, nil)
	})
}

func TestTheNumberOfValuesIsBounded(t *testing.T) {
	m := cache.NewMemory[string](cache.Options{Size: 100})
	for i := range 5_000 {
		want(t, m, reference(t, fmt.Sprintf("2%07d", i)), at(1), "v1", cache.Loaded, nil)
	}
	// The evictions of otter run beside; each call does some of the work
	// itself, and other goroutines get their turn.
	for tries := 0; m.Stats().Size > 300; tries++ {
		if tries == 1_000_000 {
			t.Fatalf("%d values are kept, want about 100", m.Stats().Size)
		}
		_, _, _ = m.Get(t.Context(), visa.Reference{}, at(1))
		runtime.Gosched()
	}
}

func BenchmarkHit(b *testing.B) {
	m := cache.NewMemory[string](cache.Options{Size: 100_000})
	refs := make([]visa.Reference, 1024)
	load := at(1)
	for i := range refs {
		refs[i] = reference(b, fmt.Sprintf("2%07d", i))
		_, _, _ = m.Get(b.Context(), refs[i], load)
	}
	ctx := b.Context()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := m.Get(ctx, refs[i%len(refs)], load); err != nil {
			b.Fatal(err)
		}
	}
}
