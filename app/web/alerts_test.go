package web_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kabarchy/app/web"
	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/visa"
)

func TestALinkToTheBotStandsWithItsCodeAndItsDigitsInEveryLanguage(t *testing.T) {
	p := pages(web.Options{BotUsername: "@kabarchy_bot"})
	for _, c := range i18n.Default().All() {
		page, err := p.Link(web.LinkView{Page: web.Page{Language: c.Code(), Path: "/alerts"}, Token: "abc_DEF-1", Digits: "0471", Known: true})
		d := parse(t, page, err)
		if d.find("a", "href", "https://t.me/kabarchy_bot?start=abc_DEF-1") == nil {
			t.Errorf("%s: there is no link", c.Code())
		}
		if svg := d.find("svg", "role", "img"); svg == nil || attr(svg, "aria-label") != c.T("web.alerts.qr") {
			t.Errorf("%s: there is no code with a name", c.Code())
		}
		if !strings.Contains(string(page), "<b>0</b><b>4</b><b>7</b><b>1</b>") || !strings.Contains(d.text(), c.T("web.alerts.once")) {
			t.Errorf("%s: the digits are not there: %s", c.Code(), d.text())
		}
		if strings.Contains(d.text(), c.T("web.unknown.follow_text")) {
			t.Errorf("%s: a known application is spoken of as if it were not", c.Code())
		}
	}
}

func TestWithoutABotThePageOfLinksSaysSo(t *testing.T) {
	for name, page := range map[string]func(*web.Pages) ([]byte, error){
		"link": func(p *web.Pages) ([]byte, error) { return p.Link(web.LinkView{Token: "a", Digits: "0000"}) },
		"form": func(p *web.Pages) ([]byte, error) { return p.Alerts(web.AlertsView{}) },
	} {
		html, err := page(pages(web.Options{}))
		if d := parse(t, html, err); d.h1() != "There is no bot yet" || d.find("form", "action", "/alerts") != nil {
			t.Errorf("%s: %s", name, d.text())
		}
	}
}

func TestAnUnknownNumberCanBeFollowedAnyway(t *testing.T) {
	page, err := pages(web.Options{BotUsername: "kabarchy_bot"}).Problem(web.ProblemView{Problem: web.NotFound, Reference: reference(t, "20417733"), Now: now, AsOf: asOf})
	d := parse(t, page, err)
	if d.find("form", "action", "/alerts") == nil || d.find("input", "name", "anyway") == nil || attr(d.find("input", "name", "reference"), "value") != "20417733" {
		t.Errorf("it cannot be followed: %s", page)
	}
}

func TestTheAnswerToAFormCanBeReadInAnotherLanguage(t *testing.T) {
	page, err := pages(web.Options{}).Start(web.StartView{Page: web.Page{Path: "/status", Again: []web.Field{{Name: "reference", Value: `2041"`}}}, Typed: `2041"`,
		Wrong: &visa.ReferenceError{Fault: visa.FaultShort, N: 4, Min: 8, Max: 8, Digits: true}})
	d := parse(t, page, err)
	if b := d.find("button", "lang", "ky"); b == nil || attr(b, "formaction") != "/status?lang=ky" {
		t.Error("there is no button for Kyrgyz")
	}
	if hidden := d.find("input", "type", "hidden"); hidden == nil || attr(hidden, "value") != `2041"` {
		t.Error("what was typed is not sent again")
	}
	if !strings.Contains(d.text(), "You typed 4 digits; it has 8.") {
		t.Errorf("the fault is not told: %s", d.text())
	}
}

