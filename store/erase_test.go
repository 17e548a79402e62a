package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

func erase(t *testing.T, s *store.Store, want int) {
	t.Helper()
	if n, err := s.Erase(context.Background()); n != want || err != nil {
		t.Fatalf("erased %d, %v; want %d", n, err, want)
	}
}

func knows(t *testing.T, s *store.Store, reference string) bool {
	t.Helper()
	_, err := s.Application(context.Background(), ref(t, reference))
	if err != nil && !errors.Is(err, visa.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// traces counts what still names a reference, by table.
func traces(t *testing.T, path, reference string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := make(map[string]int)
	for table, text := range map[string]string{
		"applications":  `SELECT count(*) FROM applications WHERE reference = $1`,
		"subscriptions": `SELECT count(*) FROM subscriptions WHERE reference = $1`,
		"reminders":     `SELECT count(*) FROM reminders WHERE subscription IN (SELECT id FROM subscriptions WHERE reference = $1)`,
		"orphans":       `SELECT count(*) FROM reminders WHERE subscription NOT IN (SELECT id FROM subscriptions) AND $1 <> ''`,
		"tokens":        `SELECT count(*) FROM tokens WHERE reference = $1`,
		"notifications": `SELECT count(*) FROM notifications WHERE reference = $1 OR note LIKE '%' || $1 || '%'`,
		"erased":        `SELECT count(*) FROM erased WHERE hash LIKE '%' || $1 || '%' OR statement LIKE '%' || $1 || '%'`,
	} {
		var n int
		if err := db.QueryRow(text, reference).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			out[table] = n
		}
	}
	return out
}

func TestAnApplicationIsErasedTheDayAfterItsLast(t *testing.T) {
	tests := []struct {
		name  string
		edits []func(*visa.Update)
		last  string // day on which it is still known; empty: for ever
	}{
		{"closed", []func(*visa.Update){closed, since(day(time.June, 10, 12))}, "2025-09-18"},
		{"closed at night, which is the next day here", []func(*visa.Update){closed, since(time.Date(2025, 6, 10, 18, 0, 0, 0, time.UTC))}, "2025-09-19"},
		{"of a campaign that is over", []func(*visa.Update){approved, since(day(time.June, 2, 12)), of("spring")}, "2025-09-18"},
		{"closed before its campaign was over", []func(*visa.Update){closed, since(day(time.June, 2, 12)), of("spring")}, "2025-09-18"},
		{"moved after its campaign was over", []func(*visa.Update){approved, since(day(time.June, 19, 12)), of("spring")}, "2025-09-27"},
		{"decided, of no campaign", []func(*visa.Update){approved, since(day(time.June, 2, 12))}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &clock{day(time.June, 20, 9)}
			s := freshly(t, c, noticed(0, 100))
			record(t, s, update(t, "20417733", 1, tt.edits...))
			for at := day(time.June, 20, 23); at.Before(day(time.October, 10, 0)); at = at.AddDate(0, 0, 1) {
				if c.t = at; at.Format(time.DateOnly) == tt.last {
					erase(t, s, 0)
					if !knows(t, s, "20417733") {
						t.Fatal("erased too early")
					}
					c.t = at.Add(time.Hour) // midnight
					erase(t, s, 1)
					if knows(t, s, "20417733") {
						t.Fatal("not erased")
					}
					return
				}
				erase(t, s, 0)
			}
			if tt.last != "" || !knows(t, s, "20417733") {
				t.Error("erased, or not in time")
			}
		})
	}
}

func TestNothingThatIsErasedLeavesATrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(30, 10))
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-05"), since(day(time.June, 1, 12))), update(t, "20417734", 1, since(day(time.June, 1, 12))))
	follow(t, s, 42, "20417733", "20417734")
	follow(t, s, 43, "20417733")
	for _, chat := range []int64{42, 44} { // 44 only looked at it
		converse(t, s, chat, func(c visa.Conversation) error {
			token, err := c.NewToken(context.Background(), ref(t, "20417733"))
			if err == nil {
				err = c.Reply(context.Background(), visa.Note{Reply: visa.ReplyStatus, Reference: ref(t, "20417733"), Token: token})
			}
			return err
		})
	}
	d := sender(t, s)
	finish(t, d, visa.SendAccepted, claim(t, d)...)
	fall(t, d, c, day(time.June, 21, 10)) // reminders
	record(t, s, update(t, "20417733", 2, closed, since(day(time.June, 22, 9))))
	c.t = day(time.June, 22, 10)
	got := claim(t, d)
	finish(t, d, visa.SendDead, got[0])
	finish(t, d, visa.SendAccepted, got[1:]...)
	c.t = day(time.July, 2, 9)
	if _, _, err := d.FallDue(context.Background(), c.t); err != nil { // they wait to say that it is erased
		t.Fatal(err)
	}
	c.t = day(time.July, 3, 0)
	erase(t, s, 1)
	if left := traces(t, path, "20417733"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if left := traces(t, path, "20417734"); left["subscriptions"] != 1 || left["applications"] != 1 {
		t.Errorf("of another application: %v", left)
	}
	if got := fall(t, d, c, day(time.July, 3, 10)); len(got) != 1 || got[0].Reference.String() != "20417734" {
		t.Errorf("sent afterwards: %+v", got)
	}
	audit := s.Audit()
	entries, _, err := audit.Page(context.Background(), visa.AuditFilter{}, 0, false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]int{}
	for _, e := range entries {
		reasons[e.Reason]++
		if e.State == visa.Dead {
			r, err := audit.Replayable(context.Background(), []int64{e.ID})
			if err != nil || r[0].Obstacle != visa.ObstacleDamaged {
				t.Errorf("a dead letter of it: %+v, %v", r, err)
			}
		}
	}
	if reasons["erased"] != 2 {
		t.Errorf("ended as erased: %v", reasons)
	}
}

func TestWhatIsErasedComesBackOnlyWithSomethingNew(t *testing.T) {
	was := []func(*visa.Update){closed, since(day(time.June, 2, 12)), of("spring"), leaveBy("2025-06-30"), func(u *visa.Update) { u.Proof = "1234" }}
	made := func(t *testing.T, version int64, edits ...func(*visa.Update)) visa.Update {
		return update(t, "20417733", version, append(slices.Clone(was), edits...)...)
	}
	counted := func(asOf time.Time) func(*visa.Update) {
		return func(u *visa.Update) { u.Counted, u.AsOf, u.UpdatedAt, u.Version = true, asOf, time.Time{}, 0 }
	}
	tests := []struct {
		name    string
		updates func(t *testing.T) []visa.Update
		want    []visa.Result
		version int64 // of the last, where it is applied
	}{
		{"the same again", func(t *testing.T) []visa.Update { return []visa.Update{made(t, 5)} }, []visa.Result{visa.Duplicate}, 0},
		{"the same under a newer version, without its proof", func(t *testing.T) []visa.Update {
			return []visa.Update{made(t, 9, func(u *visa.Update) { u.Proof = "" })}
		}, []visa.Result{visa.Duplicate}, 0},
		{"an older one that says something else", func(t *testing.T) []visa.Update { return []visa.Update{made(t, 4, approved)} }, []visa.Result{visa.Stale}, 0},
		{"the same version with other content", func(t *testing.T) []visa.Update { return []visa.Update{made(t, 5, approved)} }, []visa.Result{visa.Conflict}, 0},
		{"a newer one that says something else", func(t *testing.T) []visa.Update { return []visa.Update{made(t, 6, approved)} }, []visa.Result{visa.Applied}, 6},
		{"one between the last that was said and the one that was erased", func(t *testing.T) []visa.Update {
			return []visa.Update{made(t, 9), made(t, 8, approved)}
		}, []visa.Result{visa.Duplicate, visa.Stale}, 0},
		{"back, and then older", func(t *testing.T) []visa.Update {
			return []visa.Update{made(t, 6, approved), made(t, 5), made(t, 6, approved), made(t, 7)}
		}, []visa.Result{visa.Applied, visa.Stale, visa.Duplicate, visa.Applied}, 7},
		{"a row without a version, the same", func(t *testing.T) []visa.Update { return []visa.Update{made(t, 1, counted(day(time.December, 1, 0)))} },
			[]visa.Result{visa.Duplicate}, 0},
		{"a row of a file from before its last change", func(t *testing.T) []visa.Update {
			return []visa.Update{made(t, 1, approved, counted(day(time.June, 1, 0)))}
		}, []visa.Result{visa.Stale}, 0},
		{"a row that says something new", func(t *testing.T) []visa.Update {
			return []visa.Update{made(t, 1, approved, counted(day(time.December, 1, 0)))}
		}, []visa.Result{visa.Applied}, 6},
	}
	for _, tt := range tests {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, in one transaction: %t", tt.name, together), func(t *testing.T) {
				c := &clock{day(time.June, 20, 9)}
				s := freshly(t, c, noticed(0, 100))
				record(t, s, update(t, "20417732", 1), made(t, 5))
				before, err := s.Application(context.Background(), ref(t, "20417733"))
				if err != nil {
					t.Fatal(err)
				}
				c.t = day(time.December, 1, 9)
				erase(t, s, 1)
				follow(t, s, 42, "20417733")
				d := sender(t, s)
				preview, err := s.Preview(context.Background(), tt.updates(t))
				if err != nil {
					t.Fatal(err)
				}
				var got []visa.Recorded
				if together {
					got = record(t, s, tt.updates(t)...)
				} else {
					for _, u := range tt.updates(t) {
						got = append(got, record(t, s, u)...)
					}
				}
				for i, want := range tt.want {
					if got[i].Result != want || preview[i].Result != want {
						t.Errorf("update %d: %s, previewed as %s, want %s", i, got[i].Result, preview[i].Result, want)
					}
				}
				sent := claim(t, d)
				if tt.version == 0 {
					if knows(t, s, "20417733") || len(sent) != 0 {
						t.Errorf("it is back; told %v", kinds(sent))
					}
					return
				}
				a, err := s.Application(context.Background(), ref(t, "20417733"))
				if err != nil || a.Version != tt.version || a.Revision <= before.Revision+1 || len(sent) != 1 || sent[0].Note.Changed[0] != "appeared" {
					t.Errorf("back: %+v, %v; told %+v", a, err, sent)
				}
			})
		}
	}
}

