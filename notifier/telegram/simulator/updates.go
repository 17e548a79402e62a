package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// conflictPoll is what a poller hears when another one takes its place, and
// the other two are for webhooks.
const (
	conflictPoll    = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
	conflictSet     = "Conflict: terminated by setWebhook request"
	conflictWebhook = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)

const (
	updateLife = 24 * time.Hour   // unfetched updates are dropped after it
	maxPoll    = 50 * time.Second // the longest long poll
	maxSent    = 1000             // how many updates Redeliver can reach back
)

// update waits to be fetched or pushed.
type update struct {
	id        int
	raw       json.RawMessage
	at        time.Time
	delivered bool
	// stray: its id is not the next in order. An offset above it does not
	// confirm it before it was delivered once.
	stray bool
}

// updateQueue holds updates in the order of their making.
type updateQueue struct {
	next    int // id of the next update
	jumped  bool
	queue   []*update
	sent    []*update       // the last ones made, for Redeliver
	allowed map[string]bool // nil: all
	poller  chan string     // told why the waiting poll must end; nil: none waits
}

// enqueueLocked adds an update of a kind; id 0 takes the next. It returns its
// id, also if the bot has not subscribed to that kind.
func (s *Simulator) enqueueLocked(kind string, u wireUpdate, id int) int {
	q := &s.updates
	stray := q.jumped
	if id == 0 {
		id = q.next
	} else if id < q.next {
		stray = true
	}
	q.next = max(q.next, id+1)
	if q.allowed != nil && !q.allowed[kind] {
		return id
	}
	u.ID = id
	s.addUpdateLocked(&update{id: id, raw: mustJSON(u), at: s.now(), stray: stray})
	return id
}

func (s *Simulator) addUpdateLocked(u *update) {
	q := &s.updates
	q.queue = append(q.queue, u)
	if len(q.sent) >= 2*maxSent {
		q.sent = append(q.sent[:0:0], q.sent[len(q.sent)-maxSent:]...)
	}
	q.sent = append(q.sent, u)
	s.changedLocked()
}

// SetNextUpdateID chooses the id of the next update. Set back, as happens to
// a real bot after a quiet week, later updates reach a bot whose offset is
// already higher.
func (s *Simulator) SetNextUpdateID(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id < s.updates.next {
		s.updates.jumped = true
	}
	s.updates.next = id
}

// InjectRaw queues one update as it stands, whatever its fields; only
// "update_id" is looked at, and chooses nothing. It is delivered whatever the
// offset, and may repeat or precede other ids.
func (s *Simulator) InjectRaw(raw []byte) error {
	var head struct {
		ID *int `json:"update_id"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("simulator: inject: %w", err)
	}
	if head.ID == nil {
		return fmt.Errorf("simulator: inject: no update_id")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addUpdateLocked(&update{id: *head.ID, raw: slices.Clone(raw), at: s.now(), stray: true})
	return nil
}

// Redeliver queues an update once more, as Telegram may after a lost answer.
// It reaches back over the last 1,000.
func (s *Simulator) Redeliver(updateID int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range slices.Backward(s.updates.sent) {
		if u.id == updateID {
			s.addUpdateLocked(&update{id: u.id, raw: u.raw, at: s.now(), stray: true})
			return nil
		}
	}
	return fmt.Errorf("simulator: redeliver: no update %d", updateID)
}

// PendingUpdates returns how many updates the bot has not confirmed.
func (s *Simulator) PendingUpdates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates.queue)
}

// WaitDrained returns when the bot has confirmed or been pushed every update.
func (s *Simulator) WaitDrained(ctx context.Context) error {
	return s.wait(ctx, func() bool { return len(s.updates.queue) == 0 })
}

// confirm drops what an offset confirms, and what is too old.
func (q *updateQueue) confirm(offset int, now time.Time) {
	if offset < 0 { // the last -offset; all before them are forgotten
		if n := len(q.queue) + offset; n > 0 {
			q.queue = append(q.queue[:0:0], q.queue[n:]...)
		}
		return
	}
	q.queue = slices.DeleteFunc(q.queue, func(u *update) bool {
		return u.id < offset && (u.delivered || !u.stray) || now.Sub(u.at) > updateLife
	})
}

// getUpdates answers a poll.
func (s *Simulator) getUpdates(c *call) answer {
	offset, limit := c.p.int("offset"), c.p.int("limit")
	if limit < 1 || limit > 100 {
		limit = 100
	}
	timeout := min(max(time.Duration(c.p.int("timeout"))*time.Second, 0), maxPoll)

	s.mu.Lock()
	if s.hook.url != "" {
		s.mu.Unlock()
		return refuse(&apiError{Code: http.StatusConflict, Description: conflictWebhook})
	}
	s.abortPollLocked(conflictPoll)
	s.allowLocked(c.p)
	before := len(s.updates.queue)
	s.updates.confirm(offset, s.now())
	if len(s.updates.queue) != before {
		s.changedLocked()
	}
	aborted := make(chan string, 1)
	s.updates.poller = aborted
	defer func() {
		if s.updates.poller == aborted {
			s.updates.poller = nil
		}
		s.mu.Unlock()
	}()

	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		if list := s.updates.take(limit); len(list) > 0 || timeout == 0 {
			return ok(list)
		}
		changed := s.watchLocked()
		s.mu.Unlock()
		var a answer
		wake := false
		select {
		case <-changed:
			wake = true
		case reason := <-aborted:
			if reason == "" { // Reset: nothing has come
				a = ok([]json.RawMessage{})
				break
			}
			a = refuse(&apiError{Code: http.StatusConflict, Description: reason})
		case <-timer.C:
			a = ok([]json.RawMessage{})
		case <-c.r.Context().Done():
			a.gone = true
		case <-s.done:
			a.gone = true
		}
		s.mu.Lock()
		if s.outage {
			a, wake = answer{gone: true}, false
		}
		if !wake {
			return a
		}
	}
}

// take returns the first updates, at most limit, and marks them delivered. An
// empty answer is a list too.
func (q *updateQueue) take(limit int) []json.RawMessage {
	list := []json.RawMessage{}
	for _, u := range q.queue[:min(limit, len(q.queue))] {
		u.delivered = true
		list = append(list, u.raw)
	}
	return list
}

// abortPollLocked ends the poll that waits, if any: with 409 and a reason, or,
// without one, as if its time were over.
func (s *Simulator) abortPollLocked(reason string) {
	if s.updates.poller != nil {
		s.updates.poller <- reason // it has room for one, and is forgotten at once
		s.updates.poller = nil
	}
}

// allowLocked remembers allowed_updates, if they are given; an empty list
// means all that this package makes.
func (s *Simulator) allowLocked(p params) {
	raw := p.get("allowed_updates")
	if raw == "" {
		return
	}
	var list []string
	if err := unmarshalString(raw, &list); err != nil {
		return // the real server ignores it too
	}
	s.updates.allowed = nil
	for _, kind := range list {
		if s.updates.allowed == nil {
			s.updates.allowed = map[string]bool{}
		}
		s.updates.allowed[kind] = true
	}
}

// allowedList returns the kinds that the bot has subscribed to, nil for all.
func (q *updateQueue) allowedList() []string {
	var out []string
	for kind := range q.allowed {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}
