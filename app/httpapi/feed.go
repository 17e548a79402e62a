package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kabarchy/visa"
)

const (
	maxLineBytes = 64 << 10
	batchLines   = 500 // recorded in one transaction
)

var errLongLine = errors.New("the line is longer than " + byteCount(maxLineBytes) + "; one update fits into far less")

// A batch is some lines of a feed: updates with their line numbers, and what
// was rejected among them.
type batch struct {
	updates  []visa.Update
	lines    []int // of the updates
	rejected []rejection
}

type rejection struct {
	line int
	ref  visa.Reference
	err  error
}

func (b *batch) len() int { return len(b.updates) + len(b.rejected) }

func (b *batch) reset() {
	clear(b.updates)
	b.updates, b.lines, b.rejected = b.updates[:0], b.lines[:0], b.rejected[:0]
}

// feed takes in NDJSON: one update a line, in constant memory. While a batch is
// being recorded the next is read. What was recorded stays, however the rest
// fares; only a body that was read to its end counts as a feed.
func (s *Server) feed(r *request, key visa.Key) {
	delivery, p, ok := s.feedParameters(r)
	if !ok {
		r.fail(p)
		return
	}
	delivery.Origin = key.Name
	body := &feedBody{r: r, src: r.ctx.RequestBodyStream()}
	rec := newRecorder(s, key.Name)
	readErr := s.readFeed(body, rec)
	done, recordErr := rec.finish()
	defer rec.endBatch() // once FinishFeed has said as of when it was true
	switch {
	case recordErr != nil:
		p := faultOf(recordErr)
		p.counted = done
		p.detail += " What was counted is recorded; sending all again is harmless."
		r.fail(p)
		r.ctx.SetConnectionClose()
	case errors.As(readErr, new(refusedBody)):
		r.fail(problem{kind: malformedBody, detail: readErr.Error()})
	case readErr != nil:
		p := r.brokenBody(readErr)
		p.counted = done
		p.detail += " What was counted is recorded; sending all again is harmless."
		r.fail(p)
		r.ctx.SetConnectionClose()
	default:
		// A body of which little was understood tells little about the register.
		delivery.Complete = delivery.Complete && done.understood() > done.Rejected
		ctx, cancel := s.timeLimited()
		defer cancel()
		if err := s.service.FinishFeed(ctx, delivery); err != nil {
			p := faultOf(overdue(ctx, err))
			p.counted = done
			r.fail(p)
			return
		}
		r.result(encodeJSON(done))
	}
}

// A refusedBody is what is wrong with a body as a whole, in a sentence.
type refusedBody string

func (b refusedBody) Error() string { return string(b) }

const (
	wrongEncoding refusedBody = "The body is in UTF-16; send it in UTF-8."
	noLines       refusedBody = "The body is empty; send one update a line."
)

// readFeed parses the lines of a body into the recorder's batches until the
// body ends, breaks, or the recorder has failed.
func (s *Server) readFeed(body *feedBody, rec *recorder) error {
	in := lineBuffers.Get().(*lineReader)
	defer in.release()
	in.reset(body)
	b := rec.take()
	lines := 0
	for number := 1; ; number++ {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return err
		}
		if number == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				return wrongEncoding
			}
			line = bytes.TrimPrefix(line, utf8BOM)
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		lines++
		var u visa.Update
		if err == nil {
			u, err = visa.ParseUpdate(line, s.service.Rules())
		}
		if err != nil {
			b.rejected = append(b.rejected, rejection{line: number, ref: u.Reference, err: err})
		} else {
			b.updates = append(b.updates, u)
			b.lines = append(b.lines, number)
		}
		if b.len() >= batchLines {
			if !rec.give(b) {
				return nil
			}
			b = rec.take()
		}
	}
	if body.r.cut(body.n) {
		return io.ErrUnexpectedEOF
	}
	body.r.whole = true
	if lines == 0 {
		return noLines
	}
	if b.len() > 0 {
		rec.give(b)
	}
	return nil
}

// A recorder records batches in their order, beside whoever reads them.
type recorder struct {
	s      *Server
	origin string
	batch  visa.Batch
	full   chan *batch
	free   chan *batch
	failed chan struct{} // closed on the first error
	ended  chan struct{}
	done   *summary
	begun  bool  // something was handed to be recorded; may be read once ended is closed
	err    error // may be read once ended is closed
}

func newRecorder(s *Server, origin string) *recorder {
	rec := &recorder{
		s: s, origin: origin, batch: visa.NewBatch(), done: newSummary(),
		full: make(chan *batch), free: make(chan *batch, 2),
		failed: make(chan struct{}), ended: make(chan struct{}),
	}
	rec.free <- &batch{}
	rec.free <- &batch{}
	go rec.run()
	return rec
}

