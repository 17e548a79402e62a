package register

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// An UnusableError says why nothing at all can be imported; nothing was
// changed.
type UnusableError struct{ Problem string }

func (e *UnusableError) Error() string { return e.Problem }

func unusable(format string, args ...any) *UnusableError {
	return &UnusableError{fmt.Sprintf(format, args...)}
}

// A format is how a file is written.
type format int

const (
	formatCSV format = iota
	formatJSON
)

// formatOf tells the format by the file's name, and whether it is gzipped.
func formatOf(path string) (f format, zipped bool, err error) {
	name := strings.ToLower(filepath.Base(path))
	name, zipped = strings.CutSuffix(name, ".gz")
	switch ext := filepath.Ext(name); ext {
	case ".csv", ".tsv":
		return formatCSV, zipped, nil
	case ".jsonl", ".ndjson":
		return formatJSON, zipped, nil
	default:
		return 0, zipped, fmt.Errorf("its name ends in %s, which is not read; save it as .csv, .jsonl or .ndjson, each also with .gz", quote(ext))
	}
}

// Bounds of what a gzipped file may become: text of a register shrinks by ten
// or twenty times, a bomb by a thousand.
const (
	freeBytes = 64 << 20
	maxRatio  = 200
)

// A stream is an open file, its compression undone.
type stream struct {
	io.Reader
	file *os.File
}

func (s *stream) Close() error { return s.file.Close() }

// openStream opens a file. read is raised by the bytes read of it, as they are
// on disk.
func openStream(path string, zipped bool, read *atomic.Int64) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	counted := &countingReader{r: f, n: read}
	if !zipped {
		return &stream{counted, f}, nil
	}
	start := read.Load()
	z, err := gzip.NewReader(bufio.NewReaderSize(counted, 64<<10))
	if err != nil {
		f.Close()
		return nil, errors.New("it is not gzip, though its name ends in .gz")
	}
	return &stream{&boundedGzip{z: z, in: func() int64 { return read.Load() - start }}, f}, nil
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// boundedGzip stops a file that grows beyond measure.
type boundedGzip struct {
	z   *gzip.Reader
	in  func() int64
	out int64
}

func (b *boundedGzip) Read(p []byte) (int, error) {
	n, err := b.z.Read(p)
	b.out += int64(n)
	switch {
	case b.out > freeBytes && b.out > maxRatio*b.in():
		return 0, fmt.Errorf("it grows to more than %d times its size when it is uncompressed; no register does", maxRatio)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, errors.New("it is cut off: its gzip data ends too early")
	case err != nil && err != io.EOF:
		return n, errors.New("its gzip data is damaged")
	}
	return n, err
}

// foreign names what a file is by how it begins, if that is nothing we read.
func foreign(begin []byte) string {
	for _, f := range []struct{ magic, what string }{
		{"PK\x03\x04", "it is a spreadsheet or a zip archive; save the sheet as CSV UTF-8"},
		{"\xd0\xcf\x11\xe0", "it is an old spreadsheet; save the sheet as CSV UTF-8"},
		{"%PDF", "it is a PDF; ask for the table it was made from"},
		{"\x1f\x8b", "it is gzipped; let its name end in .gz"},
		{"\xff\xfe", "it is UTF-16 text; save it as CSV UTF-8"},
		{"\xfe\xff", "it is UTF-16 text; save it as CSV UTF-8"},
	} {
		if bytes.HasPrefix(begin, []byte(f.magic)) {
			return f.what
		}
	}
	return ""
}
