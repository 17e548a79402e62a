package simulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"kabarchy/notifier/telegram/simulator"
)

// api calls the scripting API and returns the status and the decoded answer.
func (r *rig) api(verb, path, body string) (int, map[string]any) {
	r.t.Helper()
	req, err := http.NewRequest(verb, r.url+"/simulator/api/"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		r.t.Fatalf("%s %s: %d %q: %v", verb, path, resp.StatusCode, b, err)
	}
	return resp.StatusCode, out
}

func TestScriptingOverHTTP(t *testing.T) {
	r := newRig(t, simulator.Options{})
	send := func(text string) reply {
		return r.call("sendMessage", "chat_id", "5000000042", "text", text, "reply_markup", `{"inline_keyboard":[[{"text":"Stop","callback_data":"s"}]]}`)
	}
	// Each step runs in order; want is a part of the answer's JSON.
	steps := []struct {
		verb, path, body string
		status           int
		want             string
		before           func()
	}{
		{verb: "POST", path: "chats", body: `{"id":5000000042,"first_name":"Gulnara","language_code":"ky","stranger":true}`, status: 200, want: `"id":5000000042`},
		{verb: "POST", path: "chats", body: `{"type":"group","title":"Family"}`, status: 200, want: `"id":-4100000001`},
		{verb: "POST", path: "chats", body: `{"type":"channel"}`, status: 400, want: "private, group or supergroup"},
		{verb: "POST", path: "chats", body: `{"firstname":"x"}`, status: 400, want: "unknown field"},
		{verb: "GET", path: "chats", status: 200, want: `"state":"stranger"`},
		{verb: "POST", path: "chats/5000000042/start", body: `{"payload":"tok"}`, status: 200, want: `"update_id":100000002`},
		{verb: "POST", path: "chats/5000000042/text", body: `{"text":"20417733","update_id":100000002}`, status: 200, want: `"update_id":100000002`},
		{verb: "POST", path: "chats/5000000042/text", body: `{"text":""}`, status: 422, want: "4096"},
		{verb: "POST", path: "chats/5000000042/dance", status: 400, want: "no such act"},
		{verb: "POST", path: "chats/1/text", body: `{"text":"x"}`, status: 404, want: "no such chat"},
		{verb: "POST", path: "chats/5000000042/press", body: `{"button":"Stop"}`, status: 404, want: "no such button"},
		{verb: "GET", path: "messages?chat=5000000042&n=2&wait=10", status: 200, want: `"complete":true`, before: func() { send("one"); go send("two") }},
		{verb: "GET", path: "messages?after=1&text=two", status: 200, want: `"text":"two"`},
		{verb: "GET", path: "messages?text=three&wait=0.01", status: 200, want: `"complete":false`},
		{verb: "GET", path: "messages?wait=forever", status: 400, want: "0 to 60"},
		{verb: "POST", path: "chats/5000000042/press", body: `{"button":"Stop"}`, status: 200, want: `"query_id":"50000000421000000001"`},
		{verb: "GET", path: "answers?query=50000000421000000001&wait=10", status: 200, want: `"text":"stopped"`, before: func() {
			r.must(nil, "answerCallbackQuery", "callback_query_id", "50000000421000000001", "text", "stopped")
		}},
		{verb: "POST", path: "chats/5000000042/media", body: `{"kind":"voice","seconds":3}`, status: 200, want: `"message_id"`},
		{verb: "POST", path: "chats/5000000042/edit", body: `{"message_id":1,"text":"/start other"}`, status: 200, want: `"update_id"`},
		{verb: "GET", path: "chats/5000000042", status: 200, want: `"text":"/start other"`},
		{verb: "POST", path: "chats/5000000042/block", status: 200, want: `"update_id"`},
		{verb: "POST", path: "chats/5000000042/block", status: 409, want: "blocked"},
		{verb: "POST", path: "chats/5000000042/unblock", status: 200, want: `"update_id"`},
		{verb: "POST", path: "chats/-4100000001/migrate", status: 200, want: `"id":-1004100000002`},
		{verb: "POST", path: "updates/next", body: `{"update_id":7}`, status: 200, want: `{}`},
		{verb: "POST", path: "updates", body: `{"update_id":9,"message":{}}`, status: 200, want: `{}`},
		{verb: "POST", path: "updates/redeliver", body: `{"update_id":9}`, status: 200, want: `{}`},
		{verb: "GET", path: "updates", status: 200, want: `"pending":12`},
		{verb: "POST", path: "faults", body: `{"kind":"fire"}`, status: 400, want: "no such kind"},
		{verb: "POST", path: "faults", body: `{"kind":"too_many_requests","method":"sendMessage","count":1,"retry_after":9,"delay_ms":5}`, status: 200, want: `"number":1`},
		{verb: "GET", path: "requests?method=sendmessage&after=2", status: 200, want: `"retry_after":9`, before: func() { send("hit") }},
		{verb: "GET", path: "faults", status: 200, want: `"hits":1`},
		{verb: "DELETE", path: "faults/1", status: 200, want: `{}`},
		{verb: "GET", path: "faults", status: 200, want: `"faults":[]`},
		{verb: "POST", path: "limits", body: `{"mode":"enforce","per_chat_burst":1}`, status: 200, want: `{}`},
		{verb: "GET", path: "pace", status: 200, want: `"sends":5`, before: func() { send("x"); send("x") }},
		{verb: "GET", path: "duplicates", status: 200, want: `"duplicates"`},
		{verb: "POST", path: "outage", body: `{"on":true}`, status: 200, want: `{}`},
		{verb: "GET", path: "state", status: 200, want: `"outage":true`},
		{verb: "DELETE", path: "faults", status: 200, want: `{}`},
		{verb: "GET", path: "state", status: 200, want: `"outage":false`},
		{verb: "POST", path: "chats/5000000042/deactivate", status: 200, want: `{}`},
		{verb: "DELETE", path: "chats/5000000042", status: 200, want: `{}`},
		{verb: "POST", path: "tokens", body: `{"tokens":["other"]}`, status: 200, want: `{}`, before: func() { r.must(nil, "getMe") }},
		{verb: "POST", path: "reset", status: 200, want: `{}`, before: func() { r.refused(401, "Unauthorized", "getMe") }},
		{verb: "GET", path: "state", status: 200, want: `"chats":0`},
	}
	for i, st := range steps {
		if st.before != nil {
			st.before()
		}
		status, got := r.api(st.verb, st.path, st.body)
		b, _ := json.Marshal(got)
		if status != st.status || !strings.Contains(string(b), st.want) {
			t.Errorf("step %d, %s %s %s: %d %s; want %d with %s", i, st.verb, st.path, st.body, status, b, st.status, st.want)
		}
	}
}

func TestOtherSitesCannotScript(t *testing.T) {
	r := newRig(t, simulator.Options{})
	for _, path := range []string{"/simulator/api/reset", "/chats"} {
		req, _ := http.NewRequest("POST", r.url+path, nil)
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("POST %s from another site: %d", path, resp.StatusCode)
		}
	}
}

func TestEveryFaultKindIsDocumentedByItsName(t *testing.T) {
	r := newRig(t, simulator.Options{})
	for _, kind := range []string{"server_error", "bad_gateway", "bad_gateway_html", "empty_body", "truncated_json", "reset", "reset_before", "reset_after", "hang", "too_many_requests", "unauthorized", "not_found", "conflict", "blocked", "deactivated", "kicked", "chat_not_found", "cant_parse", "too_long"} {
		if status, got := r.api("POST", "faults", fmt.Sprintf(`{"kind":%q,"count":1}`, kind)); status != 200 {
			t.Errorf("%s: %d %v", kind, status, got)
		}
	}
}
