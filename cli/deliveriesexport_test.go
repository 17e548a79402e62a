package cli

import (
	"bytes"
	"encoding/csv"
	"io"
	"runtime"
	"strings"
	"testing"
)

// A tap is where an export goes to. It looks on as it arrives.
type tap struct {
	writes, bytes int
	first, most   uint64 // of heap in use
	once          func()
	csv           *io.PipeWriter
}

func (w *tap) Write(b []byte) (int, error) {
	if w.writes++; w.writes == 1 && w.once != nil {
		w.once()
	}
	w.bytes += len(b)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if w.first == 0 {
		w.first = m.HeapAlloc
	}
	w.most = max(w.most, m.HeapAlloc)
	return w.csv.Write(b)
}

func TestAnExportStreams(t *testing.T) {
	o := furnished(t)
	const n = 10_000
	o.sql(`INSERT INTO notifications (dedupe, chat, subscription, reference, lane, kind, note, state, not_before, use_until,
			attempts, ambiguous, plain, epoch, created_at, ended_at, message_id, why)
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 10000)
		SELECT 'x' || n, chat, 0, '20417733', 4, 'news', '', 'accepted', not_before, 0, 1, 0, 0, 1, created_at, created_at, n, ''
		FROM i, (SELECT chat, not_before, created_at FROM notifications WHERE id = 1)`)
	o.sql(`INSERT INTO attempts (notification, epoch, started_at, ended_at, result, code, reason)
		SELECT id, 1, created_at, created_at + 1000, 'accepted', 0, '' FROM notifications WHERE id > 5`)
	read, write := io.Pipe()
	rows, last := 0, ""
	parsed := make(chan error, 1)
	go func() {
		r := csv.NewReader(read)
		r.ReuseRecord = true
		for {
			row, err := r.Read()
			if err == io.EOF {
				parsed <- nil
				return
			}
			if err != nil {
				_ = read.CloseWithError(err)
				parsed <- err
				return
			}
			rows++
			last = strings.Clone(row[0])
		}
	}()
	// While the export is under way a service goes on: what it writes then is
	// still exported, since no snapshot is held.
	w := &tap{csv: write, once: func() {
		o.sql(`INSERT INTO notifications (id, dedupe, chat, subscription, reference, lane, kind, note, state, not_before, use_until,
				attempts, ambiguous, plain, epoch, created_at, ended_at, message_id, why)
			SELECT 99999, 'late', chat, 0, '', lane, kind, '', 'expired', 0, 0, 0, 0, 0, 1, created_at, created_at, 0, 'use has passed'
			FROM notifications WHERE id = 1`)
	}}
	var said bytes.Buffer
	status := Main([]string{"deliveries", "export", "--database-url", o.url}, strings.NewReader(""), w, &said)
	_ = write.Close()
	if err := <-parsed; err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, said.String())
	}
	if rows < n+5+1+1 || last != "99999" {
		t.Errorf("%d rows, the last one of %s", rows, last)
	}
	t.Logf("%d bytes in %d writes; heap %d kB at first, %d kB at most", w.bytes, w.writes, w.first>>10, w.most>>10)
	if w.writes < 10 || w.most > w.first+1<<20 {
		t.Errorf("%d bytes came in %d writes, and the heap grew by %d kB", w.bytes, w.writes, (w.most-w.first)>>10)
	}
}
