package harness

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A Result is what a command came to.
type Result struct {
	Status         int
	Stdout, Stderr string
}

// Run runs another command of the program on the same installation, whether
// or not it is being served.
func (s *Service) Run(args ...string) Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.Dir, s.env, &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("kabarchy %s: %v", strings.Join(args, " "), err)
	}
	_, _ = s.log.Write(append([]byte("kabarchy "+args[0]+"\n"), errOut.Bytes()...))
	return Result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// MustRun is Run for a command that must succeed; it returns what it printed.
func (s *Service) MustRun(args ...string) string {
	s.t.Helper()
	r := s.Run(args...)
	if r.Status != 0 {
		s.t.Fatalf("kabarchy %s: status %d\n%s%s", strings.Join(args, " "), r.Status, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Key makes a key of the API with the command, and returns it.
func (s *Service) Key(name string, scopes ...string) string {
	s.t.Helper()
	args := []string{"keys", "create", "--name", name}
	for _, scope := range scopes {
		args = append(args, "--scope", scope)
	}
	out := s.MustRun(args...)
	key, ok := strings.CutSuffix(out, "\n")
	if !ok || key == "" || strings.ContainsAny(key, " \n") {
		s.t.Fatalf("keys create must print the key alone; it printed %q", out)
	}
	s.Secret(key, "the key "+name)
	return key
}

// File writes a file into the installation's folder and returns its path.
func (s *Service) File(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}
