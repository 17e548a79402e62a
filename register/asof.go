package register

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"kabarchy/visa"
)

// settle turns a file's as-of into the instant that orders files. A date alone
// means the end of that day; nothing is later than now. What lies after today
// is refused.
func settle(i instant, zone *time.Location, now time.Time) (time.Time, error) {
	if i.day(zone) > visa.DateOf(now.In(zone)) {
		return time.Time{}, fmt.Errorf("%s lies in the future", i.day(zone))
	}
	t := i.time
	if i.dateOnly {
		t = i.day(zone).End(zone).Add(-time.Second)
	}
	if t.After(now) {
		t = now
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// statedAsOf reads what --as-of says.
func statedAsOf(text string, zone *time.Location, now time.Time) (time.Time, error) {
	c := clock{layouts: isoLayouts, iso: true, zone: zone}
	i, err := c.read(text)
	if err != nil {
		return time.Time{}, unusable("--as-of %v, or as 2025-06-20T20:05:00+06:00", err)
	}
	t, err := settle(i, zone, now)
	if err != nil {
		return time.Time{}, unusable("--as-of: %v", err)
	}
	return t, nil
}

// namedAsOf finds a date in a file's name, in the first of the forms that is
// found there.
func namedAsOf(path string, layouts []layout, zone *time.Location) (instant, bool, error) {
	name := filepath.Base(path)
	for _, l := range layouts {
		var found []instant
		for rest := name; ; {
			at := l.inName.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			if t, err := time.ParseInLocation(l.golang, rest[at[2]:at[3]], zone); err == nil && t.Year() >= 1900 && t.Year() <= 2199 {
				found = append(found, instant{t, l.dateOnly})
			}
			rest = rest[at[3]:]
		}
		for _, f := range found {
			if !f.time.Equal(found[0].time) {
				return instant{}, false, fmt.Errorf("its name holds two dates, %s and %s", found[0].day(zone), f.day(zone))
			}
		}
		if len(found) > 0 {
			return found[0], true, nil
		}
	}
	return instant{}, false, nil
}

// latest keeps the greatest of the instants of a column, and where it stands.
type latest struct {
	clock *clock
	found bool
	instant
	line int
}

func (l *latest) take(text string, line int) {
	if text == "" || l.found && text == l.clock.text {
		return
	}
	i, err := l.clock.read(text)
	if err != nil {
		return // the row speaks for itself when it is mapped
	}
	// The end of a day is later than any time on it.
	if !l.found || i.time.After(l.time) || i.time.Equal(l.time) && i.dateOnly {
		l.found, l.instant, l.line = true, i, line
	}
}

// asOfHelp says how a file's as-of can be given, for a profile or none.
func asOfHelp(p *Profile) string {
	help := "give --as-of YYYY-MM-DD"
	if p == nil {
		return help
	}
	for _, rule := range p.asOf {
		if rule.column != nil {
			help += fmt.Sprintf(", or a column %s", quote(rule.column[0]))
		}
		var forms []string
		for _, l := range rule.fileName {
			forms = append(forms, l.text)
		}
		if forms != nil {
			help += ", or name the file with its date as " + strings.Join(forms, " or ")
		}
	}
	return help
}
