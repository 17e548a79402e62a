package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"kabarchy/app/web"
	"kabarchy/i18n"
	"kabarchy/visa"
)

var (
	bishkek = time.FixedZone("Bishkek", 6*3600)
	now     = time.Date(2025, 6, 23, 20, 30, 0, 0, bishkek)
	asOf    = time.Date(2025, 6, 23, 20, 5, 0, 0, bishkek)
)

func pages(o web.Options) *web.Pages {
	o.Zone = bishkek
	return web.New(i18n.Default(), i18n.DefaultReasons(), o)
}

func reference(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func application(t testing.TB, stage visa.Stage, outcome visa.Outcome) visa.Application {
	a := visa.Application{
		Reference: reference(t, "20417733"), Version: 7, Revision: 9, UpdatedAt: time.Date(2025, 6, 20, 9, 15, 0, 0, bishkek),
		Statement: visa.Statement{
			Procedure: visa.ProcedureExitVisa, Stage: stage, Outcome: outcome, Reason: "fee_unpaid", SubmittedOn: visa.NewDate(2025, 6, 2),
			Deadlines: []visa.Deadline{{Kind: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5), Calculated: true}, {Kind: visa.CorrectBy, Date: visa.NewDate(2025, 7, 1)}},
		},
		History: []visa.Event{
			{Stage: visa.StageReceived, At: time.Date(2025, 6, 2, 11, 2, 0, 0, bishkek)},
			{Stage: visa.StageInProcessing, At: time.Date(2025, 6, 4, 9, 0, 0, 0, bishkek)},
			{Stage: stage, Outcome: outcome, At: time.Date(2025, 6, 20, 9, 15, 0, 0, bishkek)},
		},
	}
	if outcome == visa.OutcomeApproved {
		a.Document = visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: visa.NewDate(2025, 6, 20), ValidUntil: visa.NewDate(2025, 7, 5)}
	}
	return a
}

// eachState calls f with every stage and outcome a register can state.
func eachState(f func(visa.Stage, visa.Outcome)) {
	for _, stage := range visa.Stages {
		if stage != visa.StageDecided {
			f(stage, "")
		}
		if stage == visa.StageDecided || stage == visa.StageClosed {
			for _, outcome := range visa.Outcomes {
				f(stage, outcome)
			}
		}
	}
}

func TestAStatusPageAnswersInEveryStageOutcomeAndLanguage(t *testing.T) {
	p := pages(web.Options{BotUsername: "kabarchy_bot", PortalURL: "https://portal.example/"})
	for _, c := range i18n.Default().All() {
		eachState(func(stage visa.Stage, outcome visa.Outcome) {
			t.Run(fmt.Sprintf("%s %s %s", c.Code(), stage, outcome), func(t *testing.T) {
				page, err := p.Status(web.StatusView{
					Page: web.Page{Language: c.Code(), Path: "/status/20417733"}, Application: application(t, stage, outcome), Now: now, AsOf: asOf,
				})
				d := parse(t, page, err)
				key := "headline." + string(stage)
				if outcome != "" {
					key += "." + string(outcome)
				}
				if d.h1() != c.T(key) {
					t.Errorf("the answer is %q, want %q", d.h1(), c.T(key))
				}
				wants := []string{
					"2041 7733", c.T("procedure.exit_visa.name"), c.T("label.todo"), c.T("label.deadlines"), c.T("label.history"),
					c.T("deadline.leave_by.name"), c.T("deadline.calculated"), i18n.DefaultReasons().Text("fee_unpaid", c.Code()),
					c.T("web.footer"), c.T("web.status.not_yours"), c.T("web.status.alert"),
				}
				if outcome != "" {
					wants = append(wants, c.T("note.page_not_document"))
				}
				if outcome == visa.OutcomeApproved {
					wants = append(wants, c.T("label.document"))
				}
				for _, want := range wants {
					if !strings.Contains(d.text(), want) {
						t.Errorf("lacks %q", want)
					}
				}
				if strings.Contains(d.title(), "20417733") || strings.Contains(d.title(), "2041 7733") {
					t.Errorf("the title is %q", d.title())
				}
				if d.find("time", "datetime", "2025-07-05") == nil {
					t.Error("the deadline is not there for machines")
				}
			})
		})
	}
}

