package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A rule says what the code of a package, tests apart, may import beyond the
// standard library: packages of this module, by their path in it, and
// libraries with all that is in them.
type rule struct {
	pkg       string
	may       []string
	libraries []string
	because   string
}

const anything = "*"

// rules are the arrows of the design. A package without a rule fails the test:
// whoever adds one decides what it may know.
var rules = []rule{
	{"", []string{"cli"}, []string{"golang.org/x/crypto/x509roots/fallback"},
		"main stays thin: it brings along zones and certificate authorities, and calls cli"},
	{"cli", []string{anything}, []string{"github.com/alecthomas/kong", "github.com/prometheus/client_golang", "github.com/schollz/progressbar/v3", "golang.org/x/term"},
		"all packages meet in one place, which hands each small options"},
	{"visa", nil, nil, "everything else speaks the domain's types, so they may depend on nothing that can change under them"},
	{"config", nil, nil, "settings are text; reading them must not need what they configure"},
	{"strictjson", nil, nil, "how JSON is read depends on nothing that it says"},
	{"i18n", []string{"strictjson"}, []string{"golang.org/x/text"}, "texts know languages and nothing of what they tell"},
	{"guidance", []string{"strictjson", "visa"}, nil, "what the people who run the service say is read without knowing how it is shown"},
	{"explain", []string{"guidance", "i18n", "visa"}, nil, "pages and bot take their sentences from here; it may know neither"},
	{"ratelimit", nil, nil, "limits count; what they count is their caller's"},
	{"profiles", nil, nil, "profiles are data"},
	{"failpoint", nil, nil, "a point at which to die must do nothing else, and above all bring nothing into a build without any"},
	{"register", []string{"strictjson", "visa"}, nil, "files are read into the domain's types, and recorded by an interface of its own"},
	{"store", []string{"failpoint", "visa"}, []string{"github.com/pressly/goose/v3", "modernc.org/sqlite"}, "the store keeps the domain's types and knows nobody who asks"},
	{"cache", []string{"visa"}, []string{"github.com/maypok86/otter/v2"}, "a cache must not know where answers come from: it never reaches the store by itself"},
	{"app", []string{"cache", "visa"}, nil, "the public service is the same whatever it is served by and stored in"},
	{"app/apptest", []string{"visa"}, nil, "a fake of the app's own interfaces, for tests"},
	{"app/httpapi", []string{"app", "app/web", "explain", "i18n", "ratelimit", "statistics", "strictjson", "visa"},
		[]string{"github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp", "github.com/prometheus/client_golang"},
		"HTTP is an edge: it translates, and decides nothing"},
	{"app/web", []string{"explain", "guidance", "i18n", "visa"}, []string{"rsc.io/qr"}, "pages are rendered from values, without a server"},
	{"notifier", []string{"failpoint", "i18n", "notifier/message", "notifier/telegram", "ratelimit", "visa"}, nil, "delivery runs without the public service, in a process of its own if need be"},
	{"notifier/bot", []string{"notifier/message", "notifier/telegram", "visa"}, nil, "a conversation is words and effects; how they are stored and sent is not its business"},
	{"notifier/message", []string{"explain", "guidance", "i18n", "visa"}, nil, "a message is rendered from values, without a sender"},
	{"notifier/telegram", nil, []string{"github.com/go-telegram-bot-api/telegram-bot-api/v5"}, "the gateway knows Telegram and nothing of applications"},
	{"notifier/telegram/simulator", nil, nil, "what plays Telegram must share no code, and so no mistake, with what talks to it"},
	{"bench", nil, nil, "measurements look at the program from outside"},
	{"test", nil, nil, "tests look at the program from outside"},
	{"test/browser", nil, nil, "tests look at the program from outside"},
	{"test/disk", nil, nil, "tests look at the program from outside"},
	{"test/crash", nil, nil, "tests look at the program from outside"},
	{"test/lanes", nil, nil, "a measurement uses what is there, and nothing uses it"},
	{"test/harness", []string{"notifier/telegram/simulator"}, []string{"modernc.org/sqlite"},
		"the harness starts the program and looks into its database; code of the program's own would hide its mistakes"},
}

