package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kabarchy/notifier/telegram/simulator"
)

// An inbox keeps updates in memory. It fails while fail says so.
type inbox struct {
	mu   sync.Mutex
	got  []Update
	seen map[int64]bool
	fail func() error
	more chan struct{}
}

func newInbox() *inbox { return &inbox{seen: map[int64]bool{}, more: make(chan struct{}, 1000)} }

func (in *inbox) Store(_ context.Context, updates []Update) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fail != nil {
		if err := in.fail(); err != nil {
			return err
		}
	}
	for _, u := range updates {
		if !in.seen[u.ID] {
			in.seen[u.ID] = true
			in.got = append(in.got, u)
			in.more <- struct{}{}
		}
	}
	return nil
}

func (in *inbox) kinds() (out []UpdateKind) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, u := range in.got {
		out = append(out, u.Kind)
	}
	return out
}

func TestReceiveFromTheSimulator(t *testing.T) {
	sim := simulator.New(simulator.Options{Tokens: []string{testToken}, FirstUpdateID: 500, BotUsername: "KabarchyBot"})
	s := httptest.NewServer(sim)
	g, logged := newTest(Options{APIURL: s.URL})
	defer s.Close()
	defer func() { _ = sim.Close() }()
	defer func() { _ = g.Close() }()
	if err := g.SetWebhook(t.Context(), "https://status.example.kg/telegram/webhook", "s3cret"); err != nil {
		t.Fatal(err)
	}
	chat := sim.AddUser(simulator.User{FirstName: "CANARY", LanguageCode: "ky"})
	in := newInbox()
	in.fail = func() error { // the disk is full when the first updates come
		in.fail = nil
		return errors.New("no space left on device")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- g.Receive(ctx, in) }()

	if _, err := sim.SendText(chat, "20417733"); err != nil {
		t.Fatal(err)
	}
	<-in.more
	id, err := g.Send(t.Context(), chat, "choose", SendOptions{Buttons: [][]Button{{{Text: "Help", Data: "h"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Press(chat, int(id), "Help"); err != nil {
		t.Fatal(err)
	}
	<-in.more
	if err := g.AnswerCallback(t.Context(), in.got[1].CallbackID, ""); err != nil {
		t.Errorf("AnswerCallback: %v", err)
	}
	if _, err := sim.Block(chat); err != nil {
		t.Fatal(err)
	}
	<-in.more
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Receive = %v", err)
	}
	want := []UpdateKind{UpdateText, UpdateButton, UpdateBlocked}
	if d := cmp.Diff(want, in.kinds()); d != "" {
		t.Errorf("kinds (-want +got):\n%s", d)
	}
	if in.got[0].Text != "20417733" || in.got[0].Language != "ky" || in.got[1].Data != "h" || in.got[0].ChatID != chat {
		t.Errorf("got %v", in.got)
	}
	quiet(t, nil, logged)
	if strings.Contains(logged.String(), "CANARY") || !strings.Contains(logged.String(), "a webhook was set") {
		t.Errorf("log: %s", logged)
	}
}

// An api answers the Bot API's requests in process, so that time can be
// testing/synctest's.
type api func(method string, p url.Values) (code int, body string)

func (a api) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, err
	}
	code, body := a(path.Base(r.URL.Path), p)
	if code == 0 {
		return nil, io.EOF
	}
	return &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body))}, nil
}

func texts(ids ...int) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = strings.Replace(message(privateChat, `"text":"x"`), `"update_id":77`, `"update_id":`+strconv.Itoa(id), 1)
	}
	return `{"ok":true,"result":[` + strings.Join(all, ",") + `]}`
}

const itsMe = `{"ok":true,"result":{"id":1,"username":"KabarchyBot"}}`

// poll runs Receive over answers to getUpdates, one after the other, until
// they are used up. It returns the offset of each, when it came, and the log.
func poll(t *testing.T, in Inbox, answers ...func() (int, string)) (offsets []int64, at []time.Duration, logged *bytes.Buffer, methods []string) {
	t.Helper()
	g, logged := newTest(Options{})
	g.jitter = func() float64 { return 1 }
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	g.transport = api(func(method string, p url.Values) (int, string) {
		methods = append(methods, method)
		switch method {
		case "getMe":
			return 200, itsMe
		case "getUpdates":
			if len(answers) == 0 {
				cancel()
				return 0, ""
			}
			offset, _ := strconv.ParseInt(p.Get("offset"), 10, 64)
			offsets, at = append(offsets, offset), append(at, time.Since(began))
			next := answers[0]
			answers = answers[1:]
			return next()
		}
		return 200, `{"ok":true,"result":true}`
	})
	if err := g.Receive(ctx, in); err != nil {
		t.Errorf("Receive = %v", err)
	}
	quiet(t, nil, logged)
	return offsets, at, logged, methods
}

func answer(code int, body string) func() (int, string) {
	return func() (int, string) { return code, body }
}

