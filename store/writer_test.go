package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kabarchy/visa"
)

func TestAClaimThatHasBegunIsWaitedForThoughItsContextEnds(t *testing.T) {
	s, _ := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	record(t, s, update(t, "20417733", 2, approved))

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got []visa.Delivery
	var err error
	returned := make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(returned)
		got, err = d.Claim(ctx, 10, allLanes, time.Second, func(int64) time.Time {
			close(begun) // the one chat is asked for once
			cancel()
			select {
			case <-returned:
				t.Error("Claim has returned in the middle of its transaction")
			case <-time.After(100 * time.Millisecond):
			}
			return time.Time{}
		})
	}()
	<-begun
	<-returned
	if err != nil || len(got) != 1 {
		t.Fatalf("claimed %d, %v; want what was taken", len(got), err)
	}
	finish(t, d, visa.SendAccepted, got...)
}

func TestAJobThatHasNotBegunIsTakenBackByItsContext(t *testing.T) {
	s, _ := fresh(t)
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	d := sender(t, s)
	record(t, s, update(t, "20417733", 2, approved))

	begun, release, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := d.Claim(context.Background(), 1, allLanes, time.Second, func(int64) time.Time {
			close(begun)
			<-release
			return time.Time{}
		})
		first <- err
	}()
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Record(ctx, "test", "", []visa.Update{update(t, "20417733", 3, approved, leaveBy("2025-08-01"))}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a job behind a long one: %v; want the end of its time", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	// What was taken back is not done later either.
	if r := record(t, s, update(t, "20417733", 3, approved, leaveBy("2025-08-01"))); len(r) != 1 || r[0].Result != visa.Applied {
		t.Errorf("recorded after all: %+v", r)
	}
}
