package i18n

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// needed are the languages the service promises to speak.
var needed = []string{"ky", "ru", "en"}

func TestEveryPromisedLanguageIsThere(t *testing.T) {
	for _, code := range needed {
		if _, ok := Default().Lookup(code); !ok {
			t.Errorf("there is no catalogue of %q", code)
		}
	}
}

func TestEveryLanguageHasEveryMessageWithTheSamePlaceholders(t *testing.T) {
	base := Default().fallback
	for _, c := range Default().All() {
		for _, key := range slices.Sorted(maps.Keys(base.messages)) {
			m, ok := c.messages[key]
			if !ok {
				t.Errorf("%s lacks %s", c.code, key)
				continue
			}
			if m.plural != base.messages[key].plural {
				t.Errorf("%s: %s has plural forms: %t; in %s: %t", c.code, key, m.plural, base.code, !m.plural)
			}
			want := base.messages[key].forms[categories["other"]].placeholders()
			for category, f := range m.forms {
				if got := f.placeholders(); !slices.Equal(got, want) {
					t.Errorf("%s: %s (%v) has the placeholders %v; %s has %v", c.code, key, category, got, base.code, want)
				}
			}
		}
		for key := range c.messages {
			if _, ok := base.messages[key]; !ok {
				t.Errorf("%s has %s, which %s has not", c.code, key, base.code)
			}
		}
	}
}

func TestPluralMessagesNameTheirNumber(t *testing.T) {
	for _, c := range Default().All() {
		for key, m := range c.messages {
			for _, f := range m.forms {
				if has := slices.Contains(f.placeholders(), "n"); has != m.plural {
					t.Errorf("%s: %s: plural forms and the placeholder {n} go together", c.code, key)
				}
			}
		}
	}
}

func TestPlaceholdersOfOneNameAreTimesInEveryLanguageOrInNone(t *testing.T) {
	styled := func(m message) map[string]bool {
		out := map[string]bool{}
		for _, f := range m.forms {
			for _, p := range f {
				if p.name != "" {
					out[p.name] = p.style != ""
				}
			}
		}
		return out
	}
	base := Default().fallback
	for _, c := range Default().All() {
		for key, m := range c.messages {
			if !maps.Equal(styled(m), styled(base.messages[key])) {
				t.Errorf("%s: %s: a placeholder has a style in one of %s and %s only", c.code, key, c.code, base.code)
			}
		}
	}
}

func TestEveryLanguageStatesItself(t *testing.T) {
	names := map[string]string{}
	for _, c := range Default().All() {
		if other, taken := names[c.Name()]; taken {
			t.Errorf("%s and %s have the same name", c.code, other)
		}
		names[c.Name()] = c.code
		if c.Direction() != "ltr" && c.Direction() != "rtl" {
			t.Errorf("%s has the direction %q", c.code, c.Direction())
		}
		if c.order < 1 {
			t.Errorf("%s has no place in the order of languages", c.code)
		}
	}
}

