package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

func TestFaults(t *testing.T) {
	type seen struct {
		status      int
		body        string // a part of it
		transport   error  // what the client gets instead of an answer
		badJSON     bool
		description string
		retryAfter  int
		migrateTo   int64
		accepted    bool
	}
	tests := []struct {
		name  string
		fault simulator.Fault
		want  seen
	}{
		{"429 with its figure", simulator.Fault{Kind: simulator.FaultTooManyRequests, RetryAfter: 7}, seen{status: 429, description: "Too Many Requests: retry after 7", retryAfter: 7}},
		{"500 as JSON", simulator.Fault{Kind: simulator.FaultServerError}, seen{status: 500, description: "Internal Server Error"}},
		{"500 though accepted", simulator.Fault{Kind: simulator.FaultServerError, Accept: true}, seen{status: 500, description: "Internal Server Error", accepted: true}},
		{"502 as JSON", simulator.Fault{Kind: simulator.FaultBadGateway}, seen{status: 502, description: "Bad Gateway"}},
		{"502 of a proxy", simulator.Fault{Kind: simulator.FaultBadGatewayHTML}, seen{status: 502, body: "<h1>502 Bad Gateway</h1>", badJSON: true}},
		{"empty body", simulator.Fault{Kind: simulator.FaultEmptyBody}, seen{status: 200, badJSON: true}},
		{"empty body though accepted", simulator.Fault{Kind: simulator.FaultEmptyBody, Accept: true}, seen{status: 200, badJSON: true, accepted: true}},
		{"half an answer", simulator.Fault{Kind: simulator.FaultTruncated}, seen{status: 200, body: `{"ok":true`, badJSON: true}},
		{"half an answer though accepted", simulator.Fault{Kind: simulator.FaultTruncated, Accept: true}, seen{status: 200, body: `{"ok":true,"result":{"message_id":1`, badJSON: true, accepted: true}},
		{"reset before", simulator.Fault{Kind: "reset_before"}, seen{transport: syscall.ECONNRESET}},
		{"reset after", simulator.Fault{Kind: simulator.FaultResetAfter}, seen{transport: syscall.ECONNRESET, accepted: true}},
		{"hangs, and ends with a reset", simulator.Fault{Kind: simulator.FaultHang, Delay: time.Millisecond}, seen{transport: syscall.ECONNRESET}},
		{"hangs though accepted", simulator.Fault{Kind: simulator.FaultHang, Delay: time.Millisecond, Accept: true}, seen{transport: syscall.ECONNRESET, accepted: true}},
		{"slow", simulator.Fault{Kind: simulator.FaultSlow, Delay: time.Millisecond}, seen{status: 200, accepted: true}},
		{"401", simulator.Fault{Kind: simulator.FaultUnauthorized}, seen{status: 401, description: "Unauthorized"}},
		{"404", simulator.Fault{Kind: simulator.FaultNotFound}, seen{status: 404, description: "Not Found"}},
		{"409", simulator.Fault{Kind: simulator.FaultConflict}, seen{status: 409, description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}},
		{"blocked", simulator.Fault{Kind: simulator.FaultBlocked}, seen{status: 403, description: "Forbidden: bot was blocked by the user"}},
		{"deactivated", simulator.Fault{Kind: simulator.FaultDeactivated}, seen{status: 403, description: "Forbidden: user is deactivated"}},
		{"kicked", simulator.Fault{Kind: simulator.FaultKicked}, seen{status: 403, description: "Forbidden: bot was kicked from the group chat"}},
		{"chat not found", simulator.Fault{Kind: simulator.FaultChatNotFound}, seen{status: 400, description: "Bad Request: chat not found"}},
		{"markup", simulator.Fault{Kind: simulator.FaultCantParse}, seen{status: 400, description: `Bad Request: can't parse entities: Unsupported start tag "scripted" at byte offset 0`}},
		{"length", simulator.Fault{Kind: simulator.FaultTooLong}, seen{status: 400, description: "Bad Request: message is too long"}},
		{"migration", simulator.Fault{Kind: simulator.FaultMigrate, MigrateTo: -1001}, seen{status: 400, description: "Bad Request: group chat was upgraded to a supergroup chat", migrateTo: -1001}},
		{"anything else", simulator.Fault{Kind: simulator.FaultError, Code: 420, Description: "Flood"}, seen{status: 420, description: "Flood"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, simulator.Options{})
			chat := r.sim.AddUser(simulator.User{})
			tt.fault.Count = 1
			if _, err := r.sim.Script(tt.fault); err != nil {
				t.Fatal(err)
			}
			got, err := r.try("sendMessage", form("chat_id", "5100000001", "text", "x"))
			var syntax *json.SyntaxError
			switch {
			case tt.want.transport != nil:
				if !errors.Is(err, tt.want.transport) {
					t.Errorf("client got %+v, %v; want %v", got, err, tt.want.transport)
				}
			case tt.want.badJSON:
				if err == nil || !errors.As(err, &syntax) {
					t.Errorf("client got %v, want broken JSON", err)
				}
			case err != nil:
				t.Errorf("client got %v", err)
			}
			if got.Status != tt.want.status || got.Description != tt.want.description || !strings.Contains(got.Body, tt.want.body) ||
				got.Parameters.RetryAfter != tt.want.retryAfter || got.Parameters.MigrateTo != tt.want.migrateTo {
				t.Errorf("client got %d %q %+v; want %+v", got.Status, got.Body, got.Parameters, tt.want)
			}
			if n := len(r.sim.Messages(chat)); (n == 1) != tt.want.accepted {
				t.Errorf("%d messages accepted, want accepted %v", n, tt.want.accepted)
			}
			q := r.sim.Requests()[0]
			if q.Accepted != tt.want.accepted || q.Status != tt.want.status || q.Fault == "" || q.Answered.IsZero() {
				t.Errorf("recorded %+v", q)
			}
			r.must(nil, "sendMessage", "chat_id", "5100000001", "text", "next") // it hit once only
		})
	}
}

