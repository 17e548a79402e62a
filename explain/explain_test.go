package explain_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kabarchy/explain"
	"kabarchy/i18n"
	"kabarchy/visa"
)

var bishkek = time.FixedZone("Bishkek", 6*3600)

func view(lang string, today visa.Date, asOf time.Time) explain.View {
	c, _ := i18n.Default().Lookup(lang)
	return explain.View{Catalogue: c, Reasons: i18n.DefaultReasons(), Today: today, AsOf: asOf, Zone: bishkek}
}

func date(t *testing.T, s string) visa.Date {
	t.Helper()
	d, err := visa.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// statements are all that a register can say by stage and outcome.
func statements() []visa.Statement {
	var all []visa.Statement
	for _, stage := range visa.Stages {
		if stage != visa.StageDecided {
			all = append(all, visa.Statement{Procedure: visa.ProcedureVisa, Stage: stage})
		}
		if stage == visa.StageDecided || stage == visa.StageClosed {
			for _, outcome := range visa.Outcomes {
				all = append(all, visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: stage, Outcome: outcome})
			}
		}
	}
	return all
}

// untold finds what should never reach a reader: a key, a placeholder, a full
// stop said twice.
func untold(s string) bool {
	return strings.TrimSpace(s) == "" || strings.ContainsAny(s, "{}<>_") || strings.Contains(s, "..") || strings.Contains(s, "  ")
}

func TestEveryStageAndOutcomeIsExplainedInEveryLanguage(t *testing.T) {
	today := visa.NewDate(2025, time.June, 23)
	for _, c := range i18n.Default().All() {
		v := view(c.Code(), today, time.Date(2025, 6, 23, 20, 5, 0, 0, bishkek))
		headlines := map[string]bool{}
		for _, s := range statements() {
			e := v.Application(visa.Application{Statement: s, UpdatedAt: time.Date(2025, 6, 4, 9, 0, 0, 0, bishkek)})
			said := append([]string{e.Icon, e.Headline, e.Meaning, e.Then, e.Procedure, e.AsOf}, e.Todo...)
			for _, text := range said {
				if untold(text) {
					t.Errorf("%s, %s %s: %q is not fit to be read", c.Code(), s.Stage, s.Outcome, text)
				}
			}
			if len(e.Todo) == 0 {
				t.Errorf("%s, %s %s: says nothing of what to do", c.Code(), s.Stage, s.Outcome)
			}
			if n := utf8.RuneCountInString(e.Headline); n > 40 {
				t.Errorf("%s, %s %s: the headline has %d characters", c.Code(), s.Stage, s.Outcome, n)
			}
			if headlines[e.Headline] {
				t.Errorf("%s, %s %s: another state has the headline %q too", c.Code(), s.Stage, s.Outcome, e.Headline)
			}
			headlines[e.Headline] = true
		}
	}
}

func TestEveryHeadlineFitsAtMost40Characters(t *testing.T) {
	for _, c := range i18n.Default().All() {
		v := view(c.Code(), visa.NewDate(2025, time.June, 23), time.Time{})
		headlines := []string{v.Unknown().Headline, c.T("headline.news"), c.T("headline.deadlines"), c.T("headline.document"), c.T("headline.reason"), c.T("headline.procedure")}
		for _, kind := range visa.DeadlineKinds {
			for _, n := range []int{-400, -1, 0, 1, 2, 5, 21, 100, 365} {
				headlines = append(headlines, v.ReminderHeadline(kind, v.Today.Add(n)))
			}
		}
		for _, h := range headlines {
			if n := utf8.RuneCountInString(h); n > 40 || untold(h) {
				t.Errorf("%s: %q has %d characters", c.Code(), h, n)
			}
		}
	}
}

