package harness

import (
	"context"
	"testing"
	"time"
)

// Patience is how long a test waits for what should take far less: tests share
// slow machines with others.
const Patience = 30 * time.Second

// Until asks f again and again until it says true, and fails the test if it
// has not within so long; what names the hope.
func Until(t testing.TB, within time.Duration, what string, f func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !f() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}

// Pause lets so much time pass, or ends early with ctx.
func Pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
