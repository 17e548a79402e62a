package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// How much is acknowledged in a scene. A feed and an import take more than one
// transaction each; all of them together write less than the 1,000 pages at
// which SQLite begins to move its log into the database: that syncs the log
// too, and would let the control pass by chance.
const (
	nClients = 4
	nUpdates = 15 // one by one, by each client
	nLines   = 600
	nRows    = 600
	nPeople  = 5
	nPushes  = 3
)

// Kinds of acknowledgements.
const (
	ofKey     = "a key was printed"
	ofUpdate  = "an update was answered"
	ofFeed    = "a feed was answered"
	ofImport  = "an import printed its summary"
	ofExit    = "an import exited"
	ofFetched = "a message was confirmed to Telegram"
	ofPushed  = "a pushed message was answered"
	ofAttempt = "a message was sent"
)

// promised says how often each kind stands in a scene.
var promised = map[string]int{
	ofKey: 1, ofUpdate: nClients*nUpdates + nPeople, ofFeed: 1, ofImport: 1, ofExit: 1,
	ofFetched: nPeople, ofPushed: nPushes, ofAttempt: nPeople,
}

// asOf is of the feed. No other row holds this time.
var asOf = time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)

const hookSecret = "a-secret-of-the-webhook"

// A scene is all that can be acknowledged, done at the same time as far as it
// can be, and looked at from outside.
type scene struct {
	t          *testing.T
	p          *program
	sim        *simulator.Simulator
	url, admin string
	key        string
	people     []person
	found      map[string][]string // violations, by kind
	seen       map[string]int      // acknowledgements, by kind
}

// A person follows one reference and sends the bot one message.
type person struct {
	chat      int64
	reference string
	update    int
}

func play(t *testing.T, binary string) *scene {
	t.Helper()
	addresses := harness.Addresses(t, 2)
	sim := harness.Telegram(t)
	s := &scene{t: t, sim: sim, url: "http://" + addresses[0], admin: addresses[1], found: map[string][]string{}, seen: map[string]int{}}
	s.p = newProgram(t, binary, map[string]string{
		"LISTEN": addresses[0], "ADMIN_LISTEN": addresses[1],
		"TELEGRAM_TOKEN": harness.Token, "TELEGRAM_API_URL": sim.URL(),
	})
	s.makeKey()
	s.fetching()
	s.pushed()
	return s
}

// hold holds acknowledgements of one process against its log.
func (s *scene) hold(tr trace, acks []acknowledgement) {
	s.t.Helper()
	l, err := logOf(tr, s.p.wal())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range acks {
		s.seen[a.kind]++
	}
	for kind, all := range l.violations(acks) {
		s.found[kind] = append(s.found[kind], all...)
	}
}

// makeKey has the program make a key, which it prints.
func (s *scene) makeKey() {
	s.t.Helper()
	name := word("key", 0)
	out, tr := s.p.start("keys", "create", "--name", name, "--scope", "updates").end()
	s.key = strings.TrimSpace(out)
	s.hold(tr, []acknowledgement{{kind: ofKey, facts: []fact{{word: name}}, all: true, line: s.printed(tr)}})
}

// printed is the line on which a command begins to print.
func (s *scene) printed(tr trace) int {
	s.t.Helper()
	for _, c := range tr.calls {
		if c.fd == 1 && c.name == "write" {
			return c.begin
		}
	}
	s.t.Fatal("the trace does not show what was printed")
	return 0
}

