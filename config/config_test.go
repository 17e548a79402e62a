package config_test

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // as main has it

	"kabarchy/config"
)

// noFiles is a machine without any file.
func noFiles(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// filesOf is a machine with these files alone, by path.
func filesOf(files map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if content, ok := files[path]; ok {
			return []byte(content), nil
		}
		return noFiles(path)
	}
}

func mustLoad(t *testing.T, flags config.Flags, environ []string, readFile func(string) ([]byte, error)) config.Config {
	t.Helper()
	c, err := config.Load(flags, environ, readFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func printed(t *testing.T, c config.Config) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// settled returns c's exported fields as JSON, in which secrets hide.
func settled(t *testing.T, c config.Config) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNothingGivenMeansTheDefaults(t *testing.T) {
	c := mustLoad(t, config.Flags{}, []string{"HOME=/root", "kabarchy_listen=:1"}, noFiles)
	want := config.Config{
		Listen: ":8080", AdminListen: "127.0.0.1:8081",
		DatabaseURL: c.DatabaseURL, TelegramAPIURL: "https://api.telegram.org",
		RateLimit: 60000, RateBurst: 1000, MissLimit: 60,
		Timezone: c.Timezone,
		Reminders: []config.Reminder{
			{Kind: "leave_by", Days: []int{14, 7, 3, 1, 0}, Hour: 10},
			{Kind: "correct_by", Days: []int{14, 7, 3, 1}, Hour: 10},
			{Kind: "appeal_by", Days: []int{7, 3, 1, 0}, Hour: 10},
			{Kind: "collect_by", Days: []int{7, 3, 1, 0}, Hour: 10},
			{Kind: "renew_by", Days: []int{60, 30, 14, 7}, Hour: 10},
		},
		PendingLongDays: 30, FeedStale: 36 * time.Hour,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Pace:           28, CacheSize: 100000,
		LogFormat: "text", LogLevel: slog.LevelInfo, ShutdownTimeout: 15 * time.Second,
	}
	if got, want := settled(t, c), settled(t, want); got != want {
		t.Errorf("Load = %s\nwant   %s", got, want)
	}
	if c.DatabaseURL.Reveal() != "sqlite:data/kabarchy.db" || c.DatabaseURL.SQLitePath() != "data/kabarchy.db" || c.Timezone.String() != "Asia/Bishkek" {
		t.Errorf("database %q at %q, zone %v", c.DatabaseURL.Reveal(), c.DatabaseURL.SQLitePath(), c.Timezone)
	}
	if !c.RedisURL.IsZero() || !c.TelegramToken.IsZero() || !c.TelegramProxy.IsZero() || len(c.SecretKeys) != 0 {
		t.Error("a setting without a default is not empty")
	}
	if err := c.RequireKeys(); err != nil {
		t.Errorf("RequireKeys on SQLite = %v", err)
	}
}

func TestEverySettingCanBeGivenInAFile(t *testing.T) {
	path := filepath.Join("testdata", "good.conf")
	c := mustLoad(t, config.Flags{}, []string{"KABARCHY_CONFIG=" + path}, os.ReadFile)
	const key = "0123456789abcdef0123456789abcdef"
	want := config.Config{
		Listen: "0.0.0.0:80", AdminListen: "[::1]:9090",
		DatabaseURL: c.DatabaseURL, RedisURL: c.RedisURL, TelegramProxy: c.TelegramProxy,
		SecretKeys:    config.Keys{{ID: "2026b", Secret: config.NewSecret(key)}, {ID: "2026a", Secret: config.NewSecret(key)}},
		TelegramToken: config.NewSecret("123456:AAH_x-y"), TelegramAPIURL: "http://localhost:8082",
		TelegramWebhookURL: "https://status.example.kg/telegram/webhook", TelegramWebhookSecret: config.NewSecret("shared_Secret-1"),
		PublicURL:        "https://status.example.kg",
		ReferencePattern: c.ReferencePattern, ReferenceCheck: config.CheckMod3736, ProofRequired: true,
		RateLimit: 0, RateBurst: 5, MissLimit: 20, Timezone: c.Timezone,
		Reminders: []config.Reminder{
			{Kind: "renew_by", Days: []int{30, 1}, Hour: 9, Minute: 5},
			{Kind: "appeal_by", Days: []int{0}, Hour: 23, Minute: 59},
		},
		QuietHours:      config.QuietHours{From: config.Clock{Hour: 22}, To: config.Clock{Hour: 7, Minute: 30}},
		PendingLongDays: 45, FeedStale: 90 * time.Minute,
		CampaignEnds: []config.CampaignEnd{
			{Campaign: "legalization-2025", LastDay: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)},
			{Campaign: "spring", LastDay: time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)},
		},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
			netip.MustParsePrefix("2001:db8::/32")},
		RetentionDays: 365, Reasons: "reasons.json", Guidance: "guidance #1.json",
		Pace: 0.5, CacheSize: 5, LogFormat: "json", LogLevel: slog.LevelWarn, ShutdownTimeout: 90 * time.Second,
	}
	if got, want := settled(t, c), settled(t, want); got != want {
		t.Errorf("Load = %s\nwant   %s", got, want)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"database", c.DatabaseURL.Reveal(), "postgres://kabarchy:p%40ss@db1:5432,db2:5432/kabarchy?sslmode=verify-full"},
		{"Redis", c.RedisURL.Reveal(), "rediss://default:pass@one:6379/2?addr=two:6379&addr=three:6379"},
		{"proxy", c.TelegramProxy.Reveal(), "socks5://me:pass@proxy:1080"},
		{"token", c.TelegramToken.Reveal(), "123456:AAH_x-y"},
		{"webhook secret", c.TelegramWebhookSecret.Reveal(), "shared_Secret-1"},
		{"first key", c.SecretKeys[0].Secret.Reveal(), key},
		{"second key", c.SecretKeys[1].Secret.Reveal(), key},
		{"pattern", c.ReferencePattern.String(), `\A(?:^[0-9]{8}$|EV[0-9]{6} #?)\z`},
		{"zone", c.Timezone.String(), "Asia/Almaty"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if strings.Contains(printed(t, c), "# default") {
		t.Errorf("a setting of the file was not taken:\n%s", printed(t, c))
	}
}

