package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// spread adds notifications to the chat of the first one, with ids $1 apart,
// up to $2: a page's bound is one of ids, so that few stand for many.
const spread = `INSERT INTO notifications (id, dedupe, chat, subscription, reference, lane, kind, note, state, not_before, use_until,
		attempts, ambiguous, plain, epoch, created_at, ended_at, message_id, why)
	WITH RECURSIVE i(n) AS (SELECT 1 + $1 UNION ALL SELECT n + $1 FROM i WHERE n + $1 <= $2)
	SELECT n, 'x' || n, chat, 0, '20417744', 2, 'news', '', 'accepted', not_before, 0, 1, 0, 0, 1, created_at, created_at, n, ''
	FROM i, (SELECT chat, not_before, created_at FROM notifications WHERE id = 1)`

// pages reads all pages of an audit and returns the ids on each.
func pages(t *testing.T, a *store.Audit, f visa.AuditFilter, newest bool, limit int) (all [][]int64) {
	t.Helper()
	for from, more := int64(0), true; more; more = from > 0 {
		page, next, err := a.Page(context.Background(), f, from, newest, limit)
		if err != nil || next == from && next > 0 {
			t.Fatalf("from %d to %d, %v", from, next, err)
		}
		from = next
		ids := []int64{}
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		all = append(all, ids)
	}
	return all
}

func TestAPageLooksAtABoundedNumberOfNotifications(t *testing.T) {
	s, _, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	db := raw(t, path)
	execute(t, db, spread, 10_000, 120_001)
	execute(t, db, `UPDATE notifications SET reference = '20417733' WHERE id = 60001`)
	rare := visa.AuditFilter{Reference: ref(t, "20417733")}
	tests := []struct {
		name   string
		f      visa.AuditFilter
		newest bool
		limit  int
		want   string
	}{
		{"newest first, two among many", rare, true, 10, "[[] [60001] [1]]"},
		{"oldest first", rare, false, 10, "[[1] [60001] []]"},
		{"newest first, one a page", rare, true, 1, "[[] [60001] [] [1]]"},
		{"none", visa.AuditFilter{Ambiguous: true, State: visa.Accepted}, true, 10, "[[] [] []]"},
		{"none, oldest first", visa.AuditFilter{Lane: visa.LaneReminder}, false, 10, "[[] [] []]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pages(t, s.Audit(), tt.f, tt.newest, tt.limit); fmt.Sprint(got) != tt.want {
				t.Errorf("pages of %v, want %s", got, tt.want)
			}
		})
	}
	execute(t, db, `DELETE FROM notifications WHERE id BETWEEN 2 AND 110000`)
	for _, newest := range []bool{true, false} {
		got := pages(t, s.Audit(), visa.AuditFilter{}, newest, 1000)
		flat := slices.Concat(got...)
		slices.Sort(flat)
		if len(got) != 2 || fmt.Sprint(flat) != "[1 110001 120001]" {
			t.Errorf("around a gap: %v", got)
		}
	}
}

func TestAPageIsAsLongAsItsAttemptsAllow(t *testing.T) {
	s, _, path := freshAt(t)
	news(t, s, map[int64]string{42: "20417733"})
	db := raw(t, path)
	execute(t, db, spread, 1, 5)
	execute(t, db, `INSERT INTO attempts (notification, epoch, started_at, ended_at, result, code, reason)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 12000)
		SELECT id, n, n, n + 1, 'held', 429, 'too_fast' FROM i, notifications WHERE id = 3 OR id IN (2, 4) AND n <= 4000`)
	if got := pages(t, s.Audit(), visa.AuditFilter{}, true, 10); fmt.Sprint(got) != "[[5 4] [3] [2 1]]" {
		t.Errorf("pages of %v", got)
	}
	got, _, err := s.Audit().Page(context.Background(), visa.AuditFilter{}, 4, true, 10)
	if err != nil || len(got) != 1 || len(got[0].Attempts) != 12_000 || got[0].Attempts[11_999].Sender != 12_000 {
		t.Errorf("%d entries, %v", len(got), err)
	}
}

