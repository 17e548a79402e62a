package telegram

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// person is a sender with everything in it that must never be kept.
const person = `{"id":5100000001,"is_bot":false,"first_name":"CANARYfirst","last_name":"CANARYlast","username":"CANARYuser","language_code":"ky"}`

const privateChat = `{"id":5100000001,"type":"private","first_name":"CANARYfirst","last_name":"CANARYlast","username":"CANARYuser"}`

const group = `{"id":-1001234567890,"type":"supergroup","title":"CANARYtitle","username":"CANARYgroup"}`

func message(chat, rest string) string {
	return `{"update_id":77,"message":{"message_id":9,"date":1,"from":` + person + `,"chat":` + chat + `,` + rest + `}}`
}

func member(chat, status string) string {
	return `{"update_id":77,"my_chat_member":{"chat":` + chat + `,"from":` + person + `,"date":1,` +
		`"old_chat_member":{"status":"member","user":` + person + `},"new_chat_member":{"status":"` + status + `","user":` + person + `}}}`
}

func callback(rest string) string {
	return `{"update_id":77,"callback_query":{"id":"4242","from":` + person + `,"chat_instance":"CANARYinstance",` + rest + `}}`
}

func TestParseUpdate(t *testing.T) {
	text := func(s string) *Update {
		return &Update{ID: 77, Kind: UpdateText, ChatID: 5100000001, MessageID: 9, Private: true, Language: "ky", Text: s}
	}
	notText := &Update{ID: 77, Kind: UpdateNotText, ChatID: 5100000001, MessageID: 9, Private: true, Language: "ky"}
	inAlbum := *notText
	inAlbum.Album = "13579"
	called := &Update{ID: 77, Kind: UpdateGroup, ChatID: -1001234567890, MessageID: 9, Language: "ky"}
	button := func(data string) *Update {
		return &Update{ID: 77, Kind: UpdateButton, ChatID: 5100000001, MessageID: 9, Private: true, Language: "ky", CallbackID: "4242", Data: data}
	}
	in := `"message":{"message_id":9,"chat":` + privateChat + `,"from":{"id":1,"is_bot":true,"first_name":"CANARYbot"},"text":"CANARY shown before"}`
	tests := []struct {
		name, body string
		want       *Update // nil: not to be handled
	}{
		{"a text", message(privateChat, `"text":"20417733"`), text("20417733")},
		{"a text as long as any", message(privateChat, `"text":"`+strings.Repeat("я", 4096)+`"`), text(strings.Repeat("я", 4096))},
		{"a text longer than any is cut", message(privateChat, `"text":"`+strings.Repeat("я", 5000)+`"`), text(strings.Repeat("я", 4096))},
		{"half a surrogate pair", message(privateChat, `"text":"a\ud800b"`), text("a\ufffdb")},
		{"a forwarded text", message(privateChat, `"forward_origin":{"sender_user_name":"CANARY"},"text":"/help"`), text("/help")},
		{"a photo with a caption", message(privateChat, `"photo":[{"file_id":"CANARYfile"}],"caption":"CANARYcaption"`), notText},
		{"a photo of an album", message(privateChat, `"photo":[{}],"media_group_id":"13579"`), &inAlbum},
		{"an album that cannot be one", message(privateChat, `"photo":[{}],"media_group_id":"CANARY 1"`), notText},
		{"a contact", message(privateChat, `"contact":{"phone_number":"+996CANARY","first_name":"CANARY","user_id":1}`), notText},
		{"a place", message(privateChat, `"location":{"latitude":42.87,"longitude":74.59}`), notText},
		{"a voice", message(privateChat, `"voice":{"file_id":"CANARYfile"}`), notText},
		{"a thing not invented yet", message(privateChat, `"hologram":{"file_id":"CANARYfile"}`), notText},
		{"a pinned message", message(privateChat, `"pinned_message":{"text":"CANARY"}`), nil},
		{"a self-destruction timer", message(privateChat, `"message_auto_delete_timer_changed":{"message_auto_delete_time":86400}`), nil},
		{"another bot", `{"update_id":77,"message":{"message_id":9,"chat":` + privateChat + `,"from":{"is_bot":true},"text":"/start"}}`, nil},
		{"an edited message", strings.Replace(message(privateChat, `"text":"x"`), `"message"`, `"edited_message"`, 1), nil},
		{"a channel's post", `{"update_id":77,"channel_post":{"message_id":9,"chat":{"id":-100,"type":"channel"},"text":"/start"}}`, nil},
		{"a channel's post that calls itself a message", `{"update_id":77,"message":{"message_id":9,"chat":{"id":-100,"type":"channel"},"text":"/start"}}`, nil},
		{"an inline query", `{"update_id":77,"inline_query":{"id":"1","query":"CANARY"}}`, nil},
		{"nothing that is known", `{"update_id":77,"brand_new":{"name":"CANARY"}}`, nil},
		{"a message of another shape", `{"update_id":77,"message":{"chat":"CANARY"}}`, nil},
		{"a message that is null", `{"update_id":77,"message":null}`, nil},

		{"/start in a group", message(group, `"text":"/start"`), called},
		{"/start for this bot", message(group, `"text":"/START@kabarchybot CANARY"`), called},
		{"/start for another bot", message(group, `"text":"/start@CANARYbot"`), nil},
		{"the bot's name in a group", message(group, `"text":"Ээ 🙂 @KabarchyBot, CANARY","entities":[{"type":"mention","offset":6,"length":12}]`), called},
		{"another's name in a group", message(group, `"text":"@CANARYBot00","entities":[{"type":"mention","offset":0,"length":12}]`), nil},
		{"a mention out of bounds", message(group, `"text":"@KabarchyBot","entities":[{"type":"mention","offset":9223372036854775807,"length":12},{"type":"mention","offset":-1,"length":9}]`), nil},
		{"a status asked for in a group", message(group, `"text":"/status 20417733 CANARY"`), nil},
		{"talk in a group", message(group, `"text":"CANARY"`), nil},
		{"a photo in a group", message(group, `"photo":[{}]`), nil},

		{"a button", callback(`"data":"f:abc",` + in), button("f:abc")},
		{"a button of a message that is gone", callback(`"data":"h","message":{"message_id":9,"date":0,"chat":` + privateChat + `}`), button("h")},
		{"a button with more data than any has", callback(`"data":"` + strings.Repeat("x", 65) + `",` + in), button("")},
		{"a game's button", callback(`"game_short_name":"CANARY",` + in), button("")},
		{"a button in a group", callback(`"data":"u:1","message":{"message_id":9,"chat":` + group + `}`),
			&Update{ID: 77, Kind: UpdateButton, ChatID: -1001234567890, MessageID: 9, Language: "ky", CallbackID: "4242", Data: "u:1"}},
		{"a button of an inline message", callback(`"data":"h","inline_message_id":"CANARY"`), nil},

		{"blocked", member(privateChat, "kicked"), &Update{ID: 77, Kind: UpdateBlocked, ChatID: 5100000001, Private: true, Language: "ky"}},
		{"unblocked", member(privateChat, "member"), &Update{ID: 77, Kind: UpdateUnblocked, ChatID: 5100000001, Private: true, Language: "ky"}},
		{"added to a group", member(group, "member"), nil},
		{"a membership nobody knows", member(privateChat, "CANARY"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, ok, err := parse([]byte(tt.body), "KabarchyBot")
			if err != nil || ok != (tt.want != nil) || u.ID != 77 {
				t.Fatalf("parse = %v, %v, %v", u, ok, err)
			}
			if !ok {
				return
			}
			if d := cmp.Diff(*tt.want, u); d != "" {
				t.Errorf("update (-want +got):\n%s", d)
			}
			b, err := Encode(u)
			if err != nil {
				t.Fatal(err)
			}
			if s := string(b) + fmt.Sprint(u); strings.Contains(s, "CANARY") {
				t.Errorf("a name is kept: %s", s)
			}
			if back, err := Decode(b); err != nil || back != u {
				t.Errorf("Decode(%s) = %v, %v", b, back, err)
			}
		})
	}
}