func TestThePatternMatchesTheWholeReference(t *testing.T) {
	c := mustLoad(t, config.Flags{ReferencePattern: new("[0-9]{8}|EV[0-9]{6}")}, nil, noFiles)
	for text, want := range map[string]bool{"12345678": true, "EV123456": true, "123456789": false, "XEV123456": false, "12345678\n": false} {
		if c.ReferencePattern.MatchString(text) != want {
			t.Errorf("match of %q: want %v", text, want)
		}
	}
}

func TestTheStrongerSourceWins(t *testing.T) {
	files := filesOf(map[string]string{
		"s":     "LISTEN=:3\nREDIS_URL=redis://from-file\nTELEGRAM_TOKEN=1:file\n",
		"other": "LISTEN=:4\n",
		"token": "1:secret-file\n",
	})
	tests := []struct {
		name    string
		flags   config.Flags
		environ []string
		setting string
		want    string // as printed
	}{
		{name: "nothing given", setting: "LISTEN", want: ":8080  # default"},
		{name: "file", environ: []string{"KABARCHY_CONFIG=s"}, setting: "LISTEN", want: ":3  # s:1"},
		{name: "environment over file", environ: []string{"KABARCHY_CONFIG=s", "KABARCHY_LISTEN=:2"}, setting: "LISTEN", want: ":2  # environment KABARCHY_LISTEN"},
		{name: "flag over environment", flags: config.Flags{Listen: new(":1")}, environ: []string{"KABARCHY_CONFIG=s", "KABARCHY_LISTEN=:2"},
			setting: "LISTEN", want: ":1  # flag --listen"},
		{name: "file named by flag over file named by environment", flags: config.Flags{Config: new("other")}, environ: []string{"KABARCHY_CONFIG=s"},
			setting: "LISTEN", want: ":4  # other:1"},
		{name: "an empty value is a value", environ: []string{"KABARCHY_CONFIG=s", "KABARCHY_REDIS_URL="}, setting: "REDIS_URL",
			want: "  # environment KABARCHY_REDIS_URL"},
		{name: "secret file in the environment over secret in the file", environ: []string{"KABARCHY_CONFIG=s", "KABARCHY_TELEGRAM_TOKEN_FILE=token"},
			setting: "TELEGRAM_TOKEN", want: "••••••  # environment KABARCHY_TELEGRAM_TOKEN_FILE"},
		{name: "first of two in the environment", environ: []string{"KABARCHY_LISTEN=:5", "KABARCHY_LISTEN=:1"}, setting: "LISTEN",
			want: ":5  # environment KABARCHY_LISTEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := printed(t, mustLoad(t, tt.flags, tt.environ, files))
			if !strings.Contains("\n"+out, "\n"+tt.setting+"="+tt.want+"\n") {
				t.Errorf("want %s=%s in\n%s", tt.setting, tt.want, out)
			}
		})
	}
}

