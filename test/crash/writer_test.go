package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/test/harness"
)

const (
	nReferences = 40
	nWriters    = 4 // every second one sends one update at a time, the others lines
	maxLines    = 30
)

// references are told apart by what a message shows of them: 20••••07.
var references = func() []string {
	out := make([]string, nReferences)
	for i := range out {
		out[i] = fmt.Sprintf("204177%02d", i)
	}
	return out
}()

// base is the last day to leave that version 0 would have. Each version has
// the day after the one before's, so that whoever reads a message knows the
// version it tells of. No reminder falls due while a test runs.
var base = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 2, 0)

func deadline(version int64) string { return base.AddDate(0, 0, int(version)).Format(time.DateOnly) }

func update(reference string, version int64) harness.Update {
	return harness.Update{
		Reference: reference, Version: version, Procedure: "exit_visa", Campaign: "legalization-2025", Stage: "in_processing",
		Deadlines: []harness.Deadline{{Kind: "leave_by", Date: deadline(version)}},
	}
}

// A ledger holds for each reference the last version that was sent, and the
// last one whose acknowledgement was read.
type ledger struct {
	mu           sync.Mutex
	sent, acked  map[string]int64
	acknowledged int // updates, over all references
	requests     int // that were answered
	broken       int // that were not
}

func newLedger() *ledger {
	return &ledger{sent: map[string]int64{}, acked: map[string]int64{}}
}

// next takes the next version of a reference.
func (l *ledger) next(reference string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[reference]++
	return l.sent[reference]
}

func (l *ledger) ack(updates []harness.Update) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.acknowledged += len(updates)
	for _, u := range updates {
		l.acked[u.Reference] = max(l.acked[u.Reference], u.Version)
	}
}

func (l *ledger) fail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken++
}

// A writer is a client that feeds the service with updates of its own share of
// the references, in order.
type writer struct {
	t     *testing.T
	s     *harness.Service
	key   string
	books *ledger
	rnd   *rand.Rand
	own   []string
	lines bool
}

// startWriters starts all writers; they end with ctx.
func startWriters(ctx context.Context, t *testing.T, s *harness.Service, key string, books *ledger) *sync.WaitGroup {
	var wg sync.WaitGroup
	for n := range nWriters {
		w := &writer{t: t, s: s, key: key, books: books, rnd: rand.New(rand.NewPCG(*seed, uint64(n+1))), lines: n%2 == 1}
		for i := n; i < nReferences; i += nWriters {
			w.own = append(w.own, references[i])
		}
		wg.Go(func() { w.run(ctx) })
	}
	return &wg
}

// run sends until ctx ends. What was not acknowledged is sent once more as it
// was, which must do no harm, or is left behind by a newer version.
func (w *writer) run(ctx context.Context) {
	var batch []harness.Update
	for ctx.Err() == nil {
		again := batch != nil && w.rnd.IntN(2) == 0
		if !again {
			batch = w.compose()
		}
		if w.send(batch, again) {
			w.books.ack(batch)
			batch = nil
		} else {
			w.books.fail()
		}
		harness.Pause(ctx, time.Duration(5+w.rnd.IntN(40))*time.Millisecond)
	}
}

func (w *writer) compose() []harness.Update {
	n := 1
	if w.lines {
		n = 1 + w.rnd.IntN(maxLines)
	}
	var out []harness.Update
	for range n {
		r := w.own[w.rnd.IntN(len(w.own))]
		out = append(out, update(r, w.books.next(r)))
	}
	return out
}

// send reports whether the batch was acknowledged. A connection that breaks is
// what a killed server looks like; any other answer than success is a fault.
func (w *writer) send(batch []harness.Update, again bool) bool {
	r := harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: w.key, Type: harness.JSON, Body: batch[0].Line()}
	if w.lines {
		lines := make([]string, len(batch))
		for i, u := range batch {
			lines[i] = u.Line()
		}
		r.Type, r.Body = harness.NDJSON, strings.Join(lines, "\n")
	}
	a, err := w.s.Do(r)
	if err != nil {
		return false
	}
	var sum harness.Summary
	if err := json.Unmarshal(a.Body, &sum); a.Status != http.StatusOK || err != nil || !right(batch, sum, again) {
		w.t.Errorf("%d updates, sent again: %t, are answered %d, %s", len(batch), again, a.Status, a.Body)
		return false
	}
	return true
}

// right reports whether a summary is what a batch deserves. Sent for the first
// time all of it is new. Sent again it may have been taken in before; then the
// last version of each reference is a duplicate, and what the batch itself has
// overtaken is stale.
func right(batch []harness.Update, sum harness.Summary, again bool) bool {
	if !again {
		return sum.Applied == len(batch)
	}
	last := map[string]int{} // line of each reference's last version
	for i, u := range batch {
		last[u.Reference] = i + 1
	}
	for _, r := range sum.Results {
		if r.Result != "stale" || last[batch[r.Line-1].Reference] == r.Line {
			return false
		}
	}
	return sum.Applied+sum.Duplicate+sum.Stale == len(batch)
}
