package register

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxRowBytes is the most that a row may have. A longer one is rejected, and
// read past without being held.
const maxRowBytes = 1 << 20

// lines reads the lines of a file, as a text editor numbers them: from 1, the
// header counted. It holds at most one line at a time, and those given back.
type lines struct {
	r      *bufio.Reader
	n      int // of the line read last
	long   []byte
	behind [][]byte // given back, the next one first
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns a line without its end (LF or CRLF; a byte order mark of the
// first is taken off), good until the next call. tooLong says that it has more
// than maxRowBytes; then the line is nil. After the last line the error is
// io.EOF.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	if len(l.behind) > 0 {
		line = l.behind[0]
		l.behind = l.behind[1:]
		l.n++
		return line, line == nil, nil
	}
	line, err = l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.long = append(l.long[:0], line...)
		for err == bufio.ErrBufferFull {
			line, err = l.r.ReadSlice('\n')
			if tooLong = tooLong || len(l.long)+len(line) > maxRowBytes; !tooLong {
				l.long = append(l.long, line...)
			}
		}
		line = l.long
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, false, err
	}
	if l.n++; tooLong {
		return nil, true, nil
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if l.n == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return line, false, nil
}

// giveBack makes lines that were read the next ones again. They must be
// copies; nil stands for one that was too long.
func (l *lines) giveBack(list [][]byte) {
	l.n -= len(list)
	l.behind = append(list, l.behind...)
}
