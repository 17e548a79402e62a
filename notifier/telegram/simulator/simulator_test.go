package simulator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

// rig is a simulator behind a real HTTP server, with a bot's view of it.
type rig struct {
	t   testing.TB
	sim *simulator.Simulator
	url string
}

func newRig(t testing.TB, o simulator.Options) *rig {
	t.Helper()
	s := simulator.New(o)
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &rig{t: t, sim: s, url: base}
}

// reply is any answer of the Bot API.
type reply struct {
	Status      int
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
	Body string
}

// form makes parameters from name, value, name, value…
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// try calls a method and returns the answer, or the transport's error.
func (r *rig) try(method string, params url.Values) (reply, error) {
	resp, err := http.PostForm(r.url+"/bot7:token/"+method, params)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	out := reply{Status: resp.StatusCode, Body: string(b)}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, err
}

// call is try for answers that must arrive.
func (r *rig) call(method string, pairs ...string) reply {
	r.t.Helper()
	out, err := r.try(method, form(pairs...))
	if err != nil {
		r.t.Fatalf("%s: %v", method, err)
	}
	return out
}

// must is call for answers that must be ok; it decodes the result.
func (r *rig) must(into any, method string, pairs ...string) {
	r.t.Helper()
	out := r.call(method, pairs...)
	if !out.OK {
		r.t.Fatalf("%s: %s", method, out.Body)
	}
	if into != nil {
		if err := json.Unmarshal(out.Result, into); err != nil {
			r.t.Fatalf("%s: %v in %s", method, err, out.Result)
		}
	}
}

// refused calls a method and checks that it is refused so.
func (r *rig) refused(status int, description, method string, pairs ...string) reply {
	r.t.Helper()
	out := r.call(method, pairs...)
	if out.OK || out.Status != status || out.ErrorCode != status || out.Description != description {
		r.t.Errorf("%s(%q) = %d %s; want %d %q", method, pairs, out.Status, out.Body, status, description)
	}
	return out
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

type message struct {
	ID   int `json:"message_id"`
	Date int64
	From struct {
		ID    int64
		IsBot bool `json:"is_bot"`
	}
	Chat struct {
		ID        int64
		Type      string
		FirstName string `json:"first_name"`
	}
	Text     string
	Entities []simulator.Entity
	Markup   *struct {
		Inline [][]simulator.Button `json:"inline_keyboard"`
	} `json:"reply_markup"`
	EditDate int64 `json:"edit_date"`
}

func TestRequestsInEveryEncoding(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{ID: 4503599627370495, FirstName: "Aizada"})
	multipart := "--x\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n4503599627370495\r\n--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nsalam\r\n--x--\r\n"
	tests := []struct{ name, verb, path, contentType, body string }{
		{"query of a GET", "GET", "/sendMessage?chat_id=4503599627370495&text=salam", "", ""},
		{"form", "POST", "/sendMessage", "application/x-www-form-urlencoded", "chat_id=4503599627370495&text=salam"},
		{"JSON with a number", "POST", "/sendMessage", "application/json; charset=utf-8", `{"chat_id":4503599627370495,"text":"salam"}`},
		{"multipart", "POST", "/sendMessage", "multipart/form-data; boundary=x", multipart},
		{"method in lower case", "POST", "/sendmessage", "application/x-www-form-urlencoded", "chat_id=4503599627370495&text=salam"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest(tt.verb, r.url+"/bot7:token"+tt.path, strings.NewReader(tt.body))
			req.Header.Set("Content-Type", tt.contentType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var out struct {
				OK     bool
				Result message
			}
			if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
				t.Fatal(err)
			}
			m := out.Result
			if !out.OK || m.Text != "salam" || m.Chat.ID != chat || m.Chat.Type != "private" || m.Chat.FirstName != "Aizada" || !m.From.IsBot || m.ID == 0 || m.Date == 0 {
				t.Errorf("answered %+v", out)
			}
			if ct := resp.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type %q", ct)
			}
		})
	}
}