func TestDatesInWords(t *testing.T) {
	zone := time.FixedZone("Bishkek", 6*3600)
	at := time.Date(2025, time.November, 20, 20, 5, 0, 0, zone)
	july := time.Date(2025, time.July, 5, 0, 0, 0, 0, time.UTC)
	june := time.Date(2025, time.June, 4, 0, 0, 0, 0, time.UTC)
	tests := []struct{ lang, key, want string }{
		{"en", "submitted.on", "Saturday 5 July 2025"},
		{"ru", "submitted.on", "суббота, 5 июля 2025 г."},
		{"ky", "submitted.on", "2025-жылдын 5-июлу, ишемби"},
		{"en", "as_of.unchanged", "No change since 4 June. Checked 20 November, 20:05."},
		{"ru", "as_of.unchanged", "Без изменений с 4 июня. Проверено 20 ноября, 20:05."},
		{"ky", "as_of.unchanged", "4-июндан бери өзгөрүү жок. Текшерилди: 20-ноябрь, 20:05."},
		{"ru", "deadline.leave_by.do", "Выезжайте из Кыргызстана не позднее субботы, 5 июля 2025 г."},
		{"ky", "deadline.leave_by.do", "Кыргызстандан 2025-жылдын 5-июлунан (ишемби) кечиктирбей чыгып кетиңиз."},
	}
	for _, tt := range tests {
		t.Run(tt.lang+" "+tt.key, func(t *testing.T) {
			got := Default().Get(tt.lang).T(tt.key, "date", july, "since", When{june, false}, "at", When{at, false})
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAYearIsSaidWhereItIsAskedFor(t *testing.T) {
	day := time.Date(2024, time.December, 31, 23, 59, 0, 0, time.UTC)
	if got, want := Default().Get("en").T("as_of.checked", "at", When{day, true}), "Checked 31 December 2024, 23:59."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Default().Get("ru").T("as_of.checked", "at", day), "Проверено 31 декабря 2024 года, 23:59."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPluralForms(t *testing.T) {
	tests := []struct {
		lang string
		n    int
		want string
	}{
		{"en", 0, "0 days left to leave"},
		{"en", 1, "1 day left to leave"},
		{"en", 2, "2 days left to leave"},
		{"ru", 0, "Осталось 0 дней на выезд"},
		{"ru", 1, "Остался 1 день на выезд"},
		{"ru", 2, "Осталось 2 дня на выезд"},
		{"ru", 5, "Осталось 5 дней на выезд"},
		{"ru", 11, "Осталось 11 дней на выезд"},
		{"ru", 21, "Остался 21 день на выезд"},
		{"ru", 112, "Осталось 112 дней на выезд"},
		{"ru", 1000001, "Остался 1000001 день на выезд"},
		{"ky", 1, "Чыгып кетүүгө 1 күн калды"},
		{"ky", 14, "Чыгып кетүүгө 14 күн калды"},
		{"ru", -1 << 63, "Осталось -9223372036854775808 дней на выезд"},
	}
	for _, tt := range tests {
		if got := Default().Get(tt.lang).T("reminder.leave_by.ahead", "n", tt.n); got != tt.want {
			t.Errorf("%s, %d: got %q, want %q", tt.lang, tt.n, got, tt.want)
		}
	}
}

func TestMatchFindsTheBestLanguage(t *testing.T) {
	tests := []struct{ name, header, want string }{
		{"a browser's header", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"},
		{"by weight, not by place", "en;q=0.3,ky;q=0.8", "ky"},
		{"a code of Telegram", "ky", "ky"},
		{"a code of Telegram with a region", "en-gb", "en"},
		{"a language read beside another", "kk", "ru"},
		{"one that nobody here speaks", "fo", "en"},
		{"the second choice where the first is unknown", "fo,ru;q=0.5", "ru"},
		{"empty", "", "en"},
		{"anything goes", "*", "en"},
		{"not a header at all", "\x00;;;===", "en"},
		{"far too long", strings.Repeat("fo-XX;q=0.1,", 10000), "en"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Default().Match(tt.header).Code(); got != tt.want {
				t.Errorf("Match gives %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAChoiceIsTakenByItsExactCodeOnly(t *testing.T) {
	if c := Default().Get("ky"); c.Code() != "ky" {
		t.Errorf("Get(ky) is %s", c.Code())
	}
	for _, code := range []string{"", "KY", "en-GB", "../en", "xx"} {
		if _, ok := Default().Lookup(code); ok {
			t.Errorf("Lookup(%q) found something", code)
		}
	}
}

func TestAMissingMessageIsSaidInTheFallbackLanguage(t *testing.T) {
	c := &Catalogue{code: "ky", fallback: Default().fallback}
	if got := c.T("button.help"); got != "Help" {
		t.Errorf("got %q, want the fallback's text", got)
	}
	if got := c.T("no.such.key"); got != "no.such.key" {
		t.Errorf("got %q, want the key", got)
	}
	if got := Default().fallback.T("reason.line"); got != "Reason: {reason}" {
		t.Errorf("a missing argument gives %q", got)
	}
}

func TestIsolateKeepsTheOrderOfANumberInRightToLeftTextOnly(t *testing.T) {
	if got := (&Catalogue{direction: "ltr"}).Isolate("20••33"); got != "20••33" {
		t.Errorf("left to right: %q", got)
	}
	if got := (&Catalogue{direction: "rtl"}).Isolate("20••33"); got != "\u206620••33\u2069" {
		t.Errorf("right to left: %q", got)
	}
}

func TestBrokenCataloguesAreRefused(t *testing.T) {
	const good = `{"code":"en","name":"English","direction":"ltr","reviewer":"","order":1,
		"tables":{"month":["1","2","3","4","5","6","7","8","9","10","11","12"]},
		"styles":{"full":"{day} {month}"},
		"messages":{"a":"text {x}","d":"{when:full}","p":{"one":"{n} day","other":"{n} days"}}}`
	tests := []struct{ name, from, to, want string }{
		{"an unknown field", `"order":1`, `"order":1,"colour":"red"`, "colour"},
		{"a key twice", `"a":"text {x}"`, `"a":"text {x}","a":"b"`, "twice"},
		{"no reviewer stated", `"reviewer":"",`, ``, "reviewer"},
		{"a direction that is none", `"ltr"`, `"up"`, "direction"},
		{"a code that is no language", `"code":"en"`, `"code":"english!"`, "code"},
		{"eleven months", `"1","2",`, `"1",`, "11 names"},
		{"a table of something else", `"month":[`, `"moon":[`, "moon"},
		{"a style with an unknown table", `{day} {month}`, `{day} {weekday}`, "weekday"},
		{"an empty message", `"text {x}"`, `""`, "empty"},
		{"a space at the end", `"text {x}"`, `"text "`, "space"},
		{"markup", `"text {x}"`, `"<b>text</b>"`, "markup"},
		{"a brace left open", `"text {x}"`, `"text {x"`, "placeholder"},
		{"a brace never opened", `"text {x}"`, `"text x}"`, "brace"},
		{"a style that is not there", `{when:full}`, `{when:half}`, "half"},
		{"a plural form missing", `"one":"{n} day",`, ``, "one"},
		{"a plural form too many", `"one":"{n} day",`, `"one":"{n} day","few":"{n} days",`, "few"},
		{"a plural form of no language", `"one":"{n} day",`, `"one":"{n} day","lots":"{n} days",`, "lots"},
		{"something after the end", `"{n} days"}}}`, `"{n} days"}}} {}`, "follows"},
		{"cut off", `"{n} days"}}}`, `"{n} days"`, "early"},
	}
	if _, err := loadCatalogues(fstest.MapFS{"en.json": {Data: []byte(good)}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.from) {
				t.Fatalf("the good catalogue has no %s", tt.from)
			}
			_, err := loadCatalogues(fstest.MapFS{"en.json": {Data: []byte(strings.Replace(good, tt.from, tt.to, 1))}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v; it should speak of %q", err, tt.want)
			}
		})
	}
	if _, err := loadCatalogues(fstest.MapFS{"ru.json": {Data: []byte(good)}}); err == nil {
		t.Error("a file of another name than its code was taken")
	}
}