func TestABotWithoutANameIsCalledByStartAlone(t *testing.T) {
	for body, want := range map[string]bool{
		message(group, `"text":"/start"`):                                                  true,
		message(group, `"text":"/start@KabarchyBot"`):                                      false,
		message(group, `"text":"@","entities":[{"type":"mention","offset":0,"length":1}]`): false,
	} {
		if _, ok, err := ParseUpdate([]byte(body)); ok != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", body, ok, err, want)
		}
	}
}

func TestWhatIsNoUpdateIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"message":`, 20000) + "1" + strings.Repeat("}", 20000)
	for name, body := range map[string]string{
		"nothing":           "",
		"text":              "20417733",
		"a list":            `[{"update_id":1}]`,
		"broken":            `{"update_id":1`,
		"no number":         `{"message":{}}`,
		"number as text":    `{"update_id":"1"}`,
		"number below 1":    `{"update_id":0}`,
		"number too large":  `{"update_id":9223372036854775807}`,
		"number beyond any": `{"update_id":1e400}`,
		"too long":          `{"update_id":1,"x":"` + strings.Repeat("x", maxUpdateBytes) + `"}`,
		"too deep":          deep,
	} {
		t.Run(name, func(t *testing.T) {
			if u, ok, err := ParseUpdate([]byte(body)); ok || !errors.Is(err, ErrBadUpdate) || len(err.Error()) > 100 {
				t.Errorf("ParseUpdate = %v, %v, %v", u, ok, err)
			}
		})
	}
}

func TestTheInboxTakesOnlyWhatItWrote(t *testing.T) {
	good := `{"id":77,"kind":"text","chat":5,"private":true,"text":"x"}`
	if _, err := Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"nothing":               "",
		"two of them":           good + good,
		"another field":         strings.Replace(good, `"text"`, `"first_name":"x","text"`, 1),
		"an unknown kind":       strings.Replace(good, `"kind":"text"`, `"kind":"edited"`, 1),
		"no kind":               strings.Replace(good, `"kind":"text",`, "", 1),
		"no chat":               strings.Replace(good, `"chat":5,`, "", 1),
		"text of a group":       strings.Replace(good, `"private":true,`, "", 1),
		"text of a button":      strings.Replace(good, `"kind":"text"`, `"kind":"button","callback":"1"`, 1),
		"a group that is none":  `{"id":77,"kind":"group","chat":5,"private":true}`,
		"a button not to press": `{"id":77,"kind":"button","chat":5}`,
		"a language not to be":  strings.Replace(good, `"text":`, `"language":"<b>","text":`, 1),
		"too long a text":       strings.Replace(good, `"x"`, `"`+strings.Repeat("x", 4097)+`"`, 1),
		"too long":              strings.Replace(good, `"x"`, `"`+strings.Repeat("x", maxEncodedBytes)+`"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if u, err := Decode([]byte(body)); !errors.Is(err, ErrBadUpdate) {
				t.Errorf("Decode = %v, %v", u, err)
			}
		})
	}
	if b, err := Encode(Update{ID: 1, Kind: UpdateText, ChatID: 1, Private: true, Text: "\xff"}); err == nil {
		t.Errorf("Encode of what is not UTF-8 = %s", b)
	}
}

