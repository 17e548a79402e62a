package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A setting is one row of the table: all that there is to know of it, beside
// its field in Config and its flag.
type setting struct {
	name  string // as in KABARCHY_name; its flag is the same in lower case with dashes
	value string // the default
	want  string // completes "want …" in an error
	hide  hiding
	set   func(*Config, string) error
}

// hiding says what of a value may be shown.
type hiding int

const (
	plain      hiding = iota // all of it
	publicURL                // a URL that should hold no credential; hidden if it does
	privateURL               // a URL that may hold a password, which alone is hidden
	secret                   // nothing: no flag, and no trace in any output
	secretKeys               // only the keys' ids
)

// settings is the table, in the order in which Print shows it.
var settings = []setting{
	{name: "LISTEN", value: ":8080", want: `host:port, such as ":8080" or "127.0.0.1:8080"`,
		set: into(func(c *Config) *string { return &c.Listen }, listenAddress)},
	{name: "ADMIN_LISTEN", value: "127.0.0.1:8081", want: `host:port, such as "127.0.0.1:8081"`,
		set: into(func(c *Config) *string { return &c.AdminListen }, listenAddress)},
	{name: "DATABASE_URL", value: "sqlite:data/kabarchy.db", hide: privateURL,
		want: `"sqlite:PATH" or "postgres://user:password@host:5432/database"`,
		set:  into(func(c *Config) *URL { return &c.DatabaseURL }, databaseURL)},
	{name: "REDIS_URL", hide: privateURL,
		want: `"redis://host:6379/0", "rediss://…" for TLS, "?addr=host:port" for each further node of a cluster, or nothing`,
		set:  into(func(c *Config) *URL { return &c.RedisURL }, redisURL)},
	{name: "SECRET_KEYS", hide: secretKeys,
		want: "id:key,id:key, newest first: an id of 1 to 16 of a-z0-9-, a key of at least 32 bytes in base64 or hex",
		set:  into(func(c *Config) *Keys { return &c.SecretKeys }, ParseKeys)},
	{name: "TELEGRAM_TOKEN", hide: secret, want: "digits, a colon and A-Za-z0-9_-, as BotFather gave it, or nothing",
		set: into(func(c *Config) *Secret { return &c.TelegramToken }, telegramToken)},
	{name: "TELEGRAM_API_URL", value: "https://api.telegram.org", hide: publicURL,
		want: `an absolute URL, such as "https://api.telegram.org"`,
		set:  into(func(c *Config) *string { return &c.TelegramAPIURL }, apiURL)},
	{name: "TELEGRAM_PROXY", hide: privateURL, want: `"http://…", "https://…" or "socks5://…" with host and port, or nothing`,
		set: into(func(c *Config) *URL { return &c.TelegramProxy }, proxyURL)},
	{name: "TELEGRAM_WEBHOOK_URL", hide: publicURL,
		want: `an https URL that Telegram can reach, such as "https://status.example.kg/telegram/webhook", or nothing for long polling`,
		set:  into(func(c *Config) *string { return &c.TelegramWebhookURL }, webhookURL)},
	{name: "TELEGRAM_WEBHOOK_SECRET", hide: secret, want: "1 to 256 of A-Za-z0-9_-",
		set: into(func(c *Config) *Secret { return &c.TelegramWebhookSecret }, webhookSecret)},
	{name: "PUBLIC_URL", hide: publicURL, want: `scheme and host alone, such as "https://status.example.kg", or nothing`,
		set: into(func(c *Config) *string { return &c.PublicURL }, siteURL)},
	{name: "REFERENCE_PATTERN", want: `a regular expression for the whole canonical reference, such as "[0-9]{8}", or nothing`,
		set: into(func(c *Config) **regexp.Regexp { return &c.ReferencePattern }, wholePattern)},
	{name: "REFERENCE_CHECK", want: `"mod37,36", or "none"`,
		set: into(func(c *Config) *CheckDigits { return &c.ReferenceCheck },
			oneOf(map[string]CheckDigits{"": CheckNone, "none": CheckNone, "mod37,36": CheckMod3736}))},
	{name: "PROOF", value: "none", want: `"none" or "required"`,
		set: into(func(c *Config) *bool { return &c.ProofRequired },
			oneOf(map[string]bool{"none": false, "required": true}))},
	{name: "RATE_LIMIT", value: "60000", want: "look-ups a minute per client, 0 to 60000000; 0 for no limit",
		set: into(func(c *Config) *int { return &c.RateLimit }, between(0, 60_000_000))},
	{name: "RATE_BURST", value: "1000", want: "look-ups at once per client, 1 to 1000000",
		set: into(func(c *Config) *int { return &c.RateBurst }, between(1, 1_000_000))},
	{name: "MISS_LIMIT", value: "60", want: "distinct unknown references an hour per client, 1 to 60",
		set: into(func(c *Config) *int { return &c.MissLimit }, between(1, 60))},
	{name: "TIMEZONE", value: "Asia/Bishkek", want: `a zone of the IANA database, such as "Asia/Bishkek"`,
		set: into(func(c *Config) **time.Location { return &c.Timezone }, timezone)},
	{name: "REMINDERS", value: "leave_by=14,7,3,1,0@10:00;correct_by=14,7,3,1@10:00;appeal_by=7,3,1,0@10:00;collect_by=7,3,1,0@10:00;renew_by=60,30,14,7@10:00",
		want: `kind=days,days@hh:mm, joined by ";", such as "leave_by=14,7,3,1,0@10:00", or "none"`,
		set:  into(func(c *Config) *[]Reminder { return &c.Reminders }, parseReminders)},
	{name: "QUIET_HOURS", want: `"22:00-07:00", or nothing`,
		set: into(func(c *Config) *QuietHours { return &c.QuietHours }, parseQuietHours)},
	{name: "PENDING_LONG", value: "30d", want: `days such as "30d", at most "3650d", or "0" for never`,
		set: into(func(c *Config) *int { return &c.PendingLongDays }, days(3650))},
	{name: "FEED_STALE", value: "36h", want: `a duration from "1h" to "8760h"`,
		set: into(func(c *Config) *time.Duration { return &c.FeedStale }, durationOf(time.Hour, 8760*time.Hour))},
	{name: "CAMPAIGN_ENDS", want: `campaign=YYYY-MM-DD, its last day, with commas between, such as "legalization-2025=2025-12-31", or nothing`,
		set: into(func(c *Config) *[]CampaignEnd { return &c.CampaignEnds }, parseCampaignEnds)},
	{name: "TRUSTED_PROXIES", value: "127.0.0.0/8,::1/128",
		want: `addresses or networks with commas between, such as "10.0.0.0/8,::1", or "none"`,
		set:  into(func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }, networks)},
	{name: "RETENTION", value: "0", want: `days such as "365d", at most "36500d", or "0" for ever`,
		set: into(func(c *Config) *int { return &c.RetentionDays }, days(36500))},
	{name: "REASONS", want: "the path of a JSON file, or nothing", set: into(func(c *Config) *string { return &c.Reasons }, asIs)},
	{name: "GUIDANCE", want: "the path of a file, or nothing", set: into(func(c *Config) *string { return &c.Guidance }, asIs)},
	{name: "PACE", value: "28", want: "messages a second, above 0 and at most 1000",
		set: into(func(c *Config) *float64 { return &c.Pace }, pace)},
	{name: "CACHE_SIZE", value: "100000", want: "answers kept in memory, 1 to 100000000",
		set: into(func(c *Config) *int { return &c.CacheSize }, between(1, 100_000_000))},
	{name: "LOG_FORMAT", value: "text", want: `"text" or "json"`,
		set: into(func(c *Config) *string { return &c.LogFormat }, oneOf(map[string]string{"text": "text", "json": "json"}))},
	{name: "LOG_LEVEL", value: "info", want: `"debug", "info", "warn" or "error"`,
		set: into(func(c *Config) *slog.Level { return &c.LogLevel },
			oneOf(map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}))},
	{name: "SHUTDOWN_TIMEOUT", value: "15s", want: `a duration from "1s" to "10m"`,
		set: into(func(c *Config) *time.Duration { return &c.ShutdownTimeout }, durationOf(time.Second, 10*time.Minute))},
}

