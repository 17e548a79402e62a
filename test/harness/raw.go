package harness

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Raw is Send without a client that would mend or refuse what is sent: the
// path goes out as it stands.
func (s *Service) Raw(method, path, kind, body string) Answer {
	s.t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(Patience))
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n", method, path, host, len(body))
	if kind != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", kind)
	}
	// A server may answer, and close, before it has read a body it refuses.
	go func() { _, _ = io.WriteString(conn, b.String()+"\r\n"+body) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var read bytes.Buffer
	if _, err := io.Copy(&read, resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return Answer{resp.StatusCode, resp.Header, read.Bytes()}
}
