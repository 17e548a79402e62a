package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"kabarchy/test/harness"
)

var (
	matrix = flag.Bool("matrix", false, "look at every page in every language, scheme and state")
	shots  = flag.String("shots", "", "a folder to put the README's pictures into")
)

// chrome is the one browser of this package; each test has tabs of its own.
var chrome context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	stop := startChrome()
	status := harness.Run(m)
	stop()
	os.Exit(status)
}

func fatal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "the browser tests "+format+"\n", args...)
	os.Exit(1)
}

// startChrome starts Chromium and returns what ends it.
func startChrome() func() {
	path, err := exec.LookPath("chromium")
	if err != nil {
		fatal("need Chromium (Debian: chromium), which scripts/test-tools.sh installs: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		fatal("cannot start Chromium: %v", err)
	}
	chrome = ctx
	return func() {
		stop()
		stopAllocator()
	}
}

// A tab is a page of the browser with cookies of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the service

	mu       sync.Mutex
	requests []string // the addresses asked for since the last visit
}

// A device is what a page is looked at with. The zero device is a desktop's.
type device struct {
	width    int64
	height   int64
	dark     bool
	zoom     float64 // as the browser's own zoom; 0: 1
	noScript bool
	language string // Accept-Language
}

func newTab(t *testing.T, url string, d device) *tab {
	t.Helper()
	b := &tab{t: t, url: url}
	ctx, stop := chromedp.NewContext(chrome, chromedp.WithNewBrowserContext(), chromedp.WithListener(func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(sent.Request.URL, "data:") {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.requests = append(b.requests, sent.Request.URL)
		}
	}))
	t.Cleanup(stop)
	b.ctx = ctx
	send(b, network.Enable, network.EnableParams{})
	b.use(d)
	return b
}

// use makes the tab look as on a device.
func (b *tab) use(d device) {
	b.t.Helper()
	if d.width == 0 {
		d.width = 1024
	}
	if d.height == 0 {
		d.height = 800
	}
	if d.zoom == 0 {
		d.zoom = 1
	}
	scheme := "light"
	if d.dark {
		scheme = "dark"
	}
	if d.language == "" {
		d.language = "en"
	}
	send(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": d.language}})
	// A zoomed window is as many CSS pixels narrower.
	send(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(float64(d.width) / d.zoom), Height: int64(float64(d.height) / d.zoom), DeviceScaleFactor: d.zoom, Mobile: d.width < 600,
	})
	send(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: d.noScript})
}

// send sends a command of the DevTools protocol.
func send[P, R any](b *tab, command cdp.Command[P, R], p P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, command, p)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return r
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, harness.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
}

// leads runs actions that lead to another page, and waits for it.
func (b *tab) leads(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, harness.Patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, actions...); err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
}

// visit opens a path.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.mu.Lock()
	b.requests = nil
	b.mu.Unlock()
	b.leads(chromedp.Navigate(b.url + path))
}

// submit types into the field for the reference and sends its form.
func (b *tab) submit(reference string) {
	b.t.Helper()
	_ = ask[int](b, `document.querySelector("#reference").value = "", 0`)
	b.leads(chromedp.SendKeys("#reference", reference+"\r"))
}

// click presses what a selector finds, which leads to another page.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.leads(chromedp.Click(selector))
}

// ask evaluates an expression of JavaScript, as a developer's console would,
// whether the page may run scripts or not.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, harness.Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return v
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return ask[string](b, fmt.Sprintf(`(e => e ? e.innerText : "")(document.querySelector(%q))`, selector))
}

func (b *tab) has(selector string) bool {
	b.t.Helper()
	return ask[bool](b, fmt.Sprintf(`document.querySelector(%q) !== null`, selector))
}

// asked are the addresses asked for since the last visit.
func (b *tab) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// overflow names what is wider than the window, "" if nothing is.
func (b *tab) overflow() string {
	b.t.Helper()
	return ask[string](b, `(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return "";
		return [...document.querySelectorAll("body *")].filter(e => { const r = e.getBoundingClientRect(); return r.right > wide + 1 || r.left < -1; })
			.map(e => e.tagName + "." + e.className + " " + e.innerText.slice(0, 40)).slice(0, 3).join("; ") || "the page";
	})()`)
}

// axe is axe-core, from npm: see package.json.
var axe = sync.OnceValue(func() string {
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		fatal("need axe-core, which scripts/test-tools.sh installs: %v", err)
	}
	return string(source)
})

// barriers returns what axe-core finds by the rules of WCAG 2.0 to 2.2, A and
// AA, and how many of its rules looked at something and found it good.
func (b *tab) barriers() (violations []string, passed int) {
	b.t.Helper()
	type result struct {
		Violations []string `json:"violations"`
		Passed     int      `json:"passed"`
	}
	_ = ask[int](b, axe()+`;0`)
	r := ask[result](b, `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}, resultTypes: ["violations"]})
		.then(r => ({violations: r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html).slice(0, 3).join(" | ")), passed: r.passes.length}))`)
	return r.Violations, r.Passed
}
