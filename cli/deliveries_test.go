package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/config"
	"kabarchy/notifier"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/store"
	"kabarchy/visa"
)

// An office is a database with notifications, and the commands run on it.
type office struct {
	t        *testing.T
	url      string
	path     string
	updateID int64
}

func newOffice(t *testing.T) *office {
	path := filepath.Join(t.TempDir(), "k.db")
	return &office{t: t, path: path, url: store.Prefix + path}
}

// run runs a command as a person would.
func (o *office) run(in string, args ...string) (status int, out, said string) {
	o.t.Helper()
	var stdout, stderr bytes.Buffer
	status = Main(append(slices.Clone(args), "--database-url", o.url, "--timezone", "Asia/Bishkek"), strings.NewReader(in), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// with opens the store for f, and closes it again.
func (o *office) with(f func(*store.Store)) {
	o.t.Helper()
	a := &app{flags: config.Flags{DatabaseURL: &o.url}, err: io.Discard}
	s, err := a.store(context.Background())
	if err != nil {
		o.t.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) sql(text string, args ...any) {
	o.t.Helper()
	db, err := sql.Open("sqlite", "file:"+o.path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
	if err != nil {
		o.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text, args...); err != nil {
		o.t.Fatalf("%s: %v", text, err)
	}
}

func (o *office) converse(s *store.Store, chat int64, f func(visa.Conversation) error) {
	o.t.Helper()
	o.updateID++
	if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: o.updateID, Body: "{}"}}); err != nil {
		o.t.Fatal(err)
	}
	if err := s.Converse(context.Background(), o.updateID, chat, "en", f); err != nil {
		o.t.Fatal(err)
	}
}

// follow makes a chat follow a reference and gives it something to tell.
func (o *office) follow(s *store.Store, chat int64, reference string) {
	o.t.Helper()
	r, err := visa.ParseReference(reference)
	if err != nil {
		o.t.Fatal(err)
	}
	o.converse(s, chat, func(c visa.Conversation) error {
		_, _, err := c.Follow(context.Background(), r)
		return err
	})
	u := visa.Update{Reference: r, Version: 1, UpdatedAt: time.Now(), Statement: visa.Statement{Procedure: visa.ProcedureVisa, Stage: visa.StageInProcessing}}
	u.Normalize()
	if _, err := s.Record(context.Background(), "test", "", []visa.Update{u}); err != nil {
		o.t.Fatal(err)
	}
}

// answer sends what is due, and answers each as judge says.
func (o *office) answer(s *store.Store, judge func(visa.Delivery) visa.Sent) {
	o.t.Helper()
	ctx := context.Background()
	d, _, err := s.BecomeSender(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	defer d.Close()
	got, err := d.Claim(ctx, 100, []visa.Turn{{Lane: visa.LaneConversation, N: 100}, {Lane: visa.LaneDecision, N: 100}}, time.Millisecond,
		func(int64) time.Time { return time.Time{} })
	if err != nil {
		o.t.Fatal(err)
	}
	var sent []visa.Sent
	for _, g := range got {
		r := judge(g)
		r.Delivery, r.EndedAt = g, time.Now()
		if r.RetryAt.IsZero() {
			r.RetryAt = r.EndedAt.Add(time.Hour)
		}
		sent = append(sent, r)
	}
	if err := d.Finish(ctx, sent, time.Time{}); err != nil {
		o.t.Fatal(err)
	}
}

// Chats and references that stand out in any output.
const (
	deadChat      = 770011223344
	acceptedChat  = 770022334455
	ambiguousChat = 770033445566
	goneChat      = 770044556677
)

var planted = []string{"7700112", "7700223", "7700334", "7700445", "20417733", "20417734", "20417735", "20417736", "EB240317", "Aibek", "aibek_b", "Bakirov"}

// furnished has notifications in several states, with personal data wherever
// the database could hold some.
func furnished(t *testing.T) *office {
	o := newOffice(t)
	o.with(func(s *store.Store) {
		o.follow(s, deadChat, "20417733")
		o.follow(s, acceptedChat, "20417734")
		o.follow(s, ambiguousChat, "20417735")
		o.follow(s, goneChat, "EB240317")
		r, err := visa.ParseReference("20417736")
		if err != nil {
			t.Fatal(err)
		}
		o.converse(s, acceptedChat, func(c visa.Conversation) error {
			return c.Reply(context.Background(), visa.Note{Reply: "list", Reference: r, Extra: []string{"Aibek Bakirov"},
				Items: []visa.NoteItem{{Subscription: 1, Reference: r, Label: "Aibek"}}})
		})
		o.answer(s, func(d visa.Delivery) visa.Sent {
			switch {
			case d.Kind == visa.KindReply:
				return visa.Sent{Result: visa.SendDead, Code: 400, Reason: "markup"}
			case d.ChatID == deadChat:
				return visa.Sent{Result: visa.SendDead, Code: 400, Reason: "too_long"}
			case d.ChatID == ambiguousChat:
				return visa.Sent{Result: visa.SendRetry, Ambiguous: true, Code: 502, Reason: "server_error"}
			case d.ChatID == goneChat:
				return visa.Sent{Result: visa.SendGone, Code: 403, Reason: "blocked"}
			}
			return visa.Sent{Result: visa.SendAccepted, MessageID: 5}
		})
		o.answer(s, func(d visa.Delivery) visa.Sent { return visa.Sent{Result: visa.SendAccepted, MessageID: 6} })
	})
	o.sql(`UPDATE subscriptions SET label = 'Aibek Bakirov'`)
	o.sql(`UPDATE notifications SET why = 'chat 770011223344 @aibek_b' WHERE state = 'cancelled'`)
	o.sql(`UPDATE attempts SET reason = 'user Aibek 20417735' WHERE result = 'ambiguous'`)
	return o
}

func TestNoOutputTellsWhoFollowsWhat(t *testing.T) {
	o := furnished(t)
	var hashes []string
	db, err := sql.Open("sqlite", "file:"+o.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT hash, sealed FROM chats`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var hash, sealed string
		if err := rows.Scan(&hash, &sealed); err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash, sealed)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "out.jsonl")
	outputs := map[string]string{}
	do := func(in string, args ...string) {
		_, out, said := o.run(in, args...)
		outputs[strings.Join(args, " ")] = out + said
	}
	for _, extra := range [][]string{nil, {"--json"}} {
		do("", append([]string{"deliveries", "list"}, extra...)...)
		do("", append([]string{"deliveries", "list", "--ambiguous"}, extra...)...)
		for id := range 6 {
			do("", append([]string{"deliveries", "show", strconv.Itoa(id)}, extra...)...)
		}
	}
	// The reference one asks for stands in the question, and not in the answer.
	_, out, said := o.run("", "deliveries", "list", "--reference", "2041-7733", "--json")
	outputs["by reference"] = out + said
	if strings.Count(out, `"id":`) != 1 {
		t.Errorf("by reference: %s", out)
	}
	do("", "deliveries", "export")
	do("", "deliveries", "export", "--format", "jsonl")
	do("", "deliveries", "export", "--out", file)
	b, err := os.ReadFile(file)
	if err != nil || strings.Count(string(b), "\n") != 5 {
		t.Fatalf("the file holds %d lines, %v", strings.Count(string(b), "\n"), err)
	}
	outputs["the file"] = string(b)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
	do("no\n", "deliveries", "replay", "--dead")
	do("", "deliveries", "replay", "2")
	do("", "deliveries", "replay", "--dead", "--yes")
	for what, text := range outputs {
		if text == "" {
			t.Errorf("%s: says nothing", what)
		}
		for _, p := range append(planted, hashes...) {
			if strings.Contains(text, p) {
				t.Errorf("%s: holds %q:\n%s", what, p, text)
			}
		}
	}
	if list := outputs["deliveries list"]; !strings.Contains(list, "2041••••") || !strings.Contains(list, "too_long") || !strings.Contains(list, "NUMBER") {
		t.Errorf("the list is\n%s", list)
	}
}

func TestAChatsTokenIsTheSameWithinAnExportAndNotBeyond(t *testing.T) {
	o := furnished(t)
	token := regexp.MustCompile(`c-[a-z2-7]{12}\b`)
	seen := map[string]int{}
	for range 2 {
		_, out, _ := o.run("", "deliveries", "export", "--format", "jsonl")
		own := map[string]int{}
		for _, k := range token.FindAllString(out, -1) {
			own[k]++
		}
		if len(own) != 4 || len(token.FindAllString(out, -1)) != 5 {
			t.Errorf("tokens of 5 notifications to 4 chats: %v", own)
		}
		for k := range own {
			seen[k]++
		}
	}
	if len(seen) != 8 {
		t.Errorf("two exports share tokens: %v", seen)
	}
}

func TestTheListShowsWhatIsAskedFor(t *testing.T) {
	o := furnished(t)
	tests := []struct {
		name string
		args []string
		want string // the ids
	}{
		{"everything, newest first", nil, "[5 4 3 2 1]"},
		{"a state", []string{"--state", "dead"}, "[5 1]"},
		{"a lane", []string{"--lane", "conversation"}, "[5]"},
		{"a state and a lane", []string{"--state", "dead", "--lane", "decision"}, "[1]"},
		{"a reason", []string{"--reason", "too_long"}, "[1]"},
		{"those in doubt", []string{"--ambiguous"}, "[3]"},
		{"of late", []string{"--since", "1h"}, "[5 4 3 2 1]"},
		{"not of late", []string{"--until", "1h"}, "[]"},
		{"since a day", []string{"--since", "2020-01-01"}, "[5 4 3 2 1]"},
		{"until a day", []string{"--until", "2020-01-01"}, "[]"},
		{"until a time with its zone", []string{"--until", "2020-01-01T10:00:00+06:00"}, "[]"},
		{"an application in another spelling", []string{"--reference", "№ 2041 7734"}, "[2]"},
		{"an unknown application", []string{"--reference", "11111111"}, "[]"},
		{"a few", []string{"--limit", "2"}, "[5 4]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, said := o.run("", append([]string{"deliveries", "list", "--json"}, tt.args...)...)
			var list struct {
				Notifications []struct {
					ID        int64
					CreatedAt string `json:"created_at"`
				}
				More    bool
				Summary []struct {
					State, Lane, Reason string
					N                   int
				}
			}
			if err := json.Unmarshal([]byte(out), &list); err != nil || status != 0 {
				t.Fatalf("status %d, %v: %s%s", status, err, out, said)
			}
			ids := []int64{}
			for _, n := range list.Notifications {
				ids = append(ids, n.ID)
				if !strings.HasSuffix(n.CreatedAt, "+06:00") {
					t.Errorf("a time is %s, not of the configured zone", n.CreatedAt)
				}
			}
			if fmt.Sprint(ids) != tt.want || list.More != (tt.name == "a few") {
				t.Errorf("listed %v, more: %t; want %s", ids, list.More, tt.want)
			}
			n := 0
			for _, c := range list.Summary {
				n += c.N
			}
			if filtered := len(tt.args) > 0 && tt.args[0] != "--limit"; filtered != (n == 0) || n != 0 && n != 5 {
				t.Errorf("counted %v", list.Summary)
			}
		})
	}
}

func TestExitStatuses(t *testing.T) {
	o := furnished(t)
	empty := newOffice(t)
	tests := []struct {
		name string
		o    *office
		args []string
		want int
		say  string
	}{
		{"a wrong state", o, []string{"list", "--state", "lost"}, 2, "superseded"},
		{"a wrong lane", o, []string{"list", "--lane", "fast"}, 2, "reminder"},
		{"a wrong reason", o, []string{"list", "--reason", "Too long!"}, 2, "label"},
		{"a wrong time", o, []string{"list", "--since", "yesterday"}, 2, "24h"},
		{"times the wrong way round", o, []string{"list", "--since", "2025-06-21", "--until", "2025-06-20"}, 2, "between"},
		{"one day", o, []string{"list", "--since", "2025-06-20", "--until", "2025-06-20"}, 0, ""},
		{"a wrong reference", o, []string{"list", "--reference", "12"}, 2, "reference"},
		{"a wrong limit", o, []string{"list", "--limit", "0"}, 2, "--limit"},
		{"an unknown notification", o, []string{"show", "99"}, 2, "99"},
		{"no number", o, []string{"show", "abc"}, 2, "abc"},
		{"a wrong format", o, []string{"export", "--format", "xml"}, 2, "jsonl"},
		{"a file that is a folder", o, []string{"export", "--out", t.TempDir()}, 2, "--out"},
		{"a device", o, []string{"export", "--out", os.DevNull}, 2, "--out"},
		{"a folder that is not there", o, []string{"export", "--out", filepath.Join(t.TempDir(), "no", "file.csv")}, 2, "--out"},
		{"nothing to replay named", o, []string{"replay"}, 2, "--dead"},
		{"too much named", o, []string{"replay", "1", "--dead"}, 2, "--dead"},
		{"replay of an accepted one", o, []string{"replay", "--yes", "1", "2"}, 2, "notification 2 is accepted"},
		{"replay of a waiting one", o, []string{"replay", "--yes", "3"}, 2, "notification 3 is pending"},
		{"replay of an unknown one", o, []string{"replay", "--yes", "99"}, 2, "no notification 99"},
		{"replay without a yes", o, []string{"replay", "1"}, 2, "--yes"},
		{"no database to list", empty, []string{"list"}, 2, "not there"},
		{"no database to replay", empty, []string{"replay", "--dead", "--yes"}, 2, "not there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, said := tt.o.run("", append([]string{"deliveries"}, tt.args...)...)
			if status != tt.want || !strings.Contains(said, tt.say) {
				t.Errorf("status %d, want %d:\n%s%s", status, tt.want, out, said)
			}
		})
	}
	if files, _ := os.ReadDir(filepath.Dir(empty.path)); len(files) != 0 {
		t.Errorf("reading made %v", files)
	}
	if _, out, _ := o.run("", "deliveries", "list", "--state", "dead"); strings.Count(out, "dead") != 2 {
		t.Errorf("the refused replays changed something:\n%s", out)
	}
	if status, _, said := newOffice(t).run("", "migrate"); status != 0 {
		t.Fatal(said)
	}
}

// A post is a Telegram that accepts everything.
type post struct {
	mu   sync.Mutex
	sent []int64
	got  chan struct{}
}

func (p *post) Send(_ context.Context, chat int64, _ string, _ telegram.SendOptions) (int64, error) {
	p.mu.Lock()
	p.sent = append(p.sent, chat)
	p.mu.Unlock()
	p.got <- struct{}{}
	return 9, nil
}

func TestExactlyTheDeadAreReplayedAndSentOnce(t *testing.T) {
	o := furnished(t)
	status, out, said := o.run("", "deliveries", "replay", "--dead", "--yes")
	if status != 0 || !strings.Contains(out, "To be sent again: 2 (conversation 1, decision 1).") || !strings.Contains(out, "2 wait to be sent again.") {
		t.Fatalf("status %d: %s%s", status, out, said)
	}
	_, out, _ = o.run("", "deliveries", "list", "--json")
	if n := strings.Count(out, `"result":"replayed"`); n != 2 {
		t.Errorf("%d are replayed: %s", n, out)
	}
	o.with(func(s *store.Store) {
		p := &post{got: make(chan struct{}, 100)}
		n := notifier.New(notifier.Options{
			Become: func(ctx context.Context) (notifier.Queue, int, error) {
				q, orphans, err := s.BecomeSender(ctx)
				if err != nil {
					return nil, 0, err
				}
				return queue{q}, orphans, nil
			},
			Gateway: p, ChatGap: -1,
			Render: func(visa.Delivery) message.Message { return message.Message{HTML: "x", Plain: "x"} },
		})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { _ = n.Run(ctx); close(done) }()
		for range 2 {
			<-p.got
		}
		stop()
		<-done
		o.answer(s, func(d visa.Delivery) visa.Sent {
			t.Errorf("notification %d is due once more", d.ID)
			return visa.Sent{Result: visa.SendAccepted}
		})
		slices.Sort(p.sent)
		if !slices.Equal(p.sent, []int64{deadChat, acceptedChat}) {
			t.Errorf("sent to %v", p.sent)
		}
	})
	if _, out, _ := o.run("", "deliveries", "list", "--state", "accepted", "--json"); strings.Count(out, `"chat_state"`) != 3 {
		t.Errorf("accepted: %s", out)
	}
	if status, out, _ := o.run("", "deliveries", "replay", "--dead", "--yes"); status != 0 || !strings.Contains(out, "no dead letters") {
		t.Errorf("then: status %d: %s", status, out)
	}
}

func TestADeadLetterToAChatThatIsGoneIsLeft(t *testing.T) {
	o := furnished(t)
	o.with(func(s *store.Store) {
		if err := s.Deactivate(context.Background(), 9999, deadChat); err != nil {
			t.Fatal(err)
		}
	})
	status, out, said := o.run("", "deliveries", "replay", "1", "--yes")
	if status != 1 || !strings.Contains(out, "inactive") || !strings.Contains(out, "None is to be sent again.") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	status, out, said = o.run("yes\n", "deliveries", "replay", "--dead")
	if status != 1 || !strings.Contains(out, "1 wait to be sent again.") || !strings.Contains(out, "Left as they are: 1.") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	if _, out, _ = o.run("", "deliveries", "show", "1"); !strings.Contains(out, "inactive") || !strings.Contains(out, "dead") {
		t.Errorf("it is\n%s", out)
	}
}
