package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kabarchy/cache"
	"kabarchy/visa"
)

// Lookup returns the answer for a reference. The answer is shared: nobody may
// change it. With ProofRequired there is none for anybody, and nothing is read.
//
// Errors: visa.ErrNotFound; visa.ErrUnavailable where the store is away and no
// last known answer is at hand; the context's.
func (s *Service) Lookup(ctx context.Context, ref visa.Reference) (*Answer, error) {
	if s.proof {
		return nil, visa.ErrNotFound
	}
	k, source, err := s.answers.Get(ctx, ref, s.load)
	if err != nil {
		return nil, err
	}
	return s.answerFrom(k, source), nil
}

// LookupWithProof is Lookup for those who state a proof. Without ProofRequired
// the proof is ignored. With it, an unknown reference, a wrong proof, a missing
// one, and any proof of an application that has none are one answer,
// visa.ErrNotFound, after the same work and the same time.
func (s *Service) LookupWithProof(ctx context.Context, ref visa.Reference, proof string) (*Answer, error) {
	if !s.proof {
		return s.Lookup(ctx, ref)
	}
	start := time.Now()
	k, source, err := s.answers.Get(ctx, ref, s.load)
	if err != nil && !errors.Is(err, visa.ErrNotFound) {
		return nil, err
	}
	var kept visa.ProofMAC
	if err == nil {
		kept = k.application.Proof
	}
	matches := s.store.ProofMatches(ref, kept, proof)
	if err == nil && matches && !kept.IsZero() {
		return s.answerFrom(k, source), nil
	}
	if source != cache.Loaded {
		// Every refusal has asked the store once. Otherwise a reference whose
		// answer is in memory would be told from one that is not by its time,
		// and while the store is away, by its status.
		_, err := s.store.Application(ctx, ref)
		if err != nil && !errors.Is(err, visa.ErrNotFound) {
			return nil, err
		}
	}
	wait := time.NewTimer(time.Until(start.Add(s.proofTime)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil, visa.ErrNotFound
}

// read is the load behind the answers in memory.
func (s *Service) read(ctx context.Context, ref visa.Reference) (*known, int64, error) {
	if _, err := s.asOf.read(ctx, s.store); err != nil {
		return nil, 0, fmt.Errorf("app: look up %s: %w", ref.Masked(), err)
	}
	a, err := s.store.Application(ctx, ref)
	if err != nil {
		return nil, 0, fmt.Errorf("app: look up %s: %w", ref.Masked(), err)
	}
	return &known{application: a}, a.Revision, nil
}

// AsOf returns register_as_of, the time of the register's last complete feed,
// in the configured zone. It is zero where there was none, and where that
// cannot be read just now.
func (s *Service) AsOf(ctx context.Context) time.Time {
	micros, err := s.asOf.read(ctx, s.store)
	if isFault(err) {
		s.log.ErrorContext(ctx, "register_as_of could not be read", "error", err)
	}
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).In(s.zone)
}
