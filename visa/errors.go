package visa

import "errors"

// The errors that edges tell apart; everything else is a fault of ours.
var (
	// ErrNotFound: the reference is not in the register's data.
	ErrNotFound = errors.New("not in the register's data")
	// ErrUnavailable: what is needed to answer cannot be reached just now, and
	// no last known answer is at hand. Trying again later is right.
	ErrUnavailable = errors.New("temporarily unavailable")
)
