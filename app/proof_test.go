package app_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/visa"
)

const (
	withProof    = `{"reference":"20417733","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received","proof":"A1B2"}`
	withoutProof = `{"reference":"20417744","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`
)

func TestEveryRefusalUnderProofIsOneAnswerAfterTheSameWorkAndTime(t *testing.T) {
	tests := []struct{ name, reference, proof string }{
		{"unknown reference", "99999999", "A1B2"},
		{"unknown reference without a proof", "99999998", ""},
		{"wrong proof", "20417733", "ZZZZ"},
		{"missing proof", "20417733", ""},
		{"superfluous proof", "20417744", "A1B2"},
		{"no proof for an application that has none", "20417744", ""},
	}
	for _, warm := range []string{"asked for the first time", "asked before by its owner", "asked just now"} {
		for _, tt := range tests {
			t.Run(tt.name+", "+warm, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, store, _ := newService(t, func(o *app.Options) { o.ProofRequired, o.Now = true, nil })
					record(t, s, withProof)
					record(t, s, withoutProof)
					ref := reference(t, tt.reference)
					switch warm {
					case "asked before by its owner":
						_, _ = s.LookupWithProof(t.Context(), ref, "A1B2")
					case "asked just now":
						_, _ = s.LookupWithProof(t.Context(), ref, tt.proof)
					}
					reads, matches, start := store.Reads.Load(), store.Matches.Load(), time.Now()
					a, err := s.LookupWithProof(t.Context(), ref, tt.proof)
					if a != nil || err != visa.ErrNotFound {
						t.Errorf("got %v, %v; want exactly %v", a, err, visa.ErrNotFound)
					}
					if r, m := store.Reads.Load()-reads, store.Matches.Load()-matches; r != 1 || m != 1 {
						t.Errorf("%d reads and %d comparisons, want one of each", r, m)
					}
					if took := time.Since(start); took != 20*time.Millisecond {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

func TestTheRightProofIsAnswered(t *testing.T) {
	s, _, _ := newService(t, func(o *app.Options) { o.ProofRequired = true })
	record(t, s, withProof)
	for range 2 {
		a, err := s.LookupWithProof(t.Context(), reference(t, "20417733"), "A1B2")
		if err != nil || a.Application.Version != 1 {
			t.Errorf("%v, %v", a, err)
		}
	}
}

func TestWithoutAProofNothingIsReadUnderProof(t *testing.T) {
	s, store, _ := newService(t, func(o *app.Options) { o.ProofRequired = true })
	record(t, s, withProof)
	if a, err := s.Lookup(t.Context(), reference(t, "20417733")); a != nil || err != visa.ErrNotFound {
		t.Errorf("%v, %v", a, err)
	}
	if store.Reads.Load() != 0 {
		t.Error("the store was read")
	}
}

func TestWhileTheStoreIsAwayNoRefusalTellsWhatIsKnown(t *testing.T) {
	s, store, _ := newService(t, func(o *app.Options) { o.ProofRequired = true })
	record(t, s, withProof)
	ref := reference(t, "20417733")
	if _, err := s.LookupWithProof(t.Context(), ref, "A1B2"); err != nil {
		t.Fatal(err)
	}
	store.Before(apptest.Away)
	for _, in := range []string{"20417733", "99999999"} {
		if _, err := s.LookupWithProof(t.Context(), reference(t, in), "ZZZZ"); !errors.Is(err, visa.ErrUnavailable) {
			t.Errorf("%s with a wrong proof: %v, want unavailable", in, err)
		}
	}
	if _, err := s.LookupWithProof(t.Context(), ref, "A1B2"); err != nil {
		t.Errorf("the owner got %v, want the last known answer", err)
	}
}

func TestProofsAreIgnoredWhereNoneIsRequired(t *testing.T) {
	s, _, _ := newService(t, nil)
	record(t, s, withProof)
	for _, proof := range []string{"", "A1B2", "ZZZZ"} {
		if _, err := s.LookupWithProof(t.Context(), reference(t, "20417733"), proof); err != nil {
			t.Errorf("proof %q: %v", proof, err)
		}
	}
}
