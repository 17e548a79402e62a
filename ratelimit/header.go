package ratelimit

import (
	"strconv"
	"strings"
	"time"
)

// The values of the HTTP fields RateLimit-Policy and RateLimit
// (draft-ietf-httpapi-ratelimit-headers), which are lists of structured fields:
// to state several, join the values with ", ".

// Field returns what a client is told of one limit by the field RateLimit, such
// as `"lookups";r=999;t=1`: requests that remain, and seconds, rounded up,
// until all do again. It returns "" where there is no limit. The name is that of
// the policy, in printable ASCII.
func (d Decision) Field(name string) string {
	if d.Limit == 0 {
		return ""
	}
	return quoted(name) + ";r=" + strconv.Itoa(d.Remaining) + ";t=" + strconv.Itoa(seconds(d.ResetAfter))
}

// policy returns such as `"lookups";q=1000;w=1`: the burst, and in how many
// seconds, rounded up, as many more are admitted.
func policy(name string, g gcra) string {
	return quoted(name) + ";q=" + strconv.FormatInt(g.burst, 10) + ";w=" + strconv.Itoa(seconds(time.Duration(g.burst*g.interval)))
}

// quoted is a string of RFC 9651.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
