package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Reminder says when followers are reminded of the deadlines of one kind.
// Hour and minute are local to TIMEZONE.
type Reminder struct {
	Kind         string // leave_by, correct_by, appeal_by, collect_by or renew_by
	Days         []int  // before the deadline's day, 0 to 365, strictly descending, at least one
	Hour, Minute int
}

var deadlineKinds = []string{"leave_by", "correct_by", "appeal_by", "collect_by", "renew_by"}

// A Clock is a time of day, local to TIMEZONE.
type Clock struct{ Hour, Minute int }

// QuietHours are a span of the day, its end exclusive, often over midnight.
// The zero QuietHours are none.
type QuietHours struct{ From, To Clock }

// IsZero says that there are no quiet hours.
func (q QuietHours) IsZero() bool { return q == QuietHours{} }

// A CampaignEnd is the last day of a campaign, local to TIMEZONE.
type CampaignEnd struct {
	Campaign string    // its slug
	LastDay  time.Time // midnight of it in UTC
}

func parseReminders(text string) ([]Reminder, error) {
	if text == "" || text == "none" {
		return nil, nil
	}
	var all []Reminder
	for rule := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		r, err := parseReminder(rule)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other Reminder) bool { return other.Kind == r.Kind }) {
			return nil, fmt.Errorf("%s stands twice", r.Kind)
		}
		all = append(all, r)
	}
	return all, nil
}

func parseReminder(rule string) (Reminder, error) {
	kind, rest, _ := strings.Cut(rule, "=")
	kind = strings.TrimSpace(kind)
	if !slices.Contains(deadlineKinds, kind) {
		return Reminder{}, fmt.Errorf("%q is no kind of deadline (%s)", kind, strings.Join(deadlineKinds, ", "))
	}
	days, at, _ := strings.Cut(rest, "@")
	clock, err := parseClock(strings.TrimSpace(at))
	if err != nil {
		return Reminder{}, fmt.Errorf("%s: %w", kind, err)
	}
	r := Reminder{Kind: kind, Hour: clock.Hour, Minute: clock.Minute}
	for day := range strings.SplitSeq(days, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(day))
		if err != nil || n < 0 || n > 365 {
			return Reminder{}, fmt.Errorf("%s: %q is not a number of days from 0 to 365", kind, strings.TrimSpace(day))
		}
		if len(r.Days) > 0 && n >= r.Days[len(r.Days)-1] {
			return Reminder{}, fmt.Errorf("%s: days must descend, but %d follows %d", kind, n, r.Days[len(r.Days)-1])
		}
		r.Days = append(r.Days, n)
	}
	return r, nil
}

func parseQuietHours(text string) (QuietHours, error) {
	if text == "" || text == "none" {
		return QuietHours{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return QuietHours{}, errWant
	}
	var q QuietHours
	var err, err2 error
	q.From, err = parseClock(strings.TrimSpace(from))
	q.To, err2 = parseClock(strings.TrimSpace(to))
	if err = errors.Join(err, err2); err != nil {
		return QuietHours{}, errWant
	}
	if q.From == q.To {
		return QuietHours{}, errors.New("begins when it ends")
	}
	return q, nil
}

// aSlug is the form of a campaign's name in updates, but for its length.
var aSlug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func parseCampaignEnds(text string) ([]CampaignEnd, error) {
	if text == "" || text == "none" {
		return nil, nil
	}
	var all []CampaignEnd
	for item := range strings.SplitSeq(text, ",") {
		name, day, _ := strings.Cut(item, "=")
		name, day = strings.TrimSpace(name), strings.TrimSpace(day)
		if len(name) > 64 || !aSlug.MatchString(name) {
			return nil, fmt.Errorf("%q is no campaign (at most 64 small letters, digits and single dashes)", name)
		}
		last, err := time.Parse(time.DateOnly, day)
		if err != nil || last.Year() < 1900 || last.Year() > 2199 {
			return nil, fmt.Errorf("%s: %q is not a day", name, day)
		}
		if slices.ContainsFunc(all, func(other CampaignEnd) bool { return other.Campaign == name }) {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		all = append(all, CampaignEnd{name, last})
	}
	return all, nil
}

func parseClock(text string) (Clock, error) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return Clock{}, fmt.Errorf("%q is not a time from 00:00 to 23:59", text)
	}
	return Clock{Hour: t.Hour(), Minute: t.Minute()}, nil
}
