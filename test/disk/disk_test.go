// Package disk watches the real program from outside, system call by system
// call, and holds each of its acknowledgements against what it had synced to
// the disk by then. What it looks at is the order of calls, not a disk: that a
// sync is one is the kernel's and the disk's promise.
package disk

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kabarchy/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestNoAcknowledgementPrecedesItsSync(t *testing.T) {
	s := play(t, harness.Binary())
	for kind, want := range promised {
		if s.seen[kind] != want {
			t.Errorf("the traces show %d times of %d that %s", s.seen[kind], want, kind)
		}
		for _, v := range s.found[kind] {
			t.Error(v)
		}
	}
}

// A test that cannot fail shows nothing: the same scene, by a program that is
// linked to commit without a sync, must be found out at every kind of
// acknowledgement.
func TestEveryKindOfAcknowledgementBeforeItsSyncIsFound(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "kabarchy")
	build := exec.Command("go", "build", "-ldflags", "-X kabarchy/store.synchronous=NORMAL", "-o", binary, "kabarchy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	s := play(t, binary)
	for kind, want := range promised {
		t.Logf("%d of %d: %s", len(s.found[kind]), want, kind)
		if len(s.found[kind]) == 0 {
			t.Errorf("without a sync it goes unnoticed that %s", kind)
		}
	}
}