func TestWhatIsNotDecidedIsNeverWordedAsARefusal(t *testing.T) {
	words := map[string][]string{
		"en": {"refus", "reject", "denied", "denial"},
		"ru": {"отказ", "отклон"},
		"ky": {"баш тарт", "четке как"},
		"uz": {"rad et", "rad qil", "rad jav"},
		"tr": {"redded", "reddet"},
		"zh": {"拒", "驳回", "不予批准"},
		"ur": {"مسترد", "نامنظور", "انکار"},
		"hi": {"अस्वीका", "अस्वीकृ", "नामंज", "ठुकरा", "इनकार"},
		"bn": {"প্রত্যাখ", "নামঞ্জুর", "নাকচ", "অস্বীকৃ"},
	}
	for _, c := range i18n.Default().All() {
		if words[c.Code()] == nil {
			t.Errorf("%s: state the words of refusal here", c.Code())
		}
		v := view(c.Code(), visa.NewDate(2025, time.June, 23), time.Time{})
		for _, stage := range []visa.Stage{visa.StageReceived, visa.StageInProcessing, visa.StageCorrectionRequired} {
			e := v.Application(visa.Application{Statement: visa.Statement{Stage: stage}, History: []visa.Event{{Stage: stage}}})
			said := strings.ToLower(strings.Join(append(e.Todo, e.Headline, e.Meaning, e.Then, e.History[0].What), " "))
			for _, word := range words[c.Code()] {
				if strings.Contains(said, word) {
					t.Errorf("%s: %s says %q: %s", c.Code(), stage, word, said)
				}
			}
			if e.Icon == explain.Icon(visa.StageDecided, visa.OutcomeRefused) {
				t.Errorf("%s has the icon of a refusal", stage)
			}
		}
	}
}

