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
var needed = []string{"ky", "ru", "en", "uz", "tr", "zh", "ur", "hi", "bn"}

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
		{"uz", "submitted.on", "2025-yil 5-iyul, shanba"},
		{"tr", "submitted.on", "5 Temmuz 2025 Cumartesi"},
		{"zh", "submitted.on", "2025年7月5日星期六"},
		{"ur", "submitted.on", "ہفتہ، 5 جولائی 2025"},
		{"hi", "submitted.on", "शनिवार, 5 जुलाई 2025"},
		{"bn", "submitted.on", "শনিবার, 5 জুলাই 2025"},
		{"ru", "as_of.unchanged", "Без изменений с 4 июня. Проверено 20 ноября, 20:05."},
		{"ky", "as_of.unchanged", "4-июндан бери өзгөрүү жок. Текшерилди: 20-ноябрь, 20:05."},
		{"uz", "as_of.unchanged", "4-iyundan beri oʻzgarish yoʻq. Tekshirildi: 20-noyabr, 20:05."},
		{"tr", "as_of.unchanged", "4 Haziran tarihinden beri değişiklik yok. Son kontrol: 20 Kasım, 20:05."},
		{"zh", "as_of.unchanged", "自6月4日以来没有变化。核对时间：11月20日 20:05。"},
		{"ur", "as_of.unchanged", "4 جون سے کوئی تبدیلی نہیں۔ چیک کیا گیا: 20 نومبر، 20:05۔"},
		{"hi", "as_of.unchanged", "4 जून से कोई बदलाव नहीं हुआ है। हमने 20 नवंबर, 20:05 बजे जाँचा।"},
		{"bn", "as_of.unchanged", "4 জুন থেকে কোনো পরিবর্তন নেই। আমরা 20 নভেম্বর, 20:05-এ দেখেছি।"},
		{"en", "deadline.leave_by.do", "Leave Kyrgyzstan no later than Saturday 5 July 2025."},
		{"ru", "deadline.leave_by.do", "Выезжайте из Кыргызстана не позднее субботы, 5 июля 2025 г."},
		{"ky", "deadline.leave_by.do", "Кыргызстандан 2025-жылдын 5-июлунан (ишемби) кечиктирбей чыгып кетиңиз."},
		{"uz", "deadline.leave_by.do", "Qirgʻizistondan 2025-yil 5-iyul, shanba kunidan kechiktirmay chiqib keting."},
		{"tr", "deadline.leave_by.do", "Kırgızistan’dan en geç 5 Temmuz 2025 Cumartesi günü çıkın."},
		{"zh", "deadline.leave_by.do", "请最迟在2025年7月5日星期六离开吉尔吉斯斯坦。"},
		{"ur", "deadline.leave_by.do", "زیادہ سے زیادہ بروز ہفتہ 5 جولائی 2025 تک کرغزستان سے روانہ ہو جائیں۔"},
		{"hi", "deadline.leave_by.do", "शनिवार, 5 जुलाई 2025 तक किर्गिस्तान छोड़ दें।"},
		{"bn", "deadline.leave_by.do", "শনিবার, 5 জুলাই 2025 তারিখের মধ্যে কিরগিজস্তান ছেড়ে যান।"},
	}
	for _, code := range needed {
		if !slices.ContainsFunc(tests, func(tt struct{ lang, key, want string }) bool { return tt.lang == code && tt.key == "submitted.on" }) {
			t.Errorf("state here how %s says a day with its weekday", code)
		}
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
		{"uz", 1, "Chiqib ketishga 1 kun qoldi"},
		{"uz", 14, "Chiqib ketishga 14 kun qoldi"},
		{"tr", 1, "Ülkeden çıkış için 1 gün kaldı"},
		{"tr", 14, "Ülkeden çıkış için 14 gün kaldı"},
		{"zh", 1, "离境还剩1天"},
		{"zh", 14, "离境还剩14天"},
		{"ur", 1, "ملک چھوڑنے کے لیے 1 دن باقی"},
		{"ur", 14, "ملک چھوڑنے کے لیے 14 دن باقی"},
		{"hi", 1, "देश छोड़ने के लिए 1 दिन बाकी"},
		{"hi", 14, "देश छोड़ने के लिए 14 दिन बाकी"},
		{"bn", 1, "দেশ ছাড়তে আর 1 দিন বাকি"},
		{"bn", 14, "দেশ ছাড়তে আর 14 দিন বাকি"},
		{"ru", -1 << 63, "Осталось -9223372036854775808 дней на выезд"},
	}
	for _, tt := range tests {
		if got := Default().Get(tt.lang).T("reminder.leave_by.ahead", "n", tt.n); got != tt.want {
			t.Errorf("%s, %d: got %q, want %q", tt.lang, tt.n, got, tt.want)
		}
	}
}

func TestWordsBesideANumberFollowItWhereTheGrammarDoes(t *testing.T) {
	tests := []struct{ lang, one, many string }{
		{"en", "You follow 1 application", "You follow 3 applications"},
		{"uz", "Siz 1 ta arizani kuzatyapsiz", "Siz 3 ta arizani kuzatyapsiz"},
		{"tr", "1 başvuru takip ediyorsunuz", "3 başvuru takip ediyorsunuz"},
		{"zh", "您关注了1份申请", "您关注了3份申请"},
		{"ur", "آپ 1 درخواست فالو کر رہے ہیں", "آپ 3 درخواستیں فالو کر رہے ہیں"},
		{"hi", "आप 1 आवेदन फ़ॉलो कर रहे हैं", "आप 3 आवेदन फ़ॉलो कर रहे हैं"},
		{"bn", "আপনি 1টি আবেদন অনুসরণ করছেন", "আপনি 3টি আবেদন অনুসরণ করছেন"},
	}
	for _, tt := range tests {
		c := Default().Get(tt.lang)
		if one, many := c.T("bot.list.title", "n", 1), c.T("bot.list.title", "n", 3); one != tt.one || many != tt.many {
			t.Errorf("%s: %q and %q, want %q and %q", tt.lang, one, many, tt.one, tt.many)
		}
	}
}

func TestSentencesAreJoinedAsTheLanguageDoes(t *testing.T) {
	for lang, want := range map[string]string{"en": "A. B:", "ur": "A. B:", "zh": "A.B："} {
		c := Default().Get(lang)
		got := c.T("line.sentences", "first", "A.", "second", c.T("line.label", "label", "B"))
		if got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
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
		{"Kazakh with its region", "kk-KZ", "ru"},
		{"Chinese of the mainland", "zh-CN,zh;q=0.9", "zh"},
		{"Chinese in the traditional script", "zh-Hant", "zh"},
		{"Chinese as Telegram says it", "zh-hans", "zh"},
		{"Urdu", "ur-PK", "ur"},
		{"Hindi", "hi-IN", "hi"},
		{"Bengali", "bn-BD", "bn"},
		{"Turkish", "tr-TR", "tr"},
		{"Uzbek", "uz-UZ", "uz"},
		{"Uzbek in Cyrillic, which is not here", "uz-Cyrl", "uz"},
		{"Uzbek in Cyrillic beside Russian", "uz-Cyrl-UZ,ru;q=0.8", "ru"},
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
		{"something after the end", `"{n} days"}}}`, `"{n} days"}}} {}`, "after its end"},
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
