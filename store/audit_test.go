package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// raw opens the file beside the store, as another process would.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func freshAt(t testing.TB) (*store.Store, *clock, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	return open(t, path, c), c, path
}

func auditOf(t testing.TB, path string) *store.Audit {
	t.Helper()
	a, err := store.OpenAudit(context.Background(), store.Prefix+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func entries(t testing.TB, a *store.Audit, f visa.AuditFilter) []visa.AuditEntry {
	t.Helper()
	got, next, err := a.Page(context.Background(), f, 0, false, 1000)
	if err != nil || next != 0 {
		t.Fatalf("more after %d, %v", next, err)
	}
	return got
}

// news makes chats follow a reference each and gives each something to tell.
func news(t testing.TB, s *store.Store, of map[int64]string) {
	t.Helper()
	for chat, reference := range of {
		follow(t, s, chat, reference)
		record(t, s, update(t, reference, 1))
	}
}

// died gives up everything that is due.
func died(t testing.TB, s *store.Store) []visa.Delivery {
	t.Helper()
	d := sender(t, s)
	got := claim(t, d)
	finish(t, d, visa.SendDead, got...)
	return got
}

func TestAChatHasOneTokenInAnAuditAndAnotherInTheNext(t *testing.T) {
	s, _, path := freshAt(t)
	follow(t, s, 420042004200, "20417733", "20417734")
	follow(t, s, 430043004300, "20417733")
	record(t, s, update(t, "20417733", 1), update(t, "20417734", 1))
	tokens := make(map[string]int)
	for _, a := range []*store.Audit{s.Audit(), auditOf(t, path)} {
		for _, e := range entries(t, a, visa.AuditFilter{}) {
			tokens[e.Chat]++
			if strings.Contains(fmt.Sprintf("%+v", e), "0042") || e.Reference != "2041••••" {
				t.Errorf("shown %+v", e)
			}
		}
	}
	counts := make(map[int]int)
	for _, n := range tokens {
		counts[n]++
	}
	if len(tokens) != 4 || counts[2] != 2 || counts[1] != 2 {
		t.Errorf("tokens %v; want two for each audit", tokens)
	}
}

func TestAnAuditMakesAndMigratesNothing(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.db")
	if _, err := store.OpenAudit(ctx, store.Prefix+missing); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("a missing database: %v", err)
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenAudit(ctx, store.Prefix+empty); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("an empty file: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("it left %v", files)
	}
	_, _, path := freshAt(t)
	db := raw(t, path)
	execute(t, db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	if _, err := store.OpenAudit(ctx, store.Prefix+path); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("a newer schema: %v", err)
	}
	execute(t, db, `DELETE FROM goose_db_version WHERE version_id > 0`)
	if _, err := store.OpenAudit(ctx, store.Prefix+path); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("an older schema: %v", err)
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM goose_db_version WHERE version_id > 0`).Scan(&n); err != nil || n != 0 {
		t.Errorf("it migrated: %d, %v", n, err)
	}
}

func TestAnAuditReadsBesideATransactionAndAfterACrash(t *testing.T) {
	s, _, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	db := raw(t, path)
	execute(t, db, `BEGIN IMMEDIATE`)
	if got := entries(t, auditOf(t, path), visa.AuditFilter{}); len(got) != 1 {
		t.Errorf("beside a transaction it read %d", len(got))
	}
	execute(t, db, `ROLLBACK`)

	crashed := filepath.Join(t.TempDir(), "k.db") // as a killed process leaves it: with its log, without an index
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := entries(t, auditOf(t, crashed), visa.AuditFilter{}); len(got) != 1 {
		t.Errorf("after a crash it read %d", len(got))
	}
}

func TestAnAuditShowsEveryAttempt(t *testing.T) {
	s, c, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	d := sender(t, s)
	got := claim(t, d)
	if open := entries(t, s.Audit(), visa.AuditFilter{Ambiguous: true}); len(open) != 1 || open[0].Attempts[0].Result != visa.AttemptStarted || !open[0].Attempts[0].EndedAt.IsZero() {
		t.Fatalf("without a result: %+v", open)
	}
	answer := func(sent visa.Sent) {
		t.Helper()
		if len(got) != 1 {
			t.Fatalf("claimed %d", len(got))
		}
		sent.Delivery, sent.EndedAt, sent.RetryAt = got[0], c.t.Add(time.Second), c.t.Add(time.Minute)
		if err := d.Finish(context.Background(), []visa.Sent{sent}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(time.Minute)
		got = claim(t, d)
	}
	answer(visa.Sent{Result: visa.SendRetry, Ambiguous: true, Code: 502, Reason: "server_error"})
	answer(visa.Sent{Result: visa.SendRetry, Reason: "refused"})
	answer(visa.Sent{Result: visa.SendAccepted, MessageID: 7, Code: 0})
	execute(t, raw(t, path), `UPDATE attempts SET reason = 'user Aibek_B 420042' WHERE reason = 'refused'`)

	e, err := s.Audit().Entry(context.Background(), entries(t, s.Audit(), visa.AuditFilter{})[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range e.Attempts {
		said = append(said, fmt.Sprintf("%s %d %s %t %s", a.Result, a.Code, a.Reason, a.Ambiguous, a.EndedAt.Sub(a.StartedAt)))
	}
	want := "ambiguous 502 server_error true 1s; retry 0 not a label false 1s; accepted 0  false 1s"
	if strings.Join(said, "; ") != want || e.Ambiguous() != 1 || e.State != visa.Accepted || e.MessageID != 7 || e.Failures != 2 {
		t.Errorf("shown %s in %+v; want %s", strings.Join(said, "; "), e, want)
	}
	if _, err := s.Audit().Entry(context.Background(), 999); !errors.Is(err, visa.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}

func TestAFilterLetsPassWhatItNames(t *testing.T) {
	s, c, _ := freshAt(t)
	start := c.t
	follow(t, s, 1, "20417733")
	record(t, s, update(t, "20417733", 1)) // 1 dead
	died(t, s)
	c.t = start.Add(time.Hour)
	record(t, s, update(t, "20417733", 2, approved))                                                                      // 2 waits
	converse(t, s, 2, func(k visa.Conversation) error { return k.Reply(context.Background(), visa.Note{Reply: "help"}) }) // 3 waits
	follow(t, s, 3, "99999999")
	c.t = start.Add(2 * time.Hour)
	record(t, s, update(t, "99999999", 1)) // 4 waits
	tests := []struct {
		name string
		f    visa.AuditFilter
		want string
	}{
		{"nothing asked", visa.AuditFilter{}, "[1 2 3 4]"},
		{"a state", visa.AuditFilter{State: visa.Dead}, "[1]"},
		{"a lane", visa.AuditFilter{Lane: visa.LaneConversation}, "[3]"},
		{"since includes its instant", visa.AuditFilter{Since: start.Add(time.Hour)}, "[2 3 4]"},
		{"until excludes its instant", visa.AuditFilter{Until: start.Add(2 * time.Hour)}, "[1 2 3]"},
		{"between", visa.AuditFilter{Since: start.Add(time.Minute), Until: start.Add(90 * time.Minute)}, "[2 3]"},
		{"a reference", visa.AuditFilter{Reference: ref(t, "20417733")}, "[1 2]"},
		{"all together", visa.AuditFilter{Reference: ref(t, "20417733"), State: visa.Pending, Lane: visa.LaneDecision, Since: start.Add(time.Minute)}, "[2]"},
		{"none", visa.AuditFilter{Ambiguous: true}, "[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var up, down []int64
			for from, more := int64(0), true; more; more = from > 0 {
				page, next, err := s.Audit().Page(context.Background(), tt.f, from, false, 1)
				if err != nil {
					t.Fatal(err)
				}
				from = next
				for _, e := range page {
					up = append(up, e.ID)
				}
			}
			for from, more := int64(0), true; more; more = from > 0 {
				page, next, err := s.Audit().Page(context.Background(), tt.f, from, true, 2)
				if err != nil {
					t.Fatal(err)
				}
				from = next
				for _, e := range page {
					down = append([]int64{e.ID}, down...)
				}
			}
			if fmt.Sprint(up) != tt.want || fmt.Sprint(down) != tt.want {
				t.Errorf("oldest first %v, newest first and turned round %v, want %s", up, down, tt.want)
			}
		})
	}
	counts, err := s.Audit().Summary(context.Background())
	if err != nil || fmt.Sprint(counts) != "[{dead decision  1} {pending conversation  1} {pending decision  2}]" {
		t.Errorf("counted %v, %v", counts, err)
	}
}
