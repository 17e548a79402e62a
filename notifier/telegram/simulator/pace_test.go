package simulator

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// naiveWorst counts, for every event, those in the window that ends with it.
func naiveWorst(times []int64, length time.Duration) int {
	worst := 0
	for i, t := range times {
		n := 0
		for _, u := range times[:i+1] {
			if u > t-int64(length) {
				n++
			}
		}
		worst = max(worst, n)
	}
	return worst
}

func TestSlidingWindowAgreesWithCounting(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		n := 1 + rng.IntN(200)
		span := []int64{1e6, 1e9, 20e9, 300e9}[rng.IntN(4)]
		times := make([]int64, n)
		for i := range times {
			times[i] = 1e15 + rng.Int64N(span)
			if rng.IntN(3) == 0 { // many exactly a second apart
				times[i] -= times[i] % 1e9
			}
		}
		slices.Sort(times)
		var s slider
		for _, at := range times {
			s.add(at, time.Second)
		}
		w := s.window(7, time.Second)
		if want := naiveWorst(times, time.Second); w.Count != want {
			t.Fatalf("round %d: %d in a second, counting gives %d: %v", round, w.Count, want, times)
		}
		in := 0
		for _, at := range times {
			if at >= w.First.UnixNano() && at <= w.Last.UnixNano() {
				in++
			}
		}
		if w.Last.Sub(w.First) >= time.Second || in < w.Count {
			t.Fatalf("round %d: the window %v to %v holds %d, not %d", round, w.First, w.Last, in, w.Count)
		}
	}
}

func TestWindowsAreHalfOpen(t *testing.T) {
	var s slider
	s.add(0, time.Second)
	s.add(1e9, time.Second)
	if s.worst != 1 {
		t.Errorf("two events a second apart: %d in one second", s.worst)
	}
	s.add(1e9+999_999_999, time.Second)
	if s.worst != 2 {
		t.Errorf("two events less than a second apart: %d in one second", s.worst)
	}
}

func TestAClockThatGoesBackDoesNotBreakTheWindow(t *testing.T) {
	var s slider
	for _, at := range []int64{5e9, 4e9, 5e9 + 1} {
		s.add(at, time.Second)
	}
	if s.worst != 3 {
		t.Errorf("worst = %d, want 3", s.worst)
	}
}

func TestLimiter(t *testing.T) {
	start := time.Unix(1_750_000_000, 0)
	type send struct {
		ms    int
		chat  int64
		early string
		after int
	}
	tests := []struct {
		name  string
		mode  LimitMode
		sends []send
	}{
		{name: "a short burst in one chat passes, more does not", mode: LimitEnforce, sends: []send{
			{0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "chat", 1}, {999, 1, "chat", 1}, {1000, 1, "", 0}, {1000, 1, "chat", 1}}},
		{name: "an even pace passes for ever", mode: LimitEnforce, sends: []send{
			{0, 1, "", 0}, {1000, 1, "", 0}, {2000, 1, "", 0}, {3000, 1, "", 0}, {4000, 1, "", 0}, {5000, 1, "", 0}}},
		{name: "chats do not disturb each other", mode: LimitEnforce, sends: []send{
			{0, 1, "", 0}, {0, 2, "", 0}, {0, 1, "", 0}, {0, 2, "", 0}, {0, 1, "", 0}, {0, 2, "", 0}, {0, 2, "chat", 1}}},
		{name: "judging lets pass, and remembers what passed", mode: LimitJudge, sends: []send{
			{0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "chat", 1}, {0, 1, "chat", 2}}},
		{name: "off sees nothing", mode: LimitOff, sends: []send{{0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "", 0}, {0, 1, "", 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLimiter(Limits{Mode: tt.mode}.withDefaults())
			p := pace{chats: map[int64]*chatPace{}}
			for i, s := range tt.sends {
				v, early := l.check(p.chat(s.chat), s.chat, start.Add(time.Duration(s.ms)*time.Millisecond))
				if early != (s.early != "") || v.Limit != s.early || v.RetryAfter != s.after {
					t.Errorf("send %d at %d ms: %v %+v; want %q after %d s", i, s.ms, early, v, s.early, s.after)
				}
			}
		})
	}
}

func TestLimiterOverall(t *testing.T) {
	l := newLimiter(Limits{Mode: LimitEnforce}.withDefaults())
	p := pace{chats: map[int64]*chatPace{}}
	at := time.Unix(1_750_000_000, 0)
	var passed []int64
	refused := 0
	for chat := range int64(400) { // 100 a second for 4 seconds
		if _, early := l.check(p.chat(chat), chat, at); early {
			refused++
		} else {
			passed = append(passed, at.UnixNano())
		}
		at = at.Add(10 * time.Millisecond)
	}
	if worst := naiveWorst(passed, time.Second); worst != 30 || len(passed) != 120 || refused != 280 {
		t.Errorf("%d passed, %d refused, %d in the busiest second; want 120, 280, 30", len(passed), refused, worst)
	}
}

func TestLimiterOfGroups(t *testing.T) {
	l := newLimiter(Limits{Mode: LimitEnforce}.withDefaults())
	p := pace{chats: map[int64]*chatPace{}}
	at := time.Unix(1_750_000_000, 0)
	passed := 0
	for range 60 { // one a second for a minute
		if _, early := l.check(p.chat(-5), -5, at); !early {
			passed++
		}
		at = at.Add(time.Second)
	}
	if passed < 20 || passed > 40 {
		t.Errorf("a group took %d messages in a minute", passed)
	}
	at = at.Add(time.Minute)
	for range 3 {
		if _, early := l.check(p.chat(-5), -5, at); early {
			t.Error("refused after a rest")
		}
	}
}
