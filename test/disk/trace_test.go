package disk

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A call is one system call of a traced program. Its lines are its place in
// the order in which the tracer let things happen: a call takes no effect
// before its first line was written, and had taken it by its last. So whatever
// one call's last line precedes another's first, was done before that began.
type call struct {
	name   string
	fd     int    // of those that begin with one; else -1
	path   string // of its file; socket:[N] for a socket
	data   string // what was read or written
	whole  bool   // data is all of it
	offset int64  // of pwrite64
	ret    int64  // -1: it failed, or never came back
	begin  int
	end    int // math.MaxInt: it never came back
}

// A trace is what strace wrote: calls in the order in which they began.
type trace struct{ calls []call }

var (
	resumedCall = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
	aFile       = regexp.MustCompile(`^(\d+)<([^>]*)>`)
	aResult     = regexp.MustCompile(`\)\s+= (-?\d+|\?)`)
)

const unfinished = "<unfinished ...>"

// parse reads what strace writes with -f, -y and -ttt. A line that it does not
// understand is an error: nothing may be passed over that could matter.
func parse(r io.Reader) (trace, error) {
	var t trace
	begun := map[string]call{} // by thread: calls that have not come back
	text := map[string]string{}
	in := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err == io.EOF && line == "" {
			break
		}
		if err != nil {
			return t, fmt.Errorf("line %d breaks off: %w", n, err)
		}
		thread, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		_, rest, ok := strings.Cut(strings.TrimLeft(rest, " "), " ") // the time
		if !ok {
			return t, fmt.Errorf("line %d is not one of a trace: %.100q", n, line)
		}
		switch {
		case strings.HasPrefix(rest, "+++"), strings.HasPrefix(rest, "---"): // an end, a signal
			continue
		case strings.HasSuffix(rest, unfinished):
			text[thread] = strings.TrimSuffix(rest, unfinished)
			begun[thread] = call{begin: n}
			continue
		}
		c := call{begin: n, end: n}
		if mark := resumedCall.FindString(rest); mark != "" {
			before, ok := begun[thread]
			if !ok {
				return t, fmt.Errorf("line %d ends a call that was not begun: %.100q", n, line)
			}
			c.begin = before.begin
			rest = text[thread] + rest[len(mark):]
			delete(begun, thread)
		}
		if err := c.read(rest); err != nil {
			return t, fmt.Errorf("line %d: %w: %.100q", n, err, line)
		}
		t.calls = append(t.calls, c)
	}
	// Those that never came back may have taken effect, or not: they count as
	// begun.
	for thread, c := range begun {
		c.end, c.ret = math.MaxInt, -1
		if err := c.read(text[thread] + ") = ?"); err != nil {
			return t, fmt.Errorf("line %d: %w", c.begin, err)
		}
		t.calls = append(t.calls, c)
	}
	slices.SortFunc(t.calls, func(a, b call) int { return cmp.Compare(a.begin, b.begin) })
	return t, nil
}

// read reads a call's text: name(fd<path>, "data", n, offset) = result
func (c *call) read(text string) error {
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return fmt.Errorf("no call")
	}
	c.name, c.fd, c.whole = name, -1, true
	if fd := aFile.FindStringSubmatch(rest); fd != nil {
		c.fd, _ = strconv.Atoi(fd[1])
		c.path, rest = fd[2], rest[len(fd[0]):]
	}
	var data, bare strings.Builder
	for rest != "" {
		quote := strings.IndexByte(rest, '"')
		if quote < 0 {
			bare.WriteString(rest)
			break
		}
		bare.WriteString(rest[:quote])
		n, err := unquote(&data, rest[quote+1:])
		if err != nil {
			return err
		}
		rest = rest[quote+1+n:]
		if strings.HasPrefix(rest, "...") {
			c.whole = false
		}
	}
	c.data = data.String()
	plain := bare.String()
	result := aResult.FindStringSubmatchIndex(plain)
	if result == nil {
		return fmt.Errorf("no result")
	}
	c.ret = -1
	if s := plain[result[2]:result[3]]; s != "?" {
		c.ret, _ = strconv.ParseInt(s, 10, 64)
	}
	if c.name == "pwrite64" {
		args := plain[:result[0]]
		offset, err := strconv.ParseInt(strings.TrimSpace(args[strings.LastIndex(args, ",")+1:]), 10, 64)
		if err != nil {
			return fmt.Errorf("no offset: %w", err)
		}
		c.offset = offset
	}
	return nil
}

// unquote adds what stands before the closing quote to to, as bytes, and
// returns how long that was, the quote included.
func unquote(to *strings.Builder, text string) (int, error) {
	plain := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'v': '\v', 'f': '\f', '"': '"', '\\': '\\'}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1, nil
		case '\\':
			i++
			digits := 0
			for digits < 3 && i+digits < len(text) && text[i+digits] >= '0' && text[i+digits] <= '7' {
				digits++
			}
			if digits > 0 {
				b, err := strconv.ParseUint(text[i:i+digits], 8, 8)
				if err != nil {
					return 0, fmt.Errorf("no byte: %w", err)
				}
				to.WriteByte(byte(b))
				i += digits - 1
				continue
			}
			if i >= len(text) || plain[text[i]] == 0 {
				return 0, fmt.Errorf("no such escape")
			}
			to.WriteByte(plain[text[i]])
		default:
			to.WriteByte(text[i])
		}
	}
	return 0, fmt.Errorf("no end of a text")
}

func parseFile(t *testing.T, path string) trace {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out, err := parse(f)
	if err != nil {
		t.Fatalf("the trace cannot be read: %v", err)
	}
	return out
}
