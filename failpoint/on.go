//go:build failpoint

package failpoint

import (
	"context"
	"net/http/httptrace"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// armed is the point at which the process dies, "" for none, and left how often
// it is still to be passed.
var (
	armed string
	left  atomic.Int64
)

func init() {
	setting := os.Getenv("FAILPOINT")
	if setting == "" {
		return
	}
	name, times, _ := strings.Cut(setting, ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil || n < 1 || !slices.Contains(Names, name) {
		panic("FAILPOINT=" + setting + " is not NAME:N with a point's name and N ≥ 1")
	}
	armed = name
	left.Store(n)
}

// Here is a point of that name. It kills the process if it is its turn.
func Here(name string) {
	if name != armed || left.Add(-1) != 0 {
		return
	}
	// Written past all buffers: the last that is heard of the process.
	_, _ = syscall.Write(2, []byte("failpoint "+name+"\n"))
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // a signal may need a moment; nothing more is done in it
}

// Written is a point of that name, which is reached once a request made with
// the context that it returns has been written.
func Written(ctx context.Context, name string) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				Here(name)
			}
		},
	})
}
