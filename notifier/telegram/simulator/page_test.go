package simulator_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"kabarchy/notifier/telegram/simulator"
)

// page fetches a page, or follows a form, as a browser without script does.
func (r *rig) page(verb, path string, fields url.Values) (*http.Response, string) {
	r.t.Helper()
	var body io.Reader
	if fields != nil {
		body = strings.NewReader(fields.Encode())
	}
	req, err := http.NewRequest(verb, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if fields != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", r.url)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp, string(b)
}

func contains(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(page, p) {
			t.Errorf("the page lacks %q", p)
		}
	}
	if t.Failed() {
		t.Logf("%s", page[max(0, strings.Index(page, "<body")):])
	}
}

func TestPageWorksWithoutScript(t *testing.T) {
	r := newRig(t, simulator.Options{})
	_, first := r.page("GET", "/", nil)
	contains(t, first, "This is not Telegram", `<form method="post" action="/chats">`, `<option value="ky" lang="ky">Кыргызча</option>`, `<noscript><meta http-equiv="refresh"`)

	resp, chat := r.page("POST", "/chats", form("first_name", "Aigul <b>", "language_code", "ky"))
	if resp.Request.URL.Path != "/chats/5100000001" {
		t.Fatalf("creating led to %s", resp.Request.URL)
	}
	contains(t, chat, "Aigul &lt;b&gt;", ">START</button>", "language ky")
	if strings.Contains(chat, `class="compose"`) {
		t.Error("a stranger may write before START")
	}

	_, chat = r.page("POST", "/chats/5100000001/start", form("payload", ""))
	contains(t, chat, `<span class="token">/start</span>`, `class="compose"`)
	_, chat = r.page("POST", "/chats/5100000001/text", form("text", "20417733"))
	contains(t, chat, "20417733")

	r.must(nil, "sendMessage", "chat_id", "5100000001", "parse_mode", "HTML", "disable_notification", "true",
		"text", `<b>Decided</b>: <code>20417733</code> <a href="https://example.org/?a=1&amp;b=2">more</a> &lt;script&gt; <a href="https://t.me/kabarchy_demo_bot?start=tok">open</a>`,
		"reply_markup", `{"inline_keyboard":[[{"text":"Stop <it>","callback_data":"s:\"1"},{"text":"Page","url":"https://example.org/x"}]]}`)
	_, chat = r.page("GET", "/chats/5100000001", nil)
	contains(t, chat, "<strong>Decided</strong>", "<code>20417733</code>", `<a href="https://example.org/?a=1&amp;b=2"`, "&lt;script&gt;",
		`href="/chats/5100000001?start=tok"`, "Stop &lt;it&gt;</button>", `value="s:&#34;1"`, `<a class="button" href="https://example.org/x"`, `class="silent">silent<`)

	_, chat = r.page("POST", "/chats/5100000001/press", form("message_id", "3", "button", `s:"1`))
	if strings.Contains(chat, `class="problem"`) {
		t.Error("pressing failed")
	}
	var updates []struct {
		Callback struct{ ID, Data string } `json:"callback_query"`
	}
	r.must(&updates, "getUpdates")
	if len(updates) != 3 || updates[2].Callback.Data != `s:"1` {
		t.Fatalf("updates %+v", updates)
	}
	r.must(nil, "answerCallbackQuery", "callback_query_id", updates[2].Callback.ID, "text", "Stopped.")
	r.must(nil, "setMyCommands", "commands", `[{"command":"list","description":"Тизме"}]`, "language_code", "ky")
	r.must(nil, "sendMessage", "chat_id", "5100000001", "text", "keyboard", "reply_markup", `{"keyboard":[["My list"]]}`)
	_, chat = r.page("GET", "/chats/5100000001?still=1", nil)
	contains(t, chat, `<p class="toast" dir="auto">Stopped.</p>`, `value="/list"`, "Тизме", ">My list</button>")
	if strings.Contains(chat, `http-equiv="refresh"`) {
		t.Error("?still=1 reloads")
	}

	_, chat = r.page("POST", "/chats/5100000001/block", form())
	contains(t, chat, "RESTART BOT", "Unblock bot", "button disabled")
	resp, chat = r.page("POST", "/chats/5100000001/text", form("text", "can you hear me"))
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("writing while blocked: %d", resp.StatusCode)
	}
	contains(t, chat, "not possible now")
	_, chat = r.page("POST", "/chats/5100000001/restart", form())
	contains(t, chat, `class="compose"`, "Block bot")
	if got := r.sim.Conversation(5100000001); got[len(got)-1].Text != "/start" {
		t.Errorf("restarting said %q", got[len(got)-1].Text)
	}
	resp, chat = r.page("POST", "/chats/5100000001/text", form("text", strings.Repeat("ж", 4097)))
	if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(chat, "жжжж") {
		t.Errorf("too long a text: %d, and what was typed must stay", resp.StatusCode)
	}
	if resp, _ := r.page("GET", "/chats/12345", nil); resp.StatusCode != 404 {
		t.Errorf("an unknown chat: %d", resp.StatusCode)
	}
	if resp, _ := r.page("POST", "/chats", form("first_name", " ")); resp.StatusCode != 422 {
		t.Errorf("a chat without a name: %d", resp.StatusCode)
	}
}

