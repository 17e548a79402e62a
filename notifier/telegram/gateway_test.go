package telegram_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kabarchy/notifier/telegram"
	"kabarchy/notifier/telegram/simulator"
)

const token = "7100000001:AAtheTokenOfTheSimulatedBot_0123456789"

func begin(t *testing.T, o simulator.Options) (*simulator.Simulator, *telegram.Gateway) {
	t.Helper()
	o.Tokens = []string{token}
	sim := simulator.New(o)
	s := httptest.NewServer(sim)
	g := telegram.New(telegram.Options{Token: token, APIURL: s.URL + "/", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		_ = g.Close()
		_ = sim.Close()
		s.Close()
	})
	return sim, g
}

func TestAMessageIsSentAsItIsMeant(t *testing.T) {
	text := "<b>Decided</b> & more"
	tests := []struct {
		name string
		text string
		o    telegram.SendOptions
		want map[string]string
	}{
		{"plain", text, telegram.SendOptions{}, map[string]string{"text": text}},
		{"HTML", "<b>Decided</b> &amp; more", telegram.SendOptions{HTML: true},
			map[string]string{"text": "<b>Decided</b> &amp; more", "parse_mode": "HTML"}},
		{"silent", "shh", telegram.SendOptions{Silent: true}, map[string]string{"text": "shh", "disable_notification": "true"}},
		{"with buttons", "choose", telegram.SendOptions{Buttons: [][]telegram.Button{
			{{Text: "Follow", Data: "f:abc"}, {Text: "Portal", URL: "https://evisa.e-gov.kg/"}}, {{Text: "Help", Data: "h"}}}},
			map[string]string{"text": "choose", "reply_markup": `{"inline_keyboard":[[{"text":"Follow","callback_data":"f:abc"},` +
				`{"text":"Portal","url":"https://evisa.e-gov.kg/"}],[{"text":"Help","callback_data":"h"}]]}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, g := begin(t, simulator.Options{})
			chat := sim.AddUser(simulator.User{FirstName: "Aisuluu"})
			id, err := g.Send(t.Context(), chat, tt.text, tt.o)
			if err != nil || id <= 0 {
				t.Fatalf("Send = %d, %v", id, err)
			}
			r := sim.Requests()[0]
			delete(r.Params, "chat_id")
			tt.want["link_preview_options"] = `{"is_disabled":true}`
			if d := cmp.Diff(tt.want, r.Params); d != "" || int64(r.MessageID) != id || r.Chat != chat {
				t.Errorf("message %d to %d, parameters (-want +got):\n%s", r.MessageID, r.Chat, d)
			}
			if err := g.Delete(t.Context(), chat, id); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

func TestTheOtherMethods(t *testing.T) {
	sim, g := begin(t, simulator.Options{BotID: 71, BotUsername: "KabarchyBot"})
	me, err := g.Me(t.Context())
	if err != nil || me != (telegram.Me{ID: 71, Username: "KabarchyBot"}) {
		t.Errorf("Me = %+v, %v", me, err)
	}
	for _, lang := range []string{"", "ky"} {
		if err := g.SetCommands(t.Context(), lang, []telegram.Command{{Name: "status", Description: "where it stands"}}); err != nil {
			t.Errorf("SetCommands(%q): %v", lang, err)
		}
	}
	if err := g.SetWebhook(t.Context(), "https://status.example.kg/telegram/webhook", "s3cret"); err != nil {
		t.Errorf("SetWebhook: %v", err)
	}
	if err := g.DeleteWebhook(t.Context()); err != nil {
		t.Errorf("DeleteWebhook: %v", err)
	}
	chat := sim.AddUser(simulator.User{FirstName: "Aisuluu"})
	if err := g.Delete(t.Context(), chat, 987654); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
	if err := g.AnswerCallback(t.Context(), "12345", ""); err != nil {
		t.Errorf("answering what is too old: %v", err)
	}
}

func TestRequestsGoThroughTheProxy(t *testing.T) {
	sim := simulator.New(simulator.Options{AnyChat: true})
	defer func() { _ = sim.Close() }()
	var host string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.URL.Host
		sim.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := telegram.New(telegram.Options{Token: token, APIURL: "http://telegram.invalid", Proxy: at})
	defer func() { _ = g.Close() }()
	if _, err := g.Send(t.Context(), 5, "hello", telegram.SendOptions{}); err != nil || host != "telegram.invalid" {
		t.Errorf("Send: %v, by the proxy to %q", err, host)
	}
}

// Every fault that the simulator can script, as the pipeline will meet it.
func TestFaultsOfTheSimulator(t *testing.T) {
	type outcome struct {
		Kind      telegram.Kind
		Reason    string
		Ambiguous bool
		Accepted  bool
	}
	tests := []struct {
		fault simulator.Fault
		want  outcome
	}{
		{simulator.Fault{Kind: simulator.FaultServerError}, outcome{telegram.Transient, "server_error", true, false}},
		{simulator.Fault{Kind: simulator.FaultBadGateway}, outcome{telegram.Transient, "server_error", true, false}},
		{simulator.Fault{Kind: simulator.FaultBadGatewayHTML, Accept: true}, outcome{telegram.Transient, "server_error", true, true}},
		{simulator.Fault{Kind: simulator.FaultEmptyBody, Accept: true}, outcome{telegram.Transient, "empty_answer", true, true}},
		{simulator.Fault{Kind: simulator.FaultTruncated, Accept: true}, outcome{telegram.Transient, "truncated", true, true}},
		{simulator.Fault{Kind: simulator.FaultReset}, outcome{telegram.Transient, "reset", true, false}},
		{simulator.Fault{Kind: simulator.FaultResetAfter}, outcome{telegram.Transient, "reset", true, true}},
		{simulator.Fault{Kind: simulator.FaultTooManyRequests, RetryAfter: 3}, outcome{telegram.TooFast, "too_fast", false, false}},
		{simulator.Fault{Kind: simulator.FaultUnauthorized}, outcome{telegram.Unauthorized, "unauthorized", false, false}},
		{simulator.Fault{Kind: simulator.FaultNotFound}, outcome{telegram.Unauthorized, "not_found", false, false}},
		{simulator.Fault{Kind: simulator.FaultConflict}, outcome{telegram.Other, "conflict", false, false}},
		{simulator.Fault{Kind: simulator.FaultBlocked}, outcome{telegram.Gone, "blocked", false, false}},
		{simulator.Fault{Kind: simulator.FaultDeactivated}, outcome{telegram.Gone, "deactivated", false, false}},
		{simulator.Fault{Kind: simulator.FaultKicked}, outcome{telegram.Gone, "kicked", false, false}},
		{simulator.Fault{Kind: simulator.FaultChatNotFound}, outcome{telegram.Gone, "chat_not_found", false, false}},
		{simulator.Fault{Kind: simulator.FaultCantParse}, outcome{telegram.BadMessage, "markup", false, false}},
		{simulator.Fault{Kind: simulator.FaultTooLong}, outcome{telegram.BadMessage, "too_long", false, false}},
		{simulator.Fault{Kind: simulator.FaultMigrate, MigrateTo: -1009}, outcome{telegram.Migrated, "migrated", false, false}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			sim, g := begin(t, simulator.Options{AnyChat: true})
			if _, err := sim.Script(tt.fault); err != nil {
				t.Fatal(err)
			}
			_, err := g.Send(t.Context(), 5, "hello", telegram.SendOptions{})
			e, ok := err.(*telegram.Error)
			if !ok {
				t.Fatalf("error is %v (%T)", err, err)
			}
			all := sim.Requests()
			if len(all) != 1 {
				t.Fatalf("%d requests; want 1", len(all))
			}
			if got := (outcome{e.Kind, e.Reason, e.Ambiguous, all[0].Accepted}); got != tt.want {
				t.Errorf("got %+v; want %+v", got, tt.want)
			}
			if all[0].Accepted && !e.Ambiguous {
				t.Error("accepted, and not ambiguous")
			}
		})
	}
}
