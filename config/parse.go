package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The parsers of single values. What they return as an error is the reason
// alone, or errWant; the caller adds setting, value, source and what is right.

func asIs(text string) (string, error) { return text, nil }

// oneOf accepts the keys of values.
func oneOf[T any](values map[string]T) func(string) (T, error) {
	return func(text string) (T, error) {
		v, ok := values[text]
		if !ok {
			return v, errWant
		}
		return v, nil
	}
}

// between accepts whole numbers from least to most.
func between(least, most int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, errWant
		}
		return n, nil
	}
}

func pace(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f > 0 && f <= 1000) { // so that NaN is refused
		return 0, errWant
	}
	return f, nil
}

// durationOf accepts durations from least to most.
func durationOf(least, most time.Duration) func(string) (time.Duration, error) {
	return func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			return 0, errWant
		}
		return d, nil
	}
}

// days accepts 1d to most, and 0, which is the absence of a limit.
func days(most int) func(string) (int, error) {
	return func(text string) (int, error) {
		if text == "0" {
			return 0, nil
		}
		number, ok := strings.CutSuffix(text, "d")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 1 || n > most {
			return 0, errWant
		}
		return n, nil
	}
}

// listenAddress accepts port 0, by which the system chooses one.
func listenAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", errWant
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || port[0] == '+' {
		return "", errors.New("the port is not 0 to 65535")
	}
	if strings.ContainsAny(host, " /@") {
		return "", errors.New("the host is neither a name nor an address")
	}
	return text, nil
}

func adminTakesPublicAddress(c *Config) string {
	host, port, _ := net.SplitHostPort(c.Listen)
	adminHost, adminPort, _ := net.SplitHostPort(c.AdminListen)
	if port != adminPort || port == "0" || host != adminHost && !everyAddress(host) && !everyAddress(adminHost) {
		return ""
	}
	return "LISTEN has that port; want another"
}

func everyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func telegramToken(text string) (Secret, error) {
	if text != "" && !aTokenShape.MatchString(text) {
		return Secret{}, errWant
	}
	return NewSecret(text), nil
}

func webhookSecret(text string) (Secret, error) {
	if len(text) > 256 || !aWebhookSecret.MatchString(text) {
		return Secret{}, errWant
	}
	return NewSecret(text), nil
}

var (
	aTokenShape    = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)
	aWebhookSecret = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)
)

func wholePattern(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	// By itself first: "a)|(b" would be right within the group.
	if _, err := regexp.Compile(text); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return regexp.Compile(`\A(?:` + text + `)\z`)
}

func timezone(text string) (*time.Location, error) {
	// To package time these two are the machine's zone and UTC.
	if text == "" || text == "Local" {
		return nil, errors.New("not a zone's name")
	}
	zone, err := time.LoadLocation(text)
	if err != nil {
		return nil, errors.New("no such zone")
	}
	return zone, nil
}

func networks(text string) ([]netip.Prefix, error) {
	if text == "" || text == "none" {
		return nil, nil
	}
	var all []netip.Prefix
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		network, err := netip.ParsePrefix(item)
		if addr, err2 := netip.ParseAddr(item); err2 == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is neither an address nor a network", item)
		case network.Addr().Is4In6():
			return nil, fmt.Errorf("%q is an IPv4 address in IPv6 notation; write it as IPv4", item)
		case network != network.Masked():
			return nil, fmt.Errorf("%q has bits beyond its mask; %s is the network, %s the address", item, network.Masked(), network.Addr())
		case network.Bits() == 0:
			return nil, fmt.Errorf("%q is everybody, who could then name any address as theirs", item)
		}
		all = append(all, network)
	}
	return all, nil
}
