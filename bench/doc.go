// Package bench measures the whole program from outside, as a process of its
// own. Its results stand beside it, dated.
package bench
