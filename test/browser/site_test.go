package browser

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// zone is the service's, without daylight saving.
var zone = time.FixedZone("Asia/Bishkek", 6*3600)

func day(in int) string { return time.Now().In(zone).AddDate(0, 0, in).Format(time.DateOnly) }

// A state is an application that stands somewhere.
type state struct {
	name      string
	reference string
	update    harness.Update
}

// states are every stage with every outcome it can have.
var states = func() []state {
	var out []state
	add := func(stage, outcome string, more func(*harness.Update)) {
		u := harness.Update{
			Reference: fmt.Sprintf("2041%04d", 7700+len(out)), Version: 1, Procedure: "exit_visa", Campaign: "legalization-2025",
			Stage: stage, Outcome: outcome, SubmittedOn: day(-30), UpdatedAt: time.Now().Add(-26 * time.Hour).Format(time.RFC3339),
		}
		if more != nil {
			more(&u)
		}
		out = append(out, state{strings.TrimSuffix(stage+" "+outcome, " "), u.Reference, u})
	}
	add("received", "", nil)
	add("in_processing", "", nil)
	add("correction_required", "", func(u *harness.Update) {
		u.Reason, u.Deadlines = "fee_unpaid", []harness.Deadline{{Kind: "correct_by", Date: day(20)}}
	})
	for _, outcome := range []string{"approved", "refused", "cancelled", "withdrawn"} {
		add("decided", outcome, func(u *harness.Update) {
			switch outcome {
			case "approved":
				u.Document = &harness.Document{Kind: "exit_visa", ValidFrom: day(-1), ValidUntil: day(12)}
				u.Deadlines = []harness.Deadline{{Kind: "leave_by", Date: day(12)}}
			case "refused":
				u.Deadlines = []harness.Deadline{{Kind: "leave_by", Date: day(0)}, {Kind: "appeal_by", Date: day(-3)}}
			}
		})
	}
	add("closed", "", nil)
	for _, outcome := range []string{"approved", "refused", "cancelled", "withdrawn"} {
		add("closed", outcome, nil)
	}
	return out
}()

const unknown = "99999999"

// A site is the program with a register's data and a Telegram, served.
type site struct {
	*harness.Service
	sim *simulator.Simulator
	key string
}

func newSite(t *testing.T, settings map[string]string) *site {
	t.Helper()
	sim := harness.Telegram(t)
	s := &site{Service: harness.New(t, harness.Options{Telegram: sim, Settings: settings}), sim: sim}
	s.key = s.Key("register", "updates")
	s.Start()
	var lines strings.Builder
	for _, one := range states {
		lines.WriteString(one.update.Line() + "\n")
	}
	a := s.Send(harness.Request{Method: "POST", Path: "/v1/updates?complete=true&as_of=" + time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04:05Z"),
		Key: s.key, Type: harness.NDJSON, Body: lines.String()})
	if a.Status != 200 || !strings.Contains(string(a.Body), fmt.Sprintf(`"applied":%d`, len(states))) {
		t.Fatalf("the register's data: %d %s", a.Status, a.Body)
	}
	// The bot's name stands on the pages once Telegram has told it.
	s.Until("the bot known by name", func() bool { return strings.Contains(string(s.Get("/help").Body), "/alerts") })
	return s
}

// languages are the ones that the start page links to, by their codes.
func (s *site) languages(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`\?lang=([a-z]+)"`).FindAllStringSubmatch(string(s.Get("/").Body), -1) {
		out = append(out, m[1])
	}
	return out
}

// A view is a page in a state, and how a person gets there.
type view struct {
	name string
	open func(b *tab, lang string)
}

func at(path string) func(*tab, string) {
	return func(b *tab, lang string) { b.visit(path + "?lang=" + lang) }
}

// views are all pages in all states.
var views = func() []view {
	out := []view{
		{"start", at("/")},
		{"start with an error", func(b *tab, lang string) { b.visit("/?lang=" + lang); b.submit("2041") }},
		{"help", at("/help")},
		{"alerts", at("/alerts")},
		{"alerts with an error", func(b *tab, lang string) { b.visit("/alerts?lang=" + lang); b.submit("") }},
		{"link", func(b *tab, lang string) { b.visit("/alerts?lang=" + lang); b.submit(states[0].reference) }},
		{"link of an unknown number", func(b *tab, lang string) {
			b.visit("/status/" + unknown + "?lang=" + lang)
			b.click(`form[action="/alerts"] button`)
		}},
		{"unknown", at("/status/" + unknown)},
		{"no days", func(b *tab, lang string) {
			b.visit("/?lang=" + lang)
			b.leads(post("/calendar", states[0].reference))
		}},
		{"no such page", at("/nothing")},
	}
	for _, s := range states {
		out = append(out, view{s.name, at("/status/" + s.reference)})
	}
	return out
}()