func TestASecretFileIsTrimmed(t *testing.T) {
	c := mustLoad(t, config.Flags{}, []string{"KABARCHY_TELEGRAM_TOKEN_FILE=/t", "KABARCHY_DATABASE_URL_FILE=/d"},
		filesOf(map[string]string{"/t": "\n 123456:AbC \r\n", "/d": "postgres://u:p@h/db\n"}))
	if c.TelegramToken.Reveal() != "123456:AbC" || c.DatabaseURL.Reveal() != "postgres://u:p@h/db" {
		t.Errorf("token %q, database %q", c.TelegramToken.Reveal(), c.DatabaseURL.Reveal())
	}
}

func TestOnSQLiteOnlyKeysMayBeMissing(t *testing.T) {
	c := mustLoad(t, config.Flags{DatabaseURL: new("postgres://u:planted@h/db")}, nil, noFiles)
	err := c.RequireKeys()
	if err == nil || !strings.HasPrefix(err.Error(), "SECRET_KEYS=") || strings.Contains(err.Error(), "planted") {
		t.Errorf("RequireKeys on PostgreSQL without keys = %v", err)
	}
}

func TestTheMissingSettingsFileIsOneClearLine(t *testing.T) {
	_, err := config.Load(config.Flags{Config: new("/etc/absent.conf")}, nil, noFiles)
	want := `CONFIG="/etc/absent.conf" (flag --config): file does not exist; want the path of a readable file`
	if err == nil || err.Error() != want {
		t.Errorf("Load = %v, want %s", err, want)
	}
}

func TestPathsOfSQLite(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:k.db": "k.db", "sqlite:/var/k.db": "/var/k.db", "sqlite:///var/k.db": "/var/k.db", "sqlite:./a b.db": "./a b.db",
		"postgres://h/db": "", "postgresql://u@h:5432/db": "", "postgres:///db?host=/run/postgresql": "",
	} {
		c := mustLoad(t, config.Flags{DatabaseURL: &text}, nil, noFiles)
		if got := c.DatabaseURL.SQLitePath(); got != want {
			t.Errorf("SQLitePath of %s = %q, want %q", text, got, want)
		}
	}
}

func TestAWebhookMayBeOnThisMachineForAServerThatIsToo(t *testing.T) {
	c := mustLoad(t, config.Flags{TelegramAPIURL: new("http://127.0.0.1:9"), TelegramWebhookURL: new("http://127.0.0.1:1234")},
		[]string{"KABARCHY_TELEGRAM_WEBHOOK_SECRET=s"}, noFiles)
	if want := "http://127.0.0.1:1234/telegram/webhook"; c.TelegramWebhookURL != want {
		t.Errorf("TelegramWebhookURL = %q, want %q", c.TelegramWebhookURL, want)
	}
}

func TestEveryFieldOfTheZeroConfigIsSetByALoad(t *testing.T) {
	c := reflect.ValueOf(mustLoad(t, config.Flags{}, []string{"KABARCHY_CONFIG=" + filepath.Join("testdata", "good.conf")}, os.ReadFile))
	for i := range c.NumField() {
		name := c.Type().Field(i).Name
		if c.Field(i).IsZero() && name != "RateLimit" { // 0 there
			t.Errorf("no setting fills Config.%s", name)
		}
	}
}