func TestDeepLinks(t *testing.T) {
	r := newRig(t, simulator.Options{BotUsername: "Some_bot"})
	chat := r.sim.AddUser(simulator.User{FirstName: "Farida"})
	for _, path := range []string{"/t.me/Some_bot?start=To-k_1", "/some_bot?start=To-k_1"} {
		_, page := r.page("GET", path, nil)
		contains(t, page, "Open @Some_bot", `<code>To-k_1</code>`, `action="/chats/5100000001/start"`, "Farida", `name="payload" value="To-k_1"`)
	}
	if _, page := r.page("GET", "/t.me/Some_bot?start=<script>", nil); strings.Contains(page, "<script>\"") || !strings.Contains(page, "Telegram would ignore it") {
		t.Error("a bad payload was taken")
	}
	if resp, _ := r.page("GET", "/t.me/Other_bot?start=x", nil); resp.StatusCode != 404 {
		t.Errorf("another bot: %d", resp.StatusCode)
	}
	r.page("POST", "/chats/5100000001/start", form("payload", "To-k_1"))
	if got := r.sim.Conversation(chat); len(got) != 1 || got[0].Text != "/start To-k_1" {
		t.Errorf("said %+v", got)
	}
	_, page := r.page("POST", "/chats", form("first_name", "Noor", "language_code", "ur", "payload", "To-k_1"))
	contains(t, page, `Sends <code>/start To-k_1</code> as Noor`)
}

func TestThePolicyKnowsTheScriptAndTheStyle(t *testing.T) {
	r := newRig(t, simulator.Options{})
	resp, page := r.page("GET", "/", nil)
	policy := resp.Header.Get("Content-Security-Policy")
	for _, tag := range []string{"script", "style"} {
		m := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no %s", tag)
		}
		sum := sha256.Sum256([]byte(m[1]))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %s", policy, want)
		}
	}
}

func TestEventsTellThePageWhatIsNew(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{})
	_, page := r.page("GET", "/chats/5100000001", nil)
	rev := regexp.MustCompile(`data-rev="(\d+)"`).FindStringSubmatch(page)[1]
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", r.url+"/simulator/events?rev="+rev, nil)
	got := make(chan string, 8)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				got <- data
			}
		}
	}()
	r.must(nil, "getMe") // nothing to show
	if _, err := r.sim.SendText(chat, "x"); err != nil {
		t.Fatal(err)
	}
	select {
	case data := <-got:
		if data == rev {
			t.Errorf("event %q is what the page shows already", data)
		}
	case <-within(t).Done():
		t.Error("no event")
	}
}
