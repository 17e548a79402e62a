package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

func TestSendMessageChecks(t *testing.T) {
	r := newRig(t, simulator.Options{Limits: simulator.Limits{Mode: simulator.LimitOff}})
	id := "5100000001"
	r.sim.AddUser(simulator.User{})
	long := strings.Repeat("x", 4096)
	tests := []struct{ name, text, mode, markup, want string }{
		{name: "nothing", text: "", want: "message text is empty"},
		{name: "only white space", text: " \n ", want: "text must be non-empty"},
		{name: "only empty tags", text: "<b></b>", mode: "HTML", want: "text must be non-empty"},
		{name: "4096 characters", text: long},
		{name: "4097 characters", text: long + "x", want: "message is too long"},
		{name: "4096 characters after parsing", text: "<b>" + long + "</b>", mode: "html"},
		{name: "an emoji is two code units", text: long[:4095] + "😀", want: "message is too long"},
		{name: "2048 emoji fit", text: strings.Repeat("😀", 2048)},
		{name: "Cyrillic counts characters, not bytes", text: strings.Repeat("ж", 4096)},
		{name: "not UTF-8", text: "\xff\xfe", want: "strings must be encoded in UTF-8"},
		{name: "Markdown is not spoken here", text: "*x*", mode: "MarkdownV2", want: "unsupported parse_mode"},
		{name: "markup that is no JSON", text: "x", markup: "{", want: "can't parse reply keyboard markup JSON object"},
		{name: "markup that is no object", text: "x", markup: "[]", want: "object expected as reply markup"},
		{name: "button without a text", text: "x", markup: `{"inline_keyboard":[[{"callback_data":"a"}]]}`, want: `can't parse inline keyboard button: Can't find field "text"`},
		{name: "button that does nothing", text: "x", markup: `{"inline_keyboard":[[{"text":"a"}]]}`, want: "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"},
		{name: "data of 64 bytes", text: "x", markup: `{"inline_keyboard":[[{"text":"a","callback_data":"` + long[:64] + `"}]]}`},
		{name: "data of 65 bytes", text: "x", markup: `{"inline_keyboard":[[{"text":"a","callback_data":"` + long[:65] + `"}]]}`, want: "BUTTON_DATA_INVALID"},
		{name: "data of 33 Cyrillic letters", text: "x", markup: `{"inline_keyboard":[[{"text":"a","callback_data":"` + strings.Repeat("ж", 33) + `"}]]}`, want: "BUTTON_DATA_INVALID"},
		{name: "empty data", text: "x", markup: `{"inline_keyboard":[[{"text":"a","callback_data":""}]]}`, want: "BUTTON_DATA_INVALID"},
		{name: "URL that is a script", text: "x", markup: `{"inline_keyboard":[[{"text":"a","url":"javascript:alert(1)"}]]}`, want: "inline keyboard button URL 'javascript:alert(1)' is invalid: Wrong HTTP URL"},
		{name: "reply keyboard of strings and objects", text: "x", markup: `{"keyboard":[["a",{"text":"b"}]],"resize_keyboard":true}`},
		{name: "reply keyboard removed", text: "x", markup: `{"remove_keyboard":true}`},
		{name: "101 buttons", text: "x", markup: `{"inline_keyboard":[[` + strings.Repeat(`{"text":"a","callback_data":"a"},`, 100) + `{"text":"a","callback_data":"a"}]]}`, want: "reply markup is too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &rig{t: t, sim: r.sim, url: r.url}
			pairs := []string{"chat_id", id, "text", tt.text, "parse_mode", tt.mode, "reply_markup", tt.markup}
			if tt.want == "" {
				r.must(nil, "sendMessage", pairs...)
			} else {
				r.refused(400, "Bad Request: "+tt.want, "sendMessage", pairs...)
			}
		})
	}
	r.refused(400, "Bad Request: chat_id is empty", "sendMessage", "text", "x")
	r.refused(400, "Bad Request: chat not found", "sendMessage", "text", "x", "chat_id", "42")
	r.refused(400, "Bad Request: chat not found", "sendMessage", "text", "x", "chat_id", "@somebody")
}

