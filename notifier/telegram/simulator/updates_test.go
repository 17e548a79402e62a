package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

// ids polls and returns the update ids.
func (r *rig) ids(pairs ...string) []int {
	r.t.Helper()
	var list []struct {
		ID int `json:"update_id"`
	}
	r.must(&list, "getUpdates", pairs...)
	out := []int{}
	for _, u := range list {
		out = append(out, u.ID)
	}
	return out
}

func same(a []int, b ...int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestUpdatesAreConfirmedByTheOffset(t *testing.T) {
	r := newRig(t, simulator.Options{FirstUpdateID: 10})
	chat := r.sim.AddUser(simulator.User{})
	for _, text := range []string{"a", "b", "c"} {
		if _, err := r.sim.SendText(chat, text); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.ids(); !same(got, 10, 11, 12) {
		t.Errorf("first poll %v", got)
	}
	if got := r.ids("limit", "2"); !same(got, 10, 11) {
		t.Errorf("unconfirmed, limit 2: %v", got)
	}
	if got := r.ids("offset", "12"); !same(got, 12) {
		t.Errorf("offset 12: %v", got)
	}
	if got := r.ids(); !same(got, 12) {
		t.Errorf("confirmed ones came back: %v", got)
	}
	if n := r.sim.PendingUpdates(); n != 1 {
		t.Errorf("%d pending", n)
	}
	if got := r.ids("offset", "13"); !same(got) {
		t.Errorf("all confirmed: %v", got)
	}
	if err := r.sim.WaitDrained(within(t)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"d", "e", "f"} {
		_, _ = r.sim.SendText(chat, text)
	}
	if got := r.ids("offset", "-1"); !same(got, 15) {
		t.Errorf("the last one: %v", got)
	}
}

func TestStrayUpdatesAreDeliveredWhateverTheOffset(t *testing.T) {
	r := newRig(t, simulator.Options{FirstUpdateID: 10})
	chat := r.sim.AddUser(simulator.User{})
	text := func(opts ...simulator.Option) {
		t.Helper()
		if _, err := r.sim.SendText(chat, "x", opts...); err != nil {
			t.Fatal(err)
		}
	}
	text()
	text(simulator.WithUpdateID(20))
	text(simulator.WithUpdateID(15))
	if got := r.ids(); !same(got, 10, 20, 15) {
		t.Errorf("out of order: %v", got)
	}
	if got := r.ids("offset", "21"); !same(got) {
		t.Errorf("all confirmed: %v", got)
	}
	if err := r.sim.Redeliver(20); err != nil {
		t.Fatal(err)
	}
	if got := r.ids("offset", "21"); !same(got, 20) {
		t.Errorf("a duplicate: %v", got)
	}
	if got := r.ids("offset", "21"); !same(got) {
		t.Errorf("a duplicate came twice: %v", got)
	}
	if err := r.sim.InjectRaw([]byte(`{"update_id":3,"poll":{"id":"1"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.ids("offset", "21"); !same(got, 3) {
		t.Errorf("a raw one: %v", got)
	}
	if err := r.sim.InjectRaw([]byte(`{}`)); err == nil {
		t.Error("an update without an id was taken")
	}
	r.sim.SetNextUpdateID(5) // as after a quiet week
	text()
	if got := r.ids("offset", "21"); !same(got, 5) {
		t.Errorf("after the ids were set back: %v", got)
	}
}

func TestOnlyAllowedUpdates(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{})
	r.ids("allowed_updates", `["message"]`)
	_, _ = r.sim.Block(chat)
	_, _ = r.sim.Unblock(chat)
	_, _ = r.sim.SendText(chat, "x")
	if got := r.ids(); len(got) != 1 {
		t.Errorf("%d updates, want the message only", len(got))
	}
}

func TestWhatAPersonDoesBecomesUpdates(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{FirstName: "Ruslan", LanguageCode: "ru"})
	said, _ := r.sim.Start(chat, "tok_1-x")
	acts := []func() error{
		func() error { _, err := r.sim.EditText(chat, said.MessageID, "edited"); return err },
		func() error { _, err := r.sim.Block(chat); return err },
		func() error { _, err := r.sim.Unblock(chat); return err },
	}
	for _, kind := range []string{"photo", "document", "voice", "contact", "location", "sticker"} {
		acts = append(acts, func() error {
			_, err := r.sim.SendMedia(chat, simulator.Media{Kind: kind, Caption: "c", Emoji: "👍", Phone: "+996", Latitude: 42.87, Longitude: 74.59})
			return err
		})
	}
	for i, act := range acts {
		if err := act(); err != nil {
			t.Fatalf("act %d: %v", i, err)
		}
	}
	var list []map[string]json.RawMessage
	r.must(&list, "getUpdates")
	if len(list) != 10 {
		t.Fatalf("%d updates", len(list))
	}
	var first struct {
		Text     string
		Entities []simulator.Entity
		From     simulator.User
	}
	if err := json.Unmarshal(list[0]["message"], &first); err != nil || first.Text != "/start tok_1-x" || first.Entities[0] != (simulator.Entity{Type: "bot_command", Length: 6}) || first.From.LanguageCode != "ru" {
		t.Errorf("/start: %+v, %v", first, err)
	}
	if list[1]["edited_message"] == nil || list[2]["my_chat_member"] == nil || !strings.Contains(string(list[2]["my_chat_member"]), `"new_chat_member":{"user":{"id":7100000001,"is_bot":true,"first_name":"Kabarchy","username":"kabarchy_demo_bot"},"status":"kicked","until_date":0}`) {
		t.Errorf("updates %s %s", list[1], list[2]["my_chat_member"])
	}
	for i, field := range []string{"photo", "document", "voice", "contact", "location", "sticker"} {
		if !strings.Contains(string(list[4+i]["message"]), `"`+field+`":`) {
			t.Errorf("no %s in %s", field, list[4+i]["message"])
		}
	}
}

// direct calls a method without a network, so that synctest can watch.
func direct(s *simulator.Simulator, method string, params url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", "/bot7:token/"+method, strings.NewReader(params.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

func TestLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulator.New(simulator.Options{})
		defer s.Close()
		chat := s.AddUser(simulator.User{})
		begin := time.Now()
		if w := direct(s, "getUpdates", form("timeout", "90")); w.Body.String() != `{"ok":true,"result":[]}` || time.Since(begin) != 50*time.Second {
			t.Errorf("nothing came: %s after %v", w.Body, time.Since(begin))
		}
		begin = time.Now()
		go func() {
			<-time.After(7 * time.Second) // on the bubble's clock
			_, _ = s.SendText(chat, "x")
		}()
		if w := direct(s, "getUpdates", form("timeout", "30")); !strings.Contains(w.Body.String(), `"text":"x"`) || time.Since(begin) != 7*time.Second {
			t.Errorf("something came: %s after %v", w.Body, time.Since(begin))
		}
	})
}

func TestTheSecondPollerEndsTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulator.New(simulator.Options{})
		defer s.Close()
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- direct(s, "getUpdates", form("timeout", "30")) }()
		synctest.Wait()
		go direct(s, "getUpdates", form("timeout", "5"))
		if w := <-first; w.Code != 409 || !strings.Contains(w.Body.String(), "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running") {
			t.Errorf("first poller got %d %s", w.Code, w.Body)
		}
		go func() { first <- direct(s, "getUpdates", form("timeout", "30")) }()
		synctest.Wait()
		s.Reset()
		if w := <-first; w.Body.String() != `{"ok":true,"result":[]}` {
			t.Errorf("a poll over Reset got %d %s", w.Code, w.Body)
		}
	})
}

func TestUpdatesExpireAfterADay(t *testing.T) {
	clock := time.Unix(1_750_000_000, 0)
	r := newRig(t, simulator.Options{Now: func() time.Time { return clock }})
	chat := r.sim.AddUser(simulator.User{})
	_, _ = r.sim.SendText(chat, "old")
	clock = clock.Add(24*time.Hour + time.Second)
	_, _ = r.sim.SendText(chat, "new")
	if got := r.ids(); len(got) != 1 {
		t.Errorf("%d updates, want the new one", len(got))
	}
}

// bot stands for the service behind a webhook, without a network.
type bot func(*http.Request) int

func (b bot) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(b(r))
	return w.Result(), nil
}

func TestWebhookPushesAndRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type push struct {
			at     time.Duration
			secret string
			id     int
		}
		var pushes []push
		begin := time.Now()
		answers := []int{500, 502, 200, 200}
		client := &http.Client{Transport: bot(func(r *http.Request) int {
			var u struct {
				ID int `json:"update_id"`
			}
			_ = json.NewDecoder(r.Body).Decode(&u)
			pushes = append(pushes, push{time.Since(begin), r.Header.Get("X-Telegram-Bot-Api-Secret-Token"), u.ID})
			return answers[min(len(pushes), len(answers))-1]
		})}
		s := simulator.New(simulator.Options{WebhookClient: client, FirstUpdateID: 1})
		defer s.Close()
		chat := s.AddUser(simulator.User{})
		first := make(chan *httptest.ResponseRecorder)
		go func() { first <- direct(s, "getUpdates", form("timeout", "50")) }()
		synctest.Wait()
		if w := direct(s, "setWebhook", form("url", "https://bot.example/telegram/webhook", "secret_token", "s3cret-_")); w.Code != 200 {
			t.Fatalf("setWebhook: %s", w.Body)
		}
		if w := <-first; w.Code != 409 || !strings.Contains(w.Body.String(), "Conflict: terminated by setWebhook request") {
			t.Errorf("the poller got %s", w.Body)
		}
		if w := direct(s, "getUpdates", nil); w.Code != 409 || !strings.Contains(w.Body.String(), "can't use getUpdates method while webhook is active") {
			t.Errorf("polling beside a webhook: %s", w.Body)
		}
		_, _ = s.SendText(chat, "a")
		_, _ = s.SendText(chat, "b")
		synctest.Wait()
		info := direct(s, "getWebhookInfo", nil).Body.String()
		if !strings.Contains(info, `"last_error_message":"Wrong response from the webhook: 500 Internal Server Error"`) || !strings.Contains(info, `"pending_update_count":2`) {
			t.Errorf("getWebhookInfo %s", info)
		}
		if err := s.WaitDrained(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []push{{0, "s3cret-_", 1}, {time.Second, "s3cret-_", 1}, {3 * time.Second, "s3cret-_", 1}, {3 * time.Second, "s3cret-_", 2}}
		if len(pushes) != len(want) {
			t.Fatalf("pushes %+v", pushes)
		}
		for i := range want {
			if pushes[i] != want[i] {
				t.Errorf("push %d = %+v, want %+v", i, pushes[i], want[i])
			}
		}
		direct(s, "deleteWebhook", nil)
		_, _ = s.SendText(chat, "c")
		if w := direct(s, "getUpdates", nil); !strings.Contains(w.Body.String(), `"text":"c"`) {
			t.Errorf("after deleteWebhook: %s", w.Body)
		}
		if len(pushes) != 4 {
			t.Error("pushed after deleteWebhook")
		}
		for _, bad := range []url.Values{form("url", "ftp://x"), form("url", "https://x", "secret_token", "a b")} {
			if w := direct(s, "setWebhook", bad); w.Code != 400 {
				t.Errorf("setWebhook(%v): %s", bad, w.Body)
			}
		}
	})
}
