package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// TestTheDemonstrationDoesWhatItSays follows the instructions that the
// demonstration prints, as somebody does who has just met it.
func TestTheDemonstrationDoesWhatItSays(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("the command that the demonstration prints needs curl, which is not installed")
	}
	temp := t.TempDir()
	var printed output
	addresses := harness.Addresses(t, 2)
	demo := exec.Command(harness.Binary(), "demo", "--listen", addresses[0], "--admin-listen", addresses[1])
	// What is set for a real service must not get in.
	demo.Env = append(harness.Environment(temp, map[string]string{"DATABASE_URL": "postgres://nobody@192.0.2.1/none", "TELEGRAM_TOKEN": harness.Token}), "TMPDIR="+temp)
	demo.Dir, demo.Stdout, demo.Stderr = temp, &printed, &printed
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- demo.Wait() }()
	stop := sync.OnceFunc(func() {
		_ = demo.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the demonstration ended with %v", err)
			}
		case <-time.After(harness.Patience):
			_ = demo.Process.Signal(syscall.SIGKILL)
			t.Error("the demonstration does not stop at Ctrl-C")
		}
		if t.Failed() {
			t.Logf("it printed\n%s", &printed)
		}
	})
	defer stop()
	harness.Until(t, harness.Patience, "the demonstration says that Ctrl-C stops it", func() bool {
		return strings.Contains(printed.String(), "Ctrl-C")
	})
	text := printed.String()
	find := func(what, pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("it names no %s", what)
		}
		return m[1]
	}
	page := find("page", `page +(http://\S+)`)
	telegram := strings.TrimSuffix(find("simulated Telegram", `Telegram, simulated +(http://\S+)`), "/")
	example := find("address of the API", `The API +(http://\S+)`)
	hero := find("reference to follow", `send /follow (\w+)`)
	command := find("command to paste", `(?m)^ *(curl .*)$`)

	for what, address := range map[string]string{"the page": page, "the simulated Telegram": telegram + "/", "the API": example} {
		if status, body := fetch(t, "GET", address, ""); status != 200 || len(body) < 100 {
			t.Errorf("%s, %s, answers %d\n%s", what, address, status, body)
		}
	}
	_, list, _ := strings.Cut(text, "Reference numbers to try")
	list, _, _ = strings.Cut(list, "To see an alert")
	references := regexp.MustCompile(`(?m)^  (\w{6,24}) +\S`).FindAllStringSubmatch(list, -1)
	if len(references) < 3 {
		t.Errorf("it names %d references to try, want a few", len(references))
	}
	for _, r := range references {
		if status, body := fetch(t, "GET", page+"status/"+r[1]+"?lang=en", ""); status != 200 && status != 404 || strings.Contains(string(body), "went wrong") {
			t.Errorf("the page of %s answers %d", r[1], status)
		}
	}

	api := telegram + "/simulator/api/"
	var chats struct{ Chats []simulator.Chat }
	decode(t, "GET", api+"chats", "", &chats)
	if len(chats.Chats) == 0 {
		t.Fatal("there is no chat to choose")
	}
	chat := chats.Chats[0].ID
	next := func(after int64) simulator.Message {
		t.Helper()
		var got struct{ Messages []simulator.Message }
		decode(t, "GET", fmt.Sprintf("%smessages?chat=%d&after=%d&n=1&wait=20", api, chat, after), "", &got)
		if len(got.Messages) == 0 {
			t.Fatal("no message came")
		}
		return got.Messages[0]
	}
	fetch(t, "POST", fmt.Sprintf("%schats/%d/text", api, chat), fmt.Sprintf(`{"text":"/follow %s"}`, hero))
	following := next(0)
	if !strings.Contains(following.Text, "You follow this application now.") {
		t.Fatalf("/follow is answered by\n%s", following.Text)
	}

	answer, err := exec.Command("sh", "-c", command).Output()
	pasted := time.Now()
	if err != nil || !strings.Contains(string(answer), `"applied":1`) {
		t.Fatalf("the command it prints answers %q, %v", answer, err)
	}
	alert := next(following.Seq)
	if took := alert.At.Sub(pasted); took >= promised || !strings.Contains(alert.Text, "Application approved") {
		t.Errorf("after %s came\n%s", took, alert.Text)
	}

	stop()
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind (%v)", left, err)
	}
}

// An output takes what a process prints, to be looked at while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// fetch sends a request without anything of a client's own.
func fetch(t *testing.T, method, address, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: harness.Patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, read
}

func decode(t *testing.T, method, address, body string, v any) {
	t.Helper()
	status, got := fetch(t, method, address, body)
	if err := json.Unmarshal(got, v); status != 200 || err != nil {
		t.Fatalf("%s answers %d, %v\n%s", address, status, err, got)
	}
}
