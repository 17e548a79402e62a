// Package test drives the real program from end to end, beside a simulated
// Telegram, and holds the rules of which package may import which.
package test

import (
	"testing"

	"kabarchy/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
