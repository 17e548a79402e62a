package simulator

import (
	"context"
	"errors"
)

// ErrClosed is returned by whatever waits when the Simulator closes.
var ErrClosed = errors.New("simulator: closed")

// wait returns when done, looked at under the lock after every change, says so,
// or with why it will not.
func (s *Simulator) wait(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		if done() {
			s.mu.Unlock()
			return nil
		}
		changed := s.watchLocked()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return ErrClosed
		}
	}
}

// WaitMessages returns the first n new messages that the bot sent to a chat,
// as soon as there are so many. When ctx ends first it returns those there are,
// with its error. With KeepCounts it waits as well and returns none.
func (s *Simulator) WaitMessages(ctx context.Context, chat int64, n int) ([]Message, error) {
	var seq int64
	var got []Message
	err := s.wait(ctx, func() bool {
		if s.oracle.keep == KeepCounts {
			c := s.pace.chats[chat]
			return n <= 0 || c != nil && c.sent >= int64(n)
		}
		got = append(got, s.oracle.filter(seq, func(m *Message) bool { return m.Chat == chat && !m.Edit })...)
		seq = s.oracle.counts.Accepted + s.oracle.counts.Edits
		return len(got) >= n
	})
	return got[:min(n, len(got))], err
}

// WaitFor returns the first message or edit, from the oldest kept on, that
// match says yes to. match must be quick and must not call the Simulator.
func (s *Simulator) WaitFor(ctx context.Context, match func(Message) bool) (Message, error) {
	return s.WaitAfter(ctx, 0, match)
}

// WaitAfter is WaitFor among those with a Seq greater than seq.
func (s *Simulator) WaitAfter(ctx context.Context, seq int64, match func(Message) bool) (Message, error) {
	var found Message
	err := s.wait(ctx, func() bool {
		i, n := s.oracle.after(seq)
		for ; i < n; i++ {
			m := s.oracle.at(i)
			if match(m) {
				found = m
				return true
			}
		}
		seq = s.oracle.counts.Accepted + s.oracle.counts.Edits
		return false
	})
	return found, err
}

// WaitAccepted returns when the bot has sent n new messages over all chats,
// since the start or the last Reset.
func (s *Simulator) WaitAccepted(ctx context.Context, n int64) error {
	return s.wait(ctx, func() bool { return s.oracle.counts.Accepted >= n })
}

// WaitRequest returns the first kept request that match says yes to; it is
// asked on receipt and again when the request has been answered. It needs
// KeepAll. match must be quick and must not call the Simulator.
func (s *Simulator) WaitRequest(ctx context.Context, match func(Request) bool) (Request, error) {
	var found Request
	err := s.wait(ctx, func() bool {
		for _, r := range s.oracle.requests {
			if match(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found, err
}