func TestWhatIsErasedIsFoundUnderAnOlderKeyToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(0, 10))
	u := update(t, "20417733", 1, closed, since(day(time.June, 2, 12)))
	record(t, s, u)
	erase(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	keys, err := store.NewKeyring([]store.Secret{{ID: "k2", Key: bytes.Repeat([]byte{8}, 32)}, {ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(context.Background(), store.Prefix+path, store.Options{Keys: keys, Schedule: noticed(0, 10), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := record(t, s, u); got[0].Result != visa.Duplicate {
		t.Errorf("%s", got[0].Result)
	}
	u.Version, u.Campaign = 2, "autumn"
	if got := record(t, s, u); got[0].Result != visa.Applied {
		t.Errorf("something new: %s", got[0].Result)
	}
	erase(t, s, 1)
	if got := record(t, s, u); got[0].Result != visa.Duplicate {
		t.Errorf("erased once more: %s", got[0].Result)
	}
}

func TestNewsGoOutBeforeTheirApplicationIsErased(t *testing.T) {
	c := &clock{day(time.June, 20, 9)}
	s := freshly(t, c, noticed(0, 10))
	record(t, s, update(t, "20417733", 1))
	follow(t, s, 42, "20417733")
	record(t, s, update(t, "20417733", 2, closed, since(day(time.June, 2, 9)))) // the register says so late
	erase(t, s, 0)
	d := sender(t, s)
	if got := fall(t, d, c, c.t); len(got) != 1 || got[0].Kind != visa.KindNews {
		t.Fatalf("told %v", kinds(got))
	}
	erase(t, s, 1)

	record(t, s, update(t, "20417734", 1))
	follow(t, s, 42, "20417734")
	record(t, s, update(t, "20417734", 2, closed, since(day(time.June, 2, 9))))
	c.t = day(time.June, 26, 9) // fourteen days after its own
	erase(t, s, 0)
	c.t = day(time.June, 27, 9)
	erase(t, s, 1)
	if got := claim(t, d); len(got) != 0 {
		t.Errorf("told %v", kinds(got))
	}
}

func TestCachesHearOfAnErasure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(0, 10))
	record(t, s, update(t, "20417733", 1, closed, since(day(time.June, 2, 12))), update(t, "20417734", 1, since(day(time.June, 2, 12))))
	a, err := s.Application(context.Background(), ref(t, "20417733"))
	if err != nil {
		t.Fatal(err)
	}
	other := planning(t, path, c, noticed(0, 10))
	heard := make(chan visa.Changes, 16)
	other.OnChange(func(c visa.Changes) { heard <- c })
	var mu sync.Mutex
	var own []visa.Changes
	s.OnChange(func(c visa.Changes) {
		mu.Lock()
		defer mu.Unlock()
		own = append(own, c)
	})
	erase(t, s, 1)
	mu.Lock()
	defer mu.Unlock()
	if len(own) != 1 || len(own[0].Applications) != 1 || own[0].Applications[0].Reference != a.Reference || own[0].Applications[0].Revision <= a.Revision {
		t.Errorf("this process heard %+v", own)
	}
	for {
		select {
		case c := <-heard:
			if c.Everything {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the other process heard nothing")
		}
	}
}

func TestAnApplicationOfManyFollowersIsErasedInShortTransactions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, noticed(0, 10))
	record(t, s, update(t, "20417733", 1, closed, since(day(time.June, 2, 12))))
	for i := range 40 {
		record(t, s, update(t, fmt.Sprintf("3%07d", i), 1, closed, since(day(time.June, 2, 12))))
	}
	const followers = 1200
	updates := make([]visa.Incoming, followers)
	for i := range updates {
		updates[i] = visa.Incoming{UpdateID: int64(1_000_000 + i), Body: "{}"}
	}
	if err := s.Receive(context.Background(), updates); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range followers {
		all.Go(func() {
			if err := s.Converse(context.Background(), int64(1_000_000+i), int64(5000+i), "en", func(c visa.Conversation) error {
				_, _, err := c.Follow(context.Background(), ref(t, "20417733"))
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	erase(t, s, 41)
	if left := traces(t, path, "20417733"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAnotherRetentionErasesNothingBeforeFollowersCouldBeTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	begin := func(retention int, erases bool) *store.Store {
		t.Helper()
		s := planning(t, path, c, noticed(0, retention))
		if err := s.Retain(context.Background(), erases); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Replan(context.Background()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := begin(365, true) // nothing is there yet that could be erased
	record(t, s, update(t, "20417733", 1, closed, since(day(time.January, 10, 12))), update(t, "20417734", 1, closed, since(time.Date(2024, 1, 10, 12, 0, 0, 0, bishkek))))
	follow(t, s, 42, "20417733")
	erase(t, s, 1) // the old one, at once
	s = begin(36, true)
	erase(t, s, 0)
	d := sender(t, s)
	got := daily(t, d, c, day(time.June, 20, 10), day(time.July, 5, 10))
	if n, ok := got["2025-06-21"]; len(got) != 1 || !ok || n.Note.Date != visa.NewDate(2025, 7, 5) {
		t.Errorf("told %+v", got)
	}
	c.t = day(time.July, 5, 23)
	s = begin(36, true) // a restart changes nothing
	erase(t, s, 0)
	begin(0, false) // nor does a command that knows no retention
	c.t = day(time.July, 6, 0)
	erase(t, s, 1)
}

func TestNoReferenceStaysOfWhatWasBeingSentWhenItsApplicationWasErased(t *testing.T) {
	const unknown visa.SendResult = "not known, since its sender is gone"
	for _, result := range []visa.SendResult{visa.SendAccepted, visa.SendDead, visa.SendHeld, visa.SendGone, unknown} {
		t.Run(string(result), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k.db")
			c := &clock{day(time.June, 20, 9)}
			s := planning(t, path, c, noticed(0, 30))
			d := sender(t, s)
			record(t, s, update(t, "20417733", 1, closed, since(c.t)), update(t, "20417744", 1))
			follow(t, s, 42, "20417733", "20417744")
			c.t = day(time.July, 20, 12)
			if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			got := claim(t, d)
			if len(got) == 0 || got[0].Reference.String() != "20417733" {
				t.Fatalf("sent %v", kinds(got))
			}
			c.t = c.t.AddDate(0, 0, 1)
			if n, err := s.Erase(context.Background()); n != 1 || err != nil {
				t.Fatalf("erased %d, %v", n, err)
			}
			record(t, s, update(t, "20417744", 2, approved))
			if got = append(got, claim(t, d)...); result != unknown {
				finish(t, d, result, got...)
			} else {
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				d = sender(t, s)
			}
			drain(t, c, d)
			for reference, want := range map[string]bool{"20417733": false, "20417744": true} {
				var n int
				if err := raw(t, path).QueryRow(`SELECT count(*) FROM notifications WHERE reference = $1`, reference).Scan(&n); err != nil || n > 0 != want {
					t.Errorf("%s: %d notifications name it, %v", reference, n, err)
				}
			}
		})
	}
}
