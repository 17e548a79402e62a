package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

func recordBatch(t testing.TB, s *store.Store, batch visa.Batch, updates ...visa.Update) []visa.Recorded {
	t.Helper()
	out, err := s.Record(context.Background(), "test", batch, updates)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func endBatch(t testing.TB, s *store.Store, batch visa.Batch) {
	t.Helper()
	if err := s.EndBatch(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

// drain sends all that is due within some seconds, and returns it in its order.
func drain(t testing.TB, c *clock, d *store.Sender) (all []visa.Delivery) {
	t.Helper()
	for idle := 0; idle < 3; c.t = c.t.Add(time.Second) {
		got := claim(t, d)
		finish(t, d, visa.SendAccepted, got...)
		all = append(all, got...)
		if idle++; len(got) > 0 {
			idle = 0
		}
	}
	return all
}

// some are n references from the first one on.
func some(first, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%08d", first+i))
	}
	return all
}

// versions are the updates of references to a version.
func versions(t testing.TB, refs []string, version int64, edits ...func(*visa.Update)) (all []visa.Update) {
	for _, r := range refs {
		all = append(all, update(t, r, version, edits...))
	}
	return all
}

func kinds(all []visa.Delivery) (out []visa.Kind) {
	for _, d := range all {
		out = append(out, d.Kind)
	}
	return out
}

func items(d visa.Delivery) (out []string) {
	for _, i := range d.Items {
		out = append(out, i.Reference.String())
	}
	return out
}

func TestManyChangesForOneChatInOneImportBecomeOneMessage(t *testing.T) {
	tests := []struct {
		name             string
		follows, changed int
		transactions     int
		want             []visa.Kind
	}{
		{"eight of eight in one transaction", 8, 8, 1, []visa.Kind{visa.KindDigest}},
		{"eight of eight in a transaction each", 8, 8, 8, []visa.Kind{visa.KindDigest}},
		{"six of two hundred", 200, 6, 2, []visa.Kind{visa.KindDigest}},
		{"two hundred of two hundred", 200, 200, 3, []visa.Kind{visa.KindDigest}},
		{"five of eight go out one by one", 8, 5, 2, slices.Repeat([]visa.Kind{visa.KindNews}, 5)},
		{"five of five go out one by one", 5, 5, 1, slices.Repeat([]visa.Kind{visa.KindNews}, 5)},
		{"none", 8, 0, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			refs := some(1000000, tt.follows)
			record(t, s, versions(t, refs, 1)...)
			follow(t, s, 42, refs...)
			changes := versions(t, refs[:tt.changed], 2, approved)
			for part := range slices.Chunk(changes, max(1, (tt.changed+tt.transactions-1)/tt.transactions)) {
				recordBatch(t, s, "import", part...)
			}
			if got := claim(t, d); tt.follows > visa.DigestAbove && len(got) > 0 {
				t.Errorf("%d went out before the import was over", len(got))
			} else {
				finish(t, d, visa.SendAccepted, got...)
				endBatch(t, s, "import")
				all := append(got, drain(t, c, d)...)
				if !slices.Equal(kinds(all), tt.want) {
					t.Fatalf("sent %v, want %v", kinds(all), tt.want)
				}
				if len(all) == 1 && !slices.Equal(items(all[0]), refs[:tt.changed]) {
					t.Errorf("the digest tells of %v", items(all[0]))
				}
			}
		})
	}
}

func TestADigestShowsEachApplicationAsItStandsAndAllThatChanged(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 7)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	recordBatch(t, s, "import", versions(t, refs, 2, leaveBy("2025-08-01"))...)
	recordBatch(t, s, "import", update(t, refs[3], 3, approved, leaveBy("2025-08-01")))
	endBatch(t, s, "import")
	got := drain(t, c, d)
	if len(got) != 1 || len(got[0].Items) != 7 {
		t.Fatalf("sent %+v", got)
	}
	dg := got[0]
	if dg.Subscription != 0 || !dg.Reference.IsZero() || dg.Lane != visa.LaneDecision || dg.Application != nil {
		t.Errorf("the digest is %+v", dg.Notification)
	}
	for _, i := range dg.Items {
		want := []string{"deadlines"}
		if i.Reference.String() == refs[3] {
			if want = []string{"deadlines", "stage", "outcome"}; i.Application.Version != 3 {
				t.Errorf("%s is shown at version %d", i.Reference, i.Application.Version)
			}
		}
		if i.Subscription == 0 || i.Application == nil {
			t.Fatalf("an item without its application: %+v", i)
		}
		if slices.Sort(want); !slices.Equal(sorted(i.Changed), want) {
			t.Errorf("%s changed %v, want %v", i.Reference, i.Changed, want)
		}
	}
	states := map[string]int{}
	for _, e := range entries(t, s.Audit(), visa.AuditFilter{}) {
		states[string(e.State)+" "+e.Reason]++
	}
	if states["superseded digest"] != 7 || states["superseded newer"] != 1 || states["accepted "] != 1 {
		t.Errorf("the audit says %v", states)
	}
}

