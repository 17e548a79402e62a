package visa

import (
	"fmt"
	"time"
)

// A Date is a day of the calendar without a time or a zone. The zero Date
// means that no date is stated.
type Date int32 // days since 31 December of the year 0

// The years a register may state; anything else is a typing error.
const (
	minYear = 1900
	maxYear = 2199
)

var epochDay = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)

// NewDate returns the given day. It normalises as time.Date does.
func NewDate(year int, month time.Month, day int) Date {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return Date((t.Unix() - epochDay.Unix()) / 86400)
}

// DateOf returns the day that t falls on in its own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return NewDate(y, m, d)
}

// ParseDate reads YYYY-MM-DD, a day that exists, of the years 1900 to 2199.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || len(s) != len(time.DateOnly) {
		return 0, fmt.Errorf("%q is not a date; write a day that exists as YYYY-MM-DD", clip(s))
	}
	if t.Year() < minYear || t.Year() > maxYear {
		return 0, fmt.Errorf("%q is not of the years %d to %d", s, minYear, maxYear)
	}
	return DateOf(t), nil
}

// IsZero reports whether no date is stated.
func (d Date) IsZero() bool { return d == 0 }

// Time returns midnight of d in UTC, for formatting.
func (d Date) Time() time.Time { return epochDay.AddDate(0, 0, int(d)) }

// At returns the instant of a wall-clock time on d in a zone. A time that the
// zone skips or repeats on that day is resolved as time.Date does.
func (d Date) At(hour, minute int, zone *time.Location) time.Time {
	y, m, day := d.Time().Date()
	return time.Date(y, m, day, hour, minute, 0, 0, zone)
}

// Start returns the first instant of d in a zone.
func (d Date) Start(zone *time.Location) time.Time { return d.At(0, 0, zone) }

// End returns the first instant after d in a zone.
func (d Date) End(zone *time.Location) time.Time { return (d + 1).At(0, 0, zone) }

// Add returns the day n days later.
func (d Date) Add(n int) Date { return d + Date(n) }

// AddMonth returns the same day of the next month, or its last day where there
// is none: 31 January gives 28 or 29 February.
func (d Date) AddMonth() Date {
	t := d.Time()
	first := time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(t.Year(), t.Month()+2, 0, 0, 0, 0, 0, time.UTC)
	return NewDate(first.Year(), first.Month(), min(t.Day(), last.Day()))
}

// DaysUntil returns the number of days from d to e, negative if e is earlier.
func (d Date) DaysUntil(e Date) int { return int(e - d) }

// String returns YYYY-MM-DD, or nothing for the zero Date.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText gives what String gives.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDate reads; an empty text is the zero Date.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	*d, err = ParseDate(string(b))
	return err
}

// clip bounds what an error repeats of its input.
func clip(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