func TestDeadlinesAreWordedInclusivelyAndNeverWithNegativeDays(t *testing.T) {
	leave := visa.Deadline{Kind: visa.LeaveBy, Date: date(t, "2025-07-05")}
	tests := []struct{ lang, today, want string }{
		{"en", "2025-06-23", "Last day to leave: Saturday 5 July 2025 (12 days left; that day itself still counts)"},
		{"en", "2025-07-04", "Last day to leave: Saturday 5 July 2025 (1 day left; that day itself still counts)"},
		{"en", "2025-07-05", "Last day to leave: today, Saturday 5 July 2025 (today itself still counts)"},
		{"en", "2025-07-06", "Last day to leave: Saturday 5 July 2025. That day has passed."},
		{"ru", "2025-06-23", "Последний день для выезда: суббота, 5 июля 2025 г. (осталось 12 дней; сам этот день ещё считается)"},
		{"ru", "2025-07-04", "Последний день для выезда: суббота, 5 июля 2025 г. (остался 1 день; сам этот день ещё считается)"},
		{"ru", "2025-08-01", "Последний день для выезда: суббота, 5 июля 2025 г. Этот день прошёл."},
		{"ky", "2025-06-23", "Чыгып кетүүнүн акыркы күнү: 2025-жылдын 5-июлу, ишемби (12 күн калды; ушул күндүн өзү да эсепке кирет)"},
		{"uz", "2025-06-23", "Chiqib ketishning oxirgi kuni: 2025-yil 5-iyul, shanba (12 kun qoldi; shu kunning oʻzi ham hisobga kiradi)"},
		{"tr", "2025-06-23", "Ülkeden çıkış için son gün: 5 Temmuz 2025 Cumartesi (12 gün kaldı; o gün de süreye dahildir)"},
		{"zh", "2025-06-23", "最后离境日：2025年7月5日星期六（还剩12天，当天仍算在内）"},
		{"ur", "2025-06-23", "ملک چھوڑنے کا آخری دن: ہفتہ، 5 جولائی 2025 (12 دن باقی؛ یہ دن خود بھی شامل ہے)"},
		{"hi", "2025-06-23", "देश छोड़ने का आख़िरी दिन: शनिवार, 5 जुलाई 2025 (12 दिन बाकी; वह दिन भी शामिल है)"},
		{"bn", "2025-06-23", "দেশ ছাড়ার শেষ দিন: শনিবার, 5 জুলাই 2025 (12 দিন বাকি; সেই দিনটিও এর মধ্যে)"},
	}
	for _, tt := range tests {
		t.Run(tt.lang+" on "+tt.today, func(t *testing.T) {
			if got := view(tt.lang, date(t, tt.today), time.Time{}).Deadline(leave).Line; got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	for _, c := range i18n.Default().All() {
		for _, kind := range visa.DeadlineKinds {
			for n := -40; n <= 40; n++ {
				v := view(c.Code(), leave.Date, time.Time{})
				d := v.Deadline(visa.Deadline{Kind: kind, Date: leave.Date.Add(n), Calculated: true})
				for _, text := range []string{d.Line, d.Note, v.TodoBy(kind, d.Date), v.ReminderHeadline(kind, d.Date)} {
					if untold(text) || strings.Contains(text, "(-") || strings.Contains(text, " -") || strings.HasPrefix(text, "-") {
						t.Errorf("%s: %s in %d days: %q", c.Code(), kind, n, text)
					}
				}
			}
		}
	}
}

func TestWhatMustBeDoneFollowsStageAndDeadlines(t *testing.T) {
	today := date(t, "2025-06-23")
	by := func(kind visa.DeadlineKind, n int) visa.Deadline {
		return visa.Deadline{Kind: kind, Date: today.Add(n)}
	}
	const portal = "Read the decision on the authorities’ own portal."
	tests := []struct {
		name string
		s    visa.Statement
		want []string
	}{
		{"waiting", visa.Statement{Stage: visa.StageInProcessing}, []string{"You do not need to do anything now."}},
		{"waiting, but the day to leave is near", visa.Statement{Stage: visa.StageInProcessing, Deadlines: []visa.Deadline{by(visa.LeaveBy, 12)}},
			[]string{"Leave Kyrgyzstan no later than Saturday 5 July 2025."}},
		{"approved with a day to leave", visa.Statement{Stage: visa.StageDecided, Outcome: visa.OutcomeApproved, Deadlines: []visa.Deadline{by(visa.LeaveBy, 0)}},
			[]string{"Leave Kyrgyzstan today: today is the last day.", portal}},
		{"the day to leave has passed", visa.Statement{Stage: visa.StageDecided, Outcome: visa.OutcomeApproved, Deadlines: []visa.Deadline{by(visa.LeaveBy, -1)}},
			[]string{"The last day to leave has passed. The authorities can tell you what applies now.", portal}},
		{"earliest deadline first", visa.Statement{Stage: visa.StageDecided, Outcome: visa.OutcomeRefused, Deadlines: []visa.Deadline{by(visa.LeaveBy, 12), by(visa.AppealBy, 2)}},
			[]string{"If you want to appeal, do it no later than Wednesday 25 June 2025.", "Leave Kyrgyzstan no later than Saturday 5 July 2025.", portal}},
		{"to correct by a day", visa.Statement{Stage: visa.StageCorrectionRequired, Deadlines: []visa.Deadline{by(visa.CorrectBy, 12)}},
			[]string{"Correct the application on the authorities’ own portal no later than Saturday 5 July 2025."}},
		{"to correct, no day stated", visa.Statement{Stage: visa.StageCorrectionRequired},
			[]string{"Correct the application on the authorities’ own portal."}},
		{"corrected before its day", visa.Statement{Stage: visa.StageInProcessing, Deadlines: []visa.Deadline{by(visa.CorrectBy, 12)}},
			[]string{"You do not need to do anything now."}},
		{"closed asks for nothing", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeApproved, Deadlines: []visa.Deadline{by(visa.CorrectBy, 12)}},
			[]string{"You do not need to do anything now."}},
		{"closed and refused, the decision is still to be read", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeRefused}, []string{portal}},
		{"closed and refused with a day to leave", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeRefused, Deadlines: []visa.Deadline{by(visa.LeaveBy, 12)}},
			[]string{"Leave Kyrgyzstan no later than Saturday 5 July 2025.", portal}},
		{"closed and cancelled", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeCancelled}, []string{"Read on the authorities’ own portal what this means for you."}},
		{"closed and withdrawn", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeWithdrawn}, []string{"You do not need to do anything now."}},
		{"a day to leave holds though it is closed", visa.Statement{Stage: visa.StageClosed, Outcome: visa.OutcomeApproved, Deadlines: []visa.Deadline{by(visa.LeaveBy, 12)}},
			[]string{"Leave Kyrgyzstan no later than Saturday 5 July 2025."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := view("en", today, time.Time{}).Todo(tt.s); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTheAsOfLineTellsCheckedFromChanged(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("2006-01-02 15:04", s, bishkek)
		if err != nil {
			t.Fatal(err)
		}
		return x.UTC()
	}
	moved := visa.Application{UpdatedAt: at("2025-06-04 09:00"), History: []visa.Event{{Stage: visa.StageReceived, At: at("2025-06-04 09:00")}}}
	restated := moved
	restated.UpdatedAt = at("2025-07-01 10:00")
	tests := []struct {
		name  string
		a     visa.Application
		asOf  time.Time
		today string
		want  string
	}{
		{"nothing changed since", moved, at("2025-11-20 20:05"), "2025-11-20", "No change since 4 June. Checked 20 November, 20:05."},
		{"the local day counts", visa.Application{UpdatedAt: at("2025-06-04 00:30")}, at("2025-11-20 00:10"), "2025-11-20", "No change since 4 June. Checked 20 November, 00:10."},
		{"last year is said", moved, at("2026-01-02 08:00"), "2026-01-02", "No change since 4 June 2025. Checked 2 January, 08:00."},
		{"something but the stage changed", restated, at("2025-11-20 20:05"), "2025-11-20", "The stage has not changed since 4 June. Checked 20 November, 20:05."},
		{"changed after the last complete data", restated, at("2025-06-30 20:05"), "2025-07-01", "Last change 1 July, 10:00. Last complete data from the register: 30 June, 20:05."},
		{"no complete data yet", moved, time.Time{}, "2025-06-05", "Last change 4 June. No complete data has come from the register yet."},
		{"no time at all", visa.Application{}, time.Time{}, "2025-06-05", "No complete data has come from the register yet."},
		{"no time of a change", visa.Application{}, at("2025-06-05 20:05"), "2025-06-05", "Checked 5 June, 20:05."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := view("en", date(t, tt.today), tt.asOf).AsOfLine(tt.a); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestDocumentsAreSaidWithTheDatesThatAreStated(t *testing.T) {
	from, until := date(t, "2025-06-20"), date(t, "2025-07-05")
	tests := []struct {
		lang string
		d    visa.Document
		want string
	}{
		{"en", visa.Document{}, ""},
		{"en", visa.Document{Kind: visa.DocumentExitVisa}, "Exit visa"},
		{"en", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from}, "Exit visa, valid from 20 June 2025"},
		{"en", visa.Document{Kind: visa.DocumentExitVisa, ValidUntil: until}, "Exit visa, valid until 5 July 2025"},
		{"en", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "Exit visa, valid from 20 June 2025 until 5 July 2025"},
		{"ru", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "Выездная виза, срок действия с 20 июня 2025 года до 5 июля 2025 года"},
		{"ky", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "Чыгуу визасы, 2025-жылдын 20-июнунан 2025-жылдын 5-июлуна чейин жарактуу"},
		{"uz", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "Chiqish vizasi, 2025-yil 20-iyundan 2025-yil 5-iyulgacha amal qiladi"},
		{"tr", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "Çıkış vizesi, 20 Haziran 2025 tarihinden 5 Temmuz 2025 tarihine kadar geçerli"},
		{"zh", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "出境签证，有效期从2025年6月20日至2025年7月5日"},
		{"ur", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "ایگزٹ ویزا، میعاد 20 جون 2025 سے 5 جولائی 2025 تک"},
		{"hi", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "एग्ज़िट वीज़ा, 20 जून 2025 से 5 जुलाई 2025 तक मान्य"},
		{"bn", visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}, "এক্সিট ভিসা, 20 জুন 2025 থেকে 5 জুলাই 2025 পর্যন্ত বৈধ"},
	}
	for _, tt := range tests {
		if got := view(tt.lang, from, time.Time{}).Document(tt.d); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.lang, got, tt.want)
		}
	}
}

