package notifier_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kabarchy/notifier"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/notifier/telegram/simulator"
	"kabarchy/store"
	"kabarchy/visa"
)

// accepting takes everything at once.
type accepting struct{ n atomic.Int64 }

func (a *accepting) Send(context.Context, int64, string, telegram.SendOptions) (int64, error) {
	return a.n.Add(1), nil
}

// counting counts what another gateway has sent.
type counting struct {
	notifier.Gateway
	n atomic.Int64
}

func (c *counting) Send(ctx context.Context, chat int64, text string, o telegram.SendOptions) (int64, error) {
	id, err := c.Gateway.Send(ctx, chat, text, o)
	if err == nil {
		c.n.Add(1)
	}
	return id, err
}

// BenchmarkDelivery is the engine alone, without a pace, on a real database:
// claim, render, send to somebody who takes everything, record.
func BenchmarkDelivery(b *testing.B) {
	deliver(b, func() (notifier.Gateway, *atomic.Int64) {
		taker := &accepting{}
		return taker, &taker.n
	})
}

// BenchmarkDeliveryOverHTTP does so through the gateway, to a pretended
// Telegram that runs on the same cores.
func BenchmarkDeliveryOverHTTP(b *testing.B) {
	const token = "1:test"
	sim := simulator.New(simulator.Options{Tokens: []string{token}, AnyChat: true, Keep: simulator.KeepCounts})
	base, err := sim.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer sim.Close()
	deliver(b, func() (notifier.Gateway, *atomic.Int64) {
		c := &counting{Gateway: telegram.New(telegram.Options{Token: token, APIURL: base})}
		return c, &c.n
	})
}

const nFollowers = 20_000

// deliver measures how fast news to 20,000 chats, of a reference each, go out
// through a gateway that counts what it has sent.
func deliver(b *testing.B, open func() (notifier.Gateway, *atomic.Int64)) {
	ctx := context.Background()
	s := followed(b)
	defer s.Close()
	version := int64(0)
	var busy time.Duration
	for b.Loop() {
		b.StopTimer()
		version++
		for from := 0; from < nFollowers; from += 500 {
			var us []visa.Update
			for i := range 500 {
				us = append(us, visa.Update{Reference: followedReference(from + i), Version: version, Statement: visa.Statement{
					Procedure: visa.ProcedureVisa, Stage: visa.StageDecided, Outcome: visa.Outcomes[version%4]}})
			}
			if _, err := s.Record(ctx, "bench", "", us); err != nil {
				b.Fatal(err)
			}
		}
		gateway, sent := open()
		nt := notifier.New(notifier.Options{
			Become: func(ctx context.Context) (notifier.Queue, int, error) {
				q, o, err := s.BecomeSender(ctx)
				return queue{q}, o, err
			},
			Gateway: gateway, ChatGap: -1,
			Render: func(d visa.Delivery) message.Message {
				return message.Render(d, message.Options{Now: time.Now(), Zone: zone})
			},
		})
		ctx, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		begun := processorTime(b)
		b.StartTimer()
		go func() { _ = nt.Run(ctx); close(done) }()
		for tick := time.NewTicker(time.Millisecond); sent.Load() < nFollowers; <-tick.C {
		}
		b.StopTimer()
		busy += processorTime(b) - begun
		stop()
		<-done
		b.StartTimer()
	}
	n := float64(nFollowers) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "notifications/s")
	b.ReportMetric(float64(busy.Microseconds())/n, "cpu-µs/notification")
}

// processorTime is what this process has used of all processors together. It
// tells what a notification costs also where the machine is busy with others.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func followedReference(i int) visa.Reference {
	r, err := visa.ParseReference(fmt.Sprint(10_000_000 + i))
	if err != nil {
		panic(err) // digits alone
	}
	return r
}

// followed makes a database in which as many chats follow a reference each.
func followed(b *testing.B) *store.Store {
	b.Helper()
	ctx := context.Background()
	keys, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(ctx, store.Prefix+filepath.Join(b.TempDir(), "k.db"), store.Options{Keys: keys, Schedule: rules})
	if err != nil {
		b.Fatal(err)
	}
	const together = 64 // wishes share a transaction
	for from := 0; from < nFollowers; from += together {
		var wishes []visa.Incoming
		for i := from; i < min(from+together, nFollowers); i++ {
			wishes = append(wishes, visa.Incoming{UpdateID: int64(i + 1), Body: "{}"})
		}
		if err := s.Receive(ctx, wishes); err != nil {
			b.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, w := range wishes {
			wg.Go(func() {
				if err := s.Converse(ctx, w.UpdateID, w.UpdateID, "en", func(c visa.Conversation) error {
					_, _, err := c.Follow(ctx, followedReference(int(w.UpdateID-1)))
					return err
				}); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if b.Failed() {
		b.FailNow()
	}
	return s
}
