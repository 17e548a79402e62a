package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var binary string

// Main builds the program, with build tags if any, runs the tests and exits
// with their status. A package of tests calls it from its TestMain.
func Main(m *testing.M, tags ...string) { os.Exit(Run(m, tags...)) }

// Run is Main for those who have more to end than the tests: it returns the
// exit status.
func Run(m *testing.M, tags ...string) int {
	dir, err := os.MkdirTemp("", "kabarchy-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "kabarchy")
	// As it is shipped: static, without C.
	build := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", binary, "kabarchy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "harness: build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Binary is the path of the built program.
func Binary() string { return binary }