func TestGuidanceIsShownInItsLanguageAndNoneIsMadeUp(t *testing.T) {
	g, err := guidance.Parse([]byte(`{"service":{"name":{"en":"The desk of <b>Osh</b>"},"phone":"+996 1","contact":{"en":"Ask the desk."}},
		"portal":"https://portal.example.kg/","last_moment":{"leave_by":{"en":"Until midnight."}},
		"steps":[{"stage":"decided","text":{"en":["Take the paper with you."]},"reviewer":"The desk","reviewed_on":"2026-11-01"}]}`), []string{"en", "ru"})
	if err != nil {
		t.Fatal(err)
	}
	p := pages(web.Options{Guidance: func() *guidance.Guide { return g }})
	show := func(lang string, stage visa.Stage, outcome visa.Outcome) (string, document) {
		page, err := p.Status(web.StatusView{Page: web.Page{Language: lang}, Application: application(t, stage, outcome), Now: now, AsOf: asOf})
		d := parse(t, page, err)
		return d.text(), d
	}
	text, d := show("en", visa.StageDecided, visa.OutcomeApproved)
	for _, want := range []string{"Step by step", "Take the paper with you.", "These steps were checked by The desk, Sunday 1 November 2026.", "Until midnight.", "Ask the desk.", "Phone: +996 1", "The desk of <b>Osh</b>"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if d.find("a", "href", "https://portal.example.kg/") == nil {
		t.Error("the portal is not linked")
	}
	for _, lang := range []string{"ru", "ky"} {
		if text, _ := show(lang, visa.StageDecided, visa.OutcomeApproved); strings.Contains(text, "Take the paper") || strings.Contains(text, "Until midnight") {
			t.Errorf("%s: advice of another language is shown", lang)
		}
	}
	if text, _ := show("en", visa.StageReceived, ""); strings.Contains(text, "Step by step") {
		t.Error("advice is shown for a stage that has none")
	}
}

func TestOutcomeAndDaysAreRepeatedWhereNobodyHasLookedALanguageOver(t *testing.T) {
	p := pages(web.Options{})
	for _, of := range i18n.Default().All() {
		lang := of.Code()
		others := slices.DeleteFunc([]string{"en", "ru"}, func(other string) bool { return other == lang })
		page, err := p.Status(web.StatusView{Page: web.Page{Language: lang}, Application: application(t, visa.StageDecided, visa.OutcomeRefused), Now: now, AsOf: asOf})
		d := parse(t, page, err)
		for _, other := range others {
			c, _ := i18n.Default().Lookup(other)
			if e := d.find("div", "lang", other); e == nil || !strings.Contains(text(e), c.T("headline.decided.refused")) || !strings.Contains(text(e), "2025") {
				t.Errorf("%s: outcome and days are not said in %s", lang, other)
			}
		}
		if d.find("div", "lang", lang) != nil {
			t.Errorf("%s is repeated in itself", lang)
		}
	}
}

func TestACalendarHoldsTheDaysToComeAndNoReference(t *testing.T) {
	p := pages(web.Options{})
	for _, c := range i18n.Default().All() {
		file, ok := p.Calendar(c.Code(), application(t, visa.StageDecided, visa.OutcomeApproved), now, asOf)
		text := string(file)
		if !ok || strings.Count(text, "BEGIN:VEVENT\r\n") != 2 || !strings.Contains(text, "DTSTART;VALUE=DATE:20250705\r\nDTEND;VALUE=DATE:20250706\r\n") {
			t.Errorf("%s: %t %s", c.Code(), ok, text)
		}
		if strings.Contains(text, "2041") || !strings.HasPrefix(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") || !strings.HasSuffix(text, "END:VCALENDAR\r\n") {
			t.Errorf("%s: %s", c.Code(), text)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%s: a line of %d bytes: %q", c.Code(), len(line), line)
			}
		}
		unfolded := strings.ReplaceAll(text, "\r\n ", "")
		if !strings.Contains(unfolded, "SUMMARY:"+regexp.MustCompile(`[,;]`).ReplaceAllString(c.T("deadline.leave_by.name"), `\$0`)+"\r\n") {
			t.Errorf("%s: the day has no name: %s", c.Code(), unfolded)
		}
	}
	uids := func(a visa.Application) []string {
		file, _ := p.Calendar("en", a, now, asOf)
		return regexp.MustCompile(`(?m)^UID:.*$`).FindAllString(string(file), -1)
	}
	first, moved := application(t, visa.StageDecided, visa.OutcomeApproved), application(t, visa.StageDecided, visa.OutcomeApproved)
	moved.Deadlines[0].Date = moved.Deadlines[0].Date.Add(3)
	other := application(t, visa.StageDecided, visa.OutcomeApproved)
	other.Reference = reference(t, "20417734")
	if a, b, c := uids(first), uids(moved), uids(other); len(a) != 2 || !slices.Contains(b, a[0]) || !slices.Contains(b, a[1]) || slices.Contains(c, a[0]) {
		t.Errorf("a day that moves is named %v and then %v; another application's %v", a, b, c)
	}
	for name, a := range map[string]visa.Application{"closed": application(t, visa.StageClosed, visa.OutcomeApproved)} {
		if _, ok := p.Calendar("en", a, now, asOf); ok {
			t.Errorf("%s: there are days", name)
		}
	}
	if _, ok := p.Calendar("en", application(t, visa.StageReceived, ""), now.AddDate(1, 0, 0), asOf); ok {
		t.Error("days that have passed are put into a calendar")
	}
}

func TestWhereAProofIsNeededThePageAsksForItOnce(t *testing.T) {
	p := pages(web.Options{BotUsername: "kabarchy_bot", AskProof: true})
	page, err := p.Status(web.StatusView{Application: application(t, visa.StageDecided, visa.OutcomeApproved), Now: now, AsOf: asOf})
	d := parse(t, page, err)
	if d.find("form", "action", "/calendar") == nil || d.find("input", "name", "proof") == nil || d.find("form", "action", "/alerts") != nil || d.find("a", "href", "/alerts") == nil {
		t.Errorf("got %s", page)
	}
	page, err = p.Problem(web.ProblemView{Problem: web.NotFound, Reference: reference(t, "20417733"), Now: now})
	if d := parse(t, page, err); d.find("form", "action", "/alerts") != nil {
		t.Error("a number that must not be told from an unknown one can be followed without its proof")
	}
}
