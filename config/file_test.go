package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseFile(t *testing.T) {
	tests := []struct {
		name, in string
		want     []entry
	}{
		{name: "nothing", in: ""},
		{name: "blank lines and comments", in: "\n  \n# LISTEN=:1\n\t# more"},
		{name: "byte order mark and CRLF", in: "\ufeffA=b\r\nC=d\r\n", want: []entry{{line: 1, name: "A", value: "b"}, {line: 2, name: "C", value: "d"}}},
		{name: "no line end at the end", in: "A=b", want: []entry{{line: 1, name: "A", value: "b"}}},
		{name: "blanks around the equals sign", in: " A = b c ", want: []entry{{line: 1, name: "A", value: "b c"}}},
		{name: "empty value", in: "A=\nB=''\nC= # nothing", want: []entry{{line: 1, name: "A"}, {line: 2, name: "B"}, {line: 3, name: "C"}}},
		{name: "nothing is expanded", in: "A=^[0-9]{8}$HOME${HOME}\\n", want: []entry{{line: 1, name: "A", value: `^[0-9]{8}$HOME${HOME}\n`}}},
		{name: "equals sign in the value", in: "A=b=c=", want: []entry{{line: 1, name: "A", value: "b=c="}}},
		{name: "comment after a blank only", in: "A=b#c # d", want: []entry{{line: 1, name: "A", value: "b#c"}}},
		{name: "quotes keep blanks and signs", in: "A=' # b\"' # c\nB=\"it's\"", want: []entry{{line: 1, name: "A", value: ` # b"`}, {line: 2, name: "B", value: "it's"}}},
		{name: "quote within a bare value", in: "A=b'c", want: []entry{{line: 1, name: "A", value: "b'c"}}},
		{name: "no equals sign", in: "A b", want: []entry{{line: 1, problem: "no = in this line; want NAME=value"}}},
		{name: "name with a blank", in: "export A=b", want: []entry{{line: 1, problem: "no setting's name, in capitals, before the =; want NAME=value"}}},
		{name: "open quote", in: "A='b", want: []entry{{line: 1, name: "A", problem: "A: the quote is not closed"}}},
		{name: "text after the quote", in: "A='b'c", want: []entry{{line: 1, name: "A", problem: "A: text after the closing quote"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseFile(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("parseFile(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("LISTEN=:8080 # c\nA='b'\n\"=x\nB=\"'\"\n")
	f.Add("\ufeffA = # b\r\nA=b#c\r\n=\n'")
	f.Fuzz(func(t *testing.T, content string) {
		for _, e := range parseFile(content) {
			if e.problem != "" {
				continue
			}
			if !aName.MatchString(e.name) || strings.Contains(e.value, "\n") {
				t.Fatalf("entry %+v", e)
			}
			// What Print shows of it reads as the same, with a comment behind.
			if strings.Contains(e.value, "'") && strings.Contains(e.value, `"`) {
				continue
			}
			again := parseFile(e.name + "=" + quoted(e.value) + "  # default")
			if len(again) != 1 || again[0].value != e.value || again[0].problem != "" {
				t.Fatalf("%q printed as %s reads as %+v", e.value, quoted(e.value), again)
			}
		}
	})
}

func TestEverySettingHasARowAFlagAndABadFile(t *testing.T) {
	flags := map[string]bool{"config": true}
	for _, s := range settings {
		if s.hide != secret && s.hide != secretKeys {
			flags[s.flag()] = true
		}
		if s.want == "" {
			t.Errorf("%s does not say what would be right", s.name)
		}
	}
	typ := reflect.TypeFor[Flags]()
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag
		name := tag.Get("name")
		if !flags[name] || tag.Get("help") == "" || tag.Get("placeholder") == "" {
			t.Errorf("Flags.%s: no setting %q takes it, or it lacks help", typ.Field(i).Name, name)
		}
		delete(flags, name)
	}
	if len(flags) > 0 {
		t.Errorf("no flag for %v", flags)
	}
}

func TestWhatIsPrintedCanBeReadAgain(t *testing.T) {
	text := "^[0-9]{8}$ # it's"
	c, err := Load(Flags{ReferencePattern: &text, Reasons: new("  "), TrustedProxies: new("none")}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first, second strings.Builder
	_ = c.Print(&first)
	again, err := Load(Flags{Config: new("printed")}, nil, func(string) ([]byte, error) { return []byte(first.String()), nil })
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Print(&second)
	if len(c.lines) != len(settings) {
		t.Fatalf("%d lines for %d settings", len(c.lines), len(settings))
	}
	for i := range c.lines {
		if c.lines[i].shown != again.lines[i].shown || c.lines[i].name != settings[i].name {
			t.Errorf("%s=%s reads as %s", c.lines[i].name, c.lines[i].shown, again.lines[i].shown)
		}
	}
}

func TestUnknownNamesAreSuggested(t *testing.T) {
	for name, want := range map[string]string{
		"LISTN":               "did you mean KABARCHY_LISTEN?",
		"LITSEN":              "did you mean KABARCHY_LISTEN?",
		"DATABASE":            "did you mean KABARCHY_DATABASE_URL?",
		"WEBHOOK_SECRET":      "the command config lists them all",
		"TELEGRAM_TOKEN_FIEL": "did you mean KABARCHY_TELEGRAM_TOKEN_FILE?",
		"SECRET_KEY":          "did you mean KABARCHY_SECRET_KEYS?",
		"DB_URL":              "the command config lists them all",
		"loglevel":            "did you mean KABARCHY_LOG_LEVEL?",
		"PORT":                "did you mean KABARCHY_LISTEN?",
		"PROOF_FILE":          "only what may hold a secret can be given as a file; give KABARCHY_PROOF itself",
		"X":                   "the command config lists them all",
	} {
		if got := suggest(prefix, name); got != want {
			t.Errorf("suggest(%s) = %q, want %q", name, got, want)
		}
	}
}

func TestWhatKubernetesInjectsIsNoMistake(t *testing.T) {
	for variable, want := range map[string]bool{
		"KABARCHY_SERVICE_HOST=10.0.0.1":              true,
		"KABARCHY_SERVICE_PORT=80":                    true,
		"KABARCHY_SERVICE_PORT_HTTP=80":               true,
		"KABARCHY_PORT=tcp://10.0.0.1:80":             true,
		"KABARCHY_PORT_80_TCP=tcp://10.0.0.1:80":      true,
		"KABARCHY_PORT_80_TCP_ADDR=10.0.0.1":          true,
		"KABARCHY_API_SERVICE_HOST=10.0.0.2":          true,
		"KABARCHY_API_PORT=tcp://10.0.0.2:80":         true,
		"KABARCHY_API_PORT_80_TCP_PORT=80":            true,
		"KABARCHY_PORT=8080":                          false,
		"KABARCHY_PORT_80=tcp://10.0.0.1:80":          false,
		"KABARCHY_LISTEN_PORT=8080":                   false,
		"KABARCHY_SERVICE=x":                          false,
		"KABARCHY_TELEGRAM_TOKEN_SERVICE_HOSTNAME=10": false,
	} {
		_, err := Load(Flags{}, []string{variable}, nil)
		if (err == nil) != want {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
