package config

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A URL is an address that may hold a password, which it does not print.
// Reveal is the only way to the whole. The zero URL is empty.
type URL struct {
	whole Secret
	shown string
}

func newURL(text string) URL { return URL{whole: NewSecret(text), shown: redactURL(text)} }

// Reveal returns the whole URL.
func (u URL) Reveal() string { return u.whole.Reveal() }

// IsZero says whether the URL is empty.
func (u URL) IsZero() bool { return u.whole.IsZero() }

// String returns the URL with passwords masked.
func (u URL) String() string { return u.shown }

// MarshalText returns what String does; JSON uses it too.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.shown), nil }

// LogValue returns what String does.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.shown) }

// SQLitePath returns the path of the SQLite file, or "" for another database.
// sqlite:data/k.db is relative, sqlite:/data/k.db and sqlite:///data/k.db are not.
func (u URL) SQLitePath() string {
	path, ok := strings.CutPrefix(u.Reveal(), "sqlite:")
	if !ok {
		return ""
	}
	if strings.HasPrefix(path, "///") {
		return path[2:]
	}
	return path
}

func databaseURL(text string) (URL, error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		switch {
		case path == "" || path == "///":
			return URL{}, errors.New("no path")
		case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
			return URL{}, errors.New("two slashes begin a host's name; a relative path has none, an absolute one has one")
		case strings.Contains(path, ":memory:"):
			return URL{}, errors.New("a database in memory would lose what was acknowledged")
		case strings.ContainsAny(path, "?#"):
			return URL{}, errors.New("a path of SQLite cannot hold ? or #, and takes no options")
		}
		return newURL(text), nil
	}
	u, err := schemeURL(text, "postgres", "postgresql")
	if err != nil {
		return URL{}, err
	}
	if u.Hostname() == "" && !u.Query().Has("host") { // a socket's folder is a host in the query
		return URL{}, errNoHost
	}
	return newURL(text), nil
}

func redisURL(text string) (URL, error) {
	if text == "" {
		return URL{}, nil
	}
	u, err := schemeURL(text, "redis", "rediss")
	if err != nil {
		return URL{}, err
	}
	if u.Hostname() == "" {
		return URL{}, errNoHost
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if n, err := strconv.Atoi(path); err != nil || n < 0 {
			return URL{}, errors.New("the path is the number of a database, such as /0")
		}
	}
	for _, addr := range u.Query()["addr"] {
		if _, err := listenAddress(addr); err != nil || strings.HasPrefix(addr, ":") {
			return URL{}, errors.New("addr is host:port")
		}
	}
	return newURL(text), nil
}

func proxyURL(text string) (URL, error) {
	if text == "" {
		return URL{}, nil
	}
	u, err := schemeURL(text, "http", "https", "socks5")
	switch {
	case err != nil:
		return URL{}, err
	case u.Hostname() == "":
		return URL{}, errNoHost
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return URL{}, errors.New("a proxy has no path")
	}
	return newURL(text), nil
}

func apiURL(text string) (string, error) {
	if _, err := publicHTTP(text, "http", "https"); err != nil {
		return "", err
	}
	return strings.TrimRight(text, "/"), nil
}

func siteURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := publicHTTP(text, "http", "https")
	if err != nil {
		return "", err
	}
	if strings.Trim(u.Path, "/") != "" {
		return "", errors.New("holds a path")
	}
	return u.Scheme + "://" + u.Host, nil
}

// webhookURL allows http on the machine itself, for a Bot API server or a
// simulator that runs there; Telegram itself takes https only. Without a path
// it means the route that the service has.
func webhookURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := publicHTTP(text, "http", "https")
	if err != nil {
		return "", err
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", errors.New("not https")
	}
	if strings.Trim(u.Path, "/") == "" {
		return u.Scheme + "://" + u.Host + "/telegram/webhook", nil
	}
	return text, nil
}

// webhookOutOfReach knows what Telegram's own server calls.
func webhookOutOfReach(c *Config) string {
	api, err := url.Parse(c.TelegramAPIURL)
	hook, err2 := url.Parse(c.TelegramWebhookURL)
	if err != nil || err2 != nil || c.TelegramWebhookURL == "" || api.Hostname() != "api.telegram.org" {
		return ""
	}
	if loopback(hook.Hostname()) {
		return "api.telegram.org cannot reach this machine by that name; want a public https URL"
	}
	if !slices.Contains([]string{"", "443", "80", "88", "8443"}, hook.Port()) {
		return "api.telegram.org calls the ports 443, 80, 88 and 8443 only"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var errNoHost = errors.New("no host")

// publicHTTP parses a URL that everybody may know.
func publicHTTP(text string, schemes ...string) (*url.URL, error) {
	u, err := schemeURL(text, schemes...)
	switch {
	case err != nil:
		return nil, err
	case u.Hostname() == "":
		return nil, errNoHost
	case u.User != nil:
		return nil, errors.New("holds a user or password")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("holds a query")
	}
	return u, nil
}

// schemeURL parses text as scheme://…. Its errors hold nothing of the text:
// those of net/url quote pieces of a password that was not escaped.
func schemeURL(text string, schemes ...string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains(schemes, scheme) {
		return nil, errWant
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(rest, "#") || misplacedAt(u) {
		return nil, errors.New("not a URL; in a password, write % as %25, @ as %40, : as %3A, / as %2F, ? as %3F and # as %23")
	}
	if port := u.Port(); port != "" && !strings.Contains(u.Host, ",") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("the port is not 1 to 65535")
		}
	}
	return u, nil
}

// misplacedAt says whether a password was not escaped, and ended the host.
func misplacedAt(u *url.URL) bool {
	return strings.Contains(u.EscapedPath()+u.RawQuery, "@")
}

// redactURL returns text with what is a password hidden, or, if it cannot be
// told what is, with all of it hidden.
func redactURL(text string) string {
	if text == "" || strings.HasPrefix(text, "sqlite:") && !strings.Contains(text, "@") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || !strings.Contains(text, "://") || u.Opaque != "" || strings.Contains(text, "#") || misplacedAt(u) {
		return mask
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		_, hasPassword := u.User.Password()
		if hasPassword || strings.HasPrefix(u.Scheme, "postgres") {
			shown += url.User(u.User.Username()).String()
		} else {
			shown += mask // a password that lacks its colon
		}
		if hasPassword {
			shown += ":" + mask
		}
		shown += "@"
	}
	shown += u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		shown += "?" + redactQuery(u.RawQuery)
	}
	return hideTokens(shown)
}

var aCredential = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|auth|cred`)

func redactQuery(query string) string {
	if strings.Contains(query, ";") {
		return mask
	}
	items := strings.Split(query, "&")
	for i, item := range items {
		name, _, _ := strings.Cut(item, "=")
		if plain, err := url.QueryUnescape(name); err != nil || aCredential.MatchString(plain) {
			if err != nil {
				name = mask
			}
			items[i] = name + "=" + mask
		}
	}
	return strings.Join(items, "&")
}
