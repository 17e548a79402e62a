package visa

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What an AuditFilter is made of, as people write it. The errors of these say
// what would be right, and repeat nothing of what was written: it may be a
// reference in the wrong place.

// ParseNotificationState reads the name of a state.
func ParseNotificationState(s string) (NotificationState, error) {
	if state := NotificationState(s); slices.Contains(NotificationStates, state) {
		return state, nil
	}
	return "", errors.New("the states are " + listed(NotificationStates))
}

// ParseLane reads the name of a lane.
func ParseLane(s string) (Lane, error) {
	for _, l := range Lanes {
		if l.String() == s {
			return l, nil
		}
	}
	return 0, errors.New("the lanes are " + listed(Lanes))
}

// label is the form of what our own code writes as a reason.
var label = regexp.MustCompile(`^[a-z][a-z_ ]{0,39}[0-9]{0,3}$`)

// IsLabel reports whether s has the form of a reason, or of a result: an audit
// shows nothing else in their place.
func IsLabel(s string) bool { return label.MatchString(s) }

// ParseAuditReason reads a label.
func ParseAuditReason(s string) (string, error) {
	if !IsLabel(s) {
		return "", errors.New("a reason is a label, such as blocked or newer")
	}
	return s, nil
}

// ParseAuditTime reads a time with its offset, or a day in a zone: the first
// instant of the day or, where end is set, the first after it.
func ParseAuditTime(s string, zone *time.Location, end bool) (time.Time, error) {
	if t, err := ParseTime(s); err == nil {
		return t, nil
	}
	day, err := ParseDate(s)
	switch {
	case err != nil:
		return time.Time{}, errors.New("write a day as 2025-06-20, or a time with its offset as 2025-06-20T15:04:05+06:00")
	case end:
		return day.End(zone), nil
	}
	return day.Start(zone), nil
}

// Check refuses a filter that nothing can pass.
func (f AuditFilter) Check() error {
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return errors.New("since and until leave no time between them")
	}
	return nil
}

// listed writes words as a sentence lists them.
func listed[T any](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = fmt.Sprint(w)
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}
