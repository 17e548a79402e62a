package notifier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"kabarchy/failpoint"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// Bounds of what is under way at a time. Only a few are claimed ahead of the
// pace: what is claimed can no longer be superseded, and is ambiguous after a
// crash.
const (
	aheadPaced   = 2
	aheadUnpaced = 256
	maxInFlight  = 256
	saveAtMost   = 128

	// idle is how long the engine sleeps at most, unless told otherwise: hints
	// speed it up, and nothing relies on them.
	idle = time.Second
	// blocked is how soon it looks again after it found nothing to claim
	// though something was due: that waits for another of its chat, which may
	// be backing off for minutes. It doubles up to blockedMost, or the idle time
	// where that is shorter; an answer that comes back ends it at once.
	blocked     = 50 * time.Millisecond
	blockedMost = time.Minute

	sendTimeout = 30 * time.Second
	drain       = 10 * time.Second
)

// An engine is one tenure of the right to send. One goroutine claims, paces
// and records; each request has one of its own.
type engine struct {
	o       Options
	q       Queue
	wake    <-chan struct{}
	pace    pace
	chats   *chats
	shares  *shares
	results chan attempted
	silence func(until time.Time) // told of each pause
	asked   func() time.Time      // until when Telegram asked for silence, whatever it was asked
	refill  func()                // told that announcements' messages run short

	waiting   []visa.Delivery // claimed, not yet sent
	unsaved   []visa.Sent     // results not yet recorded
	hush      time.Time       // a pause not yet recorded
	inFlight  int
	paused    time.Time      // nothing is sent before
	failures  int            // in a row: of different chats, until they are enough to say that Telegram is down
	failing   map[int64]bool // the chats whose latest failed since Telegram last answered, as far as not tried again
	halts     int            // refusals of the token in a row
	reminder  time.Time      // when the next one falls due
	announced int            // of announcements' messages, claimed since refill was told
	fruitless int            // looks in a row that found nothing to claim though something was due
}

// attempted is what a request came to.
type attempted struct {
	d         visa.Delivery
	messageID int64
	err       error
	at        time.Time
}

func newEngine(o Options, q Queue, wake <-chan struct{}) *engine {
	e := &engine{o: o, q: q, wake: wake, failing: make(map[int64]bool), chats: newChats(o.ChatGap), shares: newShares(), results: make(chan attempted, maxInFlight)}
	e.pace = newPace(o.Pace)
	return e
}

// run works, after begin, until ctx ends or another process sends. It returns nil where ctx
// ended and all was recorded.
func (e *engine) run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := e.step(ctx)
		if errors.Is(err, ErrStandBy) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			e.o.Log.Error("notifier: a step failed; going on", "error", err)
			sleep(ctx, standBy)
		}
	}
	return e.stop()
}

// begin takes over the pace and the pause of the sender before.
func (e *engine) begin(ctx context.Context) error {
	last, err := e.q.LastAttempt(ctx)
	if err != nil {
		return fmt.Errorf("notifier: begin: %w", err)
	}
	// The requests of the sender before count in the same second; a clock that
	// went back must not silence us for longer than they do.
	now := e.o.Now()
	if e.pace.gap > 0 && !last.IsZero() {
		e.pace.next = now.Add(min(max(0, last.Add(chatGap).Sub(now)), chatGap))
	}
	if e.paused, err = e.q.PausedUntil(ctx); err != nil {
		return fmt.Errorf("notifier: begin: %w", err)
	}
	if e.paused.After(now) {
		e.silence(e.paused)
		e.o.Hold(e.paused)
	}
	return nil
}

// step records what has come back, claims, and sends or sleeps.
func (e *engine) step(ctx context.Context) error {
	e.collect()
	e.hear(e.asked())
	// Results are recorded at once, unless more can be sent at once: then a
	// batch of them shares a transaction.
	if len(e.waiting) == 0 || !e.hush.IsZero() || len(e.unsaved) >= saveAtMost || e.pace.wait(e.o.Now()) > 0 {
		if err := e.save(); err != nil {
			return err
		}
	}
	now := e.o.Now()
	if wait := e.paused.Sub(now); wait > 0 {
		e.pace.idle = true
		return e.rest(ctx, wait)
	}
	if err := e.fallDue(ctx, now); err != nil {
		return err
	}
	ahead := e.ahead()
	if len(e.waiting) <= ahead/2 && e.inFlight < e.mayFly() {
		next, err := e.q.NextDue(ctx)
		if err != nil {
			return err
		}
		found := false
		if !next.IsZero() && !next.After(now) {
			if found, err = e.claim(ctx, min(ahead-len(e.waiting), e.mayFly()-e.inFlight)); err != nil {
				return err
			}
			if e.fruitless++; found {
				e.fruitless = 0
			}
		}
		if !found && len(e.waiting) == 0 {
			e.pace.idle = true
			return e.rest(ctx, e.untilNext(now, next))
		}
	}
	if len(e.waiting) == 0 || e.inFlight >= e.mayFly() {
		e.pace.idle = true
		return e.rest(ctx, e.o.Idle)
	}
	if wait := e.pace.wait(e.o.Now()); wait > 0 {
		return e.rest(ctx, wait)
	}
	e.send(ctx)
	return nil
}