func TestWhatIsAcceptedIsAnsweredAndRecorded(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{FirstName: "Bakyt"})
	var m message
	r.must(&m, "sendMessage", "chat_id", "5100000001", "parse_mode", "HTML", "disable_notification", "true", "protect_content", "1",
		"link_preview_options", `{"is_disabled":true}`,
		"text", `Application <code>20417733</code>: <b>decided</b> 😀 <a href="https://example.org/a?b=1&amp;c=2">more</a> /help`,
		"reply_markup", `{"inline_keyboard":[[{"text":"Stop","callback_data":"s:1"},{"text":"Page","url":"https://example.org"}]]}`)
	want := []simulator.Entity{
		{Type: "code", Offset: 12, Length: 8}, {Type: "bold", Offset: 22, Length: 7},
		{Type: "text_link", Offset: 33, Length: 4, URL: "https://example.org/a?b=1&c=2"}, {Type: "bot_command", Offset: 38, Length: 5},
	}
	if m.Text != "Application 20417733: decided 😀 more /help" || len(m.Entities) != 4 {
		t.Fatalf("answered %+v", m)
	}
	for i := range want {
		if m.Entities[i] != want[i] {
			t.Errorf("entity %d = %+v, want %+v", i, m.Entities[i], want[i])
		}
	}
	if m.Markup == nil || m.Markup.Inline[0][0].Data != "s:1" || m.Markup.Inline[0][1].URL != "https://example.org/" {
		t.Errorf("reply_markup %+v", m.Markup)
	}
	got := r.sim.Messages(chat)
	if len(got) != 1 || got[0].ID != m.ID || !got[0].Silent || !got[0].Protected || !got[0].NoPreview || got[0].Seq != 1 {
		t.Errorf("oracle has %+v", got)
	}
	reqs := r.sim.Requests()
	if len(reqs) != 1 || !reqs[0].Accepted || reqs[0].Status != 200 || reqs[0].MessageID != m.ID || reqs[0].Params["protect_content"] != "1" || reqs[0].Answered.IsZero() {
		t.Errorf("request %+v", reqs)
	}
}

