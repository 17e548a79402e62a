package harness

import (
	"bytes"
	"strings"
	"sync"
)

// shownLines is how much of a log a failed test shows.
const shownLines = 150

// A journal keeps what processes write, in the order they write it.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// String returns all that was written so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// len is how much that is, and after what was written beyond so much.
func (j *journal) len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Len()
}

func (j *journal) after(n int) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.buf.Bytes()[n:])
}

// tail returns the last lines.
func (j *journal) tail() string {
	lines := strings.Split(strings.TrimSpace(j.String()), "\n")
	if n := len(lines); n > shownLines {
		lines = lines[n-shownLines:]
	}
	return strings.Join(lines, "\n")
}