func TestAStatusPageReadsInOrder(t *testing.T) {
	page, err := pages(web.Options{}).Status(web.StatusView{
		Page: web.Page{Language: "en"}, Application: application(t, visa.StageDecided, visa.OutcomeApproved), Now: now, AsOf: asOf,
	})
	d := parse(t, page, err)
	rest := d.text()
	for _, want := range []string{
		"Application approved", "The authorities have approved the application.", "No change since 20 June. Checked 23 June, 20:05.",
		"2041 7733", "Exit visa", "Monday 2 June 2025", "What you must do", "Leave Kyrgyzstan no later than Saturday 5 July 2025.", "By when",
		"Last day to correct: Tuesday 1 July 2025 (8 days left; that day itself still counts)",
		"Last day to leave: Saturday 5 July 2025 (12 days left; that day itself still counts)",
		"Reason", "The fee has not been paid", "Document", "Exit visa, valid from 20 June 2025 until 5 July 2025", "What happens next", "History",
		"Received Monday 2 June 2025, 11:02", "In processing Wednesday 4 June 2025, 09:00", "Decided: Approved Friday 20 June 2025, 09:15",
		"This page is not a document.", "authoritative",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q does not follow in\n%s", want, d.text())
		}
		rest = after
	}
}

func TestTheLastKnownAnswerSaysThatItIsThat(t *testing.T) {
	v := web.StatusView{Application: application(t, visa.StageInProcessing, ""), Now: now, AsOf: asOf, Stale: true}
	page, err := pages(web.Options{}).Status(v)
	if got := parse(t, page, err).text(); !strings.Contains(got, "This is the last answer we have, of 23 June, 20:05.") {
		t.Errorf("got %s", got)
	}
	v.AsOf = time.Time{}
	page, err = pages(web.Options{}).Status(v)
	if got := parse(t, page, err).text(); !strings.Contains(got, "This is the last answer we have.") || !strings.Contains(got, "No complete data has come") {
		t.Errorf("got %s", got)
	}
}

func TestTheStartPageAsksForOneThing(t *testing.T) {
	for _, c := range i18n.Default().All() {
		page, err := pages(web.Options{}).Start(web.StartView{Page: web.Page{Language: c.Code()}})
		d := parse(t, page, err)
		if len(d.all("input")) != 1 || attr(d.all("form")[0], "action") != "/status" || attr(d.all("form")[0], "method") != "post" {
			t.Errorf("%s: the form is not the one it should be", c.Code())
		}
		if d.find("div", "role", "alert") != nil || attr(d.all("input")[0], "aria-invalid") != "" {
			t.Errorf("%s: there is an error before anything was typed", c.Code())
		}
		if want := c.T("web.title", "title", d.h1()); d.title() != want {
			t.Errorf("%s: the title is %q, want %q", c.Code(), d.title(), want)
		}
	}
}

func TestAWrongNumberIsKeptAndTheErrorStandsOnTopAndBesideTheField(t *testing.T) {
	const typed = `12-3 "><script>alert(1)</script>`
	for _, c := range i18n.Default().All() {
		for _, fault := range []visa.ReferenceFault{visa.FaultEmpty, visa.FaultShort, visa.FaultLong, visa.FaultCharacter, visa.FaultPattern, visa.FaultCheck} {
			page, err := pages(web.Options{AskProof: true}).Start(web.StartView{Page: web.Page{Language: c.Code()}, Typed: typed, Wrong: &visa.ReferenceError{Fault: fault, N: 3}, ProofMissing: true})
			d := parse(t, page, err)
			if !strings.HasPrefix(d.title(), c.T("web.error_prefix")+" ") {
				t.Errorf("%s: the title is %q", c.Code(), d.title())
			}
			summary := d.find("div", "role", "alert")
			if summary == nil || attr(summary, "tabindex") != "-1" || !strings.Contains(text(summary), c.T("web.error_summary")) {
				t.Errorf("%s: there is no summary of errors", c.Code())
			}
			field := d.find("input", "id", "reference")
			if attr(field, "value") != typed || attr(field, "aria-invalid") != "true" || !strings.Contains(attr(field, "aria-describedby"), "reference-error") {
				t.Errorf("%s: the field does not keep what was typed, or does not show its error", c.Code())
			}
			if d.find("a", "href", "#reference") == nil || d.find("a", "href", "#proof") == nil || attr(d.find("input", "id", "proof"), "value") != "" {
				t.Errorf("%s: the summary does not lead to the fields, or the proof is repeated", c.Code())
			}
		}
	}
	page, err := pages(web.Options{}).Start(web.StartView{Typed: strings.Repeat("ы", 1<<20), Wrong: &visa.ReferenceError{Fault: visa.FaultLong, N: 1 << 20}})
	parse(t, page, err)
}

