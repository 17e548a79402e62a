package simulator

import (
	"fmt"
	"time"
)

// LimitMode says what becomes of a message that comes too early.
type LimitMode int

const (
	LimitJudge   LimitMode = iota // recorded as a violation, and accepted
	LimitEnforce                  // recorded, and refused with 429 and retry_after
	LimitOff                      // neither
)

var limitModes = []string{"judge", "enforce", "off"}

// String returns judge, enforce or off.
func (m LimitMode) String() string { return limitModes[m] }

// MarshalText writes a mode as String does.
func (m LimitMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads judge, enforce or off.
func (m *LimitMode) UnmarshalText(b []byte) error {
	for i, name := range limitModes {
		if name == string(b) {
			*m = LimitMode(i)
			return nil
		}
	}
	return fmt.Errorf("simulator: limit mode %q: judge, enforce or off", b)
}

// Limits are how fast a bot may send. Telegram does not publish exact figures;
// the defaults are the ones its FAQ names. A field of 0 takes its default.
type Limits struct {
	Mode           LimitMode `json:"mode"`
	PerSecond      int       `json:"per_second"`       // over all chats, in any second; 30
	PerChat        float64   `json:"per_chat"`         // a second, in one chat; 1
	PerChatBurst   int       `json:"per_chat_burst"`   // so many at once after a rest; 3
	GroupPerMinute int       `json:"group_per_minute"` // in one group; 20, all at once after a rest
}

func (l Limits) withDefaults() Limits {
	if l.PerSecond <= 0 {
		l.PerSecond = 30
	}
	if l.PerChat <= 0 {
		l.PerChat = 1
	}
	if l.PerChatBurst <= 0 {
		l.PerChatBurst = 3
	}
	if l.GroupPerMinute <= 0 {
		l.GroupPerMinute = 20
	}
	return l
}

// SetLimits replaces the limits, from the next message on.
func (s *Simulator) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter = newLimiter(l.withDefaults())
}

// limiter applies Limits to the sends that it lets pass. Chats' own state is
// in their chatPace.
type limiter struct {
	Limits
	passed []int64 // ring of the last PerSecond passes, ns
	oldest int
}

func newLimiter(l Limits) limiter {
	return limiter{Limits: l, passed: make([]int64, 0, l.PerSecond)}
}

// check judges a send at t. In enforce mode one that comes too early leaves no
// trace, so that a patient sender gets through at the full rate.
func (l *limiter) check(c *chatPace, chat int64, at time.Time) (Violation, bool) {
	if l.Mode == LimitOff {
		return Violation{}, false
	}
	t := at.UnixNano()
	v := Violation{Chat: chat, At: at}
	perChat := int64(float64(time.Second) / l.PerChat)
	perGroup := int64(time.Minute) / int64(l.GroupPerMinute)
	var wait int64
	note := func(limit string, w int64) {
		if w > wait {
			wait, v.Limit = w, limit
		}
	}
	if len(l.passed) == l.PerSecond {
		note("overall", l.passed[l.oldest]+int64(time.Second)-t)
	}
	note("chat", c.next-int64(l.PerChatBurst-1)*perChat-t)
	if chat < 0 {
		note("group", c.nextInGr-int64(l.GroupPerMinute-1)*perGroup-t)
	}
	if wait > 0 {
		v.RetryAfter = int((wait + int64(time.Second) - 1) / int64(time.Second))
		if l.Mode == LimitEnforce {
			return v, true
		}
	}
	if len(l.passed) < l.PerSecond {
		l.passed = append(l.passed, t)
	} else {
		l.passed[l.oldest] = t
		l.oldest = (l.oldest + 1) % l.PerSecond
	}
	c.next = max(c.next, t) + perChat
	if chat < 0 {
		c.nextInGr = max(c.nextInGr, t) + perGroup
	}
	return v, wait > 0
}
