package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/visa"
)

var bishkek = time.FixedZone("+06", 6*3600)

type reasons map[string]bool

func (r reasons) Has(code string) bool { return r[code] }

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func newService(t testing.TB, change func(*app.Options)) (*app.Service, *apptest.Store, *clock) {
	t.Helper()
	store := &apptest.Store{}
	c := &clock{t: time.Date(2025, 6, 23, 12, 0, 0, 0, bishkek)}
	o := app.Options{Store: store, Zone: bishkek, Now: c.now, Reasons: reasons{"fee_unpaid": true}}
	if change != nil {
		change(&o)
	}
	s := app.New(o)
	t.Cleanup(s.Close)
	store.OnChange(s.Apply)
	return s, store, c
}

func reference(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func record(t testing.TB, s *app.Service, line string) visa.Result {
	t.Helper()
	u, err := visa.ParseUpdate([]byte(line), s.Rules())
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Record(t.Context(), "test", "", []visa.Update{u})
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Result
}

// feed records what the design's example says, in the order it happened.
func feed(t testing.TB, s *app.Service) {
	for _, line := range []string{
		`{"reference":"20417733","version":1,"updated_at":"2025-06-02T11:02:00+06:00","procedure":"exit_visa","campaign":"legalization-2025","stage":"received","submitted_on":"2025-06-02"}`,
		`{"reference":"20417733","version":3,"updated_at":"2025-06-04T09:00:00+06:00","procedure":"exit_visa","campaign":"legalization-2025","stage":"in_processing","submitted_on":"2025-06-02"}`,
		`{"reference":"20417733","version":7,"updated_at":"2025-06-20T09:15:00+06:00","procedure":"exit_visa","campaign":"legalization-2025","stage":"decided","outcome":"approved","submitted_on":"2025-06-02",
		  "document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},"deadlines":[{"kind":"leave_by","date":"2025-07-05"}]}`,
	} {
		if got := record(t, s, line); got != visa.Applied {
			t.Fatalf("%s: %s", line, got)
		}
	}
}

const asInTheDesign = `{"reference":"20417733","procedure":"exit_visa","campaign":"legalization-2025","stage":"decided","outcome":"approved","reason":null,` +
	`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},` +
	`"deadlines":[{"kind":"leave_by","date":"2025-07-05","days_left":12,"calculated":false}],` +
	`"submitted_on":"2025-06-02","updated_at":"2025-06-20T09:15:00+06:00","register_as_of":"2025-06-23T20:05:00+06:00","version":7,` +
	`"history":[{"stage":"received","at":"2025-06-02T11:02:00+06:00"},{"stage":"in_processing","at":"2025-06-04T09:00:00+06:00"},{"stage":"decided","outcome":"approved","at":"2025-06-20T09:15:00+06:00"}]}`

func TestTheJSONIsThatOfTheDesignToTheByte(t *testing.T) {
	s, store, _ := newService(t, nil)
	feed(t, s)
	if err := store.FinishFeed(t.Context(), visa.Feed{AsOf: time.Date(2025, 6, 23, 14, 5, 0, 0, time.UTC), Complete: true}); err != nil {
		t.Fatal(err)
	}
	a, err := s.Lookup(t.Context(), reference(t, "20417733"))
	if err != nil {
		t.Fatal(err)
	}
	if string(a.JSON) != asInTheDesign {
		t.Errorf("got  %s\nwant %s", a.JSON, asInTheDesign)
	}
}

func TestWhatIsAbsentIsNull(t *testing.T) {
	s, _, _ := newService(t, nil)
	record(t, s, `{"reference":"20417733","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`)
	a, err := s.Lookup(t.Context(), reference(t, "20417733"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"reference":"20417733","procedure":"visa","campaign":null,"stage":"received","outcome":null,"reason":null,"document":null,"deadlines":[],` +
		`"submitted_on":null,"updated_at":"2025-06-02T11:02:00+06:00","register_as_of":"2025-06-02T11:02:00+06:00","version":1,"history":[{"stage":"received","at":"2025-06-02T11:02:00+06:00"}]}`
	if string(a.JSON) != want {
		t.Errorf("got  %s\nwant %s", a.JSON, want)
	}
}

func TestTextThatNeedsEscapingStaysJSON(t *testing.T) {
	s, store, _ := newService(t, func(o *app.Options) { o.Reasons = reasons{"a\"b\\ж\n": true} })
	u := visa.Update{Reference: reference(t, "20417733"), Version: 1, Statement: visa.Statement{Procedure: "visa", Stage: "received", Reason: "a\"b\\ж\n"}}
	if _, err := store.Record(t.Context(), "", "", []visa.Update{u}); err != nil {
		t.Fatal(err)
	}
	a, err := s.Lookup(t.Context(), u.Reference)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Reason string }
	if err := json.Unmarshal(a.JSON, &got); err != nil || got.Reason != u.Reason {
		t.Errorf("%s: %v", a.JSON, err)
	}
}

func TestDaysLeftCountOnTheLocalDay(t *testing.T) {
	s, store, c := newService(t, nil)
	feed(t, s)
	ref := reference(t, "20417733")
	for _, tt := range []struct {
		name, now, want string
	}{
		{"the last second of a local day", "2025-06-23T23:59:59+06:00", `"days_left":12`},
		{"local midnight", "2025-06-24T00:00:00+06:00", `"days_left":11`},
		{"midnight in Greenwich changes nothing", "2025-06-24T06:00:00+06:00", `"days_left":11`},
		{"the deadline's day", "2025-07-05T12:00:00+06:00", `"days_left":0`},
		{"the day after", "2025-07-06T00:00:00+06:00", `"days_left":-1`},
		{"a clock set back", "2025-06-23T12:00:00+06:00", `"days_left":12`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, _ := time.Parse(time.RFC3339, tt.now)
			c.set(now)
			a, err := s.Lookup(t.Context(), ref)
			if err != nil || !bytes.Contains(a.JSON, []byte(tt.want)) {
				t.Errorf("%s, %v; want %s", a.JSON, err, tt.want)
			}
		})
	}
	if n := store.Reads.Load(); n != 1 {
		t.Errorf("the store was read %d times; a new day needs no reading", n)
	}
}

func TestAnAnswerIsEncodedOncePerRevisionDayAndAsOf(t *testing.T) {
	s, store, c := newService(t, nil)
	feed(t, s)
	ref := reference(t, "20417733")
	look := func() *app.Answer {
		a, err := s.Lookup(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := look()
	if look() != first {
		t.Error("it was encoded again though nothing had moved")
	}
	tags := map[string]string{first.ETag: "first"}
	moved := func(why string, move func()) {
		move()
		a := look()
		if was, ok := tags[a.ETag]; ok {
			t.Errorf("%s: the ETag %s is the one of %q", why, a.ETag, was)
		}
		if look() != a {
			t.Errorf("%s: it was encoded twice", why)
		}
		tags[a.ETag] = why
	}
	moved("a new day", func() { c.set(c.now().Add(24 * time.Hour)) })
	moved("a feed", func() { _ = store.FinishFeed(t.Context(), visa.Feed{AsOf: c.now(), Complete: true}) })
	reads := store.Reads.Load()
	moved("a new version", func() {
		record(t, s, `{"reference":"20417733","version":8,"updated_at":"2025-06-21T09:00:00+06:00","procedure":"exit_visa","stage":"closed","outcome":"approved"}`)
	})
	if reads != 1 || store.Reads.Load() != 2 {
		t.Errorf("%d reads before the new version and %d after, want 1 and 2", reads, store.Reads.Load())
	}
}

func TestReasonsThatAreNoCodeAreDroppedAndCounted(t *testing.T) {
	s, store, _ := newService(t, nil)
	ref := reference(t, "20417733")
	record(t, s, `{"reference":"20417733","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received","reason":"Ask Mrs A. in room 5"}`)
	if a, _ := s.Lookup(t.Context(), ref); !bytes.Contains(a.JSON, []byte(`"reason":null`)) {
		t.Errorf("%s", a.JSON)
	}
	if n := s.Stats().ReasonsDropped; n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
	record(t, s, `{"reference":"20417733","version":2,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received","reason":"fee_unpaid"}`)
	if a, _ := s.Lookup(t.Context(), ref); !bytes.Contains(a.JSON, []byte(`"reason":"fee_unpaid"`)) {
		t.Errorf("%s", a.JSON)
	}
	// One that is in the database from before it was taken out of the configuration.
	u := visa.Update{Reference: ref, Version: 3, Statement: visa.Statement{Procedure: "visa", Stage: "received", Reason: "no_longer_configured"}}
	if _, err := store.Record(t.Context(), "", "", []visa.Update{u}); err != nil {
		t.Fatal(err)
	}
	if a, _ := s.Lookup(t.Context(), ref); !bytes.Contains(a.JSON, []byte(`"reason":null`)) {
		t.Errorf("%s", a.JSON)
	}
}

func TestTheLastKnownAnswerStaysWhileTheStoreIsAway(t *testing.T) {
	s, store, _ := newService(t, nil)
	feed(t, s)
	ref := reference(t, "20417733")
	before, err := s.Lookup(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	store.Before(apptest.Away)
	for range 3 {
		s.Apply(visa.Changes{Everything: true})
		after, err := s.Lookup(t.Context(), ref)
		if err != nil || string(after.JSON) != string(before.JSON) {
			t.Fatalf("%v, %v", after, err)
		}
	}
	if _, err := s.Lookup(t.Context(), reference(t, "99999999")); !errors.Is(err, visa.ErrUnavailable) {
		t.Errorf("a reference not in memory gave %v, want unavailable", err)
	}
	if s.Stats().Cache.Stale == 0 {
		t.Error("stale answers were not counted")
	}
}

func TestTheAsOfOfAnotherProcessIsReadAfterAChangeOfEverything(t *testing.T) {
	s, store, c := newService(t, nil)
	feed(t, s)
	ref := reference(t, "20417733")
	if a, err := s.Lookup(t.Context(), ref); err != nil || !a.AsOf.Equal(a.Application.UpdatedAt) {
		t.Fatalf("%v, %v; without a feed it must be when the register last spoke of it", a, err)
	}
	store.Silently(func() { _ = store.FinishFeed(t.Context(), visa.Feed{AsOf: c.now(), Complete: true}) })
	s.Apply(visa.Changes{Everything: true})
	if a, err := s.Lookup(t.Context(), ref); err != nil || !a.AsOf.Equal(c.now()) {
		t.Errorf("%v, %v; want register_as_of %v", a, err, c.now())
	}
	if at := s.AsOf(t.Context()); !at.Equal(c.now()) {
		t.Errorf("AsOf = %v", at)
	}
}

func TestAnErasedApplicationIsUnknownAtOnce(t *testing.T) {
	s, store, _ := newService(t, nil)
	feed(t, s)
	ref := reference(t, "20417733")
	if _, err := s.Lookup(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	store.Erase(ref)
	if _, err := s.Lookup(t.Context(), ref); !errors.Is(err, visa.ErrNotFound) {
		t.Errorf("%v, want not found", err)
	}
}

func TestNobodyReadsAnOldVersionOnceANewerIsAcknowledged(t *testing.T) {
	s, _, _ := newService(t, func(o *app.Options) { o.CacheSize = 8 })
	ref := reference(t, "20417733")
	var acknowledged sync.Map
	acknowledged.Store("v", int64(0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				floor, _ := acknowledged.Load("v")
				a, err := s.Lookup(t.Context(), ref)
				if err == nil && a.Application.Version < floor.(int64) {
					t.Errorf("version %d after %v was acknowledged", a.Application.Version, floor)
					return
				}
				if errors.Is(err, visa.ErrNotFound) && floor.(int64) > 0 {
					t.Errorf("unknown after version %v was acknowledged", floor)
					return
				}
			}
		})
	}
	for v := range int64(400) {
		line := fmt.Sprintf(`{"reference":"20417733","version":%d,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received"}`, v+1)
		if got := record(t, s, line); got != visa.Applied {
			t.Fatal(got)
		}
		acknowledged.Store("v", v+1)
	}
	close(stop)
	wg.Wait()
}
