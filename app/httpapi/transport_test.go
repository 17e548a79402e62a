package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// metric returns the value of a series without labels, or with those given.
func (s *site) metric(series string) string {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.server.Admin().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

const postFeed = "POST /v1/updates HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + updatesKey + "\r\nContent-Type: application/x-ndjson\r\n"

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// numbered is a line of about 150 bytes.
func numbered(n int) string {
	return fmt.Sprintf(`{"reference":"4%07d","version":1,"updated_at":"2025-06-02T05:02:00Z","procedure":"visa","stage":"received","campaign":"legalization-2025"}`+"\n", n)
}

func TestABodyThatIsCutShortIsNoFeed(t *testing.T) {
	var lines strings.Builder
	for i := range 1200 {
		lines.WriteString(numbered(i))
	}
	whole := lines.String()
	for _, tt := range []struct{ name, request string }{
		{"of a length that was announced", fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", postFeed, len(whole)+1000, whole)},
		{"chunked, between two chunks", postFeed + "Transfer-Encoding: chunked\r\n\r\n" + chunk(whole)},
		{"chunked, within a chunk", postFeed + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s", len(whole)+1000, whole)},
		{"chunked, before the last line break", postFeed + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s", len(whole), whole)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, nil)
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, tt.request); err != nil {
				t.Fatal(err)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			a := s.read(bufio.NewReader(conn))
			p := wantProblem(t, a, 400, "malformed-body")
			if got := counts(t, p); got != "1000 0 0 0 0" {
				t.Errorf("counts %s; want the two batches that were whole", got)
			}
			if len(s.store.Feeds()) != 0 {
				t.Errorf("feeds %v; want none", s.store.Feeds())
			}
			if a := s.get("/v1/applications/40000001"); a.status != 200 {
				t.Errorf("what was recorded is gone: %d", a.status)
			}
		})
	}
}

func TestAChunkedBodyThatEndsAsItShouldIsAFeed(t *testing.T) {
	for name, finish := range map[string]func(io.Writer, interface{ CloseWrite() error }) error{
		"and the connection stays":     func(io.Writer, interface{ CloseWrite() error }) error { return nil },
		"and the client's half closes": func(_ io.Writer, c interface{ CloseWrite() error }) error { return c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			_, err := io.WriteString(conn, postFeed+"Transfer-Encoding: chunked\r\n\r\n"+chunk(numbered(1))+chunk(numbered(2))+"0\r\n\r\n")
			if err == nil {
				err = finish(conn, conn)
			}
			if err != nil {
				t.Fatal(err)
			}
			if a := s.read(bufio.NewReader(conn)); a.status != 200 || len(s.store.Feeds()) != 1 {
				t.Errorf("%d %s, feeds %v", a.status, a.body, s.store.Feeds())
			}
		})
	}
}

func TestAFeedOfOneHundredThousandLinesNeedsLittleMemory(t *testing.T) {
	const lines, pad = 100_000, 400 // 55 MB in all
	s := newSite(t, func(o *setup) { o.app.CacheSize = 100 })
	reason := strings.Repeat("x", pad)
	// What the collector finds alive. It is asked while the feed pauses: what is
	// allocated while it works counts as alive.
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		return live[0].Value.Uint64()
	}
	before, peak := inUse(), uint64(0)
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<16)
		for i := range lines {
			// The same 1,000 references, so that the store in memory stays small.
			line := numbered(i % 1000)
			line = strings.Replace(line, `"version":1`, fmt.Sprintf(`"version":%d,"reason":"%s"`, 1+i/1000, reason), 1)
			_, err := w.WriteString(line)
			if err == nil && i%10_000 == 9_999 {
				err = w.Flush()
				peak = max(peak, inUse())
			}
			if err != nil {
				_ = out.CloseWithError(err)
				return
			}
		}
		_ = out.CloseWithError(w.Flush())
	}()
	a := s.send("POST", "/v1/updates", in, "Authorization", "Bearer "+updatesKey, "Content-Type", "application/x-ndjson")
	if a.status != 200 || counts(t, a.json(t)) != "100000 0 0 0 0" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if peak == 0 || peak > before+20<<20 { // of a body of 55 MB
		t.Errorf("what is in use grew from %d to %d kB", before>>10, peak>>10)
	}
	t.Logf("in use: %d kB before, %d kB at most during %d lines", before>>10, peak>>10, lines)
}

