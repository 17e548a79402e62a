package httpapi

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// How long, and for how many bytes, a connection is read on after the last
// answer, and how many at once.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
	lingerMost  = 512
)

// A trackedConn knows whether reading it has come to an end, and why: of a
// chunked body whose end was read, nothing more is asked of the connection.
type trackedConn struct {
	net.Conn
	from     *trackingListener
	ended    atomic.Bool // nothing more can be read
	timedOut atomic.Bool // since it did not come in time
	unread   atomic.Bool // a request was refused whose body may still be coming
}

func (c *trackedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.ended.Store(true)
		c.timedOut.Store(errors.Is(err, os.ErrDeadlineExceeded))
	}
	return n, err
}

// Close closes the connection. Where a client is still sending what nobody will
// read, it is read on for a moment, beside: closing at once would reset the
// connection, and the client might lose the answer that says why.
func (c *trackedConn) Close() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || !c.unread.Swap(false) || c.ended.Load() {
		return c.Conn.Close()
	}
	if c.from.lingering.Add(1) > lingerMost || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		c.from.lingering.Add(-1)
		return c.Conn.Close()
	}
	go func() {
		defer c.from.lingering.Add(-1)
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
		_ = c.Conn.Close()
	}()
	return nil
}

// A trackingListener makes every connection a trackedConn.
type trackingListener struct {
	net.Listener
	lingering atomic.Int64
}

func (l *trackingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &trackedConn{Conn: c, from: l}, nil
}