func TestHistoryKeepsItsOrderAndLeavesOutATimeNobodyStated(t *testing.T) {
	a := visa.Application{Statement: visa.Statement{Stage: visa.StageDecided, Outcome: visa.OutcomeApproved}, History: []visa.Event{
		{Stage: visa.StageReceived, At: time.Date(2025, 6, 2, 0, 0, 0, 0, bishkek).UTC()},
		{Stage: visa.StageInProcessing, At: time.Date(2025, 6, 2, 11, 2, 0, 0, bishkek).UTC()},
		{Stage: visa.StageDecided, Outcome: visa.OutcomeApproved},
	}}
	var got []string
	for _, e := range view("en", date(t, "2025-06-23"), time.Time{}).Application(a).History {
		got = append(got, e.When+": "+e.What)
	}
	want := []string{"Monday 2 June 2025: Received", "Monday 2 June 2025, 11:02: In processing", "Date not stated: Decided: Approved"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTheVocabularyHasEveryCodeWithNameMeaningAndNextStepInEveryLanguage(t *testing.T) {
	for _, c := range i18n.Default().All() {
		w := explain.Vocabulary(c, i18n.DefaultReasons())
		groups := map[string]struct {
			terms []explain.Term
			n     int
		}{
			"procedures": {w.Procedures, len(visa.Procedures)}, "stages": {w.Stages, len(visa.Stages)},
			"outcomes": {w.Outcomes, len(visa.Outcomes)}, "documents": {w.Documents, len(visa.DocumentKinds)},
			"deadlines": {w.Deadlines, len(visa.DeadlineKinds)}, "reasons": {w.Reasons, len(i18n.DefaultReasons().Codes())},
		}
		for group, g := range groups {
			if len(g.terms) != g.n {
				t.Errorf("%s: %s has %d terms; there are %d codes", c.Code(), group, len(g.terms), g.n)
			}
			for _, term := range g.terms {
				if term.Code == "" || untold(term.Name) || untold(term.Meaning) || untold(term.NextStep) {
					t.Errorf("%s: %s: %+v is not whole", c.Code(), group, term)
				}
			}
		}
	}
	c, _ := i18n.Default().Lookup("ru")
	data, err := json.Marshal(explain.Vocabulary(c, nil))
	if err != nil || !strings.Contains(string(data), `"reasons":[]`) || !strings.Contains(string(data), `"next_step":"Сейчас вам ничего не нужно делать."`) {
		t.Errorf("the vocabulary as JSON is %s, %v", data, err)
	}
}

func TestEveryFaultSaysWhatToDo(t *testing.T) {
	faults := []visa.ReferenceFault{visa.FaultEmpty, visa.FaultShort, visa.FaultLong, visa.FaultCharacter, visa.FaultPattern, visa.FaultCheck}
	for _, c := range i18n.Default().All() {
		seen := map[string]bool{}
		for _, f := range faults {
			seen[explain.Fault(c, visa.ReferenceError{Fault: f, N: 5})] = true
			if untold(explain.Fault(c, visa.ReferenceError{Fault: f, N: 5})) {
				t.Errorf("%s: %s: %q", c.Code(), f, explain.Fault(c, visa.ReferenceError{Fault: f, N: 5}))
			}
		}
		if len(seen) < len(faults)-1 {
			t.Errorf("%s: the faults have %d texts only", c.Code(), len(seen))
		}
	}
	en, _ := i18n.Default().Lookup("en")
	if got, want := explain.Fault(en, visa.ReferenceError{Fault: visa.FaultShort, N: 5}), "You typed 5 letters and digits. A reference number has 6 to 24."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := explain.Fault(en, visa.ReferenceError{Fault: "no such fault"}); untold(got) {
		t.Errorf("an unknown fault gives %q", got)
	}
}

func TestCodesThatNobodyKnowsAreShownAsTheyAre(t *testing.T) {
	v := view("en", date(t, "2025-06-23"), time.Time{})
	e := v.Application(visa.Application{
		Statement: visa.Statement{Procedure: "p", Stage: "s", Outcome: "o", Reason: "r", Document: visa.Document{Kind: "d"}, Deadlines: []visa.Deadline{{Kind: "k", Date: 1}}},
		History:   []visa.Event{{Stage: "s", Outcome: "o"}},
	})
	if e.Procedure != "p" || e.Document != "d" || e.Reason != "" || e.Headline == "" || len(e.Todo) == 0 || e.History[0].What != "s: o" {
		t.Errorf("got %+v", e)
	}
}

func TestUnknownSaysAsOfWhen(t *testing.T) {
	v := view("en", date(t, "2025-11-21"), time.Date(2025, 11, 20, 20, 5, 0, 0, bishkek))
	if got, want := v.Unknown().Meaning, "This number is not in our data of 20 November, 20:05 yet."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	v.AsOf = time.Time{}
	if got, want := v.Unknown().Meaning, "This number is not in our data yet. No complete data has come from the register so far."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
