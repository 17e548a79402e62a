package httpapi

import (
	"bytes"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// maxHops bounds how much of X-Forwarded-For is walked.
const maxHops = 20

// clientAddress returns the address that a request came from: the connection's
// peer, unless that is a trusted proxy; then the first address of
// X-Forwarded-For, from the right, that is none. forged reports that a peer who
// is not trusted sent the field. An entry that is no address ends the walk at
// the proxy that sent it.
//
// It must be called before the body is read: what a client sends in a trailer
// would be taken for a header.
func clientAddress(ctx *fasthttp.RequestCtx, trusted []netip.Prefix) (client netip.Addr, forged bool) {
	client = peer(ctx.Conn())
	forwarded := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	if len(forwarded) == 0 {
		return client, false
	}
	if !isTrusted(client, trusted) {
		return client, true
	}
	hops := 0
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest := forwarded[i]
		for more := true; more; {
			var entry []byte
			if comma := bytes.LastIndexByte(rest, ','); comma >= 0 {
				entry, rest = rest[comma+1:], rest[:comma]
			} else {
				entry, more = rest, false
			}
			if hops++; hops > maxHops {
				return client, false
			}
			addr, ok := parseHop(bytes.TrimSpace(entry))
			if !ok {
				return client, false
			}
			client = addr
			if !isTrusted(addr, trusted) {
				return client, false
			}
		}
	}
	return client, false
}

// peer returns the address at the other end of a connection; the zero Addr
// where it has none, as that of a Unix socket.
func peer(conn net.Conn) netip.Addr {
	if conn == nil {
		return netip.Addr{}
	}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// parseHop reads an entry of X-Forwarded-For: an address, also with a port.
func parseHop(b []byte) (netip.Addr, bool) {
	if len(b) == 0 || len(b) > 64 {
		return netip.Addr{}, false
	}
	s := string(b)
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if n := len(s); s[0] == '[' && s[n-1] == ']' {
		if addr, err := netip.ParseAddr(s[1 : n-1]); err == nil {
			return addr.Unmap().WithZone(""), true
		}
	}
	return netip.Addr{}, false
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
