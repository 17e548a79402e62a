package httpapi_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"kabarchy/visa"
)

func TestEveryFeedIsABatchThatEndsHoweverItFares(t *testing.T) {
	s := newSite(t, nil)
	lines := func(first, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"reference":"%08d","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`+"\n", first+i)
		}
		return b.String()
	}
	var records atomic.Int64
	failThird := func(_ context.Context, operation string) error {
		if operation == "Record" && records.Add(1) > 2 {
			return visa.ErrUnavailable
		}
		return nil
	}
	failEnd := func(_ context.Context, operation string) error {
		if operation == "EndBatch" {
			return visa.ErrUnavailable
		}
		return nil
	}
	for _, tt := range []struct {
		name   string
		body   string
		before func(context.Context, string) error
		status int
		ended  int // batches
		open   int
	}{
		{"of several transactions", lines(10000000, 1200), nil, 200, 1, 0},
		{"another one", lines(10002000, 1), nil, 200, 1, 0},
		{"that breaks off", lines(10003000, 3000), failThird, 503, 1, 0},
		{"of which nothing is understood", "no\nno", nil, 200, 0, 0},
		{"whose end cannot be said", lines(10009000, 3), failEnd, 200, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, before := s.store.Batches()
			s.store.Before(tt.before)
			defer s.store.Before(nil)
			if a := s.feed("", tt.body); a.status != tt.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, tt.status)
			}
			open, ended := s.store.Batches()
			if len(ended)-len(before) != tt.ended || len(open) != tt.open {
				t.Errorf("%d batches ended, %d did not; want %d, %d", len(ended)-len(before), len(open), tt.ended, tt.open)
			}
		})
	}
	_, ended := s.store.Batches()
	seen := map[visa.Batch]bool{}
	for _, b := range ended {
		if seen[b] || len(b) != 32 {
			t.Errorf("a batch is called %q", b)
		}
		seen[b] = true
	}
	s.update(decided)
	if _, now := s.store.Batches(); len(now) != len(ended) {
		t.Error("one update made a batch")
	}
}