func sorted(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}

func TestAnImportThatNeverEndsIsToldAfterTwoMinutes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	importer := open(t, path, c)
	s := open(t, path, c)
	d := sender(t, s)
	refs := some(1000000, 12)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	recordBatch(t, importer, "dies", versions(t, refs[:4], 2, approved)...)
	c.t = c.t.Add(50 * time.Second)
	recordBatch(t, importer, "dies", versions(t, refs[4:8], 2, approved)...)
	recordBatch(t, importer, "dies", update(t, refs[0], 3, approved, leaveBy("2025-08-01"))) // does not begin to wait anew
	c.t = c.t.Add(70*time.Second - time.Second)
	if got := claim(t, d); len(got) != 0 {
		t.Fatalf("%d went out while the import may still run", len(got))
	}
	c.t = c.t.Add(time.Second)
	got := drain(t, c, d)
	if len(got) != 1 || len(got[0].Items) != 8 {
		t.Fatalf("sent %v", kinds(got))
	}
	// The next import says it all again, and the rest.
	recordBatch(t, importer, "lives", versions(t, refs[:8], 2, approved)...)
	recordBatch(t, importer, "lives", versions(t, refs[8:], 2, approved)...)
	endBatch(t, importer, "lives")
	if got := drain(t, c, d); len(got) != 4 {
		t.Fatalf("sent %v for the four that the first import did not reach", kinds(got))
	}
}

func TestOneImportMakesSeveralDigestsWhereItTakesLongerThanTheyWait(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 20)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	recordBatch(t, s, "long", versions(t, refs[:10], 2, approved)...)
	c.t = c.t.Add(2 * time.Minute)
	if got := drain(t, c, d); len(got) != 1 || !slices.Equal(items(got[0]), refs[:10]) {
		t.Fatalf("sent %v", kinds(got))
	}
	recordBatch(t, s, "long", versions(t, refs[10:], 2, approved)...)
	endBatch(t, s, "long")
	if got := drain(t, c, d); len(got) != 1 || !slices.Equal(items(got[0]), refs[10:]) {
		t.Fatalf("sent %v", kinds(got))
	}
}

func TestWhoeverDiesWhileADigestIsSentSendsItAgain(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	recordBatch(t, s, "import", versions(t, refs, 2, approved)...)
	endBatch(t, s, "import")
	claim(t, d) // gathers
	first := claim(t, d)
	if len(first) != 1 || first[0].Kind != visa.KindDigest {
		t.Fatalf("claimed %v", kinds(first))
	}
	record(t, s, update(t, refs[2], 3, approved, leaveBy("2025-08-01")))
	_ = d.Close()
	d = sender(t, s)
	got := drain(t, c, d)
	if len(got) != 2 || got[0].ID != first[0].ID || got[1].Kind != visa.KindNews {
		t.Fatalf("sent %v", kinds(got))
	}
	if v := got[0].Items[2].Application.Version; v != 3 {
		t.Errorf("the digest sent again shows version %d", v)
	}
}

