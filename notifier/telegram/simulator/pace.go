package simulator

import (
	"time"
)

// A Window is a stretch of time in which more messages arrived than in any
// other stretch of its length. Windows are half open: of two messages exactly
// one length apart, only one is inside.
type Window struct {
	Chat   int64         `json:"chat,omitempty"` // 0: over all chats
	Length time.Duration `json:"length_ns"`
	Count  int           `json:"count"`
	First  time.Time     `json:"first,omitzero"` // arrival of the first message in it
	Last   time.Time     `json:"last,omitzero"`  // and of the last
}

// A PaceReport judges how fast messages arrived. Every request that sends a
// message counts when it has been read, whether or not it was accepted: a
// sender that is refused for haste was hasty. Edits do not count.
type PaceReport struct {
	Sends       int64       `json:"sends"`
	Chats       int         `json:"chats"`
	Overall     Window      `json:"overall"`      // the busiest second
	PerChat     Window      `json:"per_chat"`     // the busiest second of one chat
	GroupMinute Window      `json:"group_minute"` // the busiest minute of one group
	Violations  int64       `json:"violations"`   // sends that the Limits would refuse
	Examples    []Violation `json:"examples,omitempty"`
}

// A Violation is a send that came too early for one of the Limits.
type Violation struct {
	Chat       int64     `json:"chat"`
	At         time.Time `json:"at"`
	Limit      string    `json:"limit"` // overall, chat or group
	RetryAfter int       `json:"retry_after"`
}

// maxExamples bounds PaceReport.Examples: the first so many violations.
const maxExamples = 100

// slider counts events in the window (t-length, t] that ends with the latest.
// Its times never go back.
type slider struct {
	times []int64 // nanoseconds; live from head on
	head  int
	worst int32
	from  int64
	to    int64
}

// add counts an event at t and remembers the busiest window.
func (s *slider) add(t int64, length time.Duration) {
	if n := len(s.times); n > s.head && t < s.times[n-1] {
		t = s.times[n-1]
	}
	for s.head < len(s.times) && s.times[s.head] <= t-int64(length) {
		s.head++
	}
	if s.head > 0 && (s.head == len(s.times) || s.head > 64 && s.head > len(s.times)/2) {
		n := copy(s.times, s.times[s.head:])
		s.times, s.head = s.times[:n], 0
	}
	s.times = append(s.times, t)
	if n := int32(len(s.times) - s.head); n > s.worst {
		s.worst, s.from, s.to = n, s.times[s.head], t
	}
}

func (s *slider) window(chat int64, length time.Duration) Window {
	w := Window{Chat: chat, Length: length, Count: int(s.worst)}
	if s.worst > 0 {
		w.First, w.Last = time.Unix(0, s.from), time.Unix(0, s.to)
	}
	return w
}

// chatPace is what is remembered of every chat ever written to.
type chatPace struct {
	second   slider
	minute   *slider // groups only
	sent     int64   // new messages accepted
	next     int64   // GCRA: theoretical arrival time of the next message, ns
	nextInGr int64   // the same for the limit of a group
}

// pace holds the sliding windows.
type pace struct {
	chats      map[int64]*chatPace
	overall    slider
	sends      int64
	violations int64
	examples   []Violation
}

// chat returns the pace of a chat, made at need.
func (p *pace) chat(id int64) *chatPace {
	c := p.chats[id]
	if c == nil {
		c = &chatPace{}
		if id < 0 {
			c.minute = &slider{}
		}
		p.chats[id] = c
	}
	return c
}

// add counts one send.
func (p *pace) add(c *chatPace, at time.Time) {
	t := at.UnixNano()
	p.sends++
	p.overall.add(t, time.Second)
	c.second.add(t, time.Second)
	if c.minute != nil {
		c.minute.add(t, time.Minute)
	}
}

// Pace reports the busiest windows and the violations so far. It looks at
// every chat once.
func (s *Simulator) Pace() PaceReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.pace
	r := PaceReport{
		Sends:       p.sends,
		Chats:       len(p.chats),
		Overall:     p.overall.window(0, time.Second),
		PerChat:     Window{Length: time.Second},
		GroupMinute: Window{Length: time.Minute},
		Violations:  p.violations,
		Examples:    append([]Violation(nil), p.examples...),
	}
	for id, c := range p.chats {
		if int(c.second.worst) > r.PerChat.Count {
			r.PerChat = c.second.window(id, time.Second)
		}
		if c.minute != nil && int(c.minute.worst) > r.GroupMinute.Count {
			r.GroupMinute = c.minute.window(id, time.Minute)
		}
	}
	return r
}
