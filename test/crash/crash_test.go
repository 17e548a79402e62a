// Package crash kills the real program again and again, at random moments and
// at every named point of package failpoint, while updates stream in, people
// come and go and messages go out. Then it holds what the program acknowledged
// against what it knows, and what it should have sent against what was
// accepted.
//
//	go test ./test/crash -cycles 1000 -timeout 3h -v
package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kabarchy/failpoint"
	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

var (
	cycles = flag.Int("cycles", 25, "how many cycles of kills")
	seed   = flag.Uint64("seed", 0, "of all that is random, to repeat a run; 0 for a new one")
)

func TestMain(m *testing.M) { harness.Main(m, "failpoint") }

// How long the program runs before it is killed at random, and how long it is
// given at most to come to a point at which it dies. A new process sends
// nothing before 1.05 s have passed since the last attempt of the one before.
const (
	firstLife                 = 1500 * time.Millisecond
	shortestLife, longestLife = 200 * time.Millisecond, 2000 * time.Millisecond
	pointLife                 = 5 * time.Second
)

// A hunt is one run of the test.
type hunt struct {
	t      *testing.T
	rnd    *rand.Rand
	sim    *simulator.Simulator
	s      *harness.Service
	books  *ledger
	people *people
	due    *dueDays
	speak  *announcer
	points *rotation
	kills  map[string]int // by point; "" at random

	written bool // the last announcement's messages, as far as is known here
}

func TestNothingAcknowledgedIsLostWhereverTheProgramIsKilled(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d cycles", *seed, *cycles)
	rnd := rand.New(rand.NewPCG(*seed, 0))
	sim := harness.Telegram(t)
	trouble(t, sim)
	s := harness.New(t, harness.Options{Telegram: sim, Settings: map[string]string{
		"LOG_LEVEL": "warn", "SHUTDOWN_TIMEOUT": "30s", "REMINDERS": reminderRule, "QUIET_HOURS": "",
	}})
	key := s.Key("register", "updates", "announce")
	h := &hunt{t: t, rnd: rnd, sim: sim, s: s, books: newLedger(), people: newPeople(t, sim, rnd),
		due: newDueDays(), speak: newAnnouncer(t, s, key), points: newRotation(rnd), kills: map[string]int{}}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	writers := startWriters(ctx, t, s, key, h.books)
	writers.Go(func() { h.speak.run(ctx) })
	started := time.Now()
	each := (len(failpoint.Names) + *cycles - 1) / *cycles
	h.stir("", *cycles*each)
	h.atRandom(firstLife)
	for n := range *cycles {
		if len(h.points.unseen()) == 0 {
			each = 1
		}
		lives := h.cycle(each, n%2 == 1, (*cycles-n)*each)
		t.Logf("cycle %d: %s", n+1, lives)
	}
	for tries := 3 * len(h.points.unseen()); len(h.points.unseen()) > 0 && tries > 0; tries-- {
		t.Logf("once more: %s", h.cycle(1, false, 1))
	}
	s.Start()
	h.people.settle()
	harness.Pause(ctx, time.Second)
	stop()
	writers.Wait()
	s.Stop()
	sim.ClearFaults()
	h.letTimePass()
	s.Start()
	h.settled()

	v := verdict{hunt: h}
	v.updates()
	v.records()
	v.news()
	v.messages()
	v.deliveries()
	v.reminders()
	v.announcements()
	v.pace()
	for _, name := range h.points.unseen() {
		t.Errorf("NOT REACHED: the program was never killed at %s", name)
	}
	t.Logf("seed %d: %d cycles in %s\n%s%s", *seed, *cycles, time.Since(started).Round(time.Second), h.killed(), &v)
}

