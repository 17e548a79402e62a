package lanes

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"kabarchy/notifier/telegram"
)

// A kind is what a message is, as its reader would tell.
type kind int

const (
	announcement kind = iota + 1
	decision
	reminder
	answer
)

// What gives each away; anything else is an answer.
var marks = []struct {
	text string
	kind kind
}{{"The office is closed", announcement}, {"Отдел закрыт", announcement}, {"Application approved", decision}, {"day left to leave", reminder}}

// A fakeTelegram accepts everything, after as long as Telegram takes.
type fakeTelegram struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	all    []sent
	counts map[kind]int
}

type sent struct {
	chat int64
	kind kind
	at   time.Time
}

func (f *fakeTelegram) Send(ctx context.Context, chat int64, text string, _ telegram.SendOptions) (int64, error) {
	m := sent{chat: chat, kind: answer}
	for _, k := range marks {
		if strings.Contains(text, k.text) {
			m.kind = k.kind
			break
		}
	}
	f.mu.Lock()
	takes := 30*time.Millisecond + time.Duration(f.rnd.Int64N(int64(60*time.Millisecond)))
	f.mu.Unlock()
	t := time.NewTimer(takes)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return 0, &telegram.Error{Kind: telegram.Transient, Reason: "timeout", Ambiguous: true}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m.at = time.Now()
	f.all = append(f.all, m)
	f.counts[m.kind]++
	return int64(len(f.all)), nil
}

func (f *fakeTelegram) count(k kind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[k]
}

func (f *fakeTelegram) got() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sent(nil), f.all...)
}
