package test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// An audience is chats that know the bot, in several languages.
type audience struct {
	t     *testing.T
	s     *harness.Service
	sim   *simulator.Simulator
	chats []*harness.Chat
}

func newAudience(t *testing.T, n int) *audience {
	sim := harness.Telegram(t)
	a := &audience{t: t, sim: sim, s: harness.New(t, harness.Options{Telegram: sim, Settings: map[string]string{"PACE": "14"}})}
	a.s.Start()
	for i := range n {
		c := harness.NewChat(t, sim, []string{"en", "ru", "ky", "kk"}[i%4])
		c.Send("/start")
		a.chats = append(a.chats, c)
	}
	a.s.Settled(sim)
	return a
}

// got counts how often each chat got a message that holds one of some texts,
// and how many got any.
func (a *audience) got(texts ...string) (times map[int64]int, chats int) {
	times = make(map[int64]int)
	for _, c := range a.chats {
		for _, m := range a.sim.Messages(c.ID) {
			for _, text := range texts {
				if strings.Contains(m.Text, text) {
					times[c.ID]++
				}
			}
		}
		if times[c.ID] > 0 {
			chats++
		}
	}
	return times, chats
}

func (a *audience) until(n int, texts ...string) {
	a.t.Helper()
	a.s.Until(fmt.Sprintf("%d chats have got it", n), func() bool { _, chats := a.got(texts...); return chats >= n })
}

// quiet returns how many chats have got it once no request is under way any
// more, and fails the test if more follow though others are written to.
func (a *audience) quiet(texts ...string) int {
	a.t.Helper()
	db := a.s.Open()
	defer func() { _ = db.Close() }()
	a.s.Until("nothing is being sent", func() bool { return number(a.t, db, `SELECT count(*) FROM notifications WHERE state = 'sending'`) == 0 })
	_, before := a.got(texts...)
	for range 3 {
		a.chats[0].Send("/help")
	}
	help := func() (n int) {
		for _, m := range a.sim.Messages(a.chats[0].ID) {
			if strings.Contains(m.Text, "/follow") {
				n++
			}
		}
		return n
	}
	want := help() + 3
	a.s.Until("the bot answers", func() bool { return help() >= want })
	_, after := a.got(texts...)
	if after != before {
		a.t.Errorf("%d more chats got it", after-before)
	}
	return after
}

func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnAnnouncementIsPausedResumedAndSurvivesAKill(t *testing.T) {
	t.Parallel()
	a := newAudience(t, 80)
	s := a.s
	en, ru := s.File("en.txt", "The office is closed on <Monday>.\n\nCome on Tuesday.\n"), s.File("ru.txt", "Отдел закрыт.\r\n")
	texts := []string{"The office is closed on <Monday>.", "Отдел закрыт."}
	args := []string{"announce", "--text", "en=" + en, "--text", "ru=" + ru}

	plan := s.MustRun(append(args, "--dry-run")...)
	for _, want := range []string{"To every chat: 80 at present.", "The office is closed on <Monday>.\n\nCome on Tuesday.", "Отдел закрыт.", "ky: 20 chats", "ru: 40 chats", "ru (there is none in ky)"} {
		if !strings.Contains(plan, want) {
			t.Errorf("the dry run lacks %q:\n%s", want, plan)
		}
	}
	if r := s.Run(args...); r.Status != 2 || !strings.Contains(r.Stderr, "nothing was made") {
		t.Errorf("without a yes: status %d, %s", r.Status, r.Stderr)
	}
	if list := s.Run("announce", "list"); list.Status != 0 || !strings.Contains(list.Stderr, "There is no announcement.") {
		t.Errorf("after a dry run there is\n%s%s", list.Stdout, list.Stderr)
	}

	if out := s.MustRun(append(args, "--yes", "--detach")...); !strings.Contains(out, "Announcement 1 is made.") {
		t.Errorf("it says\n%s", out)
	}
	a.until(8, texts...)
	s.MustRun("announce", "pause", "1")
	paused := a.quiet(texts...)
	if paused == len(a.chats) {
		t.Fatal("it was through before it could be paused")
	}
	if out := s.MustRun("announce", "show", "1"); !strings.Contains(out, "paused") || !strings.Contains(out, "Come on Tuesday.") {
		t.Errorf("it shows\n%s", out)
	}

	s.MustRun("announce", "resume", "1")
	a.until(paused+8, texts...)
	s.Kill()
	if _, chats := a.got(texts...); chats == len(a.chats) {
		t.Fatal("it was through before the kill")
	}
	s.Start()
	s.Until("it is done", func() bool { return strings.Contains(s.MustRun("announce", "list"), " done ") })

	times, chats := a.got(texts...)
	if chats != len(a.chats) {
		t.Errorf("%d of %d chats got it", chats, len(a.chats))
	}
	again := 0
	for _, n := range times {
		again += n - 1
	}
	db := s.Open()
	if ambiguous := number(t, db, `SELECT count(*) FROM attempts WHERE result = 'ambiguous'`); again > ambiguous {
		t.Errorf("%d messages came again, and %d attempts are recorded as ambiguous", again, ambiguous)
	}
	for _, c := range a.chats {
		for _, m := range a.sim.Messages(c.ID) {
			if strings.Contains(m.Text, texts[0]) || strings.Contains(m.Text, texts[1]) {
				if !m.Silent {
					t.Error("an announcement makes a sound")
				}
			}
		}
	}
	if r := s.Run("announce", "pause", "1"); r.Status != 2 || !strings.Contains(r.Stderr, "has ended") {
		t.Errorf("pausing it afterwards: status %d, %s", r.Status, r.Stderr)
	}
}

