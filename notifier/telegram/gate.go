package telegram

import (
	"sync"
	"time"
)

// A gate holds back every request of a bot while Telegram asks for silence:
// what one method was told is law for all of them.
type gate struct {
	mu    sync.Mutex
	until time.Time
	told  func(until time.Time)
}

// hold closes the gate until a time; it never opens sooner for it.
func (g *gate) hold(until time.Time) {
	g.mu.Lock()
	if until = earlier(until, time.Now().Add(maxRetryAfter)); !until.After(g.until) {
		g.mu.Unlock()
		return
	}
	g.until = until
	told := g.told
	g.mu.Unlock()
	if told != nil {
		told(until)
	}
}

// closed returns the error of a request that the gate holds back, nil if it is open.
func (g *gate) closed() *Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	wait := time.Until(g.until)
	if wait <= 0 {
		return nil
	}
	return &Error{Kind: TooFast, Reason: "too_fast", RetryAfter: max(wait, time.Second),
		Description: "not asked: Telegram has asked for silence"}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Hold makes every call until a time fail with a TooFast error of its own,
// without a request: what Telegram said to the process before is law too. It
// is of no effect where the calls are held for longer already, and holds none
// for longer than a day.
func (g *Gateway) Hold(until time.Time) { g.gate.hold(until) }

// OnHold has f told each time the calls are held, or for longer: after any
// answer 429, whatever method got it, and by Hold. f must not block. It is to
// be set before the first call.
func (g *Gateway) OnHold(f func(until time.Time)) {
	g.gate.mu.Lock()
	defer g.gate.mu.Unlock()
	g.gate.told = f
}