// ahead is how many may be claimed and wait for their slot.
func (e *engine) ahead() int {
	if e.failures >= downAfter {
		return 1
	}
	if e.pace.gap == 0 {
		return aheadUnpaced
	}
	return max(aheadPaced, int(math.Ceil(e.o.Pace/20)))
}

// mayFly is how many requests may be under way: one, while Telegram is down.
func (e *engine) mayFly() int {
	if e.failures >= downAfter {
		return 1
	}
	return maxInFlight
}

func (e *engine) untilNext(now, due time.Time) time.Duration {
	wait := e.o.Idle
	if !due.IsZero() {
		if d := due.Sub(now); d <= 0 {
			wait = min(wait, doubled(blocked, blockedMost, e.fruitless))
		} else {
			wait = min(wait, d)
		}
	}
	if !e.reminder.IsZero() {
		wait = min(wait, max(0, e.reminder.Sub(now)))
	}
	return max(wait, time.Millisecond)
}

// rest sleeps for d at most: results and hints end it.
func (e *engine) rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	// A hint says that something may be claimed; where something already waits
	// for its slot, or nothing may be sent, it can wait too.
	wake := e.wake
	if len(e.waiting) > 0 || e.paused.After(e.o.Now()) {
		wake = nil
	}
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
		e.reminder = time.Time{}
	case r := <-e.results:
		e.take(r)
		e.collect()
		return e.save()
	}
	return nil
}

func (e *engine) fallDue(ctx context.Context, now time.Time) error {
	if !e.reminder.IsZero() && e.reminder.After(now) {
		return nil
	}
	_, next, err := e.q.FallDue(ctx, now)
	if err != nil {
		return err
	}
	if e.reminder = next; next.IsZero() {
		e.reminder = now.Add(time.Minute)
	}
	return nil
}

func (e *engine) claim(ctx context.Context, n int) (bool, error) {
	// A claim that has begun is waited for, whatever stops the service: what it
	// took would else be ambiguous though nothing was tried.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	down := e.failures >= downAfter
	got, err := e.q.Claim(ctx, n, e.shares.turns(n), max(e.o.ChatGap, time.Millisecond), func(chat int64) time.Time {
		if down && e.failing[chat] {
			return e.o.Now().Add(nextProbe)
		}
		return e.chats.ready(chat, e.o.Now())
	})
	if err != nil {
		return false, err
	}
	if down && len(got) == 0 {
		clear(e.failing) // nobody else has anything due: begin with them anew
	}
	for _, d := range got {
		e.chats.begin(d.Chat)
		e.shares.took(d.Lane)
		e.claimed(d.Lane)
	}
	e.waiting = append(e.waiting, got...)
	return len(got) > 0, nil
}

// send begins the first waiting delivery's request.
func (e *engine) send(ctx context.Context) {
	d := e.waiting[0]
	e.waiting = e.waiting[1:]
	e.pace.take(e.o.Now())
	e.inFlight++
	go func() {
		r := attempted{d: d}
		// A request that has begun is finished, whatever stops the service.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
		defer cancel()
		r.messageID, r.err = e.attempt(ctx, d)
		r.at = e.o.Now()
		e.results <- r
	}()
}

func (e *engine) attempt(ctx context.Context, d visa.Delivery) (id int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			e.o.Log.Error("notifier: rendering or sending panicked", "notification", d.ID, "stack", string(debug.Stack()))
			err = &telegram.Error{Kind: telegram.Other, Reason: "panic", Description: "a fault in the program"}
		}
	}()
	m := e.o.Render(d)
	o := telegram.SendOptions{HTML: !d.Plain, Silent: m.Silent, Buttons: buttons(m.Buttons)}
	text := m.HTML
	if d.Plain {
		text, o.Buttons = m.Plain, nil // they may be what was refused
	}
	failpoint.Here("send.begin")
	id, err = e.o.Gateway.Send(failpoint.Written(ctx, "send.written"), d.ChatID, text, o)
	failpoint.Here("send.answered")
	return id, err
}

// collect takes in what has come back, without waiting.
func (e *engine) collect() {
	for {
		select {
		case r := <-e.results:
			e.take(r)
		default:
			return
		}
	}
}

