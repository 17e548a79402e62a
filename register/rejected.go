package register

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// A rejectedFile takes the rows that were not recorded: their line, why, and
// their cells as they stood, but for the proof, which is left out. The file is
// made with the first row, readable by its owner alone; one of an earlier
// import of the same file is written over.
type rejectedFile struct {
	path     string // beside the input
	headings []string
	proofs   []int // columns that hold proofs
	lines    bool  // lines of JSON, not cells

	file *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
}

// newRejectedFile prepares for one source. The columns that a proof may stand
// in are those named so, whatever else the profile says.
func newRejectedFile(s *source) *rejectedFile {
	r := &rejectedFile{path: s.path + ".rejected.csv", headings: s.plan.headings}
	for i, h := range s.plan.headings {
		if i == s.plan.at[fProof] || heading(h) == fieldNames[fProof] {
			r.proofs = append(r.proofs, i)
		}
	}
	if r.lines = s.format == formatJSON && s.places == nil; r.lines {
		r.headings = []string{"text"}
	}
	return r
}

// add writes a row.
func (r *rejectedFile) add(it *item, why string) error {
	if r.file == nil {
		if err := r.create(); err != nil {
			return err
		}
	}
	rec := []string{strconv.Itoa(it.line), why}
	if r.lines {
		rec = append(rec, withoutProof([]byte(it.text)))
	} else {
		// A row that does not fit the header has its proof anywhere.
		cells := slices.Clone(it.cells)
		for i := range cells {
			if len(r.proofs) > 0 && (len(cells) != len(r.headings) || slices.Contains(r.proofs, i)) {
				cells[i] = ""
			}
		}
		rec = append(rec, cells...)
	}
	return r.csv.Write(rec)
}

func (r *rejectedFile) create() error {
	const mode = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	f, err := os.OpenFile(r.path, mode, 0o600)
	if err != nil {
		r.path = filepath.Base(r.path)
		var second error
		if f, second = os.OpenFile(r.path, mode, 0o600); second != nil {
			// An import must not break off for want of a place for its refusals.
			var third error
			if f, third = os.CreateTemp("", r.path+"-*.csv"); third != nil {
				return fmt.Errorf("register: write the rejected rows: %w", errors.Join(err, second, third))
			}
			r.path = f.Name()
		}
	}
	r.file = f
	r.buf = bufio.NewWriter(f)
	r.csv = csv.NewWriter(r.buf)
	return r.csv.Write(append([]string{"line", "reason"}, r.headings...))
}

// close ends the file and returns its path, or nothing if there is none.
func (r *rejectedFile) close() (string, error) {
	if r.file == nil {
		return "", nil
	}
	r.csv.Flush()
	err := errors.Join(r.csv.Error(), r.buf.Flush(), r.file.Close())
	r.file = nil
	if err != nil {
		err = fmt.Errorf("register: write the rejected rows: %w", err)
	}
	return r.path, err
}
