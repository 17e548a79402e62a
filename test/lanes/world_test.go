package lanes

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"kabarchy/i18n"
	"kabarchy/notifier"
	"kabarchy/notifier/message"
	"kabarchy/store"
	"kabarchy/visa"
)

// A world is a database full of chats, with a sender.
type world struct {
	t        *testing.T
	rnd      *rand.Rand
	path     string
	store    *store.Store
	telegram *fakeTelegram
	seeded   time.Duration

	zone *time.Location
	ten  time.Time // when the reminders fall due: ten o'clock in a zone made for it

	updates      int64
	acknowledged map[int64]time.Time // of decisions, by the chat that follows
	asked        map[int64]time.Time
	halt         func()
}

// Ids of chats, as Telegram has them. The many share one, so that they can be
// seeded by the database itself: nothing here depends on where their messages
// go.
const (
	theMany   = 1
	deciders  = 10_000_000
	reminded  = 20_000_000
	askers    = 30_000_000
	untilTen  = 25 * time.Second // from when the followers begin to follow
	reference = 40_000_000
)

func newWorld(t *testing.T, chats int, rnd *rand.Rand) *world {
	w := &world{
		t: t, rnd: rnd, path: filepath.Join(t.TempDir(), "k.db"), acknowledged: make(map[int64]time.Time), asked: make(map[int64]time.Time),
		telegram: &fakeTelegram{rnd: rand.New(rand.NewPCG(rnd.Uint64(), 2)), counts: make(map[kind]int)},
	}
	begun := time.Now()
	w.open(visa.Schedule{Zone: time.UTC})
	w.converse(theMany, func(visa.Conversation) error { return nil })
	w.close()
	w.seed(chats)
	w.seeded = time.Since(begun)

	w.ten = time.Now().Add(untilTen).Truncate(time.Second)
	offset := 10*3600 - int(w.ten.Unix()%86400)
	w.zone = time.FixedZone("test", offset)
	w.open(visa.Schedule{Zone: w.zone, Rules: []visa.ReminderRule{{Kind: visa.LeaveBy, Days: []int{1}, Hour: 10}}})
	t.Cleanup(w.close)
	return w
}

// seed makes many more of the chat there is.
func (w *world) seed(chats int) {
	db, err := sql.Open("sqlite", "file:"+w.path+"?_pragma=synchronous(OFF)&_pragma=cache_size(-65536)")
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO chats (hash, sealed, key_id, language, chosen, active, forgotten, created_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		SELECT printf('seeded %08d', n.i), c.sealed, c.key_id, CASE n.i % 3 WHEN 0 THEN 'ky' WHEN 1 THEN 'ru' ELSE 'en' END, 0, 1, 0, c.created_at
		FROM n, (SELECT * FROM chats LIMIT 1) c`, chats)
	if err == nil {
		_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open(schedule visa.Schedule) {
	keys, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = store.Open(context.Background(), store.Prefix+w.path, store.Options{Keys: keys, Schedule: schedule}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) converse(chat int64, f func(visa.Conversation) error) {
	w.t.Helper()
	w.updates++
	err := w.store.Receive(context.Background(), []visa.Incoming{{UpdateID: w.updates, Body: "{}"}})
	if err == nil {
		err = w.store.Converse(context.Background(), w.updates, chat, "en", f)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ref(n int64) visa.Reference {
	r, err := visa.ParseReference(fmt.Sprintf("%08d", n))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) record(updates ...visa.Update) {
	w.t.Helper()
	for i := range updates {
		updates[i].Normalize()
	}
	if _, err := w.store.Record(context.Background(), "test", "", updates); err != nil {
		w.t.Fatal(err)
	}
}

// followers makes chats follow an application each: some that will be decided,
// and some whose deadline is tomorrow, so that they are reminded at ten.
func (w *world) followers(decisions, reminders int) {
	tomorrow := visa.DateOf(w.ten.In(w.zone)).Add(1)
	var all []visa.Update
	for i := range int64(decisions) {
		all = append(all, visa.Update{Reference: w.ref(reference + i), Version: 1, UpdatedAt: time.Now(),
			Statement: visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageInProcessing}})
	}
	for i := range int64(reminders) {
		all = append(all, visa.Update{Reference: w.ref(2*reference + i), Version: 1, UpdatedAt: time.Now(),
			Statement: visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved,
				Deadlines: []visa.Deadline{{Kind: visa.LeaveBy, Date: tomorrow}}}})
	}
	for len(all) > 0 {
		n := min(500, len(all))
		w.record(all[:n]...)
		all = all[n:]
	}
	follow := func(chat, ref int64) {
		w.converse(chat, func(c visa.Conversation) error {
			_, _, err := c.Follow(context.Background(), w.ref(ref))
			return err
		})
	}
	for i := range int64(decisions) {
		follow(deciders+i, reference+i)
	}
	for i := range int64(reminders) {
		follow(reminded+i, 2*reference+i)
	}
	if !time.Now().Before(w.ten) {
		w.t.Fatalf("following took until after ten o'clock; this machine is too slow for the test")
	}
}

type queue struct{ *store.Sender }

func (w *world) start(pace float64) {
	words := i18n.Default()
	n := notifier.New(notifier.Options{
		Become: func(ctx context.Context) (notifier.Queue, int, error) {
			q, orphans, err := w.store.BecomeSender(ctx)
			return queue{q}, orphans, err
		},
		Gateway: w.telegram, Pace: pace,
		Render: func(d visa.Delivery) message.Message {
			return message.Render(d, message.Options{Now: time.Now(), Zone: w.zone, Catalogues: words, Reasons: i18n.DefaultReasons()})
		},
	})
	w.store.OnWork(n.Wake)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = n.Run(ctx); close(done) }()
	w.halt = func() { stop(); <-done }
}

func (w *world) stop() { w.halt() }

// until waits for something, for as long as everything may take.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !f() {
		select {
		case <-again.C:
		case <-deadline.C:
			w.t.Fatalf("still not: %s; %v", what, w.telegram.counts)
		}
	}
}

// happen records decisions and asks questions for a while, at random times.
func (w *world) happen(lasting time.Duration, most int) {
	end := time.NewTimer(lasting)
	defer end.Stop()
	soon := func(mean time.Duration) time.Duration { return time.Duration(w.rnd.ExpFloat64() * float64(mean)) }
	decide, ask := time.NewTimer(soon(decisionEvery)), time.NewTimer(soon(questionEvery))
	defer decide.Stop()
	defer ask.Stop()
	for i, questions := int64(0), int64(0); ; {
		select {
		case <-end.C:
			return
		case <-decide.C:
			decide.Reset(soon(decisionEvery))
			if i == int64(most) {
				continue
			}
			w.record(visa.Update{Reference: w.ref(reference + i), Version: 2, UpdatedAt: time.Now(),
				Statement: visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageDecided, Outcome: visa.OutcomeApproved}})
			w.acknowledged[deciders+i] = time.Now()
			i++
		case <-ask.C:
			ask.Reset(soon(questionEvery))
			chat := askers + questions
			questions++
			w.converse(chat, func(c visa.Conversation) error {
				return c.Reply(context.Background(), visa.Note{Reply: visa.ReplyHelp})
			})
			w.asked[chat] = time.Now()
		}
	}
}