// fetching serves a bot that fetches its messages, while updates come in one by
// one and as a feed, and a file is imported beside it.
func (s *scene) fetching() {
	s.t.Helper()
	service := s.p.start("serve")
	service.ready(s.admin)
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	for i := range nPeople {
		p := person{chat: s.sim.AddUser(simulator.User{LanguageCode: "en"}), reference: fmt.Sprint(50000000 + i)}
		sent, err := s.sim.SendText(p.chat, "/follow "+p.reference)
		if err != nil {
			s.t.Fatal(err)
		}
		p.update = sent.UpdateID
		s.people = append(s.people, p)
	}
	for _, p := range s.people {
		s.await(ctx, p, 1)
	}
	file := filepath.Join(s.p.dir, "rows.jsonl")
	if err := os.WriteFile(file, []byte(lines("row", 40000000, nRows)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	imported := s.p.start("import", file, "--yes")
	var wg sync.WaitGroup
	for n := range nClients {
		wg.Go(func() {
			client := &http.Client{Timeout: harness.Patience, Transport: &http.Transport{}}
			for i := range nUpdates {
				s.post(client, "/v1/updates", harness.JSON, update("update", n*nUpdates+i, 20000000))
			}
		})
	}
	wg.Go(func() {
		s.post(&http.Client{Timeout: harness.Patience, Transport: &http.Transport{}},
			"/v1/updates?as_of="+asOf.Format(time.RFC3339), harness.NDJSON, lines("line", 30000000, nLines))
	})
	wg.Go(func() {
		for i := range s.people {
			s.post(http.DefaultClient, "/v1/updates", harness.JSON, update("followed", i, 50000000))
		}
	})
	wg.Wait()
	_, tr := imported.end()
	s.hold(tr, s.ofImport(tr))
	for _, p := range s.people {
		s.await(ctx, p, 2)
	}
	if err := s.sim.WaitDrained(ctx); err != nil {
		s.t.Fatalf("the bot does not fetch what it was sent: %v", err)
	}
	service.signal(syscall.SIGTERM)
	_, tr = service.end()
	s.hold(tr, s.ofService(tr))
}

// await waits until the bot has sent a person n messages.
func (s *scene) await(ctx context.Context, p person, n int) {
	s.t.Helper()
	if _, err := s.sim.WaitMessages(ctx, p.chat, n); err != nil {
		s.t.Fatalf("message %d to a follower did not come: %v", n, err)
	}
}

// update is the n-th update of a kind, with its word as its campaign.
func update(kind string, n, base int) string {
	return harness.Update{Reference: fmt.Sprint(base + n), Version: 1, Procedure: "exit_visa", Campaign: word(kind, n), Stage: "in_processing"}.Line()
}

func lines(kind string, base, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(update(kind, i, base) + "\n")
	}
	return b.String()
}

// post sends what must be taken in.
func (s *scene) post(client *http.Client, path, media, body string) {
	req, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", media)
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret)
	resp, err := client.Do(req)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Errorf("%s: status %d, %v\n%s", path, resp.StatusCode, err, answer)
		return
	}
	var sum harness.Summary
	if want := strings.Count(strings.TrimSpace(body), "\n") + 1; path != hookPath && (json.Unmarshal(answer, &sum) != nil || sum.Applied != want) {
		s.t.Errorf("%s: %d were to be applied: %s", path, want, answer)
	}
}

// answer is the line on which the service begins to answer the request that
// holds a text, with success.
func (s *scene) answer(tr trace, asked string) int {
	s.t.Helper()
	socket, from := "", 0
	for _, c := range tr.calls {
		switch {
		case socket == "" && c.name == "read" && strings.HasPrefix(c.path, "socket:") && strings.Contains(c.data, asked):
			socket, from = c.path, c.end
		case socket != "" && c.path == socket && c.begin > from && sends(c):
			if !strings.HasPrefix(c.data, "HTTP/1.1 200 ") {
				s.t.Fatalf("line %d answers %q with %.100q", c.begin, asked, c.data)
			}
			return c.begin
		}
	}
	s.t.Fatalf("the trace does not show the answer to %q", asked)
	return 0
}

func sends(c call) bool {
	switch c.name {
	case "write", "writev", "sendto", "sendmsg":
		return true
	}
	return false
}

func (s *scene) ofImport(tr trace) []acknowledgement {
	s.t.Helper()
	var rows []fact
	for i := range nRows {
		rows = append(rows, fact{word: word("row", i)})
	}
	// More than one thread may be shown to end the process; the first one does.
	exit := slices.IndexFunc(tr.calls, func(c call) bool { return c.name == "exit_group" })
	if exit < 0 {
		s.t.Fatal("the trace does not show the end of the import")
	}
	return []acknowledgement{
		{kind: ofImport, facts: rows, all: true, line: s.printed(tr)},
		{kind: ofExit, facts: rows, all: true, line: tr.calls[exit].begin},
	}
}

