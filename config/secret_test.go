package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"kabarchy/config"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%t", "%e", "%c", "%U", "%p", "%10.3s", "%T"}

// everyOutput prints v in every way that a program prints by mistake.
func everyOutput(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	inside := struct{ hidden any }{v}
	for _, verb := range verbs {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", inside)
		fmt.Fprintf(&out, verb+"\n", []any{v, &v, map[string]any{"k": v}})
	}
	fmt.Fprintln(&out, v, fmt.Errorf("wrapped: %v", v))
	j, err := json.Marshal(map[string]any{"v": v})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	_ = xml.NewEncoder(&out).Encode(v) // some have no XML; what they write before counts
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v, slog.Group("g", "v", v))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v, slog.Group("g", "v", v))
	return out.String()
}

// spellings are the forms in which the letters of a secret could appear.
func spellings(secret string) []string {
	decimal := strings.Trim(fmt.Sprint([]byte(secret)), "[]")
	return []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), decimal, strings.ReplaceAll(decimal, " ", ", ")}
}

func TestASecretPrintsAMask(t *testing.T) {
	s := config.NewSecret("planted-secret")
	out := everyOutput(t, s)
	for _, spelling := range spellings("planted-secret") {
		if strings.Contains(out, spelling) {
			t.Errorf("%q appears in\n%s", spelling, out)
		}
	}
	for _, verb := range verbs[:len(verbs)-1] {
		if got := fmt.Sprintf(verb, s); got != "••••••" && verb != "%p" {
			t.Errorf("%s = %q", verb, got)
		}
		if got := fmt.Sprintf(verb, config.Secret{}); got != "" && verb != "%p" {
			t.Errorf("%s of an empty one = %q", verb, got)
		}
	}
	if s.Reveal() != "planted-secret" || s.IsZero() {
		t.Error("the secret cannot be revealed")
	}
	if e := config.NewSecret(""); !e.IsZero() || e.Reveal() != "" {
		t.Error("an empty secret is not empty")
	}
}

func TestAConfigPrintsNoSecret(t *testing.T) {
	key := "cGxhbnRlZC1wbGFudGVkLXBsYW50ZWQtcGxhbnRlZCE" // planted-planted-planted-planted!
	environ := []string{
		"KABARCHY_DATABASE_URL=postgres://kabarchy:plantedA@db/kabarchy?password=plantedB&sslpassword=plantedC",
		"KABARCHY_REDIS_URL=redis://plantedD@redis:6379/0?password=plantedE",
		"KABARCHY_TELEGRAM_PROXY=http://me:plantedF@proxy:3128",
		"KABARCHY_TELEGRAM_API_URL=https://example.kg/bot123456:planted-planted-planted",
		"KABARCHY_TELEGRAM_TOKEN=123456:plantedG",
		"KABARCHY_TELEGRAM_WEBHOOK_URL=https://status.example.kg/telegram/webhook",
		"KABARCHY_TELEGRAM_WEBHOOK_SECRET=plantedH",
		"KABARCHY_SECRET_KEYS=k1:" + key,
	}
	c := mustLoad(t, config.Flags{}, environ, noFiles)
	// The API's address is no secret by type; a token in it is the caller's
	// mistake, which Print alone can still mend.
	shown := c
	shown.TelegramAPIURL = ""
	out := everyOutput(t, shown) + everyOutput(t, &shown) + printed(t, c)
	for _, part := range []any{c.DatabaseURL, c.RedisURL, c.TelegramProxy, c.SecretKeys, c.SecretKeys[0], &c.SecretKeys[0]} {
		out += everyOutput(t, part)
	}
	for _, planted := range []string{"planted", key, "planted-planted-planted-planted!"} {
		for _, spelling := range spellings(planted) {
			if at := strings.Index(out, spelling); at >= 0 {
				t.Errorf("%q appears: …%s…", spelling, out[max(0, at-200):at+len(spelling)])
			}
		}
	}
	for _, want := range []string{"kabarchy:••••••@db/kabarchy", "k1:••••••", "me:••••••@proxy:3128", "redis:6379/0"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q does not appear", want)
		}
	}
}

// Whatever is wrong with a value that may hold a secret, neither the error nor
// what is printed afterwards shows it.
func TestAWrongValueShowsNoSecret(t *testing.T) {
	values := []string{
		"planted", "planted\nplanted", "\xffplanted", "host=db password=planted", "kabarchy:planted@db/kabarchy",
		"postgres://kabarchy:planted@db:port/k", "postgres://kabarchy:pla@planted@db/k", "postgres://kabarchy:1/planted@db/k",
		"postgres://kabarchy:1?planted@db/k", "postgres://kabarchy:1#planted@db/k", "postgres://kabarchy:%zzplanted@db/k",
		"postgress://kabarchy:planted@db/k", "postgres://:planted@/k", "postgres://db/k?password=planted;x", "postgres://db/k?%zz=planted",
		"postgres://db:70000/k?password=planted", "POSTGRES://kabarchy:planted@db", "postgres:kabarchy:planted@db", "//kabarchy:planted@db",
		"redis://planted@redis/x", "redis://default:planted@redis/x", "redis://:planted@redis:0", "redis://redis/0?addr=x&password=planted",
		"sqlite://kabarchy:planted@db", "http://me:planted@proxy/x", "ftp://me:planted@proxy", "https://me:planted@proxy?x",
		"k1:planted,k2:planted", "k1:" + strings.Repeat("planted+", 10) + "!", "k1:" + strings.Repeat("planted0", 8), "planted=planted",
		"https://example.kg/hook?token=planted",
	}
	names := []string{"DATABASE_URL", "REDIS_URL", "TELEGRAM_PROXY", "SECRET_KEYS", "TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_SECRET",
		"TELEGRAM_API_URL", "TELEGRAM_WEBHOOK_URL", "PUBLIC_URL"}
	credential := map[string]bool{"DATABASE_URL": true, "REDIS_URL": true, "TELEGRAM_PROXY": true, "SECRET_KEYS": true,
		"TELEGRAM_TOKEN": true, "TELEGRAM_WEBHOOK_SECRET": true}
	for _, name := range names {
		for _, value := range values {
			if !credential[name] && !strings.ContainsAny(value, "@?") {
				continue // nothing there but what everybody may know
			}
			for _, environ := range [][]string{
				{"KABARCHY_" + name + "=" + value},
				{"KABARCHY_" + name + "_FILE=" + value},
				{"KABARCHY_" + name + "_FILE=secret"},
				{"KABARCHY_CONFIG=settings"},
				{"KABARCHY_CONFIG=broken"},
				{"KABARCHY_" + name + "S=" + value},
			} {
				c, err := config.Load(config.Flags{}, environ, filesOf(map[string]string{
					"secret": value, "settings": name + "=" + value, "broken": value + "\n" + name + ": " + value + "\n" + name + `="` + value + "\n",
				}))
				if out := fmt.Sprintf("%v %+v ", err, c) + printed(t, c); strings.Contains(out, "planted") {
					at := strings.Index(out, "planted")
					t.Errorf("%s=%q in %.40q: …%s", name, value, environ, out[max(0, at-100):])
				}
			}
		}
	}
}
