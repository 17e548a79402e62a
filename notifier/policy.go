package notifier

import (
	"errors"
	"time"

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// Pauses after failures.
const (
	firstRetry   = 3 * time.Second
	longestRetry = 15 * time.Minute

	firstHalt   = 30 * time.Second // after the token or the method was refused
	longestHalt = 10 * time.Minute

	// From this many failures in a row on, of as many chats, Telegram counts as
	// down: one notification at a time finds out when it is back, of another
	// chat each time as long as others have something due.
	downAfter    = 8
	longestProbe = 30 * time.Second
	// nextProbe is how long what is due for a chat that failed is put off then.
	nextProbe = time.Second
)

// retryAfter returns how long to wait before the next attempt, after n ≥ 1
// counted failures: up to 3·2ⁿ⁻¹ s, at most 15 min, with full jitter (a number
// of [0, 1)), so that chats do not come back in step.
func retryAfter(n int, jitter float64) time.Duration {
	return time.Duration(jitter * float64(doubled(firstRetry, longestRetry, n)))
}

// doubled returns first·2ⁿ⁻¹, at most longest.
func doubled(first, longest time.Duration, n int) time.Duration {
	if n > 20 {
		return longest
	}
	return min(first<<(max(n, 1)-1), longest)
}

// judge says what becomes of a delivery after an attempt. It is the error
// policy; a row of it each. pause asks for silence towards everybody.
func (e *engine) judge(d visa.Delivery, messageID int64, err error, now time.Time) (r visa.Sent, pause time.Duration) {
	r = visa.Sent{Delivery: d, EndedAt: now}
	if err == nil {
		r.Result, r.MessageID = visa.SendAccepted, messageID
		return r, 0
	}
	var t *telegram.Error
	if !errors.As(err, &t) {
		t = &telegram.Error{Kind: telegram.Transient, Reason: "fault"}
	}
	r.Code, r.Reason, r.Ambiguous = t.Code, t.Reason, t.Ambiguous
	switch t.Kind {
	case telegram.TooFast:
		// The server's own figure is law, for everything.
		pause = t.RetryAfter + time.Duration(e.o.Jitter()*float64(time.Second))
		r.Result, r.RetryAt = visa.SendHeld, now.Add(pause)
	case telegram.Gone:
		r.Result = visa.SendGone
	case telegram.Migrated:
		r.Result, r.MigrateTo = visa.SendMigrated, t.MigrateTo
	case telegram.BadMessage:
		r.Result = visa.SendPlain
		if d.Plain {
			r.Result = visa.SendDead
		}
	case telegram.Unauthorized:
		// Nothing is wrong with the notification: stop, and lose nothing.
		pause = doubled(firstHalt, longestHalt, e.halts+1)
		r.Result, r.RetryAt = visa.SendHeld, now
	case telegram.Transient:
		r.Result, r.RetryAt = visa.SendRetry, now.Add(retryAfter(d.Attempts+1, e.o.Jitter()))
	default:
		// Refused for a reason nobody knows: a few times more, then dead.
		r.Result, r.RetryAt = visa.SendRetry, now.Add(retryAfter(d.Attempts+1, e.o.Jitter()))
		if d.Attempts+1 >= maxOther {
			r.Result = visa.SendDead
		}
	}
	return r, pause
}

// tooFast is the reason of the results after which Telegram wants silence.
const tooFast = "too_fast"

// maxOther is how often a refusal nobody knows is tried.
const maxOther = 5
