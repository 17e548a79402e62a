package telegram

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func TestAfterAnAnswer429NoMethodMakesARequest(t *testing.T) {
	calls := map[string]func(context.Context, *Gateway) error{
		"sendMessage":         func(ctx context.Context, g *Gateway) error { _, err := g.Send(ctx, 1, "x", SendOptions{}); return err },
		"answerCallbackQuery": func(ctx context.Context, g *Gateway) error { return g.AnswerCallback(ctx, "1", "") },
		"getMe":               func(ctx context.Context, g *Gateway) error { _, err := g.Me(ctx); return err },
		"setMyCommands":       func(ctx context.Context, g *Gateway) error { return g.SetCommands(ctx, "", nil) },
		"getUpdates":          func(ctx context.Context, g *Gateway) error { _, _, err := g.Updates(ctx, 0, 0); return err },
		"setWebhook":          func(ctx context.Context, g *Gateway) error { return g.SetWebhook(ctx, "https://example.org", "s") },
	}
	for first, call := range calls {
		t.Run("to "+first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, _ := newTest(Options{})
				var told time.Time
				g.OnHold(func(until time.Time) { told = until })
				requests := 0
				g.transport = api(func(string, url.Values) (int, string) {
					requests++
					return 429, `{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":40}}`
				})
				began := time.Now()
				if err := call(t.Context(), g); err == nil {
					t.Fatal("no error")
				}
				if !told.Equal(began.Add(40 * time.Second)) {
					t.Errorf("told of a silence until %s, want 40 s", told)
				}
				wait(t.Context(), 30*time.Second)
				for method, call := range calls {
					var e *Error
					if err := call(t.Context(), g); !errors.As(err, &e) || e.Kind != TooFast || e.RetryAfter != 10*time.Second || e.Ambiguous || e.Method != method {
						t.Errorf("%s: %+v; want to be told to wait for 10 s", method, err)
					}
				}
				if requests != 1 {
					t.Errorf("%d requests, want the first alone", requests)
				}
				wait(t.Context(), 10*time.Second)
				_ = call(t.Context(), g)
				if requests != 2 {
					t.Error("no request after the time was over")
				}
			})
		})
	}
}

func TestASilenceOfTheProcessBeforeIsKeptForADayAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newTest(Options{})
		g.transport = api(func(string, url.Values) (int, string) { return 200, itsMe })
		g.Hold(time.Now().Add(365 * 24 * time.Hour))
		g.Hold(time.Now()) // shortens nothing
		wait(t.Context(), 24*time.Hour-time.Second)
		if _, err := g.Me(t.Context()); err == nil {
			t.Error("asked within the day")
		}
		wait(t.Context(), time.Second)
		if _, err := g.Me(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
