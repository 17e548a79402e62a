package register

import (
	"bytes"
	"fmt"
	"io"

	"kabarchy/visa"
)

// An item is one row of a file on its way to being recorded.
type item struct {
	line    int
	update  visa.Update
	problem string // why it is rejected; "" otherwise
	ignored bool   // a remark
	repeat  bool   // stood in this file before, with the same content
	cells   []string
	text    string // of JSON Lines, in place of cells
}

// An itemReader reads the items of a file; the error is io.EOF after the last.
type itemReader interface {
	next() (item, error)
	// droppedReasons returns how many texts of reasons were no code since it
	// was asked last.
	droppedReasons() int64
}

// tableItems maps the rows of a table.
type tableItems struct {
	rows   rowReader
	mapper *mapper
	header int   // what stands above and in this line is no row
	seen   *seen // nil unless versions are counted
}

func (t *tableItems) next() (item, error) {
	for {
		r, err := t.rows.next()
		if err != nil {
			return item{}, err
		}
		if r.line <= t.header || r.problem == "" && blank(r.cells) {
			continue
		}
		it := item{line: r.line, cells: r.cells, problem: r.problem}
		switch {
		case !r.partial && t.mapper.ignored(r.cells):
			it.ignored, it.problem = true, ""
		case it.problem == "":
			t.take(&it)
		}
		return it, nil
	}
}

func (t *tableItems) take(it *item) {
	dropped := t.mapper.dropped
	var err error
	if it.update, err = t.mapper.update(it.cells); err != nil {
		it.problem = err.Error()
	} else if t.seen != nil {
		before, again, same := t.seen.take(&it.update, it.line)
		switch {
		case again && same:
			it.repeat = true
		case again:
			it.problem = fmt.Sprintf("stands twice in this file with other content (line %d); that line counts", before)
		}
	}
	if it.problem != "" {
		t.mapper.dropped = dropped
	}
}

func (t *tableItems) droppedReasons() int64 {
	n := t.mapper.dropped
	t.mapper.dropped = 0
	return n
}

// updateItems reads JSON Lines whose objects are updates already.
type updateItems struct {
	lines   *lines
	rules   visa.ReferenceRules
	reasons Reasons
	dropped int64
}

func (u *updateItems) next() (item, error) {
	for {
		line, tooLong, err := u.lines.next()
		if err != nil {
			return item{}, err
		}
		it := item{line: u.lines.n}
		if tooLong {
			it.problem = "has more than 1 MiB; is a line break missing?"
			return it, nil
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		it.text = string(line)
		if it.update, err = visa.ParseUpdate(line, u.rules); err != nil {
			it.problem = err.Error()
			return it, nil
		}
		if r := it.update.Reason; r != "" && (u.reasons == nil || !u.reasons.Has(r)) {
			it.update.Reason = ""
			u.dropped++
		}
		return it, nil
	}
}

func (u *updateItems) droppedReasons() int64 {
	n := u.dropped
	u.dropped = 0
	return n
}

// A batch is what is recorded together.
type batch struct {
	items   []item
	dropped int64 // texts of reasons that were no code
	read    int64 // bytes of the file read so far, as they are on disk
}

// readBatch reads up to n items that are to be recorded, and at most ten times
// as many in all. The error is io.EOF with the last batch.
func readBatch(r itemReader, n int) (batch, error) {
	b := batch{items: make([]item, 0, n)}
	recorded := 0
	for recorded < n && len(b.items) < 10*n {
		it, err := r.next()
		if err != nil {
			b.dropped = r.droppedReasons()
			if err != io.EOF {
				b.items = nil
			}
			return b, err
		}
		b.items = append(b.items, it)
		if it.goes() {
			recorded++
		}
	}
	b.dropped = r.droppedReasons()
	return b, nil
}

// goes reports whether the item goes to the recorder.
func (it *item) goes() bool { return it.problem == "" && !it.ignored && !it.repeat }
