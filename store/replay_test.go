package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

func TestADeadLetterIsSentOnceMoreUnderItsKey(t *testing.T) {
	s, c, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733", 43: "20417734"})
	d := sender(t, s)
	got := claim(t, d)
	if len(got) != 2 {
		t.Fatalf("claimed %d", len(got))
	}
	finish(t, d, visa.SendDead, got[0])
	finish(t, d, visa.SendAccepted, got[1])
	db := raw(t, path)
	key := func() (dedupe string) {
		t.Helper()
		if err := db.QueryRow(`SELECT dedupe FROM notifications WHERE id = $1`, got[0].ID).Scan(&dedupe); err != nil {
			t.Fatal(err)
		}
		return dedupe
	}
	before := key()
	c.t = c.t.Add(time.Hour)
	var woken atomic.Int64
	s.OnWork(func() { woken.Add(1) })
	done, err := s.Replay(context.Background(), []int64{got[0].ID})
	if err != nil || len(done) != 1 || done[0].Obstacle != visa.NoObstacle || woken.Load() == 0 {
		t.Fatalf("replayed %+v, %v; woken %d times", done, err, woken.Load())
	}
	again := claim(t, d)
	if len(again) != 1 || again[0].ID != got[0].ID || again[0].ChatID != got[0].ChatID || again[0].Attempts != 0 || again[0].Plain {
		t.Fatalf("claimed again %+v", again)
	}
	if key() != before {
		t.Errorf("the dedupe key is %q, was %q", key(), before)
	}
	finish(t, d, visa.SendAccepted, again...)
	if more := claim(t, d); len(more) != 0 {
		t.Errorf("claimed once too often: %+v", more)
	}
	e, err := s.Audit().Entry(context.Background(), got[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var results []string
	for _, a := range e.Attempts {
		results = append(results, a.Result)
	}
	if fmt.Sprint(results) != "[dead replayed accepted]" || e.State != visa.Accepted {
		t.Errorf("%s after %v", e.State, results)
	}
}

func TestOnlyDeadLettersAreReplayed(t *testing.T) {
	for _, state := range visa.NotificationStates {
		if state == visa.Dead {
			continue
		}
		t.Run(string(state), func(t *testing.T) {
			s, _, path := freshAt(t)
			news(t, s, map[int64]string{42: "20417733", 43: "20417734"})
			dead := died(t, s)
			execute(t, raw(t, path), `UPDATE notifications SET state = $1 WHERE id = $2`, string(state), dead[1].ID)
			done, err := s.Replay(context.Background(), []int64{dead[0].ID, dead[1].ID})
			if !errors.Is(err, store.ErrNotDead) || len(done) != 0 {
				t.Errorf("replayed %+v, %v", done, err)
			}
			for i, want := range []visa.NotificationState{visa.Dead, state} {
				if e, err := s.Audit().Entry(context.Background(), dead[i].ID); err != nil || e.State != want || len(e.Attempts) != 1 {
					t.Errorf("notification %d is %+v, %v; want it %s as before", dead[i].ID, e, err, want)
				}
			}
		})
	}
	s, _ := fresh(t)
	if _, err := s.Replay(context.Background(), []int64{77}); !errors.Is(err, store.ErrNotDead) {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestADeadLetterOfNoMoreUseIsLeft(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name   string
		change func(t *testing.T, s *store.Store, c *clock, path string)
		want   visa.Obstacle
	}{
		{"nothing has happened", func(*testing.T, *store.Store, *clock, string) {}, visa.NoObstacle},
		{"its chat is inactive", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			if err := s.Deactivate(ctx, 5, 42); err != nil {
				t.Fatal(err)
			}
		}, visa.ObstacleInactive},
		{"its chat came back", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			if err := s.Deactivate(ctx, 5, 42); err != nil {
				t.Fatal(err)
			}
			converse(t, s, 42, func(visa.Conversation) error { return nil })
		}, visa.NoObstacle},
		{"its chat asked to be forgotten", func(t *testing.T, _ *store.Store, _ *clock, path string) {
			execute(t, raw(t, path), `UPDATE chats SET forgotten = 1`)
		}, visa.ObstacleForgotten},
		{"its chat was forgotten with all that was said to it", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			converse(t, s, 42, func(c visa.Conversation) error { return c.Forget(ctx) })
		}, visa.ObstacleUnknown},
		{"the application is no longer followed", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			converse(t, s, 42, func(c visa.Conversation) error { _, err := c.UnfollowAll(ctx); return err })
		}, visa.ObstacleUnfollow},
		{"its use has passed", func(t *testing.T, _ *store.Store, c *clock, path string) {
			execute(t, raw(t, path), `UPDATE notifications SET use_until = $1`, c.t.UnixMicro())
		}, visa.ObstacleUsePassed},
		{"its text is not there", func(t *testing.T, _ *store.Store, _ *clock, path string) {
			execute(t, raw(t, path), `UPDATE notifications SET note = ''`)
		}, visa.ObstacleDamaged},
		{"newer news wait", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			record(t, s, update(t, "20417733", 2, approved))
		}, visa.ObstacleOvertaken},
		{"newer news went out", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			record(t, s, update(t, "20417733", 2, approved))
			d := sender(t, s)
			finish(t, d, visa.SendAccepted, claim(t, d)...)
		}, visa.ObstacleOvertaken},
		{"newer news died too", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			record(t, s, update(t, "20417733", 2, approved))
			died(t, s)
		}, visa.ObstacleOvertaken},
		{"newer news were cancelled", func(t *testing.T, s *store.Store, _ *clock, path string) {
			record(t, s, update(t, "20417733", 2, approved))
			execute(t, raw(t, path), `UPDATE notifications SET state = 'cancelled', ended_at = 1 WHERE state = 'pending'`)
		}, visa.NoObstacle},
		{"newer news of another application wait", func(t *testing.T, s *store.Store, _ *clock, _ string) {
			follow(t, s, 42, "99999999")
			record(t, s, update(t, "99999999", 1))
		}, visa.NoObstacle},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c, path := freshAt(t)
			news(t, s, map[int64]string{42: "20417733"})
			d := sender(t, s)
			dead := claim(t, d)
			finish(t, d, visa.SendDead, dead...)
			_ = d.Close()
			tt.change(t, s, c, path)
			ids := []int64{dead[0].ID}
			got, err := s.Audit().Replayable(ctx, ids)
			if err != nil || got[0].Obstacle != tt.want {
				t.Fatalf("it would be %q, %v; want %q", got[0].Obstacle, err, tt.want)
			}
			done, err := s.Replay(ctx, ids)
			if tt.want == visa.ObstacleUnknown {
				if !errors.Is(err, store.ErrNotDead) {
					t.Errorf("replayed %+v, %v", done, err)
				}
				return
			}
			if err != nil || done[0].Obstacle != tt.want {
				t.Fatalf("replayed %+v, %v; want %q", done, err, tt.want)
			}
			want := visa.Dead
			if tt.want == visa.NoObstacle {
				want = visa.Pending
			}
			if e, err := s.Audit().Entry(ctx, ids[0]); err != nil || e.State != want {
				t.Errorf("it is %s, %v; want %s", e.State, err, want)
			}
		})
	}
}