func TestEveryProblemSaysWhatToDo(t *testing.T) {
	p := pages(web.Options{BotUsername: "@kabarchy_bot"})
	for _, c := range i18n.Default().All() {
		seen := map[string]bool{}
		for _, problem := range []web.Problem{web.NotFound, web.TooMany, web.Unavailable, web.Broken, web.Missing, web.Refused, "no such problem"} {
			page, err := p.Problem(web.ProblemView{
				Page: web.Page{Language: c.Code(), Path: "/status/20417733"}, Problem: problem, Reference: reference(t, "20417733"),
				Now: now, AsOf: asOf, RetryAfter: 61 * time.Second, Request: `a<b`,
			})
			d := parse(t, page, err)
			seen[d.h1()] = true
			if strings.Contains(d.title(), "2041") || d.find("a", "href", "/") == nil {
				t.Errorf("%s %s: the title is %q, or there is no way on", c.Code(), problem, d.title())
			}
		}
		if len(seen) != 6 {
			t.Errorf("%s: the problems have %d headings", c.Code(), len(seen))
		}
	}
	page, err := p.Problem(web.ProblemView{Problem: web.NotFound, Reference: reference(t, "20417733"), Now: now, AsOf: asOf})
	got := parse(t, page, err).text()
	for _, want := range []string{"This number is not in our data of 23 June, 20:05 yet.", "2041 7733", "Compare each character", "Tell me when it appears"} {
		if !strings.Contains(got, want) {
			t.Errorf("not found lacks %q: %s", want, got)
		}
	}
	page, err = p.Problem(web.ProblemView{Problem: web.TooMany, RetryAfter: 61 * time.Second})
	if got := parse(t, page, err).text(); !strings.Contains(got, "Wait 2 minutes, then try again.") {
		t.Errorf("too many: %s", got)
	}
}

func TestHelpSaysWhatEveryStageAndOutcomeMeans(t *testing.T) {
	for _, c := range i18n.Default().All() {
		page, err := pages(web.Options{BotUsername: "kabarchy_bot"}).Help(web.HelpView{Page: web.Page{Language: c.Code(), Path: "/help"}})
		got := parse(t, page, err).text()
		for _, stage := range visa.Stages {
			if !strings.Contains(got, c.T("stage."+string(stage)+".meaning")) {
				t.Errorf("%s: help lacks the stage %s", c.Code(), stage)
			}
		}
		for _, outcome := range visa.Outcomes {
			if !strings.Contains(got, c.T("outcome."+string(outcome)+".meaning")) {
				t.Errorf("%s: help lacks the outcome %s", c.Code(), outcome)
			}
		}
	}
}

func TestEveryPageLinksToItselfInEveryLanguageNamedInItself(t *testing.T) {
	tests := []struct{ path, want string }{
		{"/status/20417733", "/status/20417733"}, {"/status/20%2F41%22", "/status/20%2F41%22"}, {"", "/"}, {"/", "/"}, {"//evil.example/x", "/"},
		{"https://evil.example/", "/"}, {"javascript:alert(1)", "/"}, {`/\evil.example`, "/"}, {"/a?b=c#d", "/a"}, {"/%zz", "/"},
	}
	for _, tt := range tests {
		page, err := pages(web.Options{}).Help(web.HelpView{Page: web.Page{Language: "ru", Path: tt.path}})
		d := parse(t, page, err)
		for _, c := range i18n.Default().All() {
			link := d.find("a", "hreflang", c.Code())
			if link == nil || attr(link, "href") != tt.want+"?lang="+c.Code() || text(link) != c.Name() || attr(link, "lang") != c.Code() {
				t.Errorf("%q: the link to %s is not the one to %s", tt.path, c.Code(), tt.want)
			}
			if (attr(link, "aria-current") == "true") != (c.Code() == "ru") {
				t.Errorf("%s: the current language is not marked, or another is", c.Code())
			}
		}
	}
}

