// Package crash kills the real program again and again while updates stream in
// and messages go out, and then holds what it acknowledged against what it
// knows, and what it should have sent against what was accepted.
//
//	go test ./test/crash -cycles 1000 -timeout 3h -v
package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

var (
	cycles = flag.Int("cycles", 10, "how often the program is killed")
	seed   = flag.Uint64("seed", 0, "of all that is random, to repeat a run; 0 for a new one")
)

func TestMain(m *testing.M) { harness.Main(m) }

// A life is how long the program runs before it is killed.
const shortestLife, longestLife = 300 * time.Millisecond, 2500 * time.Millisecond

func TestNothingAcknowledgedIsLostHoweverOftenTheProgramIsKilled(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d cycles", *seed, *cycles)
	rnd := rand.New(rand.NewPCG(*seed, 0))
	sim := harness.Telegram(t)
	trouble(t, sim)
	s := harness.New(t, harness.Options{Telegram: sim, Settings: map[string]string{"LOG_LEVEL": "warn", "SHUTDOWN_TIMEOUT": "30s"}})
	key := s.Key("register", "updates")
	people := newPeople(t, sim, rnd)
	books := newLedger()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	writers := startWriters(ctx, t, s, key, books)
	started := time.Now()
	for n := range *cycles {
		s.Start()
		people.follow(rnd, *cycles-n)
		life := shortestLife + time.Duration(rnd.Int64N(int64(longestLife-shortestLife)))
		harness.Pause(ctx, life)
		s.Kill()
	}
	s.Start()
	people.follow(rnd, 1)
	harness.Pause(ctx, time.Second)
	stop()
	writers.Wait()
	sim.ClearFaults()
	s.Settled(sim)

	v := verdict{t: t, s: s, sim: sim, books: books, people: people}
	v.updates()
	v.messages()
	v.deliveries()
	v.pace()
	t.Logf("%d kills in %s; %s", *cycles, time.Since(started).Round(time.Second), &v)
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
