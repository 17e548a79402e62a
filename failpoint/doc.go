// Package failpoint names the points at which the crash tests kill the
// program: between each two steps of whatever must survive being killed there.
//
// In a build with the tag failpoint, the process kills itself with SIGKILL when
// it comes to a point for the n-th time that FAILPOINT=NAME:N in its environment
// names: no deferred call runs, nothing is flushed, nobody is told. Any other
// build holds none of this: Here and Written are empty and inlined, and the
// variable is not read.
//
// What it does not show: a loss of power. What the kernel was given it keeps,
// whatever becomes of the process; that an acknowledgement follows its sync is
// another test's to show.
package failpoint
