package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"debug/elf"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kabarchy/test/harness"
)

func TestTheBinaryIsStatic(t *testing.T) {
	f, err := elf.Open(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %v (%v)", libraries, err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic loader")
		}
	}
}

// An emptyRoot is a root directory that holds the program, a folder for its
// data, and nothing else: no zones, no certificates, no /tmp, no /etc.
type emptyRoot struct {
	t   *testing.T
	dir string
	env []string
}

func newEmptyRoot(t *testing.T, settings map[string]string) *emptyRoot {
	t.Helper()
	r := &emptyRoot{t: t, dir: t.TempDir()}
	for name, value := range settings {
		r.env = append(r.env, "KABARCHY_"+name+"="+value)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(filepath.Join(r.dir, "kabarchy"), os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// command is the program in its root. Who is not root becomes so in a
// namespace of their own, where the system lets them.
func (r *emptyRoot) command(args ...string) *exec.Cmd {
	cmd := &exec.Cmd{Path: "/kabarchy", Args: append([]string{"/kabarchy"}, args...), Env: r.env, Dir: "/data"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: r.dir}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

func (r *emptyRoot) start(cmd *exec.Cmd) {
	r.t.Helper()
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("cannot run the program in a root of its own (%v): this test needs to be root, or user namespaces", err)
	}
}

func (r *emptyRoot) run(args ...string) string {
	r.t.Helper()
	cmd := r.command(args...)
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	r.start(cmd)
	if err := cmd.Wait(); err != nil {
		r.t.Fatalf("kabarchy %v: %v\n%s", args, err, &out)
	}
	return out.String()
}

// TestTheProgramRunsInAnEmptyRoot starts the program where there is nothing
// but itself, as in the container image, and has it serve, tell Bishkek's time
// and try to reach a Telegram whose certificate it must not trust.
func TestTheProgramRunsInAnEmptyRoot(t *testing.T) {
	t.Parallel()
	impostor := newImpostor(t)
	addresses := harness.Addresses(t, 2)
	r := newEmptyRoot(t, map[string]string{
		"LISTEN": addresses[0], "ADMIN_LISTEN": addresses[1], "DATABASE_URL": "sqlite:/data/kabarchy.db",
		"TELEGRAM_TOKEN": harness.Token, "TELEGRAM_API_URL": impostor,
	})
	if out := r.run("config"); !strings.Contains(out, "Asia/Bishkek") {
		t.Errorf("config prints\n%s", out)
	}
	key := strings.TrimSpace(r.run("keys", "create", "--name", "register", "--scope", "updates"))

	cmd := r.command("serve")
	var logged output
	cmd.Stdout, cmd.Stderr = &logged, &logged
	r.start(cmd)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		if t.Failed() {
			t.Logf("it logged\n%s", &logged)
		}
	}()
	harness.Until(t, harness.Patience, "the program in its empty root is ready", func() bool {
		resp, err := http.Get("http://" + addresses[1] + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == 200
	})
	if out := r.run("healthcheck"); out != "ready\n" {
		t.Errorf("healthcheck prints %q", out)
	}

	req, err := http.NewRequest("POST", "http://"+addresses[0]+"/v1/updates", strings.NewReader(decided("00417733", 1).Line()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", harness.JSON)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	status, body := fetch(t, "GET", "http://"+addresses[0]+"/v1/applications/00417733", "")
	if resp.StatusCode != 200 || status != 200 || !strings.Contains(string(body), `"updated_at":"2025-06-20T09:15:00+06:00"`) {
		t.Errorf("update %d, look-up %d\n%s", resp.StatusCode, status, body)
	}

	// The authority's name is one the program knows, its key is not. Where the
	// program had no authorities it would find nothing under that name to hold
	// the certificate against.
	harness.Until(t, harness.Patience, "the program refuses an impostor's certificate, by the true authority's own", func() bool {
		text := logged.String()
		return strings.Contains(text, "certificate signed by unknown authority") &&
			strings.Contains(text, "while trying to verify candidate authority certificate")
	})
}

// authority is the name of one that every list of certificate authorities has.
const authority = "ISRG Root X1"

// newImpostor serves TLS under a certificate of an authority that has a true
// one's name and a key of its own, and returns its address.
func newImpostor(t *testing.T) string {
	t.Helper()
	sign := func(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		template.BasicConstraintsValid = true
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	root, rootKey := sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, KeyUsage: x509.KeyUsageCertSign,
		Subject: pkix.Name{Country: []string{"US"}, Organization: []string{"Internet Security Research Group"}, CommonName: authority},
	}, nil, nil)
	leaf, leafKey := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		Subject: pkix.Name{CommonName: "impostor"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, root, rootKey)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the program told an impostor its token")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of refused handshakes, which are what is wanted
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