func TestTokensAndMethods(t *testing.T) {
	r := newRig(t, simulator.Options{Tokens: []string{"7:token"}})
	var me struct {
		ID       int64
		Username string
		IsBot    bool `json:"is_bot"`
	}
	r.must(&me, "getMe")
	if me.Username != "kabarchy_demo_bot" || !me.IsBot || me.ID == 0 {
		t.Errorf("getMe = %+v", me)
	}
	r.refused(404, "Not Found", "sendTelegram")
	r.sim.SetTokens("8:other")
	if got := r.refused(401, "Unauthorized", "getMe"); got.Body != `{"ok":false,"error_code":401,"description":"Unauthorized"}` {
		t.Errorf("401 body %s", got.Body)
	}
}

func TestEveryOtherMethodAnswers(t *testing.T) {
	r := newRig(t, simulator.Options{})
	id := "5100000001"
	r.sim.AddUser(simulator.User{LanguageCode: "ky"})
	r.must(nil, "setMyCommands", "commands", `[{"command":"help","description":"Help"}]`)
	r.must(nil, "setMyCommands", "commands", `[{"command":"help","description":"Жардам"}]`, "language_code", "ky")
	if got := r.sim.Commands("ky"); len(got) != 1 || got[0].Description != "Жардам" {
		t.Errorf("Commands(ky) = %v", got)
	}
	if got := r.sim.Commands("tr"); len(got) != 1 || got[0].Description != "Help" {
		t.Errorf("Commands(tr) = %v", got)
	}
	var list []simulator.Command
	r.must(&list, "getMyCommands", "language_code", "ky")
	if len(list) != 1 {
		t.Errorf("getMyCommands = %v", list)
	}
	r.must(nil, "deleteMyCommands", "language_code", "ky")
	r.must(&list, "getMyCommands", "language_code", "ky")
	if len(list) != 0 {
		t.Errorf("getMyCommands after deleting = %v", list)
	}
	r.refused(400, "Bad Request: BOT_COMMAND_INVALID", "setMyCommands", "commands", `[{"command":"Жардам","description":"x"}]`)
	r.refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID", "setMyCommands", "commands", `[{"command":"help","description":""}]`)
	r.must(nil, "setMyDescription", "description", "Where your application stands", "language_code", "en")
	if got := r.sim.Description("en"); got != "Where your application stands" {
		t.Errorf("Description = %q", got)
	}
	r.must(nil, "setMyShortDescription", "short_description", "x")
	r.must(nil, "setChatMenuButton", "menu_button", `{"type":"commands"}`)
	r.must(nil, "getChatMenuButton")
	r.must(nil, "sendChatAction", "chat_id", id, "action", "typing")
	r.refused(400, "Bad Request: wrong parameter action in request", "sendChatAction", "chat_id", id, "action", "dancing")
	var chat struct {
		ID   int64
		Type string
	}
	r.must(&chat, "getChat", "chat_id", id)
	if chat.ID != 5100000001 || chat.Type != "private" {
		t.Errorf("getChat = %+v", chat)
	}
	r.must(nil, "sendDocument", "chat_id", id, "document", "file-id", "caption", "<b>list</b>", "parse_mode", "HTML")
	r.must(nil, "sendPhoto", "chat_id", id, "photo", "file-id")
	r.refused(400, "Bad Request: there is no photo in the request", "sendPhoto", "chat_id", id)
	r.refused(400, "Bad Request: message caption is too long", "sendPhoto", "chat_id", id, "photo", "f", "caption", strings.Repeat("x", 1025))
	r.must(nil, "logOut")
	r.must(nil, "close")
}

func TestPageWithoutListening(t *testing.T) {
	s := simulator.New(simulator.Options{})
	defer s.Close()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/nothing/here", nil))
	if w.Code != 404 {
		t.Errorf("unknown path: %d", w.Code)
	}
	if got := s.DeepLink("abc_1"); got != "/t.me/kabarchy_demo_bot?start=abc_1" {
		t.Errorf("DeepLink = %q", got)
	}
}