// A reader reads listings as a key of the API does.
type reader struct {
	t *testing.T
	s *store.Store
	q visa.AuditQuery
}

func (r reader) page(cursor string) visa.AuditPage {
	r.t.Helper()
	r.q.Cursor = cursor
	p, err := r.s.AuditPage(context.Background(), r.q)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// shown are the ids and the chats of a page's entries.
func shown(p visa.AuditPage) (ids []int64, chats []string) {
	for _, e := range p.Entries {
		ids, chats = append(ids, e.ID), append(chats, e.Chat)
	}
	return ids, chats
}

func TestPagesOfAListingShareTokensAndListingsDoNot(t *testing.T) {
	s, _, _ := freshAt(t)
	follow(t, s, 420042004200, "20417731", "20417732", "20417733", "20417734")
	record(t, s, update(t, "20417731", 1), update(t, "20417732", 1), update(t, "20417733", 1), update(t, "20417734", 1))
	r := reader{t, s, visa.AuditQuery{Limit: 1, Reader: 1}}
	tokens := map[string]int{}
	for range 2 {
		var all []int64
		for cursor, more := "", true; more; more = cursor != "" {
			p := r.page(cursor)
			cursor = p.Next
			ids, chats := shown(p)
			all = append(all, ids...)
			for _, c := range chats {
				tokens[c]++
			}
		}
		if fmt.Sprint(all) != "[4 3 2 1]" {
			t.Errorf("listed %v", all)
		}
	}
	if len(tokens) != 2 {
		t.Errorf("two listings of one chat have the tokens %v", tokens)
	}
	first := r.page("")
	again, _ := shown(r.page(first.Next))
	once, chats := shown(r.page(first.Next))
	if fmt.Sprint(again) != fmt.Sprint(once) || first.Entries[0].Chat != chats[0] {
		t.Errorf("a page read twice: %v, %v", again, once)
	}
}

func TestACursorIsGoodForItsListingAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	s := open(t, path, c)
	follow(t, s, 42, "20417731", "20417732", "20417733")
	record(t, s, update(t, "20417731", 1), update(t, "20417732", 1), update(t, "20417733", 1))
	full := visa.AuditQuery{Limit: 1, Reader: 1, Filter: visa.AuditFilter{
		State: visa.Pending, Lane: visa.LaneDecision, Since: c.t.Add(-time.Hour), Until: c.t.Add(time.Hour)}}
	first, err := s.AuditPage(context.Background(), full)
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	cursor := first.Next
	with := func(change func(*visa.AuditQuery)) visa.AuditQuery {
		q := full
		q.Cursor = cursor
		change(&q)
		return q
	}
	rotated, err := store.NewKeyring([]store.Secret{{ID: "k2", Key: bytes.Repeat([]byte{8}, 32)}, {ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{9}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	opened := func(path string, k *store.Keyring) *store.Store {
		o, err := store.Open(context.Background(), store.Prefix+path, store.Options{Keys: k, Schedule: schedule, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = o.Close() })
		return o
	}
	beside, elsewhere := opened(path, rotated), opened(filepath.Join(t.TempDir(), "k.db"), other)
	tests := []struct {
		name  string
		s     *store.Store
		q     visa.AuditQuery
		after time.Duration
		good  bool
	}{
		{"as it was", s, with(func(*visa.AuditQuery) {}), 0, true},
		{"in another process, after a key was added", beside, with(func(*visa.AuditQuery) {}), 0, true},
		{"with a longer page", s, with(func(q *visa.AuditQuery) { q.Limit = 1000 }), 0, true},
		{"a day later", s, with(func(*visa.AuditQuery) {}), 24 * time.Hour, true},
		{"more than a day later", s, with(func(*visa.AuditQuery) {}), 24*time.Hour + time.Second, false},
		{"by another reader", s, with(func(q *visa.AuditQuery) { q.Reader = 2 }), 0, false},
		{"of another state", s, with(func(q *visa.AuditQuery) { q.Filter.State = visa.Dead }), 0, false},
		{"of another lane", s, with(func(q *visa.AuditQuery) { q.Filter.Lane = visa.LaneReminder }), 0, false},
		{"of a reason", s, with(func(q *visa.AuditQuery) { q.Filter.Reason = "newer" }), 0, false},
		{"since another time", s, with(func(q *visa.AuditQuery) { q.Filter.Since = time.Time{} }), 0, false},
		{"until another time", s, with(func(q *visa.AuditQuery) { q.Filter.Until = q.Filter.Until.Add(time.Microsecond) }), 0, false},
		{"of an application", s, with(func(q *visa.AuditQuery) { q.Filter.Reference = ref(t, "20417731") }), 0, false},
		{"of those in doubt", s, with(func(q *visa.AuditQuery) { q.Filter.Ambiguous = true }), 0, false},
		{"of another database", elsewhere, with(func(*visa.AuditQuery) {}), 0, false},
		{"cut", s, with(func(q *visa.AuditQuery) { q.Cursor = cursor[:len(cursor)-4] }), 0, false},
		{"a few letters", s, with(func(q *visa.AuditQuery) { q.Cursor = "abcd" }), 0, false},
		{"other letters", s, with(func(q *visa.AuditQuery) { q.Cursor = "№ 20417731" }), 0, false},
		{"a number", s, with(func(q *visa.AuditQuery) { q.Cursor = "3" }), 0, false},
	}
	for i := range len(cursor) {
		changed := []byte(cursor)
		if changed[i] = 'A'; cursor[i] == 'A' {
			changed[i] = 'B'
		}
		if i%7 == 0 {
			tests = append(tests, struct {
				name  string
				s     *store.Store
				q     visa.AuditQuery
				after time.Duration
				good  bool
			}{fmt.Sprintf("with letter %d changed", i), s, with(func(q *visa.AuditQuery) { q.Cursor = string(changed) }), 0, false})
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.t = c.t.Add(tt.after)
			defer func() { c.t = c.t.Add(-tt.after) }()
			p, err := tt.s.AuditPage(context.Background(), tt.q)
			switch {
			case tt.good && (err != nil || p.Entries[0].ID != 2 || p.Entries[0].Chat != first.Entries[0].Chat):
				t.Errorf("%+v, %v", p, err)
			case !tt.good && !errors.Is(err, visa.ErrCursor):
				t.Errorf("%+v, %v; want visa.ErrCursor", p, err)
			}
		})
	}
}

func TestAListingIsStableWhileThingsGoOn(t *testing.T) {
	s, _, _ := freshAt(t)
	references := make([]string, 6)
	for i := range references {
		references[i] = fmt.Sprintf("2041773%d", i)
	}
	follow(t, s, 42, references...)
	for _, r := range references {
		record(t, s, update(t, r, 1))
	}
	r := reader{t, s, visa.AuditQuery{Limit: 2, Reader: 1}}
	one := r.page("")
	follow(t, s, 43, "20417730")
	record(t, s, update(t, "20417730", 2, approved)) // supersedes the oldest, and makes new ones
	died(t, s)
	two := r.page(one.Next)
	three := r.page(two.Next)
	var ids []int64
	for _, p := range []visa.AuditPage{one, two, three} {
		of, _ := shown(p)
		ids = append(ids, of...)
	}
	if fmt.Sprint(ids) != "[6 5 4 3 2 1]" || three.Next != "" {
		t.Errorf("listed %v, then %q", ids, three.Next)
	}
	if last := three.Entries[1]; last.State != visa.Superseded || last.Reason != "newer" {
		t.Errorf("what changed meanwhile is shown as %+v", last)
	}
}