func FuzzParseUpdate(f *testing.F) {
	for _, s := range []string{
		message(privateChat, `"text":"20417733"`), message(group, `"text":"/start@KabarchyBot"`),
		message(group, `"text":"🙂@KabarchyBot","entities":[{"type":"mention","offset":2,"length":12}]`),
		callback(`"data":"f:abc","message":{"message_id":9,"chat":` + privateChat + `}`), member(privateChat, "kicked"), `{"update_id":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		u, ok, err := parse(body, "KabarchyBot")
		if err != nil {
			if ok || !errors.Is(err, ErrBadUpdate) {
				t.Fatalf("%v, %v", ok, err)
			}
			return
		}
		if !ok {
			return
		}
		b, err := Encode(u)
		if err != nil {
			t.Fatalf("cannot be encoded: %v", err)
		}
		if back, err := Decode(b); err != nil || back != u {
			t.Fatalf("Decode(%s): %v", b, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":77,"kind":"text","chat":5,"private":true,"text":"x","language":"ky"}`))
	f.Add([]byte(`{"id":77,"kind":"button","chat":5,"callback":"1","data":"l:2"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(u)
		if err != nil {
			t.Fatalf("was decoded, cannot be encoded: %v", err)
		}
		if back, err := Decode(again); err != nil || back != u {
			t.Fatalf("Decode(%s): %v", again, err)
		}
	})
}