func no(code int, description, parameters string) func() (int, string) {
	return answer(code, fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%q%s}`, code, description, parameters))
}

func TestTheOffsetMovesBehindWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		tries := 0
		in.fail = func() error {
			if tries++; tries == 2 {
				return errors.New("disk full")
			}
			return nil
		}
		unknown := `{"ok":true,"result":[{"update_id":21,"brand_new":{}},{"update_id":22,"message":"?"},{"no_number":1},"?"]}`
		offsets, _, logged, _ := poll(t, in,
			answer(200, texts(10, 11)), // stored
			answer(200, texts(12, 20)), // not stored: the disk is full
			answer(200, texts(12, 20)), // the same again
			answer(200, unknown),       // nothing to store, and still behind us
			answer(200, texts()),       // nothing: all is confirmed
			answer(200, texts(3)),      // after a quiet week, numbers begin anew
			answer(200, texts()),
		)
		if d := cmp.Diff([]int64{0, 12, 12, 21, 23, 0, 4}, offsets); d != "" {
			t.Errorf("offsets (-want +got):\n%s", d)
		}
		if len(in.got) != 5 {
			t.Errorf("%d updates stored; want 5", len(in.got))
		}
		if s := logged.String(); !strings.Contains(s, "disk full") || !strings.Contains(s, "passed over") {
			t.Errorf("log: %s", s)
		}
	})
}

func TestPausesAfterFailures(t *testing.T) {
	s := func(n ...float64) (out []time.Duration) {
		for _, x := range n {
			out = append(out, time.Duration(x*float64(time.Second)))
		}
		return out
	}
	conflict := no(409, "Conflict: terminated by other getUpdates request", "")
	revoked := no(401, "Unauthorized", "")
	reset := answer(0, "")
	tests := []struct {
		name    string
		answers []func() (int, string)
		at      []time.Duration
		lines   int // in the log, of a failure or its end
	}{
		{"Telegram is down, then up, then down", []func() (int, string){reset, no(500, "x", ""), reset, answer(200, texts()), reset, reset},
			s(0, 1, 3, 7, 7, 8), 5},
		{"down for long", []func() (int, string){reset, reset, reset, reset, reset, reset, reset, reset, reset},
			s(0, 1, 3, 7, 15, 31, 63, 123, 183), 1},
		{"told to wait", []func() (int, string){no(429, "x", `,"parameters":{"retry_after":30}`), reset}, s(0, 31), 2},
		{"a second poller is logged once", []func() (int, string){conflict, conflict, conflict, conflict, conflict, conflict}, s(0, 10, 30, 70, 130, 190), 1},
		{"a revoked token is an alarm each time", []func() (int, string){revoked, revoked, revoked, revoked, revoked, revoked}, s(0, 60, 180, 420, 900, 1500), 6},
		{"a glitch after an outage is retried soon", []func() (int, string){reset, reset, reset, reset, conflict, reset}, s(0, 1, 3, 7, 15, 25), 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, at, logged, _ := poll(t, newInbox(), tt.answers...)
				if d := cmp.Diff(tt.at, at); d != "" {
					t.Errorf("times of polls (-want +got):\n%s", d)
				}
				if n := strings.Count(logged.String(), "\n"); n != tt.lines {
					t.Errorf("%d lines logged, want %d: %s", n, tt.lines, logged)
				}
			})
		})
	}
}

func TestPausesVary(t *testing.T) {
	for n, want := range map[int]time.Duration{1: time.Second, 5: 16 * time.Second, 7: time.Minute, 16: time.Minute, 1 << 40: time.Minute} {
		if least, most := pauseTransient.after(n, 0), pauseTransient.after(n, 1); least != want/2 || most != want {
			t.Errorf("after %d failures %v to %v; want %v to %v", n, least, most, want/2, want)
		}
	}
}

func TestAWebhookIsRemovedAtTheStartAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		active := no(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", "")
		_, at, _, methods := poll(t, newInbox(), active, answer(200, texts()), active, answer(200, texts()))
		want := []string{"getMe", "getUpdates", "deleteWebhook", "getUpdates", "getUpdates", "getUpdates", "getUpdates"}
		if d := cmp.Diff(want, methods); d != "" {
			t.Errorf("methods (-want +got):\n%s", d)
		}
		if at[3] != 10*time.Second {
			t.Errorf("polls at %v; want the last after 10 s", at)
		}
	})
}

func TestWebhook(t *testing.T) {
	g, logged := newTest(Options{})
	in := newInbox()
	full := errors.New("disk full")
	good := message(privateChat, `"text":"20417733"`)
	tests := []struct {
		name, secret, header, body string
		fail                       error
		want                       error
		stored                     int
	}{
		{"an update", "s3cret", "s3cret", good, nil, nil, 1},
		{"the same again", "s3cret", "s3cret", good, nil, nil, 1},
		{"nothing to be handled", "s3cret", "s3cret", `{"update_id":78,"poll":{}}`, nil, nil, 1},
		{"a strange update is passed over", "s3cret", "s3cret", `{"update_id":79,"callback_query":{"id":"` + strings.Repeat("9", 200) + `","message":{"chat":` + privateChat + `}}}`, nil, nil, 1},
		{"not an update", "s3cret", "s3cret", `{"hello":1}`, nil, ErrBadUpdate, 1},
		{"an inbox that fails", "s3cret", "s3cret", strings.Replace(good, "77", "80", 1), full, full, 1},
		{"another secret", "s3cret", "s3cres", good, nil, ErrSecret, 1},
		{"no secret sent", "s3cret", "", good, nil, ErrSecret, 1},
		{"no secret set", "", "", good, nil, ErrSecret, 1},
		{"a wrong secret is found before a wrong body", "s3cret", "x", "{", nil, ErrSecret, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in.fail = func() error { return tt.fail }
			err := g.Webhook(tt.secret, in)(t.Context(), tt.header, []byte(tt.body))
			if !errors.Is(err, tt.want) || len(in.got) != tt.stored {
				t.Errorf("%v with %d stored; want %v with %d", err, len(in.got), tt.want, tt.stored)
			}
			quiet(t, err, logged)
		})
	}
}
