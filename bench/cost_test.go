package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"kabarchy/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// BenchmarkProcessTime is the processor's time that the program itself takes
// for a request, over one kept connection, by what is asked for: a look-up of
// the API, and the status page of the same applications.
func BenchmarkProcessTime(b *testing.B) {
	const applications = 1000
	s := harness.New(b, harness.Options{Settings: map[string]string{"LOG_LEVEL": "info", "RATE_LIMIT": "0"}})
	key := s.Key("register", "updates")
	s.Start()
	var feed strings.Builder
	for i := range applications {
		feed.WriteString(harness.Update{Reference: reference(i), Version: 1, Procedure: "exit_visa", Stage: "decided", Outcome: "approved", SubmittedOn: "2025-06-02",
			Document: &harness.Document{Kind: "exit_visa", ValidFrom: "2026-06-20", ValidUntil: "2030-07-05"}, Deadlines: []harness.Deadline{{Kind: "leave_by", Date: "2030-07-05"}}}.Line() + "\n")
	}
	if a := s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: key, Type: harness.NDJSON, Body: feed.String()}); a.Status != 200 {
		b.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, kind := range []struct{ name, path, headers string }{
		{"lookup", "/v1/applications/", ""},
		{"page", "/status/", ""},
		{"page-packed", "/status/", "Accept-Encoding: gzip\r\n"},
	} {
		b.Run(kind.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReaderSize(conn, 64<<10)
			ask := func(i int) {
				if _, err := fmt.Fprintf(conn, "GET %s%s HTTP/1.1\r\nHost: x\r\n%s\r\n", kind.path, reference(i%applications), kind.headers); err != nil {
					b.Fatal(err)
				}
				if status, err := passOver(in); err != nil || status != 200 {
					b.Fatalf("%d %v", status, err)
				}
			}
			for i := range applications {
				ask(i)
			}
			before := used(b, s.PID())
			for i := 0; b.Loop(); i++ {
				ask(i)
			}
			b.ReportMetric(float64((used(b, s.PID())-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

func reference(i int) string { return fmt.Sprintf("2041%04d", i) }

// passOver reads an answer of stated length and returns its status.
func passOver(in *bufio.Reader) (status int, err error) {
	length := 0
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case n == 0:
			if _, err := fmt.Sscanf(text, "HTTP/1.1 %d", &status); err != nil {
				return 0, err
			}
		case text == "":
			_, err := in.Discard(length)
			return status, err
		default:
			if value, ok := strings.CutPrefix(text, "Content-Length: "); ok {
				if length, err = strconv.Atoi(value); err != nil {
					return 0, err
				}
			}
		}
	}
}

// used is the processor's time that a process has taken so far, in steps of
// 10 ms (proc(5): utime and stime, in clock ticks).
func used(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
