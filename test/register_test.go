package test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kabarchy/test/harness"
)

// A decisionList is the real extract of a register: see its README.
type decisionList struct {
	header, rows string // the rows of all days but the last
	last         string // those of the last day
	byNumber     map[string]string
}

func readDecisions(t *testing.T) decisionList {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "register", "testdata", "visa-decisions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	d := decisionList{header: strings.Join(records[0], ",") + "\n", byNumber: map[string]string{}}
	last := records[len(records)-1][0]
	earlier := map[string]bool{}
	for _, r := range records[1:] {
		line := strings.Join(r, ",") + "\n"
		if r[0] != last {
			d.rows += line
			earlier[r[1]] = true
			continue
		}
		d.last += line
		if !earlier[r[1]] {
			d.byNumber[r[1]] = r[2]
		}
	}
	return d
}

// pick returns two that were approved and one that was refused.
func (d decisionList) pick(t *testing.T) []string {
	t.Helper()
	var approved, refused []string
	for line := range strings.Lines(d.last) {
		number := strings.Split(line, ",")[1]
		switch d.byNumber[number] {
		case "Approved":
			approved = append(approved, number)
		case "Refused":
			refused = append(refused, number)
		}
	}
	if len(approved) < 2 || len(refused) < 1 {
		t.Fatalf("the last day has %d approved and %d refused", len(approved), len(refused))
	}
	return []string{approved[0], refused[0], approved[len(approved)-1]}
}

func TestARealRegisterIsImportedBesideTheRunningService(t *testing.T) {
	t.Parallel()
	d := readDecisions(t)
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	s.Start()
	before := s.File("decisions-before.csv", d.header+d.rows)
	whole := s.File("decisions.csv", d.header+d.rows+d.last)
	profile := []string{"--profile", "delhi-visa-decisions"}
	importFile := func(path string) harness.Result { return s.Run(append([]string{"import", path}, profile...)...) }

	dry := s.Run(append([]string{"import", before, "--dry-run"}, profile...)...)
	if dry.Status != 0 || !strings.Contains(dry.Stdout, "Nothing was changed") {
		t.Fatalf("dry run: status %d\n%s%s", dry.Status, dry.Stdout, dry.Stderr)
	}
	if n := applications(t, s); n != 0 {
		t.Fatalf("a dry run made %d applications", n)
	}
	if r := importFile(before); r.Status != 0 || !strings.Contains(r.Stdout, "told                 0") {
		t.Fatalf("all days but the last: status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
	}

	chosen := d.pick(t)
	chats := make([]*harness.Chat, len(chosen))
	for i, number := range chosen {
		s.Secret(number, "a whole reference")
		chats[i] = harness.NewChat(t, sim, "en")
		chats[i].Send("/follow " + number)
		chats[i].NextWith("Not in our data yet", "You follow this number now. I tell you when it appears.")
	}
	known := strings.Split(d.rows, ",")[1]
	bystander := harness.NewChat(t, sim, "en") // follows what the last day does not change
	bystander.Send("/follow " + known)
	bystander.NextWith("You follow this application now.")
	s.Settled(sim)
	sent := sim.Counts().Accepted

	if r := importFile(whole); r.Status != 0 || !strings.Contains(r.Stdout, "told                 3") {
		t.Fatalf("the last day: status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
	}
	imported := time.Now()
	for i, number := range chosen {
		want := map[string]string{"Approved": "✅ Application approved", "Refused": "❌ Application refused"}[d.byNumber[number]]
		m := chats[i].NextWith(want, number[:2]+"••••"+number[6:], "Your application has appeared")
		if took := m.At.Sub(imported); took >= promised {
			t.Errorf("accepted %s after the import ended, want less than %s", took, promised)
		}
		a := s.Lookup(number)
		if want := strings.ToLower(d.byNumber[number]); a.Outcome == nil || *a.Outcome != want || a.Stage != "decided" {
			t.Errorf("the look-up says %s %v, want %s", a.Stage, a.Outcome, want)
		}
	}
	s.Settled(sim)
	if n := sim.Counts().Accepted - sent; n != int64(len(chosen)) {
		t.Errorf("%d messages were sent, want %d", n, len(chosen))
	}

	again := importFile(whole)
	if again.Status != 0 || !strings.Contains(again.Stdout, "applied              0") || !strings.Contains(again.Stdout, "told                 0") {
		t.Errorf("imported again: status %d\n%s%s", again.Status, again.Stdout, again.Stderr)
	}
	yesterday := importFile(before)
	if yesterday.Status != 2 || !strings.Contains(yesterday.Stderr, "older than the last file") {
		t.Errorf("yesterday's file: status %d\n%s%s", yesterday.Status, yesterday.Stdout, yesterday.Stderr)
	}
	s.Settled(sim)
	if n := sim.Counts().Accepted - sent; n != int64(len(chosen)) {
		t.Errorf("importing again, and yesterday's file, sent %d messages", n-int64(len(chosen)))
	}
	for _, number := range chosen {
		if got := s.Lookup(number); strings.ToLower(d.byNumber[number]) != *got.Outcome || got.Version != 1 {
			t.Errorf("importing again, and yesterday's file, changed a decision to %v, version %d", *got.Outcome, got.Version)
		}
	}
}

func TestAnImportSaysWhatItRefused(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	good := received("00417733", 3).Line() + "\n"
	file := s.File("feed.jsonl", good+`{"reference":"00417734","version":1,"procedure":"visa","stage":"decided"}`+"\n")
	r := s.Run("import", file)
	if r.Status != 1 {
		t.Errorf("a file with a bad row: status %d, want 1\n%s%s", r.Status, r.Stdout, r.Stderr)
	}
	rejected, err := os.ReadFile(file + ".rejected.csv")
	if err != nil || !strings.Contains(string(rejected), "outcome") {
		t.Errorf("rejected rows (%v):\n%s", err, rejected)
	}
	if n := applications(t, s); n != 1 {
		t.Errorf("there are %d applications, want 1", n)
	}
	for name, result := range map[string]harness.Result{
		"a file that is not there":    s.Run("import", s.Dir+"/none.csv"),
		"a file of another format":    s.Run("import", s.File("feed.pdf", "%PDF-1.4")),
		"a profile that is not there": s.Run("import", file, "--profile", "nowhere"),
		"a profile of another source": s.Run("import", file, "--profile", "delhi-visa-decisions"),
		"an unknown flag":             s.Run("import", file, "--force"),
	} {
		if result.Status != 2 || result.Stderr == "" {
			t.Errorf("%s: status %d, want 2 with a reason\n%s%s", name, result.Status, result.Stdout, result.Stderr)
		}
	}
	if n := applications(t, s); n != 1 {
		t.Errorf("afterwards there are %d applications, want 1", n)
	}
}

// applications counts what the database holds.
func applications(t *testing.T, s *harness.Service) (n int) {
	t.Helper()
	db := s.Open()
	defer func() { _ = db.Close() }()
	if err := db.QueryRow(`SELECT count(*) FROM applications`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
