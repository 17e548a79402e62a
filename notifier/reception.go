package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// An Inbox holds the updates that Telegram has handed over.
type Inbox interface {
	Waiting(ctx context.Context, limit int) ([]visa.Incoming, error)
	// Converse runs f once for an update, in the transaction that also marks it
	// as handled.
	Converse(ctx context.Context, updateID, chatID int64, language string, f func(visa.Conversation) error) error
	// Deactivate marks the update as handled and its chat as gone.
	Deactivate(ctx context.Context, updateID, chatID int64) error
	// Tried counts a failure; done gives the update up.
	Tried(ctx context.Context, updateID int64, done bool) error
}

// A Reception handles what waits in the inbox, one update after the other, so
// that a person's messages take effect in the order they were written.
type Reception struct {
	Inbox  Inbox
	Handle func(context.Context, visa.Conversation, telegram.Update) error
	// Answer tells Telegram that a button's press has arrived. It is left out
	// while Silent, and where many wait: a button spins a little longer then.
	Answer func(ctx context.Context, callbackID, text string) error
	Silent func() bool // Telegram has asked for silence; nil: never
	// Language maps Telegram's language code to one of ours.
	Language func(code string) string
	Log      *slog.Logger

	wake    chan struct{}
	answers chan struct{} // holds a token for each answer under way
}

// maxAnswers is how many presses are answered at a time.
const maxAnswers = 4

// NewReception returns a Reception of the given parts; Run makes it work.
func NewReception(r Reception) *Reception {
	r.wake = make(chan struct{}, 1)
	r.answers = make(chan struct{}, maxAnswers)
	return &r
}

// Wake hints that something may wait. It never blocks.
func (r *Reception) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// maxTries is how often an update is taken up that cannot be handled.
const maxTries = 5

// Run handles updates until ctx ends.
func (r *Reception) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := r.round(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("notifier: cannot handle incoming messages; trying again", "error", err)
			sleep(ctx, standBy)
			continue
		}
		if n > 0 {
			continue
		}
		t := time.NewTimer(idle)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

func (r *Reception) round(ctx context.Context) (int, error) {
	waiting, err := r.Inbox.Waiting(ctx, 100)
	if err != nil {
		return 0, fmt.Errorf("notifier: read the inbox: %w", err)
	}
	for _, in := range waiting {
		if ctx.Err() != nil {
			return 0, nil
		}
		if err := r.one(ctx, in); err != nil {
			if errors.Is(err, context.Canceled) || errors.Is(err, visa.ErrUnavailable) {
				return 0, err
			}
			done := in.Tries+1 >= maxTries
			r.Log.Error("notifier: an incoming message could not be handled", "update", in.UpdateID, "given_up", done, "error", err)
			if err := r.Inbox.Tried(ctx, in.UpdateID, done); err != nil {
				return 0, fmt.Errorf("notifier: note a failure: %w", err)
			}
			if !done {
				return 0, err
			}
		}
	}
	return len(waiting), nil
}

func (r *Reception) one(ctx context.Context, in visa.Incoming) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.Log.Error("notifier: handling panicked", "update", in.UpdateID, "stack", string(debug.Stack()))
			err = errors.New("a fault in the program")
		}
	}()
	u, err := telegram.Decode([]byte(in.Body))
	if err != nil {
		return err
	}
	if u.Kind == telegram.UpdateBlocked {
		return r.Inbox.Deactivate(ctx, u.ID, u.ChatID)
	}
	err = r.Inbox.Converse(ctx, u.ID, u.ChatID, r.Language(u.Language), func(c visa.Conversation) error {
		return r.Handle(ctx, c, u)
	})
	if err == nil && u.CallbackID != "" && (r.Silent == nil || !r.Silent()) {
		select {
		case r.answers <- struct{}{}:
			go func() {
				defer func() { <-r.answers }()
				r.answer(ctx, u.CallbackID)
			}()
		default:
		}
	}
	return err
}

// answer lets the button stop spinning. It matters to nobody whether it
// arrives, so nothing is kept of it.
func (r *Reception) answer(ctx context.Context, callbackID string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := r.Answer(ctx, callbackID, ""); err != nil {
		r.Log.Debug("notifier: a button's press was not answered", "error", err)
	}
}

// buttons puts a message's buttons into the gateway's form.
func buttons(rows [][]message.Button) [][]telegram.Button {
	var out [][]telegram.Button
	for _, row := range rows {
		var r []telegram.Button
		for _, b := range row {
			r = append(r, telegram.Button{Text: b.Text, Data: b.Data, URL: b.URL})
		}
		out = append(out, r)
	}
	return out
}
