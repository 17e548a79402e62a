// Package app is the public service without its protocol: it answers where an
// application stands, takes in what the register says, and knows whose keys
// may do what. It keeps answers in memory, each encoded once.
//
// It trusts the store to tell it of every change through Apply, also of those
// that another process made. What it holds in memory can be lost at any time.
package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kabarchy/cache"
	"kabarchy/visa"
)

// A Store is what the service needs of the database. All its methods may be
// called from many goroutines. An error that wraps visa.ErrUnavailable means
// that trying again later is right.
type Store interface {
	// Application returns what is known of a reference; visa.ErrNotFound where
	// nothing is. It sees all that was committed before it was called.
	Application(ctx context.Context, ref visa.Reference) (visa.Application, error)
	// Record takes updates in, in their order, in one transaction that is
	// synced when it returns; with an error, none of them is. Those of a batch
	// are told once EndBatch says that it is over, or a while later at most.
	Record(ctx context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error)
	// EndBatch lets followers be told of what a batch changed.
	EndBatch(ctx context.Context, batch visa.Batch) error
	// FinishFeed records that a delivery has been taken in; a complete one
	// moves register_as_of.
	FinishFeed(ctx context.Context, feed visa.Feed) error
	// AsOf returns the time of the last complete feed, zero if there was none.
	AsOf(ctx context.Context) (time.Time, error)
	// KeyByHash returns a key of the API by the SHA-256 of the key itself,
	// revoked and expired ones too; visa.ErrNotFound where there is none.
	KeyByHash(ctx context.Context, hash [32]byte) (visa.Key, error)
	// TouchKey notes when a key was last used.
	TouchKey(ctx context.Context, id int64, at time.Time) error
	// ProofMatches reports whether a proof is the one kept of a reference. It
	// takes the same time for the zero ProofMAC as for any other.
	ProofMatches(ref visa.Reference, kept visa.ProofMAC, proof string) bool
}

// Reasons are the configured codes.
type Reasons interface {
	Has(code string) bool
}

// Options of a Service. Store and Zone must be given.
type Options struct {
	Store         Store
	Rules         visa.ReferenceRules
	Reasons       Reasons        // nil: no code is known, every reason is dropped
	ProofRequired bool           // nothing is shown without the proof the register sent
	ProofTime     time.Duration  // the time that every look-up refused under ProofRequired takes at least; 0: 20 ms
	Zone          *time.Location // in which days are counted and times are shown
	CacheSize     int            // answers kept; 0: 100,000
	Links         Linker         // nil: no links to the bot can be made
	Now           func() time.Time
	Log           *slog.Logger
}

// A Service answers look-ups and records updates. All its methods may be
// called from many goroutines.
type Service struct {
	store     Store
	rules     visa.ReferenceRules
	reasons   Reasons
	proof     bool
	proofTime time.Duration
	zone      *time.Location
	links     Linker
	now       func() time.Time
	log       *slog.Logger

	answers *cache.Memory[*known]
	load    cache.Load[*known]
	today   atomic.Pointer[day]
	asOf    asOf
	keys    keyCache

	reasonsDropped atomic.Uint64

	beside sync.WaitGroup // what runs beside the answers
}

// New returns a Service. It does no I/O; register Apply with the store before
// the first look-up.
func New(o Options) *Service {
	s := &Service{
		store: o.Store, rules: o.Rules, reasons: o.Reasons, proof: o.ProofRequired,
		proofTime: o.ProofTime, zone: o.Zone, links: o.Links, now: o.Now, log: o.Log,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.proofTime <= 0 {
		s.proofTime = 20 * time.Millisecond
	}
	if o.CacheSize <= 0 {
		o.CacheSize = 100_000
	}
	s.answers = cache.NewMemory[*known](cache.Options{Size: o.CacheSize, Now: o.Now})
	s.load = s.read
	s.asOf.due.Store(true)
	return s
}

// Close waits for what the service still does beside its answers, 10 s at most.
func (s *Service) Close() {
	s.keys.mu.Lock()
	s.keys.closed = true
	s.keys.mu.Unlock()
	s.beside.Wait()
}

// Rules are the rules that references are read by.
func (s *Service) Rules() visa.ReferenceRules { return s.rules }

// ProofRequired reports whether nothing is shown without a proof.
func (s *Service) ProofRequired() bool { return s.proof }

// Zone is the zone in which days are counted and times are shown.
func (s *Service) Zone() *time.Location { return s.zone }

// Now is the service's clock, in its zone.
func (s *Service) Now() time.Time { return s.now().In(s.zone) }

// Apply takes in what the database holds now that it did not hold before. The
// store calls it after each commit, in the order of revisions, before the
// change is acknowledged: whoever asks after an acknowledgement sees it.
func (s *Service) Apply(c visa.Changes) {
	if c.Everything {
		s.asOf.forget()
	}
	if !c.AsOf.IsZero() {
		s.asOf.set(c.AsOf)
	}
	if c.Keys || c.Everything {
		s.keys.forget()
	}
	for _, a := range c.Applications {
		s.answers.Invalidate(a.Reference, a.Revision)
	}
	if c.Everything {
		s.answers.InvalidateAll()
	}
}

// Record takes updates in, as Store.Record does. Reasons that are no
// configured code are taken out of the updates and counted: a text that
// nobody checked is never shown.
func (s *Service) Record(ctx context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error) {
	for i := range updates {
		if code := updates[i].Reason; code != "" && !s.hasReason(code) {
			updates[i].Reason = ""
			s.reasonsDropped.Add(1)
		}
	}
	return s.store.Record(ctx, origin, batch, updates)
}

// EndBatch says that no more updates of a batch come, however it went, as
// Store.EndBatch does.
func (s *Service) EndBatch(ctx context.Context, batch visa.Batch) error {
	return s.store.EndBatch(ctx, batch)
}

// FinishFeed records that a delivery has been taken in, as Store.FinishFeed does.
func (s *Service) FinishFeed(ctx context.Context, feed visa.Feed) error {
	return s.store.FinishFeed(ctx, feed)
}

func (s *Service) hasReason(code string) bool { return s.reasons != nil && s.reasons.Has(code) }

// Stats counts what a service did since it was made.
type Stats struct {
	Cache          cache.Stats
	ReasonsDropped uint64 // reasons of updates that are no configured code
}

// Stats returns the counts so far.
func (s *Service) Stats() Stats {
	return Stats{Cache: s.answers.Stats(), ReasonsDropped: s.reasonsDropped.Load()}
}

// isFault reports whether an error is neither an answer nor a dependency that
// is away, but something to look into.
func isFault(err error) bool {
	return err != nil && !errors.Is(err, visa.ErrNotFound) && !errors.Is(err, visa.ErrUnavailable)
}
