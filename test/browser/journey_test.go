package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kabarchy/test/harness"
)

// post sends a form that stands on no page, as a page kept from yesterday may.
func post(action, reference string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const f = document.createElement("form"); f.method = "post"; f.action = %q;
		const i = document.createElement("input"); i.type = "hidden"; i.name = "reference"; i.value = %q;
		f.append(i); document.body.append(f); f.submit();
	})()`, action, reference))
}

func TestAPersonFindsWhereTheApplicationStands(t *testing.T) {
	s := newSite(t, nil)
	for name, d := range map[string]device{"on a desktop": {}, "on an old phone": {width: 320}, "without scripts": {noScript: true}, "at 200 % zoom": {zoom: 2}} {
		t.Run(name, func(t *testing.T) {
			b := newTab(t, s.URL, d)
			b.visit("/")
			b.submit(" 2041-7703 ")
			if got := b.text("h1"); got != "Application approved" {
				t.Fatalf("the answer is %q", got)
			}
			for _, want := range []string{"2041 7703", "Last day to leave", "12 days left", "What you must do", "This page is not a document."} {
				if !strings.Contains(b.text("main"), want) {
					t.Errorf("the page lacks %q:\n%s", want, b.text("main"))
				}
			}
			if got := b.overflow(); got != "" {
				t.Errorf("wider than the window: %s", got)
			}
			if title := ask[string](b, `document.title`); strings.Contains(title, "2041") {
				t.Errorf("the title is %q", title)
			}
		})
	}
}

func TestAnEMailThatHoldsOneNumberIsUnderstood(t *testing.T) {
	s := newSite(t, map[string]string{"REFERENCE_PATTERN": "[0-9]{8}"})
	b := newTab(t, s.URL, device{})
	b.visit("/")
	b.submit("Dear applicant, your application No: 20417703 was received on 12.06.2025. Telephone +996312000000.")
	if got := b.text("h1"); got != "Application approved" {
		t.Errorf("the answer is %q", got)
	}
}

func TestAWrongNumberSaysWhatIsWrongAndKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t, map[string]string{"REFERENCE_PATTERN": "[0-9]{8}"})
	b := newTab(t, s.URL, device{})
	b.visit("/")
	b.submit("2041770")
	if got := b.text(".errors"); !strings.Contains(got, "You typed 7 digits; it has 8.") {
		t.Errorf("the summary is %q", got)
	}
	if got := ask[string](b, `document.activeElement.className`); got != "errors" {
		t.Errorf("the focus is on %q", got)
	}
	if got := ask[string](b, `document.title`); !strings.HasPrefix(got, "Error: ") {
		t.Errorf("the title is %q", got)
	}
	if got := ask[string](b, `document.querySelector("#reference").value`); got != "2041770" {
		t.Errorf("the field holds %q", got)
	}
	b.click(`button[lang="ru"]`)
	if got := b.text(".errors"); !strings.Contains(got, "Вы ввели 7 цифр") || ask[string](b, `document.querySelector("#reference").value`) != "2041770" {
		t.Errorf("in Russian the summary is %q", got)
	}
}

func TestAPersonUsesTheKeyboardAlone(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{noScript: true})
	b.visit("/")
	focus := func() string {
		return ask[string](b, `(e => e.id || e.getAttribute("href") || e.tagName)(document.activeElement)`)
	}
	b.do(chromedp.KeyEvent("\t"))
	if got := focus(); got != "#main" {
		t.Errorf("the first stop is %q", got)
	}
	if ask[float64](b, `document.activeElement.getBoundingClientRect().left`) < 0 {
		t.Error("the link that skips to the content is not seen when it has the focus")
	}
	for range 30 {
		if focus() == "reference" {
			break
		}
		b.do(chromedp.KeyEvent("\t"))
		if ask[string](b, `getComputedStyle(document.activeElement).outlineStyle`) == "none" {
			t.Errorf("where the focus is cannot be seen on %s", focus())
		}
	}
	b.do(chromedp.KeyEvent("20417704"), chromedp.KeyEvent("\t"))
	if got := focus(); got != "BUTTON" {
		t.Fatalf("after the field comes %q", got)
	}
	b.leads(chromedp.KeyEvent("\r"))
	if got := b.text("h1"); got != "Application refused" {
		t.Errorf("the answer is %q", got)
	}
}

func TestALanguageIsTheBrowsersUntilOneIsChosenAndThatIsKept(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{language: "ky,en;q=0.5"})
	cookies := func() int { return len(send(b, getCookies, getCookiesParams{}).Cookies) }
	b.visit("/")
	if ask[string](b, `document.documentElement.lang`) != "ky" || cookies() != 0 {
		t.Errorf("the language is %s, and there are %d cookies before a choice", ask[string](b, `document.documentElement.lang`), cookies())
	}
	b.click(`a[hreflang="ru"]`)
	b.visit("/status/" + states[0].reference)
	if ask[string](b, `document.documentElement.lang`) != "ru" || cookies() != 1 {
		t.Errorf("the choice is not kept: %s, %d cookies", ask[string](b, `document.documentElement.lang`), cookies())
	}
	b.click(`a[hreflang="en"]`)
	if got := b.text("h1"); got != "Application received" {
		t.Errorf("another language leads to another page: %q", got)
	}
}

func TestFromThePageToTheBot(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{width: 360, noScript: true})
	b.visit("/status/" + states[1].reference)
	b.click(`form[action="/alerts"] button`)
	link := ask[string](b, `document.querySelector(".act").href`)
	digits := strings.Join(strings.Fields(b.text(".digits")), "")
	_, token, ok := strings.Cut(link, "?start=")
	if !ok || !strings.HasPrefix(link, "https://t.me/") || len(digits) != 4 || strings.Contains(link, "2041") {
		t.Fatalf("the link is %q, the digits are %q", link, digits)
	}
	if !b.has("svg.qr") {
		t.Error("there is no QR code")
	}
	chat := harness.NewChat(t, s.sim, "en")
	m := chat.Ask("/start " + token)
	spaced := strings.Join(strings.Split(digits, ""), " ")
	if !strings.Contains(m.Text, digits) && !strings.Contains(m.Text, spaced) {
		t.Errorf("the bot does not say the digits %s:\n%s", digits, m.Text)
	}
	u := states[1].update
	u.Version, u.Stage, u.Outcome = 2, "decided", "approved"
	if a := s.Send(harness.Request{Method: "POST", Path: "/v1/updates", Key: s.key, Type: harness.JSON, Body: u.Line()}); a.Status != 200 {
		t.Fatalf("the decision: %d %s", a.Status, a.Body)
	}
	chat.NextWith("Application approved")
	if again := harness.NewChat(t, s.sim, "en").Ask("/start " + token); strings.Contains(again.Text, digits) {
		t.Errorf("the link works twice:\n%s", again.Text)
	}
}

func TestAnUnknownNumberIsFollowedUntilItAppears(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{})
	b.visit("/status/" + unknown)
	b.click(`form[action="/alerts"] button`)
	_, token, _ := strings.Cut(ask[string](b, `document.querySelector(".act").href`), "?start=")
	chat := harness.NewChat(t, s.sim, "en")
	chat.Ask("/start " + token)
	u := harness.Update{Reference: unknown, Version: 1, Procedure: "visa", Stage: "received"}
	s.Send(harness.Request{Method: "POST", Path: "/v1/updates", Key: s.key, Type: harness.JSON, Body: u.Line()})
	chat.NextWith("appeared")
}

func TestAPrintedPageHoldsTheAnswerAndNoControls(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{})
	b.visit("/status/" + states[3].reference)
	send(b, setMedia, setMediaParams{Media: "print"})
	seen := ask[string](b, `document.body.innerText`)
	for _, want := range []string{"Application approved", "2041 7703", "This page is not a document."} {
		if !strings.Contains(seen, want) {
			t.Errorf("the print lacks %q:\n%s", want, seen)
		}
	}
	for _, no := range []string{"Get the news", "Look up another", "Русский", "calendar"} {
		if strings.Contains(seen, no) {
			t.Errorf("the print shows %q", no)
		}
	}
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil || !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Errorf("it cannot be printed: %v", err)
	}
}

func TestRightToLeftLanguagesReadSo(t *testing.T) {
	s := newSite(t, nil)
	if !slices.Contains(s.languages(t), "ur") {
		t.Fatal("Urdu is not there")
	}
	b := newTab(t, s.URL, device{width: 320})
	b.visit("/status/" + states[3].reference + "?lang=ur")
	if dir := ask[string](b, `getComputedStyle(document.body).direction`); dir != "rtl" {
		t.Errorf("the page reads %s", dir)
	}
	if !ask[bool](b, `(r => r.right > window.innerWidth / 2)(document.querySelector("h1").getBoundingClientRect())`) {
		t.Error("the heading does not begin on the right")
	}
	if dir := ask[string](b, `getComputedStyle(document.querySelector("bdi")).direction`); dir != "ltr" {
		t.Errorf("the reference reads %s", dir)
	}
	if got := b.overflow(); got != "" {
		t.Errorf("wider than the window: %s", got)
	}
	b.visit("/?lang=ur")
	if dir := ask[string](b, `getComputedStyle(document.querySelector("#reference")).direction`); dir != "ltr" {
		t.Errorf("the field for the reference reads %s", dir)
	}
}