func TestTheLanguageIsTheChosenOneOrWhatTheBrowserAsksFor(t *testing.T) {
	p := pages(web.Options{})
	for _, tt := range []struct{ chosen, header, want string }{
		{"ky", "ru", "ky"}, {"", "ru-RU,en;q=0.5", "ru"}, {"xx", "ky", "ky"}, {"", "", "en"},
	} {
		if got := p.Match(tt.chosen, tt.header).Code(); got != tt.want {
			t.Errorf("Match(%q, %q) is %s, want %s", tt.chosen, tt.header, got, tt.want)
		}
	}
	page, err := p.Help(web.HelpView{Page: web.Page{Language: "ru-RU,en;q=0.5"}})
	if got := attr(parse(t, page, err).all("html")[0], "lang"); got != "ru" {
		t.Errorf("a page for a Russian browser is in %s", got)
	}
}

func TestThePolicyAllowsExactlyTheStyleOfThePage(t *testing.T) {
	page, err := pages(web.Options{}).Start(web.StartView{})
	d := parse(t, page, err)
	_, after, _ := strings.Cut(d.raw, "<style>")
	css, _, _ := strings.Cut(after, "</style>")
	sum := sha256.Sum256([]byte(css))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(web.CSP, want) {
		t.Errorf("the policy %q does not allow %s", web.CSP, want)
	}
	if strings.Contains(web.CSP, "unsafe") || !strings.HasPrefix(web.CSP, "default-src 'none';") || strings.ContainsAny(web.CSP, "\r\n") {
		t.Errorf("the policy is %q", web.CSP)
	}
	if strings.Contains(css, "url(") || strings.Contains(css, "@import") || strings.Contains(css, "left") || strings.Contains(css, "right") {
		t.Error("the style loads something, or knows left from right")
	}
}

func TestNothingForeignBecomesMarkup(t *testing.T) {
	reasons, err := i18n.LoadReasons([]byte(`{"x":{"en":"<script>alert(1)</script>","ru":"<b>","ky":"&lt;"}}`))
	if err != nil {
		t.Fatal(err)
	}
	p := web.New(i18n.Default(), reasons, web.Options{BotUsername: `"><script>`, PortalURL: "javascript:alert(1)"})
	a := application(t, visa.StageDecided, visa.OutcomeApproved)
	a.Reason, a.Procedure, a.Document.Kind = "x", `<img src=x>`, `</main>`
	a.History[0].Stage = `<script>`
	page, err := p.Status(web.StatusView{Application: a, Now: now, AsOf: asOf, Page: web.Page{Path: `/"onload="x`}})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, page)
	for _, bad := range []string{"<script", "<img", `onload="x`, `href="javascript`} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(string(page), "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the reason is not shown")
	}
}

func TestNothingIsSaidOfTelegramWithoutABot(t *testing.T) {
	page, err := pages(web.Options{}).Status(web.StatusView{Application: application(t, visa.StageReceived, ""), Now: now})
	if strings.Contains(parse(t, page, err).text(), "Telegram") {
		t.Error("Telegram is spoken of though there is no bot")
	}
}

func BenchmarkStatus(b *testing.B) {
	p := pages(web.Options{BotUsername: "kabarchy_bot"})
	v := web.StatusView{Page: web.Page{Language: "ru", Path: "/status/20417733"}, Application: application(b, visa.StageDecided, visa.OutcomeApproved), Now: now, AsOf: asOf}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Status(v); err != nil {
			b.Fatal(err)
		}
	}
}
