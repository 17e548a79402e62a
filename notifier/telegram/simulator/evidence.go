package simulator

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// scriptState answers with the figures of the whole.
func (s *Simulator) scriptState(*http.Request) (any, error) {
	counts := s.Counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{
		"bot": s.bot, "chats": len(s.chats), "counts": counts, "outage": s.outage,
		"limits": s.limiter.Limits, "pending_updates": len(s.updates.queue),
		"next_update_id": s.updates.next, "webhook": s.webhookInfoLocked(),
		"last_seq": s.oracle.counts.Accepted + s.oracle.counts.Edits,
	}, nil
}

// scriptChat answers with one chat and its conversation.
func (s *Simulator) scriptChat(r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	c, known := s.Chat(id)
	if !known {
		return nil, ErrNoChat
	}
	return struct {
		Chat
		Conversation []Message        `json:"conversation"`
		Answers      []CallbackAnswer `json:"answers"`
		Sent         int64            `json:"sent"`
	}{c, s.Conversation(id), s.Answers(id), s.Sent(id)}, nil
}

// scriptMessages answers with accepted messages, waiting for them if asked to.
func (s *Simulator) scriptMessages(r *http.Request) (any, error) {
	after, err := queryInt(r, "after", 0)
	if err != nil {
		return nil, err
	}
	chat, err := queryInt(r, "chat", 0)
	if err != nil {
		return nil, err
	}
	n, err := queryInt(r, "n", 1)
	if err != nil {
		return nil, err
	}
	patience, err := queryWait(r)
	if err != nil {
		return nil, err
	}
	part := r.URL.Query().Get("text")
	list := []Message{}
	enough := func() bool {
		list = append(list, s.oracle.filter(after, func(m *Message) bool {
			return (chat == 0 || m.Chat == chat) && strings.Contains(m.Text, part)
		})...)
		after = max(after, s.oracle.counts.Accepted+s.oracle.counts.Edits)
		return int64(len(list)) >= n
	}
	complete := s.waitUpTo(r, patience, enough)
	return map[string]any{"messages": list, "complete": complete}, nil
}

// waitUpTo looks at done at least once, and at each change until patience ends.
func (s *Simulator) waitUpTo(r *http.Request, patience time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return s.wait(ctx, done) == nil
}

// scriptRequests answers with the kept requests.
func (s *Simulator) scriptRequests(r *http.Request) (any, error) {
	after, err := queryInt(r, "after", 0)
	if err != nil {
		return nil, err
	}
	chat, err := queryInt(r, "chat", 0)
	if err != nil {
		return nil, err
	}
	method := r.URL.Query().Get("method")
	list := []Request{}
	for _, q := range s.Requests() {
		if q.Seq > after && (chat == 0 || q.Chat == chat) && (method == "" || strings.EqualFold(method, q.Method)) {
			list = append(list, q)
		}
	}
	return map[string]any{"requests": list}, nil
}

// scriptAnswers answers with what the bot said to one pressed button.
func (s *Simulator) scriptAnswers(r *http.Request) (any, error) {
	patience, err := queryWait(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	list := []CallbackAnswer{}
	if a, err := s.WaitAnswer(ctx, r.URL.Query().Get("query")); err == nil {
		list = append(list, a)
	}
	return map[string]any{"answers": list}, nil
}

// scriptPending answers with how many updates are not confirmed, after waiting
// for there to be none if asked to.
func (s *Simulator) scriptPending(r *http.Request) (any, error) {
	patience, err := queryWait(r)
	if err != nil {
		return nil, err
	}
	n := 0
	s.waitUpTo(r, patience, func() bool {
		n = len(s.updates.queue)
		return n == 0
	})
	return map[string]int{"pending": n}, nil
}