func TestChatsThatCannotBeWrittenTo(t *testing.T) {
	r := newRig(t, simulator.Options{})
	send := func(id int64) []string { b, _ := json.Marshal(id); return []string{"chat_id", string(b), "text", "x"} }
	person := r.sim.AddUser(simulator.User{})
	if _, err := r.sim.Block(person); err != nil {
		t.Fatal(err)
	}
	r.refused(403, "Forbidden: bot was blocked by the user", "sendMessage", send(person)...)
	r.must(nil, "getChat", "chat_id", "5100000001")
	if _, err := r.sim.SendText(person, "x"); !errors.Is(err, simulator.ErrNotNow) {
		t.Errorf("a person who blocks the bot writes: %v", err)
	}
	if _, err := r.sim.Unblock(person); err != nil {
		t.Fatal(err)
	}
	r.must(nil, "sendMessage", send(person)...)
	_ = r.sim.Deactivate(person)
	r.refused(403, "Forbidden: user is deactivated", "sendMessage", send(person)...)
	_ = r.sim.DeleteChat(person)
	r.refused(400, "Bad Request: chat not found", "sendMessage", send(person)...)

	stranger := r.sim.AddStranger(simulator.User{})
	r.refused(403, "Forbidden: bot can't initiate conversation with a user", "sendMessage", send(stranger)...)
	if _, err := r.sim.Start(stranger, ""); err != nil {
		t.Fatal(err)
	}
	r.must(nil, "sendMessage", send(stranger)...)

	group := r.sim.AddGroup(simulator.Group{Title: "Family"})
	r.must(nil, "sendMessage", send(group)...)
	to, err := r.sim.Migrate(group, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := r.refused(400, "Bad Request: group chat was upgraded to a supergroup chat", "sendMessage", send(group)...)
	if got.Parameters.MigrateTo != to || to >= -1_000_000_000_000 {
		t.Errorf("migrate_to_chat_id %d, want %d", got.Parameters.MigrateTo, to)
	}
	r.must(nil, "sendMessage", send(to)...)
	if _, err := r.sim.Block(to); err != nil {
		t.Fatal(err)
	}
	r.refused(403, "Forbidden: bot was kicked from the supergroup chat", "sendMessage", send(to)...)
}

func TestEditAnswerAndDelete(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{})
	id := "5100000001"
	var m message
	r.must(&m, "sendMessage", "chat_id", id, "text", "one", "reply_markup", `{"inline_keyboard":[[{"text":"Go","callback_data":"go"}]]}`)
	sent, err := r.sim.Press(chat, 0, "Go")
	if err != nil {
		t.Fatal(err)
	}
	var updates []struct {
		ID       int `json:"update_id"`
		Callback struct {
			ID, Data, Instance string
			Message            message
		} `json:"callback_query"`
	}
	r.must(&updates, "getUpdates")
	if len(updates) != 1 || updates[0].Callback.Data != "go" || updates[0].Callback.ID != sent.QueryID || updates[0].Callback.Message.ID != m.ID {
		t.Fatalf("updates %+v", updates)
	}
	r.must(nil, "answerCallbackQuery", "callback_query_id", sent.QueryID, "text", "done", "show_alert", "true")
	r.refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid", "answerCallbackQuery", "callback_query_id", sent.QueryID)
	if a, err := r.sim.WaitAnswer(within(t), sent.QueryID); err != nil || a.Text != "done" || !a.Alert {
		t.Errorf("answer %+v, %v", a, err)
	}

	edit := []string{"chat_id", id, "message_id", "1", "text", "two"}
	var edited message
	r.must(&edited, "editMessageText", edit...)
	if edited.Text != "two" || edited.EditDate == 0 || edited.Markup != nil {
		t.Errorf("edited %+v", edited)
	}
	r.refused(400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message", "editMessageText", edit...)
	r.must(nil, "editMessageReplyMarkup", "chat_id", id, "message_id", "1", "reply_markup", `{"inline_keyboard":[[{"text":"Back","callback_data":"b"}]]}`)
	r.refused(400, "Bad Request: message to edit not found", "editMessageText", "chat_id", id, "message_id", "77", "text", "x")
	if _, err := r.sim.Press(chat, m.ID, "Go"); !errors.Is(err, simulator.ErrNoButton) {
		t.Errorf("pressing a button that is gone: %v", err)
	}

	said, err := r.sim.SendText(chat, "my secret")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(said.MessageID)
	r.refused(400, "Bad Request: message can't be edited", "editMessageText", "chat_id", id, "message_id", string(b), "text", "x")
	r.must(nil, "deleteMessage", "chat_id", id, "message_id", string(b))
	r.refused(400, "Bad Request: message to delete not found", "deleteMessage", "chat_id", id, "message_id", string(b))
	if got := r.sim.Conversation(chat); len(got) != 1 || got[0].Text != "two" || len(got[0].Buttons) != 1 {
		t.Errorf("conversation %+v", got)
	}
	if n := len(r.sim.Edits(chat)); n != 2 {
		t.Errorf("%d edits, want 2", n)
	}
	if n := len(r.sim.Messages(chat)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestWaiting(t *testing.T) {
	r := newRig(t, simulator.Options{})
	chat := r.sim.AddUser(simulator.User{})
	go func() {
		for _, text := range []string{"one", "two", "three"} {
			_, _ = r.try("sendMessage", form("chat_id", "5100000001", "text", text))
		}
	}()
	got, err := r.sim.WaitMessages(within(t), chat, 2)
	if err != nil || len(got) != 2 || got[1].Text != "two" {
		t.Errorf("WaitMessages = %v, %v", got, err)
	}
	m, err := r.sim.WaitFor(within(t), func(m simulator.Message) bool { return m.Text == "three" })
	if err != nil || m.Seq != 3 {
		t.Errorf("WaitFor = %v, %v", m, err)
	}
	if err := r.sim.WaitAccepted(within(t), 3); err != nil {
		t.Error(err)
	}
	if _, err := r.sim.WaitRequest(within(t), func(q simulator.Request) bool { return q.MessageID == 3 && q.Status == 200 }); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if got, err := r.sim.WaitMessages(ctx, chat, 4); !errors.Is(err, context.DeadlineExceeded) || len(got) != 3 {
		t.Errorf("WaitMessages past the end = %d messages, %v", len(got), err)
	}
	done := make(chan error)
	go func() { done <- r.sim.WaitAccepted(context.Background(), 99) }()
	r.sim.Close()
	if err := <-done; !errors.Is(err, simulator.ErrClosed) {
		t.Errorf("waiting over Close: %v", err)
	}
}
