package notifier_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kabarchy/notifier"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

func TestAMessageThatCannotBeHandledHoldsBackNoOther(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		var mu sync.Mutex
		handled := map[int64]int{}
		r := notifier.NewReception(notifier.Reception{
			Inbox: w.store, Log: slog.New(slog.DiscardHandler), Language: func(string) string { return "en" },
			Handle: func(_ context.Context, _ visa.Conversation, u telegram.Update) error {
				mu.Lock()
				defer mu.Unlock()
				handled[u.ID]++
				switch u.ID {
				case 501:
					return errors.New("a fault of the handler's")
				case 502:
					panic("a worse one")
				}
				return nil
			},
			Answer: func(context.Context, string, string) error { return nil },
		})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		for id := int64(501); id <= 503; id++ {
			body, err := telegram.Encode(telegram.Update{ID: id, Kind: telegram.UpdateText, ChatID: 7, Private: true, Text: "hello"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.store.Receive(ctx, []visa.Incoming{{UpdateID: id, Body: string(body)}}); err != nil {
				t.Fatal(err)
			}
		}
		r.Wake()
		w.wait(time.Minute)
		stop()
		<-done
		mu.Lock()
		defer mu.Unlock()
		if handled[501] != 5 || handled[502] != 5 || handled[503] != 1 {
			t.Errorf("handled %v", handled)
		}
	})
}
