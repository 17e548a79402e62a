package test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// An auditPage is an answer of GET /v1/notifications.
type auditPage struct {
	Notifications []audited
	Next          *string
}

// An audited notification.
type audited struct {
	ID        int64
	Chat      string
	ChatState string `json:"chat_state"`
	Reference string
	Lane      string
	Kind      string
	State     string
	Reason    string
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at"`
	MessageID *int64     `json:"message_id"`
	Attempts  []struct {
		StartedAt time.Time  `json:"started_at"`
		EndedAt   *time.Time `json:"ended_at"`
		Result    string
		Code      int
		Reason    string
		Sender    int64
	}
}

// tries is what became of each attempt.
func (n audited) tries() string {
	var all []string
	for _, a := range n.Attempts {
		all = append(all, fmt.Sprintf("%s %d %s", a.Result, a.Code, a.Reason))
	}
	return strings.Join(all, ", ")
}

// An auditor asks what became of notifications, and keeps all that is answered.
type auditor struct {
	t    *testing.T
	s    *harness.Service
	key  string
	said strings.Builder
}

func (a *auditor) get(query url.Values) harness.Answer {
	a.t.Helper()
	got := a.s.Send(harness.Request{Method: http.MethodGet, Path: "/v1/notifications?" + query.Encode(), Key: a.key})
	fmt.Fprintf(&a.said, "%v\n%s\n", got.Header, got.Body)
	return got
}

func (a *auditor) page(query url.Values) auditPage {
	a.t.Helper()
	got := a.get(query)
	if got.Status != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
		a.t.Fatalf("%d %v\n%s", got.Status, got.Header, got.Body)
	}
	var p auditPage
	got.Decode(a.t, &p)
	return p
}

// all reads a listing to its end, one notification a page. Between two pages
// it calls between.
func (a *auditor) all(query url.Values, between func()) (list auditPage) {
	a.t.Helper()
	query.Set("limit", "1")
	for {
		p := a.page(query)
		list.Notifications = append(list.Notifications, p.Notifications...)
		if p.Next == nil {
			return list
		}
		query.Set("cursor", *p.Next)
		between()
	}
}

func (a *auditor) run(args ...string) string {
	a.t.Helper()
	r := a.s.Run(args...)
	if r.Status != 0 {
		a.t.Errorf("kabarchy %s: status %d\n%s%s", strings.Join(args, " "), r.Status, r.Stdout, r.Stderr)
	}
	a.said.WriteString(r.Stdout + r.Stderr)
	return r.Stdout
}

func TestAnAuditShowsWhatArrivedAndWhatDidNotAndNotToWhom(t *testing.T) {
	t.Parallel()
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	register := s.Key("register", "updates")
	a := &auditor{t: t, s: s, key: s.Key("auditor", "audit")}
	s.Start()

	planted := []string{"20417733", "2041-7733", "770011223344", "770022334455", "aibek_b77", "gulnara_k88", "Aibek", "Gulnara"}
	for _, p := range planted {
		s.Secret(p, "whom it concerns")
	}
	happy := harness.Known(t, sim, sim.AddUser(simulator.User{ID: 770011223344, FirstName: "Aibek", Username: "aibek_b77", LanguageCode: "en"}))
	deaf := harness.Known(t, sim, sim.AddUser(simulator.User{ID: 770022334455, FirstName: "Gulnara", Username: "gulnara_k88", LanguageCode: "en"}))
	for _, c := range []*harness.Chat{happy, deaf} {
		c.Ask("/follow 2041-7733")
	}
	s.Settled(sim)
	fault, err := sim.Script(simulator.Fault{Kind: simulator.FaultTooLong, Method: "sendMessage", Chat: deaf.ID})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.Push(register, decided("20417733", 1))
	happy.NextWith("Application approved")
	s.Settled(sim)

	restarted := false
	news := a.all(url.Values{"lane": {"decision"}, "reference": {"№ 2041 7733"}}, func() {
		if !restarted {
			s.Stop()
			s.Start()
			restarted = true
		}
	})
	if len(news.Notifications) != 2 || !restarted {
		t.Fatalf("listed %+v", news)
	}
	var dead, arrived int64
	for _, n := range news.Notifications {
		for _, at := range n.Attempts {
			if at.StartedAt.Before(began) || at.EndedAt == nil || at.EndedAt.Before(at.StartedAt) || at.Sender < 1 {
				t.Errorf("an attempt of %+v", n)
			}
		}
		switch got := n.tries(); {
		case n.Reference != "2041••••" || n.Kind != "news" || n.ChatState != "active" || n.EndedAt == nil || n.CreatedAt.Before(began.Truncate(time.Second)):
			t.Errorf("shown as %+v", n)
		case n.State == "accepted":
			if arrived = n.ID; got != "accepted 0 " || n.MessageID == nil || n.Reason != "" {
				t.Errorf("what arrived: %s in %+v", got, n)
			}
		case n.State == "dead":
			if dead = n.ID; got != "plain 400 too_long, dead 400 too_long" || n.MessageID != nil || n.Reason != "too_long" {
				t.Errorf("what did not arrive: %s in %+v", got, n)
			}
		}
	}
	if dead == 0 || arrived == 0 {
		t.Fatalf("listed %+v", news)
	}

	// Who follows what stays unknown: a token stands for a chat in one listing.
	whole := a.page(url.Values{})
	tokens := map[string]int{}
	for _, n := range whole.Notifications {
		tokens[n.Chat]++
	}
	for _, n := range news.Notifications {
		if tokens[n.Chat] > 0 {
			t.Errorf("two listings share the token %s", n.Chat)
		}
	}
	if len(tokens) != 2 || len(whole.Notifications) < 4 {
		t.Errorf("two chats have the tokens %v", tokens)
	}
	cursor := *a.page(url.Values{"limit": {"1"}}).Next
	for _, query := range []url.Values{
		{"cursor": {cursor}, "state": {"dead"}}, {"cursor": {cursor[1:]}}, {"state": {"lost"}}, {"reference": {"20"}}, {"chat": {"770011223344"}},
	} {
		if got := a.get(query); got.Status != http.StatusBadRequest {
			t.Errorf("%v: %d\n%s", query, got.Status, got.Body)
		}
	}

	// The same with commands; then the dead letter is sent after all, as itself.
	shown := a.run("deliveries", "show", fmt.Sprint(dead))
	listed := a.run("deliveries", "list", "--reason", "too_long")
	if !strings.Contains(shown, "too_long") || !strings.Contains(listed, "2041••••") {
		t.Errorf("the commands say\n%s\n%s", shown, listed)
	}
	a.run("deliveries", "export", "--format", "jsonl")
	sim.Unscript(fault)
	a.run("deliveries", "replay", fmt.Sprint(dead), "--yes")
	deaf.NextWith("Application approved")
	s.Settled(sim)
	after := a.page(url.Values{})
	i := slices.IndexFunc(after.Notifications, func(n audited) bool { return n.ID == dead })
	const want = "plain 400 too_long, dead 400 too_long, replayed 0 operator, accepted 0 "
	if n := after.Notifications[i]; len(after.Notifications) != len(whole.Notifications) || n.State != "accepted" || n.tries() != want {
		t.Errorf("replayed: %s in %+v", n.tries(), n)
	}
	a.said.Write(s.Send(harness.Request{Method: http.MethodGet, Path: "/v1/notifications"}).Body)
	for _, p := range planted {
		if strings.Contains(a.said.String(), p) {
			t.Errorf("an output holds %s:\n%s", p, a.said.String())
		}
	}
}
