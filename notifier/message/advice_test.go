package message_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/notifier/message"
	"kabarchy/visa"
)

// guide is a file of guidance with the same texts in every language.
func guide(t testing.TB, steps []string, contact string) *guidance.Guide {
	t.Helper()
	texts, lines, codes := map[string]string{}, map[string][]string{}, []string(nil)
	for _, c := range i18n.Default().All() {
		texts[c.Code()], lines[c.Code()], codes = contact, steps, append(codes, c.Code())
	}
	b, err := json.Marshal(map[string]any{
		"service":     map[string]any{"contact": texts, "address": texts, "name": texts, "hours": texts, "phone": "+996 312 000000"},
		"portal":      "https://portal.example.kg/",
		"last_moment": map[string]any{"leave_by": map[string]string{"en": "Until midnight."}},
		"steps": []any{
			map[string]any{"outcome": "approved", "text": lines, "reviewer": "A. Reviewer", "reviewed_on": "2025-06-01"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guidance.Parse(b, codes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// loud says as much as a file of guidance may.
var loud = sync.OnceValue(func() *guidance.Guide {
	lines := make([]string, 12)
	for i := range lines {
		lines[i] = strings.Repeat("<&𝕏 ", 99) + "."
	}
	return guide(nopTB{}, lines, lines[0])
})

// nopTB is for helpers that are called where no test is at hand; they do not fail.
type nopTB struct{ testing.TB }

func (nopTB) Helper() {}

func TestGuidanceStandsInStatusNewsAndReminder(t *testing.T) {
	o := opts
	o.Guide = func() *guidance.Guide {
		return guide(t, []string{"Print the decision.", "Take your passport."}, "Ask the desk.")
	}
	approved := application(t, visa.StageDecided, visa.OutcomeApproved)
	for _, d := range []visa.Delivery{
		delivery(approved, "en", visa.KindReply, visa.Note{Reply: visa.ReplyStatus, Reference: reference(t, whole)}),
		delivery(approved, "en", visa.KindNews, visa.Note{Changed: []string{"stage"}}),
		delivery(approved, "en", visa.KindReminder, visa.Note{Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5)}),
	} {
		m := message.Render(d, o)
		check(t, m)
		for _, want := range []string{
			"Step by step:\n1. Print the decision.\n2. Take your passport.\nThese steps were checked by A. Reviewer, Sunday 1 June 2025.",
			"Whom to ask:\n• Ask the desk.", "• Phone: +996 312 000000", "Until midnight.", "authoritative.",
		} {
			if !strings.Contains(m.Plain, want) {
				t.Errorf("%s lacks %q:\n%s", d.Kind, want, m.Plain)
			}
		}
		if !strings.Contains(fmt.Sprint(m.Buttons), "https://portal.example.kg/") {
			t.Errorf("%s does not lead to the portal: %v", d.Kind, m.Buttons)
		}
	}
	d := delivery(application(t, visa.StageReceived, ""), "en", visa.KindNews, visa.Note{Changed: []string{"stage"}})
	if m := message.Render(d, o); strings.Contains(m.Plain, "Step by step") || !strings.Contains(m.Plain, "portal is authoritative") {
		t.Errorf("advice for an application that the file has none for:\n%s", m.Plain)
	}
}

func TestWithoutGuidanceThePortalIsNamedAndNothingIsMadeUp(t *testing.T) {
	for _, c := range i18n.Default().All() {
		for _, kind := range []visa.Kind{visa.KindNews, visa.KindReminder} {
			m := message.Render(delivery(application(t, visa.StageDecided, visa.OutcomeApproved), c.Code(), kind,
				visa.Note{Changed: []string{"stage"}, Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5)}), opts)
			if !strings.Contains(m.Plain, c.T("note.portal")) || strings.Contains(m.Plain, c.T("label.advice")) || strings.Contains(m.Plain, c.T("label.whom")) {
				t.Errorf("%s %s:\n%s", c.Code(), kind, m.Plain)
			}
		}
	}
}

func TestHoweverMuchIsAdvisedTheNotesAreNotCutOff(t *testing.T) {
	o := retaining
	g := loud()
	o.Guide = func() *guidance.Guide { return g }
	for _, c := range i18n.Default().All() {
		for _, kind := range []visa.Kind{visa.KindNews, visa.KindReminder, visa.KindReply, visa.KindPendingLong} {
			d := delivery(application(t, visa.StageClosed, visa.OutcomeApproved), c.Code(), kind, visa.Note{
				Reply: visa.ReplyFollowing, Reference: reference(t, whole), Code: "0471", Changed: []string{"stage"}, Deadline: visa.LeaveBy, Date: visa.NewDate(2025, 7, 5)})
			m := message.Render(d, o)
			check(t, m)
			if !strings.Contains(m.Plain, c.T("note.portal")) || strings.HasSuffix(m.Plain, "…") {
				t.Errorf("%s %s is cut off:\n%s", c.Code(), kind, m.Plain)
			}
			if !strings.Contains(m.Plain, c.T("guidance.cut")) {
				t.Errorf("%s %s does not say that steps are left out", c.Code(), kind)
			}
		}
	}
}

func TestOurPageIsOfferedWhereTelegramTakesItsAddress(t *testing.T) {
	tests := []struct{ url, reply, want string }{
		{"https://status.example.kg", visa.ReplyWelcome, "https://status.example.kg/"},
		{"https://status.example.kg/", visa.ReplyHelp, "https://status.example.kg/help"},
		{"", visa.ReplyHelp, ""},
		{"http://localhost:8080", visa.ReplyWelcome, ""},
		{"ftp://status.example.kg", visa.ReplyWelcome, ""},
		{"https://status.example.kg", visa.ReplyListEmpty, ""},
	}
	for _, tt := range tests {
		o := opts
		o.PublicURL = tt.url
		m := message.Render(delivery(nil, "en", visa.KindReply, visa.Note{Reply: tt.reply}), o)
		check(t, m)
		got := ""
		for _, row := range m.Buttons {
			for _, b := range row {
				if b.URL != "" {
					got = b.URL
				}
			}
		}
		if got != tt.want {
			t.Errorf("%s with PUBLIC_URL %q leads to %q, want %q", tt.reply, tt.url, got, tt.want)
		}
	}
}
