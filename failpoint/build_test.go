package failpoint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kabarchy/failpoint"
)

func TestAnOrdinaryBuildHoldsNoPoints(t *testing.T) {
	for _, tt := range []struct {
		name, tags string
		want       bool
	}{
		{"as it is shipped", "", false},
		{"as the crash tests build it", "failpoint", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kabarchy")
			build := exec.Command("go", "build", "-tags", tt.tags, "-o", path, "kabarchy")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build the program: %v\n%s", err, out)
			}
			program, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range append([]string{"FAILPOINT="}, failpoint.Names...) {
				if got := bytes.Contains(program, []byte(text)); got != tt.want {
					t.Errorf("the program holds %q: %t, want %t", text, got, tt.want)
				}
			}
		})
	}
}
