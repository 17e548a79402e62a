// Package harness runs the real program for tests, as processes that are
// started, stopped and killed from outside, beside a simulated Telegram that
// runs inside the test. It asks the program nothing but what anybody could ask
// it (HTTP, commands, signals), and looks into its database read-only.
//
// Nothing here sleeps: what takes a while is asked for until it is so, with a
// bound after which the test fails and shows the program's log.
//
// It needs Linux and a Go toolchain, which builds the program once for each
// package of tests.
package harness
