package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// A Queue is the right to send, with what waits to be sent. Its methods return
// an error that is ErrStandBy once another process has the right.
type Queue interface {
	// Claim takes n due notifications at most, one per chat, in the order of
	// turns, and has written an attempt as started for each when it returns.
	// What is due for a chat that is not ready is put off until it is, and
	// further ones of that chat by gap each.
	Claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(chat int64) time.Time) ([]visa.Delivery, error)
	// Finish records results, and until when nothing may be sent (zero: no change).
	Finish(ctx context.Context, results []visa.Sent, pause time.Time) error
	// FallDue turns due reminders into notifications; next is when to ask again.
	FallDue(ctx context.Context, now time.Time) (handled int, next time.Time, err error)
	// Announce writes the next messages of running announcements, as far as few
	// enough wait; open tells that one runs, more that it is worth calling again
	// at once.
	Announce(ctx context.Context) (open, more bool, err error)
	NextDue(ctx context.Context) (time.Time, error)
	PausedUntil(ctx context.Context) (time.Time, error)
	LastAttempt(ctx context.Context) (time.Time, error)
	Close() error
}

// ErrStandBy says that another process sends.
var ErrStandBy = errors.New("another process sends")

// A Gateway sends messages.
type Gateway interface {
	Send(ctx context.Context, chatID int64, text string, o telegram.SendOptions) (messageID int64, err error)
}

// Options are what a Notifier needs. Become, Gateway and Render must be given.
type Options struct {
	// Become takes the right to send, or returns ErrStandBy at once. orphans is
	// how many notifications were left unanswered by the sender before.
	Become  func(context.Context) (q Queue, orphans int, err error)
	Gateway Gateway
	Render  func(visa.Delivery) message.Message
	// Beside runs next to the sending as long as this process has the right to
	// send: receiving, for only one may do that either. It returns when its
	// context ends.
	Beside []func(context.Context)

	// Hold is told of a silence that was asked for before this process had the
	// right to send, before it receives or sends anything; nil: nobody is.
	Hold func(until time.Time)

	Pace    float64       // messages a second over all chats; 0: no pace
	ChatGap time.Duration // of one chat; 0: Telegram's, negative: none
	Idle    time.Duration // the longest sleep between two looks, however quiet; 0: 1 s
	Observe func(Observation)
	Jitter  func() float64 // of [0, 1)
	Now     func() time.Time
	Log     *slog.Logger
}

// An Observation is one attempt's result, for metrics.
type Observation struct {
	Lane      visa.Lane
	Result    visa.SendResult
	Reason    string
	Ambiguous bool
	Waited    time.Duration // from when the notification was written to its acceptance
}

// A Notifier sends what waits, as long as it runs.
type Notifier struct {
	o      Options
	wake   chan struct{}
	refill chan struct{}

	mu     sync.Mutex
	active bool
	paused time.Time // Telegram is not to be asked anything before
	asked  time.Time // until when Telegram asked for silence, other than as an answer to a message
}

// New returns a Notifier; Run makes it work.
func New(o Options) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Hold == nil {
		o.Hold = func(time.Time) {}
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Idle == 0 {
		o.Idle = idle
	}
	switch {
	case o.ChatGap == 0:
		o.ChatGap = chatGap
	case o.ChatGap < 0:
		o.ChatGap = 0
	}
	return &Notifier{o: o, wake: make(chan struct{}, 1), refill: make(chan struct{}, 1)}
}

// Wake hints that something may wait. It never blocks.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
	n.hintRefill()
}

// Active reports whether this process is the one that sends.
func (n *Notifier) Active() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.active
}

// Silent reports whether Telegram has asked for silence.
func (n *Notifier) Silent() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.paused.After(n.o.Now())
}

// Hold says that Telegram has asked for silence until a time, whatever it was
// asked: nothing is sent before, also by the processes after this one.
func (n *Notifier) Hold(until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if until.After(n.asked) {
		n.asked = until
	}
}

func (n *Notifier) askedUntil() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *Notifier) setPaused(until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paused = until
}

func (n *Notifier) setActive(active bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.active = active
}

// standBy is how often one that stands by asks for the right to send, and how
// long one that met a fault waits before it goes on.
const standBy = time.Second

// Run stands by until it has the right to send, and sends until ctx ends. Then
// it waits for the requests under way, at most a few seconds, records their
// results and gives the right back. It returns nil.
func (n *Notifier) Run(ctx context.Context) error {
	standing := false
	for ctx.Err() == nil {
		q, orphans, err := n.o.Become(ctx)
		switch {
		case err == nil:
			standing = false
			if orphans > 0 {
				n.o.Log.Warn("notifier: attempts of an earlier run have no answer; they are ambiguous and will be repeated", "n", orphans)
			}
			n.serve(ctx, q)
			continue
		case errors.Is(err, ErrStandBy):
			if !standing {
				n.o.Log.Info("notifier: another process sends; standing by")
			}
			standing = true
		case ctx.Err() == nil:
			n.o.Log.Error("notifier: cannot become the sender", "error", err)
		}
		sleep(ctx, standBy)
	}
	return nil
}

// serve sends for as long as this process has the right to.
func (n *Notifier) serve(ctx context.Context, q Queue) {
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	e := newEngine(n.o, q, n.wake)
	e.silence, e.asked, e.refill = n.setPaused, n.askedUntil, n.hintRefill
	// What was asked of the sender before holds for what runs beside, too.
	err := e.begin(ctx)
	if err == nil {
		for _, f := range n.o.Beside {
			beside.Go(func() { f(ctx) })
		}
		n.setActive(true)
		n.o.Log.Info("notifier: sending")
		beside.Go(func() { n.announce(ctx, q) })
		err = e.run(ctx)
	} else {
		sleep(ctx, standBy)
	}
	n.setActive(false)
	stop()
	beside.Wait()
	if cerr := q.Close(); cerr != nil {
		err = errors.Join(err, fmt.Errorf("give the right to send back: %w", cerr))
	}
	if err != nil {
		n.o.Log.Error("notifier: stopped sending", "error", err)
	}
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