func TestADigestLeavesOutWhatIsNoLongerFollowed(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	follow(t, s, 43, refs...)
	recordBatch(t, s, "import", versions(t, refs, 2, approved)...)
	endBatch(t, s, "import")
	claim(t, d) // gathers
	converse(t, s, 42, func(cv visa.Conversation) error {
		sub, _, err := cv.Followed(context.Background(), ref(t, refs[0]))
		if err != nil {
			return err
		}
		return cv.Unfollow(context.Background(), sub)
	})
	converse(t, s, 43, func(cv visa.Conversation) error {
		_, err := cv.UnfollowAll(context.Background())
		return err
	})
	got := drain(t, c, d)
	if len(got) != 1 || got[0].ChatID != 42 || !slices.Equal(items(got[0]), refs[1:]) {
		t.Fatalf("sent %+v", got)
	}
}

func TestAnUpdateByItselfDoesNotWaitForAnImport(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	recordBatch(t, s, "import", versions(t, refs, 2, approved)...)
	record(t, s, update(t, refs[5], 3, approved, leaveBy("2025-08-01")))
	got := drain(t, c, d)
	if len(got) != 1 || got[0].Reference.String() != refs[5] || len(got[0].Note.Changed) != 3 {
		t.Fatalf("sent %+v", got)
	}
	endBatch(t, s, "import")
	if got := drain(t, c, d); len(got) != 1 || len(got[0].Items) != 7 {
		t.Fatalf("then sent %v", kinds(got))
	}
}

func TestADigestTakesInNothingThatStandsBehindAnEarlierMessage(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	record(t, s, update(t, refs[0], 2, approved))
	early := claim(t, d)
	if len(early) != 1 {
		t.Fatalf("claimed %v", kinds(early))
	}
	recordBatch(t, s, "import", versions(t, refs, 3, approved, leaveBy("2025-08-01"))...)
	endBatch(t, s, "import")
	claim(t, d) // gathers
	finish(t, d, visa.SendRetry, early...)
	got := drain(t, c, d)
	var told []string
	for _, g := range got {
		told = append(told, items(g)...)
		if g.Kind == visa.KindNews {
			told = append(told, g.Reference.String())
			if len(g.Note.Changed) != 3 {
				t.Errorf("the news that failed are not told by the newer ones: %v", g.Note.Changed)
			}
		}
	}
	slices.Sort(told)
	if !slices.Equal(told, refs) || len(got) != 2 {
		t.Errorf("sent %v of %v", kinds(got), told)
	}
}

func TestADayNamedEarlierIsPutRightInADigest(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1, approved, leaveBy("2025-06-23"))...)
	follow(t, s, 42, refs...)
	c.t = time.Date(2025, 6, 22, 10, 0, 0, 0, bishkek)
	if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, c, d); len(got) != 8 {
		t.Fatalf("reminded of %d", len(got))
	}
	recordBatch(t, s, "import", versions(t, refs, 2, approved, leaveBy("2025-08-01"))...)
	recordBatch(t, s, "import", update(t, refs[0], 3, approved, leaveBy("2025-06-23"))) // after all
	endBatch(t, s, "import")
	got := drain(t, c, d)
	if len(got) != 1 || len(got[0].Items) != 8 {
		t.Fatalf("sent %v", kinds(got))
	}
	for _, i := range got[0].Items {
		want := "2025-06-23"
		if i.Reference.String() == refs[0] {
			want = ""
		}
		if got := dates(i.Corrected()); got != want {
			t.Errorf("%s is said to hold no longer %q, want %q", i.Reference, got, want)
		}
	}
}