func TestManyDeadLettersAreFoundPageByPage(t *testing.T) {
	s, _, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	died(t, s)
	execute(t, raw(t, path), `INSERT INTO notifications (dedupe, chat, subscription, reference, lane, kind, note, state, not_before, use_until,
			attempts, ambiguous, plain, epoch, created_at, ended_at, message_id, why)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 300)
		SELECT 'x' || n, chat, 0, '', 4, 'reply', note, CASE n % 3 WHEN 0 THEN 'accepted' ELSE 'dead' END, not_before, 0, 1, 0, 0, 1, created_at, 1, 0, 'too_long'
		FROM i, (SELECT chat, note, not_before, created_at FROM notifications LIMIT 1)`)
	var all []int64
	for from := int64(0); ; {
		ids, err := s.Audit().DeadLetters(context.Background(), from, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(ids) == 0 {
			break
		}
		all = append(all, ids...)
		from = ids[len(ids)-1]
	}
	done, err := s.Replay(context.Background(), all)
	if len(all) != 201 || err != nil || len(done) != 201 {
		t.Fatalf("found %d, replayed %d, %v; want 201", len(all), len(done), err)
	}
	counts, err := s.Audit().Summary(context.Background())
	if err != nil || fmt.Sprint(counts) != "[{accepted announcement too_long 100} {pending decision  1} {pending announcement  200}]" {
		t.Errorf("counted %v, %v", counts, err)
	}
}

func TestAReplayedDeadLetterHasAllItsTimeAnew(t *testing.T) {
	s, c, _ := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	d := sender(t, s)
	fail := func() []visa.Delivery {
		t.Helper()
		got := claim(t, d)
		if len(got) != 1 {
			t.Fatalf("claimed %d", len(got))
		}
		if err := d.Finish(context.Background(), []visa.Sent{{Delivery: got[0], Result: visa.SendRetry, Reason: "refused", EndedAt: c.t, RetryAt: c.t}}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for range 5 {
		fail()
	}
	c.t = c.t.Add(72 * time.Hour)
	id := fail()[0].ID
	if _, err := s.Replay(context.Background(), []int64{id}); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{time.Hour, time.Hour, time.Hour, time.Hour, 67 * time.Hour} {
		c.t = c.t.Add(wait)
		fail()
	}
	if e, err := s.Audit().Entry(context.Background(), id); err != nil || e.State != visa.Pending {
		t.Errorf("71 hours after it was replayed it is %s, %v", e.State, err)
	}
	c.t = c.t.Add(72 * time.Hour)
	fail()
	if e, err := s.Audit().Entry(context.Background(), id); err != nil || e.State != visa.Dead {
		t.Errorf("143 hours after it was replayed it is %s, %v", e.State, err)
	}
}
