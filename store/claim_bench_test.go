package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// turns are those of a notifier that may claim eight.
var turns = []visa.Turn{
	{Lane: visa.LaneConversation, N: 1}, {Lane: visa.LaneDecision, N: 2}, {Lane: visa.LaneReminder, N: 1},
	{Lane: visa.LaneConversation, N: 8}, {Lane: visa.LaneDecision, N: 8}, {Lane: visa.LaneReminder, N: 8}, {Lane: visa.LaneAnnouncement, N: 8},
}

// BenchmarkClaim claims eight of 64 decisions that are due, beside reminders
// that are planned, and as many that were written and wait for their time.
func BenchmarkClaim(b *testing.B) {
	compare(b, []int{0, 10_000, 100_000, 1_000_000}, (*stock).waiting)
}

// BenchmarkClaimBesideBlocked does so beside reminders that are due and have to
// wait for earlier news to their chats, which back off.
func BenchmarkClaimBesideBlocked(b *testing.B) {
	compare(b, []int{0, 1_000, 10_000, 100_000}, (*stock).blocked)
}

// compare measures what a notifier asks of the store before it sends, in turn
// on a database of each size, so that whatever else the machine does meets all
// of them alike. It reports medians, in microseconds by the size; ns/op is of
// all of them together.
func compare(b *testing.B, sizes []int, fill func(w *stock, n int)) {
	ctx := context.Background()
	var stocks []*stock
	for _, n := range sizes {
		w := stocked(b, n)
		fill(w, n)
		stocks = append(stocks, w)
	}
	took := map[string][]time.Duration{}
	timed := func(what string, n int, f func() error) {
		begun := time.Now()
		err := f()
		name := fmt.Sprintf("%s-µs@%d", what, n)
		took[name] = append(took[name], time.Since(begun))
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for i, w := range stocks {
			timed("next", sizes[i], func() error {
				_, err := w.d.NextDue(ctx)
				return err
			})
			timed("fall", sizes[i], func() error {
				_, _, err := w.d.FallDue(ctx, w.c.now())
				return err
			})
			var got []visa.Delivery
			timed("claim", sizes[i], func() (err error) {
				got, err = w.d.Claim(ctx, 8, turns, time.Second, func(int64) time.Time { return time.Time{} })
				return err
			})
			if len(got) != 8 {
				b.Fatalf("%d were claimed", len(got))
			}
			var back []visa.Sent // they wait again
			for _, g := range got {
				back = append(back, visa.Sent{Delivery: g, Result: visa.SendHeld, RetryAt: w.c.now(), EndedAt: w.c.now()})
			}
			if err := w.d.Finish(ctx, back, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e3, name)
	}
}

// A stock is a database with 64 decisions that are due, and many chats, each of
// which follows a reference of its own.
type stock struct {
	b   testing.TB
	s   *store.Store
	d   *store.Sender
	c   *clock
	raw *sql.DB
}

func stocked(b testing.TB, chats int) *stock {
	b.Helper()
	path := filepath.Join(b.TempDir(), "k.db")
	w := &stock{b: b, c: &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}}
	w.s = open(b, path, w.c)
	const due = 64
	var news []visa.Update
	for i := range due {
		reference := fmt.Sprint(10_000_000 + i)
		follow(b, w.s, int64(i+1), reference)
		news = append(news, update(b, reference, 1, approved))
	}
	w.d = sender(b, w.s)
	finish(b, w.d, visa.SendAccepted, claim(b, w.d)...) // the answers
	record(b, w.s, news...)
	var err error
	if w.raw, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)&_pragma=temp_store(MEMORY)"); err != nil {
		b.Fatal(err)
	}
	w.raw.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = w.raw.Close() })
	w.many(chats, `INSERT INTO chats (hash, sealed, key_id, language, chosen, active, forgotten, created_at)
		SELECT 'chat ' || n.i, c.sealed, c.key_id, 'en', 0, 1, 0, c.created_at FROM n JOIN chats c ON c.id = 1 WHERE $2 > 0`)
	w.many(chats, `INSERT INTO subscriptions (chat, reference, label, left_at, created_at)
		SELECT c.id, 20000000 + n.i, '', 0, $2 FROM n JOIN chats c ON c.hash = 'chat ' || n.i`)
	return w
}

// many runs a statement over a table n(i) of the numbers from 1, a part at a
// time; $2 is the clock's time.
func (w *stock) many(total int, text string) {
	w.b.Helper()
	const part = 50_000
	for from := 0; from < total; from += part {
		if _, err := w.raw.Exec(`WITH RECURSIVE n(i) AS (SELECT $1 + 1 UNION ALL SELECT i + 1 FROM n WHERE i < $3) `+text,
			from, w.c.now().UnixMicro(), min(from+part, total)); err != nil {
			w.b.Fatal(err)
		}
	}
}

// notify writes one notification to each of the many chats, due at the clock's
// time plus so many microseconds.
func (w *stock) notify(total int, lane visa.Lane, kind visa.Kind, due string) {
	w.b.Helper()
	w.many(total, fmt.Sprintf(`INSERT INTO notifications (dedupe, chat, subscription, reference, lane, kind, note, state, not_before,
			use_until, attempts, ambiguous, plain, epoch, created_at, ended_at, message_id, why)
		SELECT '%[2]s %[1]d ' || n.i, s.chat, s.id, s.reference, %[1]d, '%[2]s', '{}', 'pending', $2 + %[3]s, $2 + 864000000000, 0, 0, 0, 0, $2, 0, 0, ''
		FROM n JOIN subscriptions s ON s.reference = cast(20000000 + n.i AS TEXT)`, lane, kind, due))
}

// waiting plans a reminder for each of the many, and writes one that waits.
func (w *stock) waiting(total int) {
	w.b.Helper()
	w.many(total, `INSERT INTO reminders (subscription, kind, date, since, next_at)
		SELECT s.id, 'leave_by', '2025-07-05', $2, $2 + 3600000000 + n.i FROM n JOIN subscriptions s ON s.reference = cast(20000000 + n.i AS TEXT)`)
	w.notify(total, visa.LaneReminder, visa.KindReminder, "3600000000 + n.i")
	w.settle(total, 1)
}

// blocked gives each of the many news that back off, and then a reminder that
// is due.
func (w *stock) blocked(total int) {
	w.b.Helper()
	w.notify(total, visa.LaneDecision, visa.KindNews, "3600000000 + n.i")
	w.notify(total, visa.LaneReminder, visa.KindReminder, "n.i - 3600000000")
	w.settle(total, 2)
}

func (w *stock) settle(total, each int) {
	w.b.Helper()
	var n int
	if err := w.raw.QueryRow(`SELECT count(*) FROM notifications WHERE subscription > 64`).Scan(&n); err != nil || n != each*total {
		w.b.Fatalf("%d notifications were made of %d: %v", n, each*total, err)
	}
	// All of it is on the disk before anything is measured: else what the kernel
	// still has to write would slow down the claims' own syncs.
	for _, text := range []string{`PRAGMA synchronous = FULL`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := w.raw.Exec(text); err != nil {
			w.b.Fatal(err)
		}
	}
}