func TestAnAnnouncementIsWatchedToItsEndOrCancelled(t *testing.T) {
	t.Parallel()
	a := newAudience(t, 40)
	s := a.s
	key, press := s.Key("register", "updates"), s.Key("press", "announce")
	s.Push(key, harness.Update{Reference: "20417733", Version: 1, Procedure: "exit_visa", Campaign: "legalization-2025", Stage: "correction_required"})
	for _, c := range a.chats[:3] {
		c.Send("/follow 20417733")
	}
	s.Settled(a.sim)

	some := s.File("some.txt", "Bring your passport.")
	out := s.MustRun("announce", "--text", "en="+some, "--campaign", "legalization-2025", "--stage", "correction_required", "--yes")
	if !strings.Contains(out, "To chats that follow an application of campaign legalization-2025, stage correction_required: 3 at present.") ||
		!strings.Contains(out, "Announcement 1 is done: 3 of 3 chats.") {
		t.Errorf("it says\n%s", out)
	}
	times, chats := a.got("Bring your passport.")
	if chats != 3 || times[a.chats[0].ID] != 1 || times[a.chats[2].ID] != 1 {
		t.Errorf("it went to %v", times)
	}

	again := []string{"announce", "--text", "en=" + some, "--campaign", "legalization-2025", "--stage", "correction_required", "--yes"}
	if out := s.MustRun(again...); !strings.Contains(out, "Announcement 1 is the same") || !strings.Contains(out, "is done: 3 of 3 chats.") {
		t.Errorf("the same command once more says\n%s", out)
	}
	if r := s.Run(append(again, "--request", "r", "--again")...); r.Status != 2 {
		t.Errorf("--request and --again: %+v", r)
	}

	const body = `{"request":"r-1","texts":{"en":"Never mind."}}`
	send := func(method, path, body string) harness.Answer {
		return s.Send(harness.Request{Method: method, Path: path, Key: press, Type: harness.JSON, Body: body})
	}
	if made := send(http.MethodPost, "/v1/announcements", body); made.Status != http.StatusCreated {
		t.Fatalf("status %d\n%s", made.Status, made.Body)
	}
	if again := send(http.MethodPost, "/v1/announcements", body); again.Status != http.StatusOK {
		t.Errorf("the same request: status %d\n%s", again.Status, again.Body)
	}
	a.until(5, "Never mind.")
	cancelled := send(http.MethodPost, "/v1/announcements/2/cancel", "")
	var state struct {
		State         string
		Done, Waiting int
		EndedAt       *time.Time `json:"ended_at"`
	}
	if cancelled.Decode(t, &state); state.State != "cancelled" || state.EndedAt == nil || state.Done == 0 {
		t.Errorf("cancelled: %s", cancelled.Body)
	}
	if n := a.quiet("Never mind."); n >= len(a.chats) {
		t.Error("it was through before it could be cancelled")
	}

	for _, wrong := range [][]string{
		{"--text", "de=" + some}, {"--text", "en=" + some, "--stage", "lost"}, {"--text", "en"}, {"--text", "en=" + s.Dir + "/none.txt"},
		{"--text", "en=" + some, "--text", "en=" + some}, {"--text", "en=" + s.File("empty.txt", "\n")}, {},
		{"--text", "en=" + some, "--campaign", "never-heard-of"},
	} {
		if r := s.Run(append([]string{"announce", "--yes"}, wrong...)...); r.Status != 2 || strings.TrimSpace(r.Stderr) == "" {
			t.Errorf("%v: status %d, %s", wrong, r.Status, r.Stderr)
		}
	}
	if r := s.Run("announce", "show", "9"); r.Status != 2 {
		t.Errorf("showing one there is not: status %d", r.Status)
	}
}