// throng makes n chats follow references, many at a time.
func throng(t testing.TB, s *store.Store, first int64, n int, references ...string) {
	t.Helper()
	ctx := context.Background()
	var all []visa.Incoming
	for range n {
		updateID++
		all = append(all, visa.Incoming{UpdateID: updateID, Body: "{}"})
	}
	if err := s.Receive(ctx, all); err != nil {
		t.Fatal(err)
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range next {
				if err := s.Converse(ctx, all[i].UpdateID, first+int64(i), "en", func(c visa.Conversation) error {
					for _, r := range references {
						if _, _, err := c.Follow(ctx, ref(t, r)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func TestManyFollowersOfOneReferenceDoNotKeepBackTheNewsOfAnother(t *testing.T) {
	for _, batch := range []visa.Batch{"", "import"} {
		t.Run("batch "+string(batch), func(t *testing.T) {
			const pace = 20
			many := 5000
			c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
			s, err := store.Open(context.Background(), store.Prefix+filepath.Join(t.TempDir(), "k.db"),
				store.Options{Keys: keyring(t), Schedule: schedule, Now: c.now, Pace: pace})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			record(t, s, update(t, "20417733", 1), update(t, "20417744", 1))
			follows := []string{"20417733"}
			if batch != "" { // whoever follows much waits for the end of the import
				many, follows = 1000, append(follows, some(1000000, 6)...)
			}
			throng(t, s, 100, many, follows...)
			follow(t, s, 1, "20417744")
			d := sender(t, s)
			recordBatch(t, s, batch, update(t, "20417733", 2, approved))
			endBatch(t, s, batch)
			begun, sent, ahead := c.t, 0, -1
			for ; sent < many/10; c.t = c.t.Add(time.Second / pace) {
				if sent == many/20 {
					record(t, s, update(t, "20417744", 2, approved))
					ahead = 0
				}
				got, err := d.Claim(context.Background(), 1, allLanes, time.Second, func(int64) time.Time { return time.Time{} })
				if err != nil {
					t.Fatal(err)
				}
				if len(got) == 0 {
					t.Fatalf("after %d nothing is due though thousands wait: the pace is not used", sent)
				}
				finish(t, d, visa.SendAccepted, got...)
				if sent++; got[0].ChatID == 1 {
					break
				}
				if ahead >= 0 {
					ahead++
				}
			}
			if ahead < 0 || ahead > 40 {
				t.Errorf("%d others were told first, %s after the first", ahead, c.t.Sub(begun))
			}
		})
	}
}

func TestNewsThatAreOvertakenAgainAndAgainKeepTheirPlace(t *testing.T) {
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	s, err := store.Open(context.Background(), store.Prefix+filepath.Join(t.TempDir(), "k.db"),
		store.Options{Keys: keyring(t), Schedule: schedule, Now: c.now, Pace: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	throng(t, s, 100, 100, "20417733")
	d := sender(t, s)
	last := false
	for v := int64(1); v <= 20; v++ { // each overtakes what waits of the one before
		record(t, s, update(t, "20417733", v, leaveBy(fmt.Sprintf("2025-08-%02d", v))))
		for range 10 {
			c.t = c.t.Add(time.Second)
			got, err := d.Claim(context.Background(), 1, allLanes, time.Second, func(int64) time.Time { return time.Time{} })
			if err != nil {
				t.Fatal(err)
			}
			finish(t, d, visa.SendAccepted, got...)
			last = last || len(got) > 0 && got[0].ChatID == 199
		}
	}
	if !last {
		t.Error("the last follower was not told in twice the time it takes to tell all")
	}
}

func TestTheDigestsOfADayWithoutTelegramBecomeOne(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	refs := some(1000000, 8)
	record(t, s, versions(t, refs, 1)...)
	follow(t, s, 42, refs...)
	for n, changed := range [][]string{refs[:6], refs[2:], refs} {
		batch := visa.Batch(fmt.Sprintf("import %d", n))
		edits := [][]func(*visa.Update){{approved}, {approved, leaveBy("2025-08-01")}, {approved, leaveBy("2025-08-02")}}[n]
		recordBatch(t, s, batch, versions(t, changed, int64(2+n), edits...)...)
		endBatch(t, s, batch)
		for range 3 { // it is gathered, tried and put off
			finish(t, d, visa.SendRetry, claim(t, d)...)
			c.t = c.t.Add(2 * time.Second)
		}
	}
	got := drain(t, c, d)
	if len(got) != 1 || got[0].Kind != visa.KindDigest || !slices.Equal(items(got[0]), refs) {
		t.Fatalf("sent %v", kinds(got))
	}
	for _, i := range got[0].Items {
		if !slices.Contains(i.Changed, "stage") || !slices.Contains(i.Changed, "deadlines") || i.Application.Version != 4 {
			t.Errorf("%s: version %d, changed %v", i.Reference, i.Application.Version, i.Changed)
		}
	}
}
