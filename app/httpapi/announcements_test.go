package httpapi_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/visa"
)

// closedOffice is an announcement as it is asked for.
const closedOffice = `{"request":"office-1","texts":{"en":"The office is closed on 31 August.","ru":"Отдел закрыт."},"audience":{"campaign":"legalization-2025"}}`

func announcer(store app.Announcements) *app.Announcer {
	return app.NewAnnouncer(app.AnnouncerOptions{
		Store: store, Languages: []string{"ky", "ru", "en"},
		Match: func(language string) string {
			if language == "kk" {
				return "ru"
			}
			return language
		},
		Render: func(texts map[string]string, language string) app.Shown {
			text, _ := visa.TextFor(texts, language)
			return app.Shown{Text: "Announcement\n\n" + text, Buttons: []string{"My applications"}}
		},
	})
}

// newAnnouncer announces to 9 chats that exist nowhere.
func newAnnouncer(s *site) *app.Announcer {
	return announcer(&apptest.Announcements{Store: s.store, Now: s.clock.now, Chats: map[string]int64{"en": 5, "ky": 1, "kk": 3}})
}

type announcements = app.Announcements

// done is a store of announcements that have all ended.
type done struct{ announcements }

func (done) SetAnnouncement(context.Context, int64, visa.AnnouncementState) (visa.Announcement, error) {
	return visa.Announcement{}, visa.ErrEnded
}

func ended(t *testing.T) *app.Announcer {
	t.Helper()
	return announcer(done{})
}

func (s *site) announce(method, path, body string) answer {
	return s.do(method, path, body, "Authorization", "Bearer "+announceKey, "Content-Type", "application/json")
}

type announcementJSON struct {
	ID        int64
	Request   string
	State     string
	CreatedBy string  `json:"created_by"`
	EndedAt   *string `json:"ended_at"`
	Total     int64
	Texts     map[string]string
}