func (s *scene) ofService(tr trace) []acknowledgement {
	s.t.Helper()
	var acks []acknowledgement
	single := func(kind string, n int) {
		w := word(kind, n)
		acks = append(acks, acknowledgement{kind: ofUpdate, facts: []fact{{word: w}}, line: s.answer(tr, w)})
	}
	for n := range nClients * nUpdates {
		single("update", n)
	}
	feed := []fact{{what: "the feed itself", in: holds(binary.BigEndian.AppendUint64(nil, uint64(asOf.UnixMicro())))}}
	for n := range nLines {
		feed = append(feed, fact{word: word("line", n)})
	}
	acks = append(acks, acknowledgement{kind: ofFeed, facts: feed, line: s.answer(tr, "as_of="+asOf.Format(time.RFC3339))})
	for i, p := range s.people {
		single("followed", i)
		acks = append(acks,
			acknowledgement{kind: ofFetched, facts: []fact{received(p.update)}, line: s.confirmed(tr, p.update)},
			acknowledgement{kind: ofAttempt, facts: []fact{begun(p.reference)}, line: s.sent(tr, p.chat, 2)})
	}
	return acks
}

func holds(text []byte) func(page string) bool {
	return func(page string) bool { return strings.Contains(page, string(text)) }
}

// received is the row of a message in the inbox: its number in four bytes, and
// the first two of the time in microseconds that follows it.
func received(update int) fact {
	return fact{what: fmt.Sprintf("message %d", update), in: holds(append(binary.BigEndian.AppendUint32(nil, uint32(update)), 0, 6))}
}

// begun is the row of a reference's news once an attempt to send them has
// begun: reference, lane, kind, note and state.
func begun(reference string) fact {
	row := regexp.MustCompile(reference + `\x02news\{[^\x00-\x1f]*?\}sending`)
	return fact{what: "the attempt to tell the news of " + reference, in: row.MatchString}
}

var anOffset = regexp.MustCompile(`\boffset=(\d+)`)

// confirmed is the line on which the service begins to ask for what comes
// after a message, which tells Telegram to forget it.
func (s *scene) confirmed(tr trace, update int) int {
	s.t.Helper()
	for _, c := range tr.calls {
		if !sends(c) || !strings.Contains(c.data, "/getUpdates ") {
			continue
		}
		if m := anOffset.FindStringSubmatch(c.data); m != nil {
			if offset, _ := strconv.Atoi(m[1]); offset > update {
				return c.begin
			}
		}
	}
	s.t.Fatalf("the trace does not show that message %d was confirmed", update)
	return 0
}

// sent is the line on which the service begins to send a chat its n-th message.
func (s *scene) sent(tr trace, chat int64, n int) int {
	s.t.Helper()
	to := regexp.MustCompile(`\bchat_id=` + fmt.Sprint(chat) + `\b`)
	for _, c := range tr.calls {
		if sends(c) && strings.Contains(c.data, "/sendMessage ") && to.MatchString(c.data) {
			if n--; n == 0 {
				return c.begin
			}
		}
	}
	s.t.Fatal("the trace does not show a message that was sent")
	return 0
}

const hookPath = "/telegram/webhook"

// pushed serves a bot to which messages are pushed.
func (s *scene) pushed() {
	s.t.Helper()
	s.p.env = append(s.p.env, "KABARCHY_TELEGRAM_WEBHOOK_URL=https://localhost"+hookPath, "KABARCHY_TELEGRAM_WEBHOOK_SECRET="+hookSecret)
	service := s.p.start("serve")
	service.ready(s.admin)
	number := func(i int) string { return `"update_id":` + fmt.Sprint(200000001+i) }
	for i := range nPushes {
		var body bytes.Buffer
		fmt.Fprintf(&body, `{%s,"message":{"message_id":%d,"date":%d,"text":"/help","chat":{"id":%d,"type":"private"},"from":{"id":%[4]d,"is_bot":false,"first_name":"A","language_code":"en"}}}`,
			number(i), 1000+i, time.Now().Unix(), s.people[0].chat)
		s.post(http.DefaultClient, hookPath, harness.JSON, body.String())
	}
	service.signal(syscall.SIGTERM)
	_, tr := service.end()
	var acks []acknowledgement
	for i := range nPushes {
		acks = append(acks, acknowledgement{kind: ofPushed, facts: []fact{received(200000001 + i)}, line: s.answer(tr, number(i))})
	}
	s.hold(tr, acks)
}
