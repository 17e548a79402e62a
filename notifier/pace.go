package notifier

import (
	"sync"
	"time"
)

// chatGap is the least time from the end of a chat's request to the next one.
// Telegram allows one message a second in a chat.
const chatGap = 1050 * time.Millisecond

// A pace spreads requests evenly: no two begin closer together than its gap,
// and time that was not used is lost, so that a pause is never made up by a
// burst.
type pace struct {
	gap  time.Duration // 0: no pace
	next time.Time
}

// wait returns how long to wait at an instant before the next request.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.next.Sub(now)) }

// take uses a slot at an instant.
func (p *pace) take(now time.Time) { p.next = now.Add(p.gap) }

// chats knows which chats have a request under way, and when each of the
// others may be sent to next. It forgets chats once they are ready.
type chats struct {
	gap time.Duration // 0: chats are ready as soon as nothing is under way

	mu    sync.Mutex
	until map[int64]time.Time // zero: a request is under way
	swept time.Time
}

func newChats(gap time.Duration) *chats {
	return &chats{gap: gap, until: make(map[int64]time.Time)}
}

// ready returns when a chat may be sent to next, zero if at once: whoever asks
// compares with a clock of its own, which may be behind. now is the present;
// for a chat with a request under way the answer is a guess.
func (c *chats) ready(chat int64, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.until[chat]
	switch {
	case !ok:
		return time.Time{}
	case until.IsZero():
		return now.Add(max(c.gap, 10*time.Millisecond))
	}
	return until
}

func (c *chats) begin(chat int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until[chat] = time.Time{}
}

func (c *chats) end(chat int64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gap == 0 {
		delete(c.until, chat)
		return
	}
	c.until[chat] = now.Add(c.gap)
	if now.Sub(c.swept) > time.Second {
		c.swept = now
		for id, until := range c.until {
			if !until.IsZero() && !until.After(now) {
				delete(c.until, id)
			}
		}
	}
}
