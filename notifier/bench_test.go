package notifier_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kabarchy/notifier"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/store"
	"kabarchy/visa"
)

// accepting takes everything at once.
type accepting struct{ n atomic.Int64 }

func (a *accepting) Send(context.Context, int64, string, telegram.SendOptions) (int64, error) {
	return a.n.Add(1), nil
}

// BenchmarkDelivery is the engine alone, without a pace, on a real database:
// claim, render, send to somebody who takes everything, record.
func BenchmarkDelivery(b *testing.B) {
	ctx := context.Background()
	keys, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(ctx, store.Prefix+filepath.Join(b.TempDir(), "k.db"), store.Options{Keys: keys, Schedule: rules})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const n = 20_000
	for i := range n {
		id := int64(i + 1)
		if err := s.Receive(ctx, []visa.Incoming{{UpdateID: id, Body: "{}"}}); err != nil {
			b.Fatal(err)
		}
		r, _ := visa.ParseReference(fmt.Sprint(10_000_000 + i))
		if err := s.Converse(ctx, id, id, "en", func(c visa.Conversation) error {
			_, _, err := c.Follow(ctx, r)
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	version := int64(0)
	for b.Loop() {
		b.StopTimer()
		version++
		for from := 0; from < n; from += 500 {
			var us []visa.Update
			for i := range 500 {
				r, _ := visa.ParseReference(fmt.Sprint(10_000_000 + from + i))
				us = append(us, visa.Update{Reference: r, Version: version, Statement: visa.Statement{
					Procedure: visa.ProcedureVisa, Stage: visa.StageDecided, Outcome: visa.Outcomes[version%4]}})
			}
			if _, err := s.Record(ctx, "bench", us); err != nil {
				b.Fatal(err)
			}
		}
		taker := &accepting{}
		nt := notifier.New(notifier.Options{
			Become: func(ctx context.Context) (notifier.Queue, int, error) {
				q, o, err := s.BecomeSender(ctx)
				return queue{q}, o, err
			},
			Gateway: taker, ChatGap: -1,
			Render: func(d visa.Delivery) message.Message {
				return message.Render(d, message.Options{Now: time.Now(), Zone: zone})
			},
		})
		ctx, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		b.StartTimer()
		go func() { _ = nt.Run(ctx); close(done) }()
		for tick := time.NewTicker(time.Millisecond); taker.n.Load() < n; <-tick.C {
		}
		b.StopTimer()
		stop()
		<-done
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
}
