package register_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"kabarchy/register"
	"kabarchy/visa"
)

// memory is a Recorder in memory. It judges as the domain does.
type memory struct {
	known     map[visa.Reference]visa.Application
	proofs    map[visa.Reference]string
	followed  map[visa.Reference]bool
	told      []visa.Reference
	feeds     []visa.Feed // complete ones
	begun     []visa.Feed // the others
	origins   []string
	failAfter int // batches; 0: never
	batches   int
	open      []visa.Batch // recorded and not ended
	ended     []visa.Batch
}

func newMemory() *memory {
	return &memory{known: map[visa.Reference]visa.Application{}, proofs: map[visa.Reference]string{}, followed: map[visa.Reference]bool{}}
}

var errDisk = errors.New("disk full")

func (m *memory) Record(_ context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error) {
	if m.batches++; m.failAfter > 0 && m.batches > m.failAfter {
		return nil, errDisk
	}
	m.origins = append(m.origins, origin)
	if !slices.Contains(m.open, batch) {
		m.open = append(m.open, batch)
	}
	return m.record(updates, true), nil
}

func (m *memory) EndBatch(ctx context.Context, batch visa.Batch) error {
	m.open = slices.DeleteFunc(m.open, func(b visa.Batch) bool { return b == batch })
	m.ended = append(m.ended, batch)
	return ctx.Err()
}

func (m *memory) Preview(_ context.Context, updates []visa.Update) ([]visa.Recorded, error) {
	return m.record(updates, false), nil
}

func (m *memory) record(updates []visa.Update, keep bool) []visa.Recorded {
	out := make([]visa.Recorded, len(updates))
	for i, u := range updates {
		var known *visa.Application
		if a, ok := m.known[u.Reference]; ok {
			known = &a
		}
		res, version := u.Judge(known, func() bool { return m.proofs[u.Reference] == u.Proof })
		out[i] = visa.Recorded{Result: res, Version: version, New: res == visa.Applied && known == nil}
		if res != visa.Applied {
			continue
		}
		if m.followed[u.Reference] && visa.Compare(known, u.Statement).Visible() {
			out[i].Told = 1
			if keep {
				m.told = append(m.told, u.Reference)
			}
		}
		if !keep {
			continue
		}
		at := u.UpdatedAt
		if at.IsZero() {
			at = u.AsOf
		}
		m.known[u.Reference] = visa.Application{Reference: u.Reference, Version: version, UpdatedAt: at, Statement: u.Statement}
		m.proofs[u.Reference] = u.Proof
	}
	return out
}

func (m *memory) FinishFeed(_ context.Context, f visa.Feed) error {
	if f.Complete {
		m.feeds = append(m.feeds, f)
	} else {
		m.begun = append(m.begun, f)
	}
	return nil
}

func (m *memory) Overtaken(_ context.Context, source, digest string) (bool, error) {
	seen, last := false, ""
	for _, f := range m.feeds {
		if f.Source == source {
			seen, last = seen || f.Digest == digest, f.Digest
		}
	}
	return seen && last != digest, nil
}

func (m *memory) LastFeed(_ context.Context, source string) (last time.Time, _ error) {
	for _, f := range append(slices.Clone(m.feeds), m.begun...) {
		if f.Source == source && f.AsOf.After(last) {
			last = f.AsOf
		}
	}
	return last, nil
}

var (
	bishkek = time.FixedZone("+06", 6*3600)
	now     = time.Date(2026, 11, 22, 15, 0, 0, 0, bishkek)
)

type codes map[string]bool

func (c codes) Has(code string) bool { return c[code] }

// options returns those that tests start from.
func options(p *register.Profile, files ...string) register.Options {
	return register.Options{
		Files: files, Profile: p, Zone: bishkek, Now: func() time.Time { return now },
		Reasons: codes{"documents_missing": true},
	}
}

func ref(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