func TestFaultsChooseTheirVictims(t *testing.T) {
	clock := time.Unix(1_750_000_000, 0)
	r := newRig(t, simulator.Options{AnyChat: true, Now: func() time.Time { return clock }})
	status := func(method, chat string) int {
		return r.call(method, "chat_id", chat, "text", "x", "action", "typing").Status
	}
	script := func(f simulator.Fault) {
		t.Helper()
		r.sim.ClearFaults()
		if _, err := r.sim.Script(f); err != nil {
			t.Fatal(err)
		}
	}
	script(simulator.Fault{Kind: simulator.FaultServerError, Method: "SENDMESSAGE", Chat: 2})
	if a, b, c := status("sendMessage", "1"), status("sendMessage", "2"), status("sendChatAction", "2"); a != 200 || b != 500 || c != 200 {
		t.Errorf("by method and chat: %d %d %d", a, b, c)
	}
	script(simulator.Fault{Kind: simulator.FaultServerError, Skip: 1, Count: 2})
	if a, b, c, d := status("sendMessage", "1"), status("sendMessage", "1"), status("sendMessage", "1"), status("sendMessage", "1"); a != 200 || b != 500 || c != 500 || d != 200 {
		t.Errorf("after one, two: %d %d %d %d", a, b, c, d)
	}
	if f := r.sim.Faults(); len(f) != 1 || f[0].Hits != 2 {
		t.Errorf("Faults = %+v", f)
	}
	script(simulator.Fault{Kind: simulator.FaultServerError, For: time.Minute})
	a := status("sendMessage", "1")
	clock = clock.Add(time.Minute)
	if b := status("sendMessage", "1"); a != 500 || b != 200 {
		t.Errorf("for a minute: %d, then %d", a, b)
	}
	pattern := func() (s string) {
		script(simulator.Fault{Kind: simulator.FaultServerError, Probability: 0.5, Seed: 42})
		for range 40 {
			s += string(rune('0' + status("sendMessage", "1")/100))
		}
		return s
	}
	if a, b := pattern(), pattern(); a != b || !strings.Contains(a, "2") || !strings.Contains(a, "5") {
		t.Errorf("the same seed gave %s and %s", a, b)
	}
	for _, f := range []simulator.Fault{{}, {Kind: "fire"}, {Kind: simulator.FaultError}, {Kind: simulator.FaultMigrate}, {Kind: simulator.FaultSlow}, {Kind: simulator.FaultReset, Probability: 2}} {
		if _, err := r.sim.Script(f); err == nil {
			t.Errorf("Script(%+v) was taken", f)
		}
	}
}

func TestAHangingRequestIsSeenAndEndsWithTheClient(t *testing.T) {
	r := newRig(t, simulator.Options{})
	r.sim.AddUser(simulator.User{})
	if _, err := r.sim.Script(simulator.Fault{Kind: simulator.FaultHang, Accept: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(within(t))
	failed := make(chan error)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "POST", r.url+"/bot7:token/sendMessage", strings.NewReader("chat_id=5100000001&text=x"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	if err := r.sim.WaitAccepted(within(t), 1); err != nil {
		t.Fatal(err)
	}
	if q := r.sim.Requests()[0]; q.Status != 0 || !q.Answered.IsZero() {
		t.Errorf("while hanging: %+v", q)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("client got %v", err)
	}
	q, err := r.sim.WaitRequest(within(t), func(q simulator.Request) bool { return !q.Answered.IsZero() })
	if err != nil || !q.Accepted || q.Status != 0 || q.Fault != simulator.FaultHang {
		t.Errorf("afterwards: %+v, %v", q, err)
	}
}

func TestOutage(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{})
	polled := make(chan error)
	go func() {
		_, err := r.try("getUpdates", form("timeout", "50"))
		polled <- err
	}()
	if _, err := r.sim.WaitRequest(within(t), func(q simulator.Request) bool { return q.Method == "getUpdates" }); err != nil {
		t.Fatal(err)
	}
	r.sim.Outage(true)
	if err := <-polled; err == nil {
		t.Error("a long poll outlived the outage")
	}
	if _, err := r.try("sendMessage", form("chat_id", "5100000001", "text", "x")); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("during the outage: %v", err)
	}
	r.sim.Outage(false)
	r.must(nil, "sendMessage", "chat_id", "5100000001", "text", "x")
	if n := len(r.sim.Messages(chat)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestCloseEndsWhateverHangs(t *testing.T) {
	s := simulator.New(simulator.Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, sim: s, url: base}
	if _, err := s.Script(simulator.Fault{Kind: simulator.FaultHang, Method: "getMe"}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for _, m := range []string{"getMe", "getUpdates"} {
		go func() { _, err := r.try(m, form("timeout", "50")); ended <- err }()
		if _, err := s.WaitRequest(within(t), func(q simulator.Request) bool { return q.Method == m }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if a, b := <-ended, <-ended; a == nil || b == nil {
		t.Errorf("after Close clients got %v and %v", a, b)
	}
	if _, err := s.Listen("127.0.0.1:0"); err == nil {
		t.Error("listened after Close")
	}
}
