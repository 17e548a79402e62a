package browser

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kabarchy/test/harness"
)

// TestPictures takes the pictures of the README from the running
// demonstration; without -shots it takes them and throws them away, so that
// what takes them cannot rot.
func TestPictures(t *testing.T) {
	if *shots == "" {
		*shots = t.TempDir()
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	printed, stop := demo(t)
	defer stop()
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(printed)
		if m == nil {
			t.Fatalf("the demonstration does not print %s:\n%s", pattern, printed)
		}
		return m[1]
	}
	page := strings.TrimSuffix(find(`page +(http://\S+)`), "/")
	telegram := strings.TrimSuffix(find(`Telegram, simulated +(http://\S+)`), "/")
	hero := find(`send /follow (\w+)`)
	command := find(`(?m)^ *(curl .*)$`)

	phone := newTab(t, page, device{width: 390})
	phone.visit("/?lang=en")
	phone.picture("start")
	dark := newTab(t, page, device{width: 390, dark: true})

	chat := newTab(t, telegram, device{width: 620, height: 1180})
	chat.visit("/")
	id := chat.firstChat()
	for _, text := range []string{"/follow " + hero} {
		call(t, fmt.Sprintf("%s/simulator/api/chats/%d/text", telegram, id), fmt.Sprintf(`{"text":%q}`, text))
	}
	harness.Until(t, harness.Patience, "the bot answers", func() bool { return strings.Contains(get(t, telegram, id), "You follow this application now.") })
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	harness.Until(t, harness.Patience, "the alert arrives", func() bool { return strings.Contains(get(t, telegram, id), "Application approved") })
	chat.visit(fmt.Sprintf("/chats/%d", id))
	harness.Until(t, harness.Patience, "the alert is shown", func() bool { return strings.Contains(chat.text("body"), "Application approved") })
	chat.picture("chat")

	phone.visit("/status/" + hero + "?lang=en")
	phone.picture("status")
	dark.visit("/status/" + hero + "?lang=ky")
	dark.picture("status-dark-ky")
	if phone.has(`form[action="/alerts"]`) {
		phone.click(`form[action="/alerts"] button`)
		phone.picture("alerts")
	}
	for _, name := range []string{"start", "chat", "status", "status-dark-ky", "alerts"} {
		if info, err := os.Stat(filepath.Join(*shots, name+".png")); err != nil || info.Size() < 5_000 {
			t.Errorf("the picture %s: %v", name, err)
		}
	}
}

// demo starts the demonstration and returns what it prints once it is up.
func demo(t *testing.T) (printed string, stop func()) {
	t.Helper()
	addresses := harness.Addresses(t, 2)
	temp := t.TempDir()
	cmd := exec.Command(harness.Binary(), "demo", "--listen", addresses[0], "--admin-listen", addresses[1])
	cmd.Env, cmd.Dir = append(harness.Environment(temp, nil), "TMPDIR="+temp), temp
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}
	var b strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		b.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return b.String(), stop
		}
	}
	stop()
	t.Fatalf("the demonstration ended:\n%s", b.String())
	return "", nil
}

// firstChat is the first chat of the simulated Telegram's page.
func (b *tab) firstChat() int64 {
	b.t.Helper()
	type list struct {
		Chats []struct {
			ID int64 `json:"id"`
		} `json:"chats"`
	}
	l := ask[list](b, `fetch("/simulator/api/chats").then(r => r.json())`)
	if len(l.Chats) == 0 {
		b.t.Fatal("there is no chat")
	}
	return l.Chats[0].ID
}

func call(t *testing.T, address, body string) {
	t.Helper()
	resp, err := http.Post(address, harness.JSON, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func get(t *testing.T, telegram string, chat int64) string {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("%s/simulator/api/messages?chat=%d", telegram, chat))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// picture writes what the tab shows into the folder of -shots.
func (b *tab) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
