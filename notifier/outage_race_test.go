//go:build race

package notifier_test

import "time"

// outage is shorter under the race detector, which makes every look slower.
const outage = 3 * time.Hour

// simulatedYears is shorter for the same reason.
const simulatedYears = 1