func TestAnAnnouncementIsMadeOnceForARequestAndStoppedByItsID(t *testing.T) {
	s := newSite(t, nil)
	read := func(a answer, status int) (out announcementJSON) {
		t.Helper()
		if a.status != status {
			t.Fatalf("%d %s, want %d", a.status, a.body, status)
		}
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := s.announce("POST", "/v1/announcements", closedOffice)
	made := read(first, 201)
	if made.ID != 1 || made.State != "running" || made.CreatedBy != "press office" || made.Total != 9 || made.Request != "office-1" ||
		made.Texts["ru"] != "Отдел закрыт." || first.header.Get("Location") != "/v1/announcements/1" {
		t.Errorf("%+v, at %s", made, first.header.Get("Location"))
	}
	if again := read(s.announce("POST", "/v1/announcements", closedOffice), 200); again.ID != made.ID {
		t.Errorf("the same request made number %d", again.ID)
	}
	if a := s.announce("POST", "/v1/announcements", strings.Replace(closedOffice, "legalization-2025", "other", 1)); a.status != 409 || !strings.Contains(a.body, "/problems/used-request") {
		t.Errorf("the request with another audience: %d %s", a.status, a.body)
	}
	for _, step := range []struct{ verb, state string }{{"pause", "paused"}, {"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"}, {"cancel", "cancelled"}} {
		if got := read(s.announce("POST", "/v1/announcements/1/"+step.verb, ""), 200); got.State != step.state {
			t.Errorf("after %s it is %s", step.verb, got.State)
		}
	}
	if a := s.announce("POST", "/v1/announcements/1/resume", ""); a.status != 409 || !strings.Contains(a.body, "/problems/ended-announcement") {
		t.Errorf("resuming a cancelled one: %d %s", a.status, a.body)
	}
	if shown := read(s.announce("GET", "/v1/announcements/1", ""), 200); shown.EndedAt == nil || shown.Texts == nil {
		t.Errorf("%+v", shown)
	}
	if list := s.announce("GET", "/v1/announcements", ""); list.status != 200 || strings.Contains(list.body, "closed") || !strings.Contains(list.body, `"id":1`) {
		t.Errorf("%d %s", list.status, list.body)
	}
	for _, id := range []string{"2", "0", "-1", "x", "1/", "01", "%31", "9223372036854775808"} {
		if a := s.announce("GET", "/v1/announcements/"+id, ""); a.status != 404 {
			t.Errorf("id %s: %d %s", id, a.status, a.body)
		}
	}
}

func TestADryRunOfAnAnnouncementMakesNothingAndShowsEachLanguage(t *testing.T) {
	s := newSite(t, nil)
	a := s.announce("POST", "/v1/announcements", `{"request":"x","texts":{"ru":"Отдел закрыт.\r\n","en":"Closed."},"dry_run":true}`)
	want := `{"dry_run":true,"total":9,"languages":[` +
		`{"language":"en","chats":5,"text":"en","preview":"Announcement\n\nClosed.","buttons":["My applications"]},` +
		`{"language":"ru","chats":3,"text":"ru","preview":"Announcement\n\nОтдел закрыт.","buttons":["My applications"]},` +
		`{"language":"ky","chats":1,"text":"ru","preview":"Announcement\n\nОтдел закрыт.","buttons":["My applications"]}]}`
	if a.status != 200 || a.body != want {
		t.Errorf("%d\n%s\nwant\n%s", a.status, a.body, want)
	}
	if list := s.announce("GET", "/v1/announcements", ""); list.body != `{"announcements":[]}` {
		t.Errorf("afterwards there are %s", list.body)
	}
}

func TestAnAnnouncementThatIsWrongIsRefusedWithWhatWouldBeRight(t *testing.T) {
	s := newSite(t, nil)
	long := strings.Repeat("я", visa.MaxAnnouncement+1)
	tests := []struct{ name, body, want string }{
		{"no text", `{"texts":{}}`, "at least one of the languages ky, ru, en"},
		{"no texts at all", `{}`, "at least one of the languages"},
		{"a language there is not", `{"texts":{"de":"Zu"}}`, `holds the language \"de\"; the languages are ky, ru, en`},
		{"an empty text", `{"texts":{"en":" \n "}}`, "texts.en is empty; write 1 to 3500 characters"},
		{"a text that is too long", `{"texts":{"ru":"` + long + `"}}`, "texts.ru has 3501 characters"},
		{"emoji count as two", `{"texts":{"ru":"` + strings.Repeat("🙂", 1751) + `"}}`, "texts.ru has 3502 characters"},
		{"a control character", `{"texts":{"en":"a\u0007b"}}`, "control character U+0007"},
		{"a tab", `{"texts":{"en":"a\tb"}}`, "control character U+0009"},
		{"a character that turns the text around", `{"texts":{"en":"a\u202eb"}}`, "U+202E"},
		{"a lone half of a character", `{"texts":{"en":"a\ud800b"}}`, "UTF-8"},
		{"a campaign that is no slug", `{"texts":{"en":"a"},"audience":{"campaign":"Big One"}}`, "audience.campaign must be a slug"},
		{"an unknown procedure", `{"texts":{"en":"a"},"audience":{"procedure":"tourist"}}`, "audience.procedure is \\\"tourist\\\"; it must be one of visa"},
		{"an unknown stage", `{"texts":{"en":"a"},"audience":{"stage":"lost"}}`, "audience.stage is \\\"lost\\\"; it must be one of received"},
		{"a request that is too long", `{"texts":{"en":"a"},"request":"` + strings.Repeat("x", 101) + `"}`, "request must be at most 100"},
		{"an unknown field", `{"texts":{"en":"a"},"silent":true}`, "a field that is none of request, texts, audience and dry_run"},
		{"a text that is no string", `{"texts":{"en":1}}`, "The field texts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.announce("POST", "/v1/announcements", tt.body)
			if a.status != 422 || !strings.Contains(a.body, tt.want) && !strings.Contains(strings.ReplaceAll(a.body, `\`, ``), strings.ReplaceAll(tt.want, `\`, ``)) {
				t.Errorf("%d %s; want %q", a.status, a.body, tt.want)
			}
		})
	}
	if list := s.announce("GET", "/v1/announcements", ""); list.body != `{"announcements":[]}` {
		t.Errorf("made all the same: %s", list.body)
	}
	for name, edge := range map[string]string{"exactly long enough": strings.Repeat("я", visa.MaxAnnouncement), "lines": "a\nb\r\n\r\nc"} {
		b, err := json.Marshal(edge)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.announce("POST", "/v1/announcements", `{"texts":{"ky":`+string(b)+`}}`); a.status != 201 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
