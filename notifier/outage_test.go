//go:build !race

package notifier_test

import "time"

// outage is how long Telegram is away in the tests.
const outage = 24 * time.Hour

// simulatedYears is how long lives are watched.
const simulatedYears = 10
