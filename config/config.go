// Package config reads Kabarchy's settings, checks them all at once, and shows
// which are in effect without showing a secret.
//
// A setting's value comes from the first of these that gives one: a flag, the
// environment (KABARCHY_NAME), the settings file, the default. An empty value
// is a value: KABARCHY_REDIS_URL= switches off the Redis that a file names.
// What may hold a credential can also be given as the content of a file, by
// NAME_FILE in the environment or in the settings file.
//
// A setting is a row of the table in settings.go, a field of Config and, unless
// it is a secret, a field of Flags; nothing else knows of it.
//
// Limits: the package looks at text only. It opens no connection, does not look
// whether a path named by a setting exists, and knows nothing of the commands;
// what only some of them need, as RequireKeys, is theirs to ask for.
package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strconv"
	"time"
)

// A Config holds every setting, parsed. The zero Config is not usable: Load
// makes it. It may be printed and logged with any verb: what is secret in it
// hides itself.
type Config struct {
	Listen      string // host:port of the public listener; an empty host means every address
	AdminListen string // host:port of the private one: probes and metrics

	DatabaseURL URL // sqlite:PATH or postgres://…
	RedisURL    URL // empty: no Redis

	SecretKeys Keys // newest first; empty: see RequireKeys

	TelegramToken         Secret // empty: notifications are kept, none is sent
	TelegramAPIURL        string // without a slash at its end
	TelegramProxy         URL    // empty: none
	TelegramWebhookURL    string // empty: long polling; otherwise the whole URL that Telegram calls
	TelegramWebhookSecret Secret // given whenever TelegramWebhookURL is

	PublicURL string // scheme://host[:port], where people find the pages; empty: unknown

	ReferencePattern *regexp.Regexp // matches canonical references as a whole; nil: any
	ReferenceCheck   CheckDigits
	ProofRequired    bool

	RateLimit int // look-ups a minute per client; 0: no limit
	RateBurst int // look-ups at once per client
	MissLimit int // distinct unknown references an hour per client, 1 to 60

	Timezone   *time.Location
	Reminders  []Reminder // at most one of a kind; empty: none
	QuietHours QuietHours

	PendingLongDays int           // days without a change of stage after which followers are told; 0: never
	FeedStale       time.Duration // the age of the last complete feed above which a heartbeat says that there is no data
	CampaignEnds    []CampaignEnd // in the order given; empty: none

	TrustedProxies []netip.Prefix // empty: nobody's X-Forwarded-For is believed
	RetentionDays  int            // days that applications are kept once closed, or their campaign is over; 0: for ever

	Reasons  string // path of a JSON file; empty: the built-in reasons
	Guidance string // path; empty: none

	Pace      float64 // messages a second, over all chats
	CacheSize int     // answers kept in memory

	LogFormat       string // "text" or "json"
	LogLevel        slog.Level
	ShutdownTimeout time.Duration

	lines []line // what Print shows; holds no secret
}

// CheckDigits names the scheme that a reference's check digits follow.
type CheckDigits string

const (
	CheckNone    CheckDigits = ""
	CheckMod3736 CheckDigits = "mod37,36" // ISO 7064 MOD 37,36: one check character
)

// Load reads the settings and checks them.
//
// The flags come from the command line, environ is os.Environ(), and readFile
// (os.ReadFile) opens the settings file and the files that NAME_FILE settings
// name. It is called for nothing else.
//
// An error says everything that is wrong, one line for each: the setting, its
// value unless that is secret, where it came from, and what would be right. The
// Config is then good for Print only.
func Load(flags Flags, environ []string, readFile func(string) ([]byte, error)) (Config, error) {
	in := gather(flags, environ, readFile)
	wrong := in.problems

	var c Config
	bad := map[string]bool{}
	for _, s := range settings {
		v, err := in.value(s, readFile)
		if err == nil {
			err = s.check(&c, v)
		}
		if err != nil {
			bad[s.name] = true
			wrong = append(wrong, err)
		}
		c.lines = append(c.lines, line{name: s.name, shown: s.show(v.text), source: v.source})
	}
	for _, r := range crossRules {
		if !bad[r.setting] && !bad[r.with] {
			if reason := r.broken(&c); reason != "" {
				wrong = append(wrong, c.problem(r.setting, reason))
			}
		}
	}
	return c, errors.Join(wrong...)
}

// RequireKeys says that SECRET_KEYS is missing where nobody but the operator
// can give it: on every database but SQLite, beside whose file the program
// makes its own. Commands that encrypt or look up chats ask before they start.
func (c *Config) RequireKeys() error {
	if len(c.SecretKeys) > 0 || c.DatabaseURL.SQLitePath() != "" {
		return nil
	}
	return c.problem("SECRET_KEYS", "is empty; with PostgreSQL every process needs the same list id:key,id:key, newest first")
}

// problem words what is wrong with a setting in the light of another.
func (c *Config) problem(setting, reason string) error {
	for _, l := range c.lines {
		if l.name == setting {
			return errors.New(l.name + "=" + quoteForError(l.shown) + " (" + l.source + "): " + reason)
		}
	}
	return errors.New(setting + ": " + reason)
}

// quoteForError makes text safe to stand in one line of an error, and short.
func quoteForError(text string) string {
	const longest = 120
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "…"
	}
	return strconv.Quote(text)
}