func TestTheConnectionServesOnAfterARefusedRequest(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	json := "Content-Type: application/json\r\n"
	auth := "Authorization: Bearer " + updatesKey + "\r\n"
	big := strings.Repeat("x", 100<<10)
	for _, tt := range []struct{ name, request string }{
		{"without its key, its body unread", "POST /v1/updates HTTP/1.1\r\nHost: x\r\n" + json + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(big)) + big},
		{"too large", "POST /v1/updates HTTP/1.1\r\nHost: x\r\n" + auth + json + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(big)) + big},
		{"not understood, chunked", "POST /v1/updates HTTP/1.1\r\nHost: x\r\n" + auth + json + "Transfer-Encoding: chunked\r\n\r\n" + chunk("hello") + "0\r\n\r\n"},
		{"of another type", "POST /v1/updates HTTP/1.1\r\nHost: x\r\n" + auth + "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"},
		{"on an unknown route", "POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
		{"by a wrong method", "DELETE /v1/updates HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
		{"by an unknown method", "BREW /v1/updates HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
		{"a look-up with a body", "GET /v1/applications/99999999 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
		{"a form far too large", "POST /status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(big)) + big},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			// The next request comes right behind it, in one piece.
			if _, err := io.WriteString(conn, tt.request+"GET /v1/applications/20417733 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			br := bufio.NewReader(conn)
			if a := s.read(br); a.status < 400 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a := s.read(br); a.status != 200 || a.body != decidedJSON {
				t.Errorf("the next request on the connection: %d %s", a.status, a.body)
			}
		})
	}
}

func TestTheConnectionEndsAfterAChunkedBodyThatWasNotRead(t *testing.T) {
	s := newSite(t, nil)
	for _, head := range []string{
		"POST /v1/updates HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", "POST /v1/nothing HTTP/1.1\r\nHost: x\r\n", "BREW / HTTP/1.1\r\nHost: x\r\n",
	} {
		conn := s.dial()
		// What stands in the body must not be taken for the next request.
		if _, err := io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n"+chunk("GET /v1/vocabulary HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(conn)
		if a := s.read(br); a.status < 400 || a.header.Get("Connection") != "close" {
			t.Errorf("%d %v", a.status, a.header)
		}
		if _, err := br.ReadByte(); err != io.EOF {
			t.Errorf("more came: %v", err)
		}
		_ = conn.Close()
	}
}

func TestABodyWithoutEndIsNotReadForEver(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct{ name, head string }{
		{"an update", "POST /v1/updates HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + updatesKey + "\r\nContent-Type: application/json\r\n"},
		{"a look-up", "POST /v1/lookups HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"},
		{"a form", "POST /status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"},
		{"a webhook", "POST /telegram/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			go func() {
				_, err := io.WriteString(conn, tt.head+"Transfer-Encoding: chunked\r\n\r\n")
				for piece := chunk(strings.Repeat(" ", 64<<10)); err == nil; {
					_, err = io.WriteString(conn, piece)
				}
			}()
			br := bufio.NewReader(conn)
			if a := s.read(br); a.status != 413 {
				t.Errorf("%d %s, want 413", a.status, a.body)
			}
			if _, err := br.ReadByte(); err == nil {
				t.Error("the connection was kept though its body never ends")
			}
		})
	}
}

func TestWhatIsNotHTTPIsRefusedWithoutRepeatingIt(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct {
		name, request string
		status        int
		kind          string
	}{
		{"header fields too large", "GET / HTTP/1.1\r\nHost: x\r\nX-Secret: canary-" + strings.Repeat("x", 9<<10) + "\r\n\r\n", 431, "headers-too-large"},
		{"an address too long", "GET /v1/applications/canary-" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, "headers-too-large"},
		{"no HTTP at all", "canary hello\r\n\r\n", 400, "malformed-request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := s.raw(tt.request)
			wantProblem(t, a, tt.status, tt.kind)
			if strings.Contains(a.body+s.log.String(), "canary") {
				t.Errorf("what was sent is repeated: %s %s", a.body, s.log)
			}
		})
	}
}

func TestAClientThatStopsInItsHeaderIsSentAway(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.ReadTimeout = 200 * time.Millisecond })
	for _, piece := range []string{"GET / HTTP/1.1\r\nHo", "POST /v1/lookups HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"} {
		conn := s.dial()
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(conn)
		wantProblem(t, s.read(br), 408, "request-timeout")
		if _, err := br.ReadByte(); err == nil {
			t.Error("the connection was kept")
		}
		_ = conn.Close()
	}
}

func TestAFeedMayTakeLongerThanOtherRequests(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.ReadTimeout = 100 * time.Millisecond })
	in, out := io.Pipe()
	go func() {
		_, err := io.WriteString(out, numbered(1))
		<-time.After(300 * time.Millisecond) // the real time-out is what is tested
		if err == nil {
			_, err = io.WriteString(out, numbered(2))
		}
		_ = out.CloseWithError(err)
	}()
	a := s.send("POST", "/v1/updates", in, "Authorization", "Bearer "+updatesKey, "Content-Type", "application/x-ndjson")
	if a.status != 200 || counts(t, a.json(t)) != "2 0 0 0 0" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAClientThatWaitsToBeAskedForItsBodyIsAsked(t *testing.T) {
	s := newSite(t, nil)
	conn := s.dial()
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", postFeed, len(decided)); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	if line, err := br.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := br.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, decided); err != nil {
		t.Fatal(err)
	}
	if a := s.read(br); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAClientThatSendsFarTooMuchStillReadsWhy(t *testing.T) {
	s := newSite(t, nil)
	body := strings.Repeat("x", 8<<20)
	for range 20 {
		if a := s.update(body); a.status != 413 {
			t.Fatalf("too large: %d", a.status)
		}
		a := s.do("POST", "/v1/updates", body, "Authorization", "Bearer nobody's", "Content-Type", "application/x-ndjson")
		if a.status != 401 {
			t.Fatalf("with a wrong key: %d", a.status)
		}
		a = s.send("POST", "/v1/lookups", io.MultiReader(strings.NewReader(body)), "Content-Type", "application/json") // chunked
		if a.status != 413 {
			t.Fatalf("chunked: %d", a.status)
		}
	}
}
