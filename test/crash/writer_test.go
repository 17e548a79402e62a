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

	// Few requests are about all of a writer's references: whoever follows them
	// all gets a digest of each. The others are about a few.
	oneInAll = 150
	aFew     = 4
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
	u := harness.Update{
		Reference: reference, Version: version, Procedure: "exit_visa", Campaign: "legalization-2025", Stage: "in_processing",
		Deadlines: []harness.Deadline{{Kind: "leave_by", Date: deadline(version)}},
	}
	if fallsDue(reference) {
		u.Deadlines = append(u.Deadlines, harness.Deadline{Kind: "collect_by", Date: dueDay(version)})
	}
	return u
}

// ofWriter returns which references are a writer's own.
func ofWriter(n int) []int {
	var out []int
	for i := n; i < nReferences; i += nWriters {
		out = append(out, i)
	}
	return out
}

// A ledger holds for each reference the last version that was sent, and the
// last one whose acknowledgement was read.
type ledger struct {
	mu           sync.Mutex
	sent, acked  map[string]int64
	all          map[string][]stated // that were acknowledged
	acknowledged int                 // updates, over all references
	requests     int                 // that were answered
	broken       int                 // that were not
	wide         bool                // requests are to be about all of a writer's references
}

// A stated is an acknowledged version, with when it was sent for the first time.
type stated struct {
	version int64
	at      time.Time
}

// aboutAll has the writers of lines send about all of their references, or no
// longer.
func (l *ledger) aboutAll(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wide = on
}

func (l *ledger) isAboutAll() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wide
}

func newLedger() *ledger {
	return &ledger{sent: map[string]int64{}, acked: map[string]int64{}, all: map[string][]stated{}}
}

// next takes the next version of a reference.
func (l *ledger) next(reference string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[reference]++
	return l.sent[reference]
}

func (l *ledger) ack(updates []harness.Update, sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.acknowledged += len(updates)
	for _, u := range updates {
		l.acked[u.Reference] = max(l.acked[u.Reference], u.Version)
		l.all[u.Reference] = append(l.all[u.Reference], stated{u.Version, sent})
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
		for _, i := range ofWriter(n) {
			w.own = append(w.own, references[i])
		}
		wg.Go(func() { w.run(ctx) })
	}
	return &wg
}

// run sends until ctx ends. What was not acknowledged is mostly sent once more
// as it was, which must do no harm, or else left behind by a newer version.
func (w *writer) run(ctx context.Context) {
	var batch []harness.Update
	var sent time.Time // for the first time
	for ctx.Err() == nil {
		again := batch != nil && w.rnd.IntN(4) > 0
		if !again {
			batch, sent = w.compose(), time.Now()
		}
		if w.send(batch, again) {
			w.books.ack(batch, sent)
			batch = nil
		} else {
			w.books.fail()
		}
		harness.Pause(ctx, time.Duration(10+w.rnd.IntN(60))*time.Millisecond)
	}
}

func (w *writer) compose() []harness.Update {
	n, of := 1, len(w.own)
	if w.lines {
		n = 1 + w.rnd.IntN(maxLines)
		if of = aFew; w.rnd.IntN(oneInAll) == 0 || w.books.isAboutAll() {
			n, of = maxLines, len(w.own)
		}
		w.rnd.Shuffle(len(w.own), func(i, j int) { w.own[i], w.own[j] = w.own[j], w.own[i] })
	}
	var out []harness.Update
	for range n {
		r := w.own[w.rnd.IntN(of)]
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