// crossRules are what two settings must agree on. A rule is looked at only if
// both are right by themselves.
var crossRules = []struct {
	setting, with string
	broken        func(*Config) string // what is wrong with setting, or ""
}{
	{"ADMIN_LISTEN", "LISTEN", adminTakesPublicAddress},
	{"TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_URL", func(c *Config) string {
		if c.TelegramWebhookURL != "" && c.TelegramWebhookSecret.IsZero() {
			return "a webhook needs a secret, or anybody could play Telegram; want 1 to 256 of A-Za-z0-9_-"
		}
		return ""
	}},
	{"TELEGRAM_WEBHOOK_URL", "TELEGRAM_API_URL", webhookOutOfReach},
}

// into makes a row's set of the Config's field and the parser of its type.
func into[T any](field func(*Config) *T, parse func(string) (T, error)) func(*Config, string) error {
	return func(c *Config, text string) error {
		v, err := parse(text)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

// errWant is a parser's error when "want …" says all there is to say.
var errWant = errors.New("")

// check parses v into c. Its error is a whole line; the parser's own, which
// stands within, never repeats a value that may be secret.
func (s setting) check(c *Config, v given) error {
	err := oneLine(v.text)
	if err == nil || s.hide == secretKeys {
		err = s.set(c, v.text)
	}
	if err == nil {
		return nil
	}
	line := s.name + "=" + quoteForError(s.show(v.text)) + " (" + v.source + "): "
	if reason := err.Error(); reason != "" {
		line += hideTokens(reason) + "; "
	}
	return errors.New(line + "want " + s.want)
}

// oneLine refuses what no setting may hold; a list of keys in a file of its
// own may stand on several lines, and is exempt.
func oneLine(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("not UTF-8")
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("holds a control character, such as a line's end")
	}
	return nil
}

// fileable says whether NAME_FILE is a setting too.
func (s setting) fileable() bool { return s.hide >= privateURL }

func (s setting) flag() string { return strings.ReplaceAll(strings.ToLower(s.name), "_", "-") }

// show returns text with all hidden that may not be shown.
func (s setting) show(text string) string {
	switch s.hide {
	case publicURL:
		if strings.ContainsAny(text, "@?") {
			return redactURL(text)
		}
		return hideTokens(text)
	case privateURL:
		return redactURL(text)
	case secret:
		return NewSecret(text).String()
	case secretKeys:
		keys, err := ParseKeys(text)
		if err != nil {
			return mask
		}
		return keys.String()
	}
	return hideTokens(text)
}