// take returns an empty batch, once there is one.
func (rec *recorder) take() *batch {
	select {
	case b := <-rec.free:
		return b
	case <-rec.failed:
		return &batch{}
	}
}

// give hands a batch over; false if an earlier one failed.
func (rec *recorder) give(b *batch) bool {
	select {
	case rec.full <- b:
		return true
	case <-rec.failed:
		return false
	}
}

// finish waits for what was given, and returns what became of it. The error is
// the first batch's that could not be recorded; those after it were not tried.
func (rec *recorder) finish() (*summary, error) {
	close(rec.full)
	<-rec.ended
	return rec.done, rec.err
}

func (rec *recorder) run() {
	defer close(rec.ended)
	for b := range rec.full {
		if rec.err = rec.record(b); rec.err != nil {
			close(rec.failed)
			return // the batch may still be in use: it is not taken again
		}
		b.reset()
		rec.free <- b
	}
}

// endBatch says that the feed is over, however it went: what it changed is told
// now. Should that fail, it is told a few minutes later all the same, so whoever
// sent the feed need not know.
func (rec *recorder) endBatch() {
	if !rec.begun {
		return
	}
	ctx, cancel := rec.s.timeLimited()
	defer cancel()
	if err := rec.s.service.EndBatch(ctx, rec.batch); err != nil {
		rec.s.log.Warn("httpapi: followers are told late of a feed", "error", err)
	}
}

// record records one batch and adds it to the summary, line by line.
func (rec *recorder) record(b *batch) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			rec.s.metrics.panics.Inc()
			err = fmt.Errorf("httpapi: recording a batch panicked with a value of type %T", cause)
		}
	}()
	var recorded []visa.Recorded
	if len(b.updates) > 0 {
		rec.begun = true
		ctx, cancel := rec.s.timeLimited()
		defer cancel()
		if recorded, err = rec.s.service.Record(ctx, rec.origin, rec.batch, b.updates); err != nil {
			return overdue(ctx, err)
		}
	}
	for _, result := range recorded {
		rec.s.metrics.updates[result.Result].Inc()
	}
	rec.s.metrics.updates[visa.Rejected].Add(float64(len(b.rejected)))
	next := 0
	for i := range b.updates {
		for ; next < len(b.rejected) && b.rejected[next].line < b.lines[i]; next++ {
			rec.reject(b.rejected[next])
		}
		rec.done.record(b.lines[i], &b.updates[i], recorded[i])
	}
	for ; next < len(b.rejected); next++ {
		rec.reject(b.rejected[next])
	}
	return nil
}

func (rec *recorder) reject(x rejection) { rec.done.add(x.line, x.ref, visa.Rejected, x.err.Error) }

// overdue says of an error that came with the end of the time for it that
// trying again later is right.
func overdue(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, visa.ErrUnavailable) {
		return fmt.Errorf("%w: %w", visa.ErrUnavailable, err)
	}
	return err
}

// A feedBody reads a body that may take long, as long as something keeps
// arriving.
type feedBody struct {
	r   *request
	src io.Reader
	n   int
}

func (b *feedBody) Read(p []byte) (int, error) {
	if b.src == nil {
		return 0, io.EOF
	}
	if err := b.r.ctx.SetReadDeadline(time.Now().Add(b.r.server.feedPause)); err != nil {
		return 0, err
	}
	n, err := b.src.Read(p)
	b.n += n
	return n, err
}

// lineBuffers are lineReaders not in use.
var lineBuffers = sync.Pool{New: func() any { return newLineReader() }}

// A lineReader cuts a body into lines without ever holding more than one.
type lineReader struct{ br *bufio.Reader }

func newLineReader() *lineReader {
	return &lineReader{bufio.NewReaderSize(nil, maxLineBytes+2)} // with \r\n
}

func (l *lineReader) reset(src io.Reader) { l.br.Reset(src) }

func (l *lineReader) release() {
	l.br.Reset(nil)
	lineBuffers.Put(l)
}

// next returns the next line without its end, good until the next call. A line
// that is too long is passed over, and gives errLongLine; io.EOF ends the body.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.br.ReadSlice('\n')
	switch {
	case err == nil:
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.br.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errLongLine
	case errors.Is(err, io.EOF) && len(line) > 0:
	default:
		return nil, err
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) > maxLineBytes {
		return nil, errLongLine
	}
	return line, nil
}
