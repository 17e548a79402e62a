package notifier_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kabarchy/notifier"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// A slowQueue is one on a disk that takes its time for each commit.
type slowQueue struct {
	notifier.Queue
	commit time.Duration
}

func (q slowQueue) Claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(int64) time.Time) ([]visa.Delivery, error) {
	q.write()
	return q.Queue.Claim(ctx, n, turns, gap, ready)
}

func (q slowQueue) Finish(ctx context.Context, results []visa.Sent, pause time.Time) error {
	q.write()
	return q.Queue.Finish(ctx, results, pause)
}

func (q slowQueue) write() {
	if q.commit > 0 {
		<-time.After(q.commit) // the bubble's clock
	}
}

func TestAllOfThePaceIsUsedWhileWorkWaitsHoweverSlowTheDisk(t *testing.T) {
	for _, tt := range []struct {
		pace            float64
		latency, commit time.Duration
	}{
		{28, 107, 0}, {28, 107, 3}, {28, 107, 8}, {28, 107, 15},
		{28, 80, 8}, {28, 60, 8}, {28, 100, 5}, {28, 35, 8}, {28, 30, 8}, {28, 0, 15}, {20, 50, 15}, {29.5, 107, 5},
	} {
		t.Run(fmt.Sprintf("%v a second with answers after %d ms and commits of %d ms", tt.pace, tt.latency, tt.commit), func(t *testing.T) {
			t.Parallel()
			s := usual
			s.commit = tt.commit * time.Millisecond
			inWorldOf(t, s, tt.pace, func(w *world) {
				w.halt()
				w.tg.slow(tt.latency * time.Millisecond)
				const n = 300
				for c := range n {
					w.follow(int64(c+1), 10000000+c)
					w.record(10000000+c, 1)
				}
				w.start(tt.pace)
				w.wait(time.Minute)
				got := w.tg.got()
				if len(got) != n {
					t.Fatalf("accepted %d of %d in a minute", len(got), n)
				}
				if used := float64(n-1) / got[n-1].at.Sub(got[0].at).Seconds() / tt.pace; used < 0.98 {
					t.Errorf("%.1f %% of the pace was used", 100*used)
				}
				paceKept(t, got, 30, 1)
			})
		})
	}
}

func TestAfterAnIdleTimeAndAfterAPauseThereIsNoBurst(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		from := 0
		more := func() {
			from = len(w.tg.got())
			for n := range 40 {
				w.follow(int64(n+1), 10000000+n)
				w.record(10000000+n, int64(from+1))
			}
			w.wait(time.Minute)
			got := w.tg.got()[from:]
			if len(got) < 40 {
				t.Fatalf("accepted %d", len(got))
			}
			paceKept(t, got, 29, 1)
			for i := range 2 {
				if d := got[i+1].at.Sub(got[i].at); d < 35*time.Millisecond {
					t.Errorf("number %d came %s after the one before", i+2, d)
				}
			}
		}
		more()
		w.wait(time.Hour)
		more()
		w.tg.fail(refuse(telegram.TooFast, func(e *telegram.Error) { e.RetryAfter = 20 * time.Second }))
		w.record(10000000, 100)
		w.wait(time.Second)
		w.tg.fail(nil)
		more()
	})
}
