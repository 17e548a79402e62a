package config

import (
	"regexp"
	"strings"
)

// injected are the variables that Kubernetes puts into every container beside
// a Service called kabarchy or kabarchy-anything.
var (
	injected      = regexp.MustCompile(`^([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	injectedPorts = regexp.MustCompile(`^([A-Z0-9_]+_)?PORT$`)
)

// fromKubernetes says that a variable, its name without prefix, is none of the
// operator's mistakes. KABARCHY_PORT is Kubernetes' own only with a value such
// as tcp://10.0.0.1:80; KABARCHY_PORT=8080 is somebody looking for LISTEN.
func fromKubernetes(name, text string) bool {
	return injected.MatchString(name) ||
		injectedPorts.MatchString(name) && regexp.MustCompile(`^(tcp|udp|sctp)://`).MatchString(text)
}

// suggest says which setting was meant by name, which is none.
func suggest(prefix, name string) string {
	name = strings.ToUpper(name)
	if base, ok := strings.CutSuffix(name, fileSuffix); ok && known(base) {
		return "only what may hold a secret can be given as a file; give " + prefix + base + " itself"
	}
	if name == "PORT" || name == "ADDR" || name == "ADDRESS" {
		return "did you mean " + prefix + "LISTEN?"
	}
	best, least := "", len(name)
	for _, s := range settings {
		candidates := []string{s.name}
		if s.fileable() {
			candidates = append(candidates, s.name+fileSuffix)
		}
		for _, c := range candidates {
			// Further off than a third of its letters, a name is no mistyping.
			if d := distance(name, c); d < least && 3*d <= max(len(name), len(c)) {
				best, least = c, d
			}
		}
	}
	if best == "" {
		return "the command config lists them all"
	}
	return "did you mean " + prefix + best + "?"
}

// distance is the number of letters to insert, delete or replace, or of
// neighbours to swap, to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
