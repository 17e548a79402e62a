package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kabarchy/visa"
)

func TestOfManyFollowersThoseAreToldOfAMovedDayWhoHeardOfIt(t *testing.T) {
	s, c := fresh(t)
	d := sender(t, s)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-06-27")))
	const early, late = 70, 30 // more than fit into one statement
	for i := range early {
		follow(t, s, int64(100+i), "20417733")
	}
	c.t = day(time.June, 20, 10)
	for more := true; more; {
		n, _, err := s.FallDue(t.Context(), c.t)
		if err != nil {
			t.Fatal(err)
		}
		more = n > 0
	}
	if got := drain(t, c, d); len(got) != early {
		t.Fatalf("%d were reminded", len(got))
	}
	for i := range late {
		follow(t, s, int64(1000+i), "20417733")
	}
	record(t, s, update(t, "20417733", 2, leaveBy("2025-07-27")))
	told := make(map[string]int)
	for range 30 {
		for _, g := range drain(t, c, d) {
			told[fmt.Sprint(g.ChatID >= 1000, g.Kind, g.Note.Corrected())]++
		}
	}
	want := map[string]int{
		fmt.Sprint(false, visa.KindNews, []visa.Date{visa.NewDate(2025, 6, 27)}): early,
		fmt.Sprint(true, visa.KindNews, []visa.Date(nil)):                        late,
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func BenchmarkFollowingWhatThousandsFollow(b *testing.B) {
	s, _ := fresh(b)
	record(b, s, update(b, "20417733", 1, leaveBy("2025-06-27")))
	const followers = 4000
	for i := range followers {
		follow(b, s, int64(100+i), "20417733")
	}
	for i := range b.N {
		follow(b, s, int64(100+followers+i), "20417733")
	}
}

func TestPlanningAnewBringsBackDeadlinesThatAreMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	c := &clock{day(time.June, 20, 9)}
	s := planning(t, path, c, schedule)
	record(t, s, update(t, "20417733", 1, leaveBy("2025-07-27")), update(t, "20417744", 1, leaveBy("2025-07-27")))
	follow(t, s, 42, "20417733", "20417744")
	converse(t, s, 42, func(cv visa.Conversation) error {
		sub, _, err := cv.Followed(t.Context(), ref(t, "20417744"))
		if err == nil {
			err = cv.EndReminders(t.Context(), sub) // wants none
		}
		return err
	})
	if _, err := raw(t, path).Exec(`DELETE FROM reminders`); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0} {
		if n, err := s.Recompute(t.Context()); n != want || err != nil {
			t.Errorf("run %d changed %d, %v", i, n, err)
		}
	}
	if _, next, err := s.FallDue(t.Context(), c.t); err != nil || !next.Equal(day(time.July, 13, 10)) {
		t.Errorf("next at %s, %v", next, err)
	}
}
