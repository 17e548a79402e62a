package notifier_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/notifier"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/store"
	"kabarchy/visa"
)

// A world is a real store and a real notifier with a Telegram of the test's,
// in a bubble of synctest: hours pass in no time.
type world struct {
	t     *testing.T
	store *store.Store
	tg    *fakeTelegram
	path  string

	setting setting

	n    *notifier.Notifier
	stop context.CancelFunc
	done chan struct{}

	updateID int64
	held     time.Time // until when what runs beside is held since the start
}

var zone = time.FixedZone("+06", 6*3600)

var rules = visa.Schedule{Zone: zone, Rules: []visa.ReminderRule{{Kind: visa.LeaveBy, Days: []int{14, 7, 3, 1, 0}, Hour: 10}}}

// A setting is what may differ between worlds.
type setting struct {
	schedule visa.Schedule
	idle     time.Duration // the notifier's longest sleep
	poll     time.Duration // between the store's looks for other processes
	jitter   float64
	commit   time.Duration // how long the disk takes for each
	text     func(visa.Delivery) string
}

// usual is the setting of most worlds.
var usual = setting{schedule: rules, idle: 10 * time.Minute, poll: time.Hour, jitter: 0.5, text: func(d visa.Delivery) string {
	text := fmt.Sprintf("%s of %s", d.Kind, d.Reference.String())
	if d.Kind == visa.KindReply {
		text = d.Note.Reply
	} else if d.Application != nil {
		text += fmt.Sprintf(" v%d", d.Application.Version)
	}
	return text
}}

// inWorld runs f in a bubble, with the notifier running at a pace.
func inWorld(t *testing.T, pace float64, f func(w *world)) {
	t.Parallel()
	inWorldOf(t, usual, pace, f)
}

func inWorldOf(t *testing.T, s setting, pace float64, f func(w *world)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, path: filepath.Join(dir, "k.db"), tg: &fakeTelegram{}, setting: s}
		w.open()
		w.start(pace)
		f(w)
		w.halt()
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (w *world) open() {
	keys, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store, err = store.Open(context.Background(), store.Prefix+w.path, store.Options{Keys: keys, Schedule: w.setting.schedule, Poll: w.setting.poll})
	if err != nil {
		w.t.Fatal(err)
	}
}

type queue struct{ *store.Sender }

func (w *world) start(pace float64) {
	w.n = notifier.New(notifier.Options{
		Become: func(ctx context.Context) (notifier.Queue, int, error) {
			q, n, err := w.store.BecomeSender(ctx)
			if err != nil {
				return nil, 0, err
			}
			return slowQueue{queue{q}, w.setting.commit}, n, nil
		},
		Hold:    func(until time.Time) { w.held = until },
		Gateway: w.tg, Pace: pace, Idle: w.setting.idle, Jitter: func() float64 { return w.setting.jitter },
		Render: func(d visa.Delivery) message.Message {
			text := w.setting.text(d)
			return message.Message{HTML: "<b>" + text + "</b>", Plain: text}
		},
	})
	w.store.OnWork(w.n.Wake)
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan struct{})
	go func() { _ = w.n.Run(ctx); close(w.done) }()
}

func (w *world) halt() {
	w.stop()
	<-w.done
}

func (w *world) ref(n int) visa.Reference {
	r, err := visa.ParseReference(fmt.Sprintf("%08d", n))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// follow makes a chat follow references.
func (w *world) follow(chat int64, refs ...int) {
	w.t.Helper()
	w.converse(chat, func(c visa.Conversation) error {
		for _, n := range refs {
			if _, _, err := c.Follow(context.Background(), w.ref(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) converse(chat int64, f func(visa.Conversation) error) {
	w.t.Helper()
	w.updateID++
	if err := w.store.Receive(context.Background(), []visa.Incoming{{UpdateID: w.updateID, Body: "{}"}}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Converse(context.Background(), w.updateID, chat, "en", f); err != nil {
		w.t.Fatal(err)
	}
}

// record records a version of a reference that differs from the one before in
// its deadline, so that each is news.
func (w *world) record(n int, version int64) {
	w.t.Helper()
	u := visa.Update{Reference: w.ref(n), Version: version, UpdatedAt: time.Now(), Statement: visa.Statement{
		Procedure: visa.ProcedureVisa, Stage: visa.StageInProcessing,
		Deadlines: []visa.Deadline{{Kind: visa.CollectBy, Date: visa.NewDate(2100, 1, 1).Add(int(version))}},
	}}
	u.Normalize()
	if _, err := w.store.Record(context.Background(), "test", "", []visa.Update{u}); err != nil {
		w.t.Fatal(err)
	}
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	<-time.After(d) // the bubble's clock
	synctest.Wait()
}

// A fakeTelegram answers as it is told, and remembers what it accepted.
type fakeTelegram struct {
	mu       sync.Mutex
	calls    []call
	latency  time.Duration
	answer   func(c call) error // nil: accepted
	accepted []call
}

type call struct {
	chat int64
	text string
	html bool
	at   time.Time
}

func (f *fakeTelegram) Send(ctx context.Context, chat int64, text string, o telegram.SendOptions) (int64, error) {
	f.mu.Lock()
	c := call{chat, text, o.HTML, time.Now()}
	f.calls = append(f.calls, c)
	answer, latency := f.answer, f.latency
	f.mu.Unlock()
	if latency > 0 {
		t := time.NewTimer(latency)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return 0, &telegram.Error{Kind: telegram.Transient, Reason: "time_out", Ambiguous: true}
		}
	}
	if answer != nil {
		if err := answer(c); err != nil {
			return 0, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accepted = append(f.accepted, c)
	return int64(len(f.accepted)), nil
}

// fail sets how calls are answered from now on.
func (f *fakeTelegram) fail(answer func(c call) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// slow sets how long an answer takes from now on.
func (f *fakeTelegram) slow(latency time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latency = latency
}

func (f *fakeTelegram) got() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.accepted...)
}

func (f *fakeTelegram) tried() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]call(nil), f.calls...)
}