// cycle kills the program at so many points, one after the other, and then,
// perhaps, at random. It says how it went. left is how many lives are to come.
func (h *hunt) cycle(points int, atRandom bool, left int) string {
	said := ""
	for range points {
		name, n := h.points.next()
		point := fmt.Sprintf("%s:%d", name, n)
		begun := time.Now()
		h.stir(name, left)
		died := h.s.Live(pointLife, point)
		h.points.was(name, died)
		h.written = h.written || !died || group(name) != "announce"
		if !died {
			point, name = point+" not reached, killed", ""
		}
		h.kills[name]++
		said += fmt.Sprintf("%s after %s; ", point, time.Since(begun).Round(time.Millisecond))
	}
	if atRandom {
		h.stir("", left)
		life := shortestLife + time.Duration(h.rnd.Int64N(int64(longestLife-shortestLife)))
		h.atRandom(life)
		said += fmt.Sprintf("at random after %s", life.Round(time.Millisecond))
	}
	return said
}

func (h *hunt) atRandom(life time.Duration) {
	h.s.Live(life, "")
	h.written = true
	h.kills[""]++
}

// stir does what makes the program come to a point in its next life.
func (h *hunt) stir(name string, left int) {
	h.people.act(h.rnd, left)
	h.books.aboutAll(slices.Contains([]string{"record", "batch", "digest"}, group(name)))
	switch {
	case group(name) == "due":
		h.due.fall(h.s, h.rnd)
	case name == "announce.made", group(name) == "announce" && h.written:
		h.speak.ask()
		h.written = false
	case group(name) == "inbox", group(name) == "converse":
		h.people.speak(h.rnd, 3)
	case name == "absence.begun":
		h.people.leave(true)
	case group(name) == "absence":
		h.people.leave(false)
	}
}

// letTimePass ends what is waited for longer than a test can: the two minutes
// that news of an import wait whose end never came.
func (h *hunt) letTimePass() {
	h.s.Edit(nil, `UPDATE notifications SET not_before = 1 WHERE ended_at = 0 AND batch <> ''`)
}

// settled returns once all is said that was to be said. It fails where nothing
// more is accepted though something waits.
func (h *hunt) settled() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	if err := h.sim.WaitDrained(ctx); err != nil {
		h.t.Fatalf("the bot does not fetch what it was sent: %v", err)
	}
	db := h.s.Open()
	defer func() { _ = db.Close() }()
	for waits := true; waits; {
		before := h.sim.Counts().Accepted
		harness.Until(h.t, time.Minute, "nothing waits to be handled or sent, nor is anything sent", func() bool {
			var n int
			err := db.QueryRow(`SELECT (SELECT count(*) FROM inbox WHERE body <> '') +
				(SELECT count(*) FROM notifications WHERE ended_at = 0) +
				(SELECT count(*) FROM announcements WHERE state = 'running')`).Scan(&n)
			if err != nil {
				h.t.Fatalf("look into the database: %v", err)
			}
			waits = n > 0
			return !waits || h.sim.Counts().Accepted > before
		})
	}
}

func (h *hunt) killed() string {
	out := fmt.Sprintf("  %-20s %d\n", "at random", h.kills[""])
	for _, name := range failpoint.Names {
		out += fmt.Sprintf("  %-20s %d\n", name, h.kills[name])
	}
	return out
}

// trouble makes Telegram slow, so that the program is often killed between a
// request and its answer, and now and then broken: it accepts and does not say
// so, or fails, or asks for silence.
func trouble(t *testing.T, sim *simulator.Simulator) {
	t.Helper()
	for i, f := range []simulator.Fault{
		{Kind: simulator.FaultResetAfter, Probability: .02},
		{Kind: simulator.FaultServerError, Probability: .01},
		{Kind: simulator.FaultServerError, Probability: .01, Accept: true},
		{Kind: simulator.FaultBadGatewayHTML, Probability: .01},
		{Kind: simulator.FaultTooManyRequests, Probability: .003, RetryAfter: 1},
		{Kind: simulator.FaultSlow, Probability: .4, Delay: 200 * time.Millisecond},
	} {
		f.Method, f.Seed = "sendMessage", *seed+uint64(i)
		if _, err := sim.Script(f); err != nil {
			t.Fatal(err)
		}
	}
}
