package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/notifier/bot"
	"kabarchy/notifier/telegram"
	"kabarchy/notifier/telegram/simulator"
)

func TestTheBotsMenusAreSetOnceAStartOneByOne(t *testing.T) {
	const token = "7100000001:AAtheTokenOfTheSimulatedBot_0123456789"
	sim := simulator.New(simulator.Options{Tokens: []string{token}})
	server := httptest.NewServer(sim)
	defer server.Close()
	defer sim.Close()
	log := slog.New(slog.DiscardHandler)
	g := telegram.New(telegram.Options{Token: token, APIURL: server.URL, Log: log})
	defer g.Close()
	first := &introduction{s: &service{log: log}, g: g, languages: []string{"", "ky"},
		talk: bot.New(bot.Options{Text: func(lang, key string) string { return key }})}

	first.run(t.Context())
	first.run(t.Context()) // it has become the sender again
	var methods []string
	var at []time.Time
	for _, r := range sim.Requests() {
		methods, at = append(methods, r.Method), append(at, r.Received)
	}
	if want := []string{"getMe", "setMyCommands", "setMyCommands"}; !slices.Equal(methods, want) {
		t.Fatalf("requests %v, want %v", methods, want)
	}
	if d := at[2].Sub(at[1]); d < menuGap-50*time.Millisecond {
		t.Errorf("the second menu came %s after the first", d)
	}
}

func TestWhatIsRepeatedWaitsAsLongAsTelegramSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		persist(t.Context(), func() error {
			switch at = append(at, time.Since(began)); len(at) {
			case 1:
				return errors.New("down")
			case 2:
				return &telegram.Error{Kind: telegram.TooFast, RetryAfter: time.Hour}
			}
			return nil
		})
		if want := []time.Duration{0, 2 * time.Second, 2*time.Second + time.Hour}; !slices.Equal(at, want) {
			t.Errorf("tried after %v, want %v", at, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		persist(ctx, func() error { return errors.New("down") })
	})
}