// take judges what has come back, to be recorded by save.
func (e *engine) take(r attempted) {
	e.inFlight--
	e.chats.end(r.d.Chat, r.at)
	s, hush := e.judge(r.d, r.messageID, r.err, r.at)
	e.note(s)
	switch until := r.at.Add(hush); {
	case hush == 0:
	case s.Reason == tooFast:
		e.hear(until)
	default:
		// It is not recorded: whoever is started next may have the right token.
		e.paused = later(e.paused, until)
		e.silence(e.paused)
	}
	e.unsaved = append(e.unsaved, s)
}

// hear takes in until when Telegram asks for silence.
func (e *engine) hear(until time.Time) {
	if until.After(e.paused) {
		e.paused, e.hush = until, until
		e.silence(until)
	}
}

// save records the results taken in, in one transaction.
func (e *engine) save() error {
	if e.paused.After(e.o.Now()) {
		e.unsaved = append(e.unsaved, e.hold()...)
	}
	sent, hush := e.unsaved, e.hush
	e.unsaved, e.hush = nil, time.Time{}
	err := e.finish(sent, hush)
	if err != nil && !errors.Is(err, ErrStandBy) {
		e.unsaved, e.hush = sent, hush // they are tried again, and nothing is sent before
	}
	return err
}

// hold gives back what was claimed and must not be sent now.
func (e *engine) hold() []visa.Sent {
	var held []visa.Sent
	now := e.o.Now()
	for _, d := range e.waiting {
		e.chats.end(d.Chat, now)
		held = append(held, visa.Sent{Delivery: d, Result: visa.SendHeld, Reason: "not_sent", RetryAt: now, EndedAt: now})
	}
	e.waiting = nil
	return held
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// finish writes results down, and does not give up: what is not recorded would
// be sent again.
func (e *engine) finish(sent []visa.Sent, pause time.Time) error {
	if len(sent) == 0 && pause.IsZero() {
		return nil
	}
	for n := 1; ; n++ {
		ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
		err := e.q.Finish(ctx, sent, pause)
		cancel()
		if err == nil || errors.Is(err, ErrStandBy) {
			return err
		}
		e.o.Log.Error("notifier: cannot record results; trying again", "n", len(sent), "error", err)
		if n == 10 {
			return fmt.Errorf("notifier: record %d results: %w", len(sent), err)
		}
		sleep(context.Background(), doubled(100*time.Millisecond, 5*time.Second, n))
	}
}

// note draws the conclusions that concern more than one notification.
func (e *engine) note(s visa.Sent) {
	switch s.Result {
	case visa.SendRetry:
		e.failed(s)
	case visa.SendHeld:
		if s.Reason != tooFast {
			e.halts++
			e.o.Log.Error("notifier: Telegram refuses the bot's token; nothing is sent until TELEGRAM_TOKEN is right", "reason", s.Reason, "code", s.Code)
		} else {
			e.o.Log.Warn("notifier: Telegram asks for silence", "until", s.RetryAt)
		}
	default:
		if e.failures >= downAfter {
			e.o.Log.Info("notifier: Telegram is back")
		}
		e.failures, e.halts = 0, 0
		clear(e.failing)
	}
	if s.Result == visa.SendDead {
		e.o.Log.Error("notifier: ALARM: a notification is given up", "notification", s.Delivery.ID, "reason", s.Reason, "code", s.Code)
	}
	o := Observation{Lane: s.Delivery.Lane, Result: s.Result, Reason: s.Reason, Ambiguous: s.Ambiguous}
	if s.Result == visa.SendAccepted {
		o.Waited = s.EndedAt.Sub(s.Delivery.CreatedAt)
	}
	e.o.Observe(o)
}

// failed counts a failure that may pass. One chat that fails again and again
// says nothing of Telegram: only as many different ones do.
func (e *engine) failed(s visa.Sent) {
	if chat := s.Delivery.Chat; e.failures >= downAfter || !e.failing[chat] {
		e.failing[chat] = true
		e.failures++
	}
	n := e.failures - downAfter
	if n < 0 {
		return
	}
	e.paused = later(e.paused, s.EndedAt.Add(doubled(time.Second, longestProbe, n+1)))
	if n == 0 {
		e.o.Log.Error("notifier: Telegram cannot be reached; trying one message at a time until it is back", "reason", s.Reason)
	}
}

// stop gives back what waits, and waits for what is under way.
func (e *engine) stop() error {
	e.unsaved = append(e.unsaved, e.hold()...)
	err := e.save()
	deadline := time.NewTimer(drain)
	defer deadline.Stop()
	for e.inFlight > 0 && !errors.Is(err, ErrStandBy) {
		select {
		case r := <-e.results:
			e.take(r)
			err = errors.Join(err, e.save())
		case <-deadline.C:
			return errors.Join(err, fmt.Errorf("notifier: %d requests were still under way; they are ambiguous", e.inFlight))
		}
	}
	return err
}
