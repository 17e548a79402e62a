package simulator

import (
	"hash/maphash"
	"slices"
	"time"
)

// A Request is one request of the bot, as it was received and answered.
type Request struct {
	Seq         int64             `json:"seq"` // order of receipt, from 1
	Method      string            `json:"method"`
	Chat        int64             `json:"chat,omitempty"` // 0: none named
	Params      map[string]string `json:"params,omitempty"`
	Received    time.Time         `json:"received"`          // when it had been read to its end
	Answered    time.Time         `json:"answered,omitzero"` // zero while it waits
	Status      int               `json:"status,omitempty"`  // HTTP status; 0: no answer was given
	ErrorCode   int               `json:"error_code,omitempty"`
	Description string            `json:"description,omitempty"`
	RetryAfter  int               `json:"retry_after,omitempty"` // seconds
	Accepted    bool              `json:"accepted"`              // it took effect, whatever the client was told
	MessageID   int               `json:"message_id,omitempty"`
	Fault       FaultKind         `json:"fault,omitempty"` // what was done to it by script
}

// Counts are totals since the start or the last Reset, whatever Keep says.
type Counts struct {
	Requests int64            `json:"requests"`
	Accepted int64            `json:"accepted"` // new messages
	Edits    int64            `json:"edits"`
	Methods  map[string]int64 `json:"methods"`  // requests by method
	Statuses map[int]int64    `json:"statuses"` // answers by HTTP status; 0: none given
	Faults   map[string]int64 `json:"faults"`   // by kind
}

