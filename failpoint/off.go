//go:build !failpoint

package failpoint

import "context"

// Here is a point of that name. It does nothing in this build.
func Here(string) {}

// Written is a point of that name, which is reached once a request made with
// the context that it returns has been written. It does nothing in this build.
func Written(ctx context.Context, _ string) context.Context { return ctx }
