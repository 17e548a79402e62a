package telegram

import (
	"context"
	"errors"
	"time"
)

// An Inbox keeps updates until they are handled.
type Inbox interface {
	// Store keeps the updates, durably, before it returns nil. One whose number
	// it holds or held already is ignored without an error: after a crash
	// Telegram sends again. On an error nothing need be kept; the same updates
	// come again.
	Store(ctx context.Context, updates []Update) error
}

// longPoll is how long one request waits for updates; Telegram's most.
const longPoll = 50 * time.Second

// The pauses after failures in a row: the first, and the longest.
var (
	pauseTransient    = pauses{time.Second, time.Minute}
	pauseConflict     = pauses{10 * time.Second, time.Minute}
	pauseUnauthorized = pauses{time.Minute, 10 * time.Minute}
)

type pauses struct{ first, longest time.Duration }

// after returns the pause after n ≥ 1 failures: doubling, and between half and
// the whole of it, so that processes do not come back in step.
func (p pauses) after(n int, jitter float64) time.Duration {
	d := p.longest
	if n < 16 {
		d = min(p.first<<(n-1), p.longest)
	}
	return d/2 + time.Duration(jitter*float64(d/2))
}

// Receive fetches updates by long polls and hands them to the inbox until ctx
// ends, and then returns nil. The offset moves only once the inbox has stored
// what came, so that a crash at any point has Telegram send it again.
//
// It outlives everything: Telegram down, a second poller (409, logged once and
// retried within a minute), a revoked token (logged as an error each time and
// retried within ten), an inbox that fails. A webhook left over from another
// mode is removed, once, before the first poll that succeeds.
func (g *Gateway) Receive(ctx context.Context, in Inbox) error {
	r := receiver{g: g, in: in}
	for ctx.Err() == nil {
		err := r.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			r.recovered()
			continue
		}
		wait(ctx, r.failed(err))
	}
	return nil
}

// A receiver is the state of one Receive.
type receiver struct {
	g  *Gateway
	in Inbox

	offset   int64  // behind what the inbox has stored; 0: whatever Telegram still keeps
	polled   bool   // a poll has succeeded
	unhooked bool   // the webhook was removed
	failures int    // in a row, of those paced by pauses
	pauses   pauses // of the latest failure
	last     string // its reason
}

// errStore marks a failure of the inbox, not of Telegram.
type errStore struct{ error }

// round polls once and stores what came.
func (r *receiver) round(ctx context.Context) error {
	if r.g.name() == "" {
		if _, err := r.g.Me(ctx); err != nil {
			return err
		}
	}
	updates, next, err := r.g.Updates(ctx, r.offset, longPoll)
	if e := (*Error)(nil); errors.As(err, &e) && e.Reason == reasonWebhookActive && !r.polled && !r.unhooked {
		r.unhooked = true
		r.g.log.Warn("telegram: a webhook was set; it is removed, since this bot fetches its updates")
		if err = r.g.DeleteWebhook(ctx); err == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	r.polled = true
	if len(updates) > 0 {
		if err := r.in.Store(ctx, updates); err != nil {
			return errStore{err}
		}
	}
	if next == r.offset && len(updates) == 0 {
		// Nothing came, and all before the offset is confirmed by now. After a
		// quiet week numbers start anew, perhaps below it: ask for whatever
		// Telegram keeps.
		next = 0
	}
	r.offset = next
	return nil
}

func (r *receiver) recovered() {
	if r.last != "" {
		r.g.log.Info("telegram: updates are received again")
	}
	r.failures, r.last, r.pauses = 0, "", pauses{}
}

// failed logs a failure, where it is news or an alarm, and returns the pause.
func (r *receiver) failed(err error) time.Duration {
	log, jitter := r.g.log, r.g.jitter()
	var store errStore
	if errors.As(err, &store) {
		if r.news("store") {
			log.Error("telegram: updates cannot be stored; they will be fetched again", "error", store.error)
		}
		return r.pause(pauseTransient, jitter)
	}
	e := &Error{Kind: Transient, Reason: "other"}
	errors.As(err, &e)
	news := r.news(e.Reason)
	switch {
	case e.Kind == Unauthorized:
		log.Error("telegram: the token is not accepted; no updates are received", "error", err)
		return r.pause(pauseUnauthorized, jitter)
	case e.Kind == TooFast:
		if news {
			log.Warn("telegram: told to wait before fetching updates", "wait", e.RetryAfter)
		}
		return e.RetryAfter + time.Duration(jitter*float64(time.Second))
	case e.Reason == reasonConflict, e.Reason == reasonWebhookActive:
		if news {
			log.Error("telegram: somebody else receives this bot's updates", "error", err)
		}
		return r.pause(pauseConflict, jitter)
	}
	if news {
		log.Warn("telegram: updates cannot be fetched", "error", err)
	}
	return r.pause(pauseTransient, jitter)
}

// news reports whether the reason differs from that of the failure before.
func (r *receiver) news(reason string) bool {
	was := r.last
	r.last = reason
	return was != reason
}

// pause counts a failure among those in a row that are paced alike.
func (r *receiver) pause(p pauses, jitter float64) time.Duration {
	if r.pauses != p {
		r.pauses, r.failures = p, 0
	}
	r.failures++
	return p.after(r.failures, jitter)
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
