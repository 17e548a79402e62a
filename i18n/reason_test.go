package i18n

import (
	"strings"
	"testing"
)

func TestTheBuiltInReasonsHaveATextInEveryLanguage(t *testing.T) {
	r := DefaultReasons()
	if len(r.Codes()) < 8 {
		t.Errorf("there are %d reasons built in", len(r.Codes()))
	}
	for _, code := range r.Codes() {
		for _, c := range Default().All() {
			if r.texts[code][c.code] == "" {
				t.Errorf("%s has no text in %s", code, c.code)
			}
		}
	}
}

func TestReasonsAnswer(t *testing.T) {
	r, err := LoadReasons([]byte("\ufeff" + `{"b_2":{"en":"B","ru":"Б","ky":"Бб"},"a":{"en":"A","ru":"А","ky":"Аа"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Codes(), " "); got != "a b_2" {
		t.Errorf("Codes gives %q", got)
	}
	if !r.Has("a") || r.Has("c") || r.Has("") {
		t.Error("Has knows too little or too much")
	}
	for _, tt := range []struct{ code, lang, want string }{
		{"a", "ru", "А"}, {"a", "xx", "A"}, {"c", "en", ""}, {"", "", ""},
	} {
		if got := r.Text(tt.code, tt.lang); got != tt.want {
			t.Errorf("Text(%q, %q) is %q, want %q", tt.code, tt.lang, got, tt.want)
		}
	}
	var none *Reasons
	if none.Has("a") || none.Text("a", "en") != "" || none.Codes() != nil {
		t.Error("nil Reasons have something")
	}
}

func TestBrokenReasonsAreRefusedWithAllThatIsWrong(t *testing.T) {
	long := strings.Repeat("a", 301)
	tests := []struct{ name, in, want string }{
		{"empty file", ``, "ends too early"},
		{"not JSON", `codes:`, "invalid"},
		{"null", `null`, "must be one JSON object"},
		{"a list", `[]`, "must be one JSON object"},
		{"texts that are none", `{"a":"text"}`, "must be a JSON object"},
		{"a code twice", `{"a":{"en":"A","ru":"А","ky":"А"},"a":{"en":"B","ru":"Б","ky":"Б"}}`, `a stands twice`},
		{"a language twice", `{"a":{"en":"A","en":"A","ru":"А","ky":"А"}}`, `a.en stands twice`},
		{"a language missing", `{"a":{"en":"A","ru":"А"}}`, `a has no text in "ky"`},
		{"an unknown language", `{"a":{"en":"A","ru":"А","ky":"А","xx":"A"}}`, `the text in "xx" is of a language`},
		{"an empty text", `{"a":{"en":" ","ru":"А","ky":"А"}}`, `the text in "en" is empty`},
		{"a text of two lines", `{"a":{"en":"A\nB","ru":"А","ky":"А"}}`, `one line`},
		{"a text that turns the direction", `{"a":{"en":"A\u202eB","ru":"А","ky":"А"}}`, `one line`},
		{"a text too long", `{"a":{"en":"` + long + `","ru":"А","ky":"А"}}`, `301 characters`},
		{"a code in capitals", `{"FEE":{"en":"A","ru":"А","ky":"А"}}`, `"FEE" must be small letters`},
		{"an empty code", `{"":{"en":"A","ru":"А","ky":"А"}}`, `"" must be small letters`},
		{"a code that begins with a digit", `{"1a":{"en":"A","ru":"А","ky":"А"}}`, `a letter first`},
		{"something after the end", `{} {}`, "after its end"},
		{"not UTF-8", "{\"a\":{\"en\":\"\xff\"}}", "UTF-8"},
		{"far too big", strings.Repeat(" ", 1<<20+1), "bytes"},
		{"the last of many faults", `{"a":{"en":"A","ru":"А"},"b":{"ky":"А","ru":"А"}}`, `b has no text in "en"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := LoadReasons([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v; it should speak of %q", err, tt.want)
			}
			if r != nil {
				t.Error("reasons came with the error")
			}
		})
	}
}
