package harness

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

// Options say how a Service is set up. The zero Options are one without
// Telegram.
type Options struct {
	Telegram *simulator.Simulator // nil: the service has no token
	Settings map[string]string    // KABARCHY_* without the prefix, beside what the harness sets
}

// A Service is one installation of the program: a data folder of its own, its
// settings, two addresses, and the process that serves, if one runs. Its
// methods are the test's own: where they cannot do what they say, the test
// fails. Only Do may be called from other goroutines.
type Service struct {
	Dir   string // the program's working folder
	URL   string // of the public listener
	Admin string // of the private one

	t       testing.TB
	env     []string
	log     journal
	client  *http.Client
	cmd     *exec.Cmd
	ended   chan struct{} // closed once cmd has ended
	secrets map[string]string
}

// New sets a Service up and starts nothing. When the test ends, a process that
// runs is stopped, and must stop as it should; no secret may stand in any log.
func New(t testing.TB, o Options) *Service {
	t.Helper()
	addresses := Addresses(t, 2)
	s := &Service{
		t: t, Dir: t.TempDir(), URL: "http://" + addresses[0], Admin: "http://" + addresses[1],
		client: newClient(), secrets: map[string]string{Token: "the bot's token"},
	}
	settings := map[string]string{
		"LISTEN": addresses[0], "ADMIN_LISTEN": addresses[1], "LOG_LEVEL": "debug",
		"DATABASE_URL": "sqlite:" + s.database(),
	}
	if o.Telegram != nil {
		settings["TELEGRAM_TOKEN"], settings["TELEGRAM_API_URL"] = Token, o.Telegram.URL()
	}
	maps.Copy(settings, o.Settings)
	s.env = Environment(s.Dir, settings)
	t.Cleanup(s.end)
	return s
}

// Environment is that of the program: nothing of the test's own, and a zone of
// the machine that nothing may depend on.
func Environment(home string, settings map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TZ=Pacific/Honolulu"}
	for name, value := range settings {
		env = append(env, "KABARCHY_"+name+"="+value)
	}
	return env
}

func (s *Service) database() string { return filepath.Join(s.Dir, "data", "kabarchy.db") }

// Sub runs f as a subtest, which is then the one that fails where the Service
// cannot do what it says.
func (s *Service) Sub(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(sub *testing.T) {
		defer func(outer testing.TB) { s.t = outer }(s.t)
		s.t = sub
		f(sub)
	})
}

// Secret says that text may stand in no log, because it is what.
func (s *Service) Secret(text, what string) { s.secrets[text] = what }

// Start starts the program and returns once it is ready.
func (s *Service) Start() {
	s.t.Helper()
	s.launch()
	s.Until("ready to serve", func() bool {
		if s.hasEnded() {
			s.t.Fatalf("the program ended while starting: %v", s.cmd.ProcessState)
		}
		resp, err := s.client.Get(s.Admin + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// PID is the id of the process that serves.
func (s *Service) PID() int {
	s.t.Helper()
	if s.cmd == nil {
		s.t.Fatal("the program does not run")
	}
	return s.cmd.Process.Pid
}

func (s *Service) launch(env ...string) {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the program runs already")
	}
	s.cmd = exec.Command(binary, "serve")
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.Dir, slices.Concat(s.env, env), &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(ended)
	}(s.cmd)
}

func (s *Service) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Kill kills the process as a power cut would, as far as a process can tell,
// and returns once it is gone.
func (s *Service) Kill() {
	s.t.Helper()
	if s.hasEnded() {
		s.t.Fatalf("the program ended by itself: %v", s.cmd.ProcessState)
	}
	s.signal(syscall.SIGKILL)
}

// Stop ends the process as a service manager does. It must end by itself, soon
// and with status 0.
func (s *Service) Stop() {
	s.t.Helper()
	cmd := s.cmd
	s.signal(syscall.SIGTERM)
	if status := cmd.ProcessState.ExitCode(); status != 0 {
		s.t.Errorf("the program stopped with %v", cmd.ProcessState)
	}
}

func (s *Service) signal(sig syscall.Signal) {
	s.t.Helper()
	_ = s.cmd.Process.Signal(sig)
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		_ = s.cmd.Process.Kill()
		<-s.ended
		s.t.Errorf("the program did not end within %s of %s", Patience, sig)
	}
	s.cmd = nil
	s.client.CloseIdleConnections()
}

// Until is the function Until with the usual patience; it fails at once if the
// process has ended.
func (s *Service) Until(what string, f func() bool) {
	s.t.Helper()
	Until(s.t, Patience, what, func() bool {
		if s.cmd != nil && s.hasEnded() {
			s.t.Fatalf("the program ended by itself: %v", s.cmd.ProcessState)
		}
		return f()
	})
}

// Log is what the program wrote so far, over all its runs.
func (s *Service) Log() string { return s.log.String() }

// end is the last thing of a test.
func (s *Service) end() {
	if s.cmd != nil && s.hasEnded() {
		s.t.Errorf("the program ended by itself: %v", s.cmd.ProcessState)
	} else if s.cmd != nil {
		s.Stop()
	}
	log := s.Log()
	for secret, what := range s.secrets {
		if strings.Contains(log, secret) {
			s.t.Errorf("the log holds %s", what)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the program's log ends with:\n%s", s.log.tail())
	}
}
