package simulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"kabarchy/notifier/telegram/simulator"
)

const benchText = `<b>Decided: approved</b>` + "\n" + `Application <code>20417733</code>, exit visa.` + "\n" + `Leave by <b>5 July 2025</b>. <a href="https://example.org/status/20417733">Read more</a>`

var keeps = []struct {
	name string
	keep simulator.Keep
}{{"all", simulator.KeepAll}, {"hashes", simulator.KeepHashes}, {"counts", simulator.KeepCounts}}

// sink throws an answer away.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkSendMessage is the server's own share: no network, no client.
func BenchmarkSendMessage(b *testing.B) {
	for _, k := range keeps {
		b.Run(k.name, func(b *testing.B) {
			s := simulator.New(simulator.Options{AnyChat: true, Keep: k.keep, KeepLast: 100_000})
			defer s.Close()
			body := "&parse_mode=HTML&text=" + url.QueryEscape(benchText) + "&reply_markup=" + url.QueryEscape(`{"inline_keyboard":[[{"text":"Stop","callback_data":"s:1"}]]}`)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				req := httptest.NewRequest("POST", "/bot7:token/sendMessage", strings.NewReader("chat_id="+strconv.Itoa(1+i%50_000)+body))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := &sink{header: http.Header{}}
				s.ServeHTTP(w, req)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// BenchmarkSendMessageOverTCP has the client on the same cores.
func BenchmarkSendMessageOverTCP(b *testing.B) {
	s := simulator.New(simulator.Options{AnyChat: true, Keep: simulator.KeepHashes})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	body := "chat_id=42&parse_mode=HTML&text=" + url.QueryEscape(benchText)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(base+"/bot7:token/sendMessage", "application/x-www-form-urlencoded", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	b.StopTimer()
}
