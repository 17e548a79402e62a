package httpapi

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

type peerConn struct {
	net.Conn
	addr net.Addr
}

func (c peerConn) RemoteAddr() net.Addr { return c.addr }

func TestTheClientIsTheFirstFromTheRightThatIsNoTrustedProxy(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string
		forged     bool
	}{
		{"no proxy", "192.0.2.1", nil, "192.0.2.1", false},
		{"a peer nobody trusts forges", "192.0.2.1", []string{"198.51.100.1"}, "192.0.2.1", true},
		{"one proxy", "127.0.0.1", []string{"198.51.100.1"}, "198.51.100.1", false},
		{"a proxy on IPv6", "::1", []string{"2001:db8::1"}, "2001:db8::1", false},
		{"a proxy that says nothing", "127.0.0.1", nil, "127.0.0.1", false},
		{"a client who forges through a proxy", "127.0.0.1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1", false},
		{"two proxies", "127.0.0.1", []string{"1.1.1.1, 198.51.100.1, 10.1.2.3"}, "198.51.100.1", false},
		{"in two fields", "127.0.0.1", []string{"1.1.1.1", "198.51.100.1, 10.1.2.3"}, "198.51.100.1", false},
		{"with a port", "127.0.0.1", []string{"198.51.100.1:4711"}, "198.51.100.1", false},
		{"in brackets with a port", "127.0.0.1", []string{"[2001:db8::1]:4711"}, "2001:db8::1", false},
		{"in brackets", "127.0.0.1", []string{"[2001:db8::1]"}, "2001:db8::1", false},
		{"IPv4 written as IPv6", "127.0.0.1", []string{"::ffff:198.51.100.1"}, "198.51.100.1", false},
		{"a trusted one written as IPv6", "127.0.0.1", []string{"198.51.100.1, ::ffff:10.1.2.3"}, "198.51.100.1", false},
		{"a name ends the walk", "127.0.0.1", []string{"198.51.100.1, unknown, 10.1.2.3"}, "10.1.2.3", false},
		{"an empty entry ends the walk", "127.0.0.1", []string{"198.51.100.1,,10.1.2.3"}, "10.1.2.3", false},
		{"nothing in the field", "127.0.0.1", []string{""}, "127.0.0.1", false},
		{"trusted ones alone", "127.0.0.1", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1", false},
		{"more proxies than there can be", "127.0.0.1", []string{"198.51.100.1" + strings.Repeat(", 10.0.0.1", 30)}, "10.0.0.1", false},
		{"an entry far too long", "127.0.0.1", []string{strings.Repeat("1", 5000)}, "127.0.0.1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var ctx fasthttp.RequestCtx
			ctx.Init2(peerConn{addr: &net.TCPAddr{IP: net.ParseIP(tt.peer), Port: 1}}, nil, false)
			for _, f := range tt.forwarded {
				ctx.Request.Header.Add("X-Forwarded-For", f)
			}
			got, forged := clientAddress(&ctx, trusted)
			if got != netip.MustParseAddr(tt.want) || forged != tt.forged {
				t.Errorf("got %v, %v; want %s, %v", got, forged, tt.want, tt.forged)
			}
		})
	}
}
