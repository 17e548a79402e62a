package notifier

import (
	"sync"
	"time"
)

// chatGap is the least time from the end of a chat's request to the next one.
// Telegram allows one message a second in a chat.
const chatGap = 1050 * time.Millisecond

// mostASecond is Telegram's limit over all chats, in any second.
const mostASecond = 30

// A pace spreads requests evenly. As long as work waits, one that begins late
// leaves the times of those after it as they were, as far as it is late by no
// more than catchUp; what is beyond that is lost. So a commit that takes a few
// milliseconds costs none of the pace. Time without work is lost, so that a
// pause is never made up by a burst.
type pace struct {
	gap     time.Duration // 0: no pace
	catchUp time.Duration
	next    time.Time
	idle    bool // there was nothing to send since the last request
}

// newPace returns the pace of perSecond requests. It catches up by half a gap
// at most, and by nothing that would make one too many in a second.
func newPace(perSecond float64) pace {
	if perSecond <= 0 {
		return pace{}
	}
	p := pace{gap: time.Duration(float64(time.Second) / perSecond), idle: true}
	p.catchUp = p.gap / 2
	if perSecond <= mostASecond {
		p.catchUp = max(0, min(p.gap/2, mostASecond*p.gap-time.Second))
	}
	return p
}

// wait returns how long to wait at an instant before the next request.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.next.Sub(now)) }

// take uses a slot at an instant.
func (p *pace) take(now time.Time) {
	late := now.Sub(p.next)
	if p.idle || late < 0 {
		late = 0
	}
	p.next, p.idle = now.Add(p.gap-min(late, p.catchUp)), false
}

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
