package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Media types of what is sent.
const (
	JSON   = "application/json"
	NDJSON = "application/x-ndjson"
	Form   = "application/x-www-form-urlencoded"
)

func newClient() *http.Client {
	return &http.Client{
		Timeout:       Patience,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An Answer is a response that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Decode reads a JSON body into v.
func (a Answer) Decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("status %d, and the body is not the JSON expected: %v\n%s", a.Status, err, a.Body)
	}
}

// A Request is what Do sends. Path begins with a slash and is sent as it is.
type Request struct {
	Method, Path string
	Key          string // bearer key, if any
	Type         string // of the body
	Body         string
	Client       string // an address that asks through a trusted proxy; "": this machine
	Header       map[string]string
}

// Do sends a request and reads its answer. An error means that no whole answer
// came. It may be called from any goroutine.
func (s *Service) Do(r Request) (Answer, error) {
	req, err := http.NewRequest(r.Method, s.URL+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, fmt.Errorf("harness: %w", err)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	if r.Type != "" {
		req.Header.Set("Content-Type", r.Type)
	}
	if r.Key != "" {
		req.Header.Set("Authorization", "Bearer "+r.Key)
	}
	if r.Client != "" {
		req.Header.Set("X-Forwarded-For", r.Client)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("harness: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := io.Copy(&body, resp.Body); err != nil {
		return Answer{}, fmt.Errorf("harness: %w", err)
	}
	return Answer{resp.StatusCode, resp.Header, body.Bytes()}, nil
}

// Send is Do for a request that must be answered.
func (s *Service) Send(r Request) Answer {
	s.t.Helper()
	a, err := s.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Get asks for a path.
func (s *Service) Get(path string) Answer {
	s.t.Helper()
	return s.Send(Request{Method: http.MethodGet, Path: path})
}
