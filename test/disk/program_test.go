package disk

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kabarchy/test/harness"
)

// A program is the real one, each of its processes under a tracer of its own,
// on one installation.
type program struct {
	t      *testing.T
	binary string
	dir    string
	env    []string
	traces int
}

// watched are the calls that matter: those by which something is asked,
// answered, written and synced.
const watched = "trace=execve,read,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fsync,fdatasync,msync,ftruncate,exit_group"

// newProgram prepares an installation with settings, KABARCHY_* without the
// prefix.
func newProgram(t *testing.T, binary string, settings map[string]string) *program {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatalf("this test watches the program with strace (Debian: apt-get install strace): %v", err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as the tracer names it
	if err != nil {
		t.Fatal(err)
	}
	settings["DATABASE_URL"] = "sqlite:" + filepath.Join(dir, "k.db")
	return &program{t: t, binary: binary, dir: dir, env: harness.Environment(dir, settings)}
}

// wal is the path of the database's log.
func (p *program) wal() string { return filepath.Join(p.dir, "k.db-wal") }

// A process is one that is traced, or was.
type process struct {
	p           *program
	cmd         *exec.Cmd
	out, errOut bytes.Buffer // may be read once ended is closed
	ended       chan struct{}
	file        string // the trace
}

func (p *program) start(args ...string) *process {
	p.t.Helper()
	p.traces++
	r := &process{p: p, file: filepath.Join(p.dir, "trace-"+string(rune('a'+p.traces))), ended: make(chan struct{})}
	// -f follows the program's threads; only the calls that are watched stop
	// them (--seccomp-bpf); -y tells files by their path; strings are whole (-s).
	strace := []string{"-f", "--seccomp-bpf", "-qq", "-y", "-ttt", "-s", "1048576", "-e", "signal=none", "-e", watched, "-o", r.file, "--", p.binary}
	r.cmd = exec.Command("strace", append(strace, args...)...)
	r.cmd.Dir, r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = p.dir, p.env, &r.out, &r.errOut
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	p.t.Cleanup(func() {
		select {
		case <-r.ended:
		default: // the test has failed
			r.signal(syscall.SIGKILL)
			<-r.ended
		}
		if p.t.Failed() {
			p.t.Logf("kabarchy %s wrote:\n%s", strings.Join(args, " "), r.errOut.String())
		}
	})
	return r
}

// signal sends a signal to the program, not to its tracer; killed before it
// began, the tracer takes it along.
func (r *process) signal(sig syscall.Signal) {
	pid := r.cmd.Process.Pid
	if b, err := os.ReadFile(r.file); err == nil { // its first word is the program's number
		if first, _, ok := strings.Cut(string(b), " "); ok {
			if n, err := strconv.Atoi(first); err == nil {
				pid = n
			}
		}
	}
	_ = syscall.Kill(pid, sig)
}

// end waits for the process, which must end with status 0, and returns what it
// printed and its trace.
func (r *process) end() (string, trace) {
	r.p.t.Helper()
	timer := time.NewTimer(harness.Patience)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-timer.C:
		r.p.t.Fatalf("%v did not end within %s", r.cmd.Args, harness.Patience)
	}
	if !r.cmd.ProcessState.Success() {
		r.p.t.Fatalf("%v: %v\n%s", r.cmd.Args, r.cmd.ProcessState, r.errOut.String())
	}
	return r.out.String(), parseFile(r.p.t, r.file)
}

// ready returns once a process that serves is.
func (r *process) ready(admin string) {
	r.p.t.Helper()
	harness.Until(r.p.t, harness.Patience, "ready to serve", func() bool {
		select {
		case <-r.ended:
			r.p.t.Fatalf("%v ended while starting: %v\n%s", r.cmd.Args, r.cmd.ProcessState, r.errOut.String())
		default:
		}
		resp, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}
