package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Addresses returns n free addresses on loopback.
//
// They are on a host of 127.0.0.0/8 that nobody else uses, since between this
// look and the program's own, and between its death and its next start, a free
// port of 127.0.0.1 may be taken by any outgoing connection.
func Addresses(t testing.TB, n int) []string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 16+rand.IntN(200), rand.IntN(256), 1+rand.IntN(254))
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	out := make([]string, n)
	for i := range out {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatalf("find a free address: %v", err)
		}
		listeners = append(listeners, l)
		out[i] = l.Addr().String()
	}
	return out
}
