// Package apptest is a store in memory, for the tests of package app and of
// what stands on it. It keeps app.Store's promises: what Record acknowledged is
// seen by every read that begins after it, and whoever registered with OnChange
// knew of it before.
package apptest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kabarchy/visa"
)

// A Store is a store in memory. The zero Store is empty and ready.
type Store struct {
	hook atomic.Pointer[func(ctx context.Context, operation string) error]

	Reads, Records, Matches, KeyReads, Touches atomic.Int64

	mu       sync.Mutex
	apps     map[visa.Reference]visa.Application
	proofs   map[visa.Reference]string
	keys     map[[32]byte]visa.Key
	feeds    []visa.Feed
	batches  []visa.Batch // recorded and not ended
	ended    []visa.Batch
	asOf     time.Time
	revision int64
	onChange []func(visa.Changes)
	silent   bool
}

// OnChange registers a function that is told of each commit before it is
// acknowledged.
func (s *Store) OnChange(f func(visa.Changes)) { s.onChange = append(s.onChange, f) }

func (s *Store) before(ctx context.Context, operation string) error {
	if f := s.hook.Load(); f != nil {
		return (*f)(ctx, operation)
	}
	return nil
}

// Before makes f be called at the start of each operation, by its name. An
// error of f is the operation's. nil ends that.
func (s *Store) Before(f func(ctx context.Context, operation string) error) {
	if f == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&f)
}

// NewLink makes a token that leads nowhere.
func (s *Store) NewLink(ctx context.Context, _ visa.Reference) (token, digits string, err error) {
	if err := s.before(ctx, "NewLink"); err != nil {
		return "", "", err
	}
	return "token_of_a_link", "0471", nil
}

// Away, given to Before, answers with visa.ErrUnavailable.
func Away(context.Context, string) error { return fmt.Errorf("apptest: away: %w", visa.ErrUnavailable) }

// Application returns what is known of a reference.
func (s *Store) Application(ctx context.Context, ref visa.Reference) (visa.Application, error) {
	s.Reads.Add(1)
	if err := s.before(ctx, "Application"); err != nil {
		return visa.Application{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apps[ref]
	if !ok {
		return visa.Application{}, visa.ErrNotFound
	}
	return a, nil
}

// Record takes updates in, in one step.
func (s *Store) Record(ctx context.Context, _ string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error) {
	s.Records.Add(1)
	if err := s.before(ctx, "Record"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if batch != "" && !slices.Contains(s.batches, batch) {
		s.batches = append(s.batches, batch)
	}
	if s.apps == nil {
		s.apps, s.proofs = map[visa.Reference]visa.Application{}, map[visa.Reference]string{}
	}
	var changes visa.Changes
	out := make([]visa.Recorded, len(updates))
	for i, u := range updates {
		var known *visa.Application
		if a, ok := s.apps[u.Reference]; ok {
			known = &a
		}
		result, version := u.Judge(known, func() bool { return s.proofs[u.Reference] == u.Proof })
		out[i] = visa.Recorded{Result: result, Version: version}
		if result != visa.Applied {
			continue
		}
		s.revision++
		a := visa.Application{Reference: u.Reference, Version: version, Revision: s.revision, UpdatedAt: u.UpdatedAt, Statement: u.Statement}
		if known != nil {
			a.History = slices.Clone(known.History)
		}
		if n := len(a.History); n == 0 || a.History[n-1].Stage != u.Stage || a.History[n-1].Outcome != u.Outcome {
			a.History = append(a.History, visa.Event{Stage: u.Stage, Outcome: u.Outcome, At: u.UpdatedAt})
		}
		s.proofs[u.Reference] = u.Proof
		if u.Proof != "" {
			a.Proof = visa.ProofMAC{KeyID: "test", MAC: proofMAC(u.Reference, u.Proof)}
		}
		s.apps[u.Reference] = a
		out[i].Revision = a.Revision
		changes.Applications = append(changes.Applications, visa.Changed{Reference: u.Reference, Revision: a.Revision})
	}
	s.tell(changes)
	return out, nil
}

// EndBatch notes that a batch has ended.
func (s *Store) EndBatch(ctx context.Context, batch visa.Batch) error {
	if err := s.before(ctx, "EndBatch"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = slices.DeleteFunc(s.batches, func(b visa.Batch) bool { return b == batch })
	s.ended = append(s.ended, batch)
	return nil
}

// Batches returns the batches of which something was recorded and that have
// not ended, and those that have.
func (s *Store) Batches() (open, ended []visa.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches), slices.Clone(s.ended)
}

func (s *Store) tell(c visa.Changes) {
	if s.silent {
		return
	}
	for _, f := range s.onChange {
		f(c)
	}
}

// Erase forgets a reference, as retention does.
func (s *Store) Erase(ref visa.Reference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	delete(s.apps, ref)
	s.tell(visa.Changes{Applications: []visa.Changed{{Reference: ref, Revision: s.revision}}})
}

// FinishFeed records a delivery.
func (s *Store) FinishFeed(ctx context.Context, f visa.Feed) error {
	if err := s.before(ctx, "FinishFeed"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds = append(s.feeds, f)
	if f.Complete && f.AsOf.After(s.asOf) {
		s.asOf = f.AsOf
		s.tell(visa.Changes{AsOf: f.AsOf})
	}
	return nil
}

// Feeds returns the deliveries recorded so far.
func (s *Store) Feeds() []visa.Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.feeds)
}

// AsOf returns the time of the last complete feed.
func (s *Store) AsOf(ctx context.Context) (time.Time, error) {
	if err := s.before(ctx, "AsOf"); err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asOf, nil
}

// MakeKey makes a key that is shown as secret.
func (s *Store) MakeKey(secret string, k visa.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[[32]byte]visa.Key{}
	}
	k.Hash = sha256.Sum256([]byte(secret))
	s.keys[k.Hash] = k
	s.tell(visa.Changes{Keys: true})
}

// KeyByHash returns a key.
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (visa.Key, error) {
	s.KeyReads.Add(1)
	if err := s.before(ctx, "KeyByHash"); err != nil {
		return visa.Key{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[hash]
	if !ok {
		return visa.Key{}, visa.ErrNotFound
	}
	return k, nil
}

// TouchKey counts.
func (s *Store) TouchKey(ctx context.Context, _ int64, _ time.Time) error {
	s.Touches.Add(1)
	return s.before(ctx, "TouchKey")
}

// ProofMatches reports whether a proof is the one kept.
func (s *Store) ProofMatches(ref visa.Reference, kept visa.ProofMAC, proof string) bool {
	s.Matches.Add(1)
	return proofMAC(ref, proof) == kept.MAC
}

func proofMAC(ref visa.Reference, proof string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(ref.String()+" "+proof)))
}

// Silently runs f while nobody is told of changes, as if another process made
// them. Nothing else may use the store meanwhile.
func (s *Store) Silently(f func()) {
	s.silent = true
	f()
	s.silent = false
}