// A Duplicate is one text that one chat was sent more than once.
type Duplicate struct {
	Chat  int64     `json:"chat"`
	Text  string    `json:"text,omitempty"` // with KeepAll
	Times int       `json:"times"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	IDs   []int     `json:"message_ids"`
}

// mark is a message as KeepHashes remembers it.
type mark struct {
	chat int64
	at   int64
	hash uint64
	id   int32
	edit bool
}

// oracle holds what was received and accepted. Slices hold the newest; the
// Seq of their first element is base+1.
type oracle struct {
	keep Keep
	last int

	requests    []Request
	requestBase int64
	messages    []Message
	marks       []mark
	base        int64 // messages or marks dropped from the front

	counts Counts
}

func (o *oracle) reset(opts Options) {
	*o = oracle{keep: opts.Keep, last: opts.KeepLast, counts: Counts{
		Methods: map[string]int64{}, Statuses: map[int]int64{}, Faults: map[string]int64{},
	}}
}

// begin records a request's receipt and returns its Seq.
func (o *oracle) begin(method string, chat int64, p params, at time.Time) int64 {
	o.counts.Requests++
	o.counts.Methods[method]++
	if o.keep == KeepAll {
		o.requests = append(o.requests, Request{
			Seq: o.counts.Requests, Method: method, Chat: chat, Params: p.asMap(), Received: at,
		})
		if o.last > 0 && len(o.requests) >= 2*o.last {
			cut := len(o.requests) - o.last
			o.requests = append(o.requests[:0:0], o.requests[cut:]...)
			o.requestBase += int64(cut)
		}
	}
	return o.counts.Requests
}

// finish records how a request ended. status 0: without an answer.
func (o *oracle) finish(seq int64, a answer, status int, fault FaultKind, at time.Time) {
	o.counts.Statuses[status]++
	if fault != "" {
		o.counts.Faults[string(fault)]++
	}
	i := seq - 1 - o.requestBase
	if o.keep != KeepAll || i < 0 || i >= int64(len(o.requests)) {
		return // not kept, or dropped, or from before a Reset
	}
	r := &o.requests[i]
	r.Answered, r.Status, r.Accepted, r.MessageID, r.Fault = at, status, a.accepted, a.message, fault
	if a.fail != nil {
		r.ErrorCode, r.Description, r.RetryAfter = a.fail.Code, a.fail.Description, a.fail.RetryAfter
	}
}

// accept records a message or an edit, and numbers it.
func (o *oracle) accept(m *Message) {
	if m.Edit {
		o.counts.Edits++
	} else {
		o.counts.Accepted++
	}
	m.Seq = o.counts.Accepted + o.counts.Edits
	switch o.keep {
	case KeepAll:
		o.messages = append(o.messages, *m)
		if o.last > 0 && len(o.messages) >= 2*o.last {
			cut := len(o.messages) - o.last
			o.messages = append(o.messages[:0:0], o.messages[cut:]...)
			o.base += int64(cut)
		}
	case KeepHashes:
		o.marks = append(o.marks, mark{chat: m.Chat, at: m.At.UnixNano(), hash: m.Hash, id: int32(m.ID), edit: m.Edit})
		if o.last > 0 && len(o.marks) >= 2*o.last {
			cut := len(o.marks) - o.last
			o.marks = append(o.marks[:0:0], o.marks[cut:]...)
			o.base += int64(cut)
		}
	}
}

// after returns the index of the first kept message with Seq > seq, and how
// many are kept.
func (o *oracle) after(seq int64) (from, n int) {
	n = len(o.messages) + len(o.marks)
	return int(min(max(seq-o.base, 0), int64(n))), n
}

// at returns the i-th kept message; without its text if only hashes are kept.
func (o *oracle) at(i int) Message {
	if o.keep == KeepAll {
		return o.messages[i]
	}
	k := o.marks[i]
	return Message{Seq: o.base + int64(i) + 1, Chat: k.chat, ID: int(k.id), Edit: k.edit, FromBot: true, Kind: "text", At: time.Unix(0, k.at), Hash: k.hash}
}

// hash returns the hash by which texts are compared.
func (s *Simulator) hash(text string) uint64 {
	if s.opts.Keep == KeepCounts {
		return 0
	}
	return maphash.String(s.seed, text)
}

// Counts returns the totals.
func (s *Simulator) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.oracle.counts
	c.Methods, c.Statuses, c.Faults = cloneMap(c.Methods), cloneMap(c.Statuses), cloneMap(c.Faults)
	return c
}

func cloneMap[K comparable](m map[K]int64) map[K]int64 {
	out := make(map[K]int64, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// Requests returns the kept requests in the order of their receipt.
func (s *Simulator) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.oracle.requests)
}

// All returns the kept messages and edits of the bot, in the order of their
// acceptance.
func (s *Simulator) All() []Message { return s.Accepted(0) }

// Accepted returns what All does, as far as its Seq is greater than seq.
func (s *Simulator) Accepted(seq int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oracle.filter(seq, func(*Message) bool { return true })
}

// Messages returns the new messages (no edits) that the bot sent to a chat, as
// they were when accepted.
func (s *Simulator) Messages(chat int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oracle.filter(0, func(m *Message) bool { return m.Chat == chat && !m.Edit })
}

// Edits returns the edits of the bot's messages in a chat.
func (s *Simulator) Edits(chat int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oracle.filter(0, func(m *Message) bool { return m.Chat == chat && m.Edit })
}

// Sent returns how many new messages a chat has accepted, whatever Keep says.
func (s *Simulator) Sent(chat int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.pace.chats[chat]; c != nil {
		return c.sent
	}
	return 0
}

func (o *oracle) filter(seq int64, keep func(*Message) bool) []Message {
	var out []Message
	for i, n := o.after(seq); i < n; i++ {
		if m := o.at(i); keep(&m) {
			out = append(out, m)
		}
	}
	return out
}

// Duplicates returns the texts that a chat was sent more than once, by the
// first of each. Whether that was wrong is the caller's to know: a person who
// asks the same thing twice is rightly answered twice. With KeepCounts there
// is nothing to compare.
func (s *Simulator) Duplicates() []Duplicate {
	s.mu.Lock()
	defer s.mu.Unlock()
	type key struct {
		chat int64
		hash uint64
	}
	o := &s.oracle
	_, n := o.after(0)
	first := make(map[key]int, n) // index of the first, or -1-position in out
	var out []Duplicate
	for i := range n {
		m := o.at(i)
		if m.Edit {
			continue
		}
		k := key{m.Chat, m.Hash}
		j, seen := first[k]
		switch {
		case !seen:
			first[k] = i
		case j >= 0:
			f := o.at(j)
			first[k] = -1 - len(out)
			out = append(out, Duplicate{Chat: m.Chat, Text: m.Text, Times: 2, First: f.At, Last: m.At, IDs: []int{f.ID, m.ID}})
		default:
			d := &out[-1-j]
			d.Times, d.Last, d.IDs = d.Times+1, m.At, append(d.IDs, m.ID)
		}
	}
	return out
}