// sole says which packages alone may import something directly.
var sole = []struct {
	what    string // a library, or a package of this module
	by      []string
	because string
}{
	{"github.com/gofiber/fiber/v2", []string{"app/httpapi"}, "Fiber's values are reused after the handler: they must not travel"},
	{"github.com/valyala/fasthttp", []string{"app/httpapi"}, "fasthttp's buffers are reused after the handler: they must not travel"},
	{"github.com/go-telegram-bot-api/telegram-bot-api/v5", []string{"notifier/telegram"}, "its errors hold the bot's token: one package makes sure that it goes no further"},
	{"modernc.org/sqlite", []string{"store", "test/harness"}, "SQL stands in one place; tests look into the file without it"},
	{"config", []string{"cli"}, "a package that reads settings by itself cannot be used, or tested, without them"},
	{"store", []string{"cli"}, "whoever needs storage says so by a narrow interface of its own"},
	{"app/apptest", nil, "fakes belong to tests"},
	{"failpoint", []string{"store", "notifier"}, "points stand between the steps of what must survive, and nowhere else"},
	{"notifier/telegram/simulator", []string{"cli", "test/harness"}, "the pretence serves the demonstration and tests, never people"},
}

// never says what must not be reached by any detour.
var never = []struct{ from, to, because string }{
	{"app", "notifier", "a fault of the notifier must not reach those who look up"},
	{"notifier", "app", "the notifier runs where no API is served"},
	{"cache", "store", "a cache that reaches the store by itself is a second truth"},
	{"visa", "config", "the domain knows no settings"},
	{"store", "config", "settings are handed down as options"},
	{"app", "config", "settings are handed down as options"},
	{"notifier", "config", "settings are handed down as options"},
}

// A listed package is one as the go command lists it.
type listed struct {
	ImportPath string
	Imports    []string // of the code, not of tests
	Deps       []string // all that it reaches
}

const module = "kabarchy"

// inModule returns the path within this module, and whether it is of it.
func inModule(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

// under reports whether path is root, or lies below it.
func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// violations holds packages against the tables, and says of each arrow that
// must not be which it is and why.
func violations(packages []listed) []string {
	var out []string
	say := func(parts ...string) { out = append(out, strings.Join(parts, "")) }
	for _, p := range packages {
		pkg, ok := inModule(p.ImportPath)
		if !ok {
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.pkg == pkg })
		if i < 0 {
			say(p.ImportPath, " has no rule: say what it may import, and why")
			continue
		}
		r := rules[i]
		for _, imported := range p.Imports {
			within, ours := inModule(imported)
			switch {
			case ours:
				if !slices.Contains(r.may, within) && !slices.Contains(r.may, anything) {
					say(p.ImportPath, " must not import ", imported, ": ", r.because)
				}
			case strings.Contains(imported, "."): // the standard library has no dots
				if !slices.ContainsFunc(r.libraries, func(l string) bool { return under(imported, l) }) {
					say(p.ImportPath, " must not import ", imported, ": ", r.because)
				}
			}
			for _, s := range sole {
				what := imported
				if ours {
					what = within
				}
				if (what == s.what || !ours && under(what, s.what)) && !slices.Contains(s.by, pkg) {
					say(p.ImportPath, " must not import ", imported, ", which is for ", strings.Join(s.by, ", "), " alone: ", s.because)
				}
			}
		}
		for _, dep := range p.Deps {
			within, ours := inModule(dep)
			for _, n := range never {
				if ours && under(pkg, n.from) && under(within, n.to) {
					say(p.ImportPath, " must not reach ", dep, ": ", n.because)
				}
			}
		}
	}
	return out
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errOut.Bytes())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 15 {
		t.Fatalf("go list names %d packages; these cannot be all", len(packages))
	}
	for _, v := range violations(packages) {
		t.Error(v)
	}
}

func TestArrowsThatMustNotBeAreFound(t *testing.T) {
	tests := []struct {
		name string
		pkg  listed
		want string
	}{
		{"a package without a rule", listed{ImportPath: "kabarchy/util"}, "has no rule"},
		{"the domain with a library", listed{ImportPath: "kabarchy/visa", Imports: []string{"github.com/google/uuid"}}, "must not import github.com/google/uuid"},
		{"the domain with a package", listed{ImportPath: "kabarchy/visa", Imports: []string{"kabarchy/i18n"}}, "must not import kabarchy/i18n"},
		{"settings outside of cli", listed{ImportPath: "kabarchy/store", Imports: []string{"kabarchy/config"}}, "for cli alone"},
		{"Fiber outside of its edge", listed{ImportPath: "kabarchy/cli", Imports: []string{"github.com/gofiber/fiber/v2/middleware/cors"}}, "for app/httpapi alone"},
		{"a detour", listed{ImportPath: "kabarchy/app", Deps: []string{"fmt", "kabarchy/notifier/bot"}}, "must not reach kabarchy/notifier/bot"},
		{"what is right", listed{ImportPath: "kabarchy/i18n", Imports: []string{"fmt", "golang.org/x/text/language"}, Deps: []string{"fmt"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(violations([]listed{tt.pkg}), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want it to say %q", got, tt.want)
			}
		})
	}
	for _, r := range rules {
		if len(r.because) < 10 {
			t.Errorf("the rule of %q has no reason", r.pkg)
		}
	}
}
