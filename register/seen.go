package register

import (
	"hash/maphash"
	"time"

	"kabarchy/visa"
)

// seen remembers the references of one file whose versions are counted: there,
// of two rows with different content nobody could say which is the newer. It
// holds hashes alone, about 40 bytes a row. That two references of ten million
// share a hash happens in one file of 400,000.
type seen struct {
	seed maphash.Seed
	rows map[uint64]seenRow
	buf  []byte
}

type seenRow struct {
	content uint64
	line    int32
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), rows: map[uint64]seenRow{}} }

// take notes a row. again says that the reference stood there before, in line,
// and same that it stood there with the same content.
func (s *seen) take(u *visa.Update, line int) (before int, again, same bool) {
	content := *u
	content.Reference, content.UpdatedAt = visa.Reference{}, time.Time{} // what is not content
	s.buf = visa.AppendUpdate(s.buf[:0], content)
	hash := maphash.Bytes(s.seed, s.buf)
	key := maphash.String(s.seed, u.Reference.String())
	if r, ok := s.rows[key]; ok {
		return int(r.line), true, r.content == hash
	}
	s.rows[key] = seenRow{content: hash, line: int32(line)}
	return 0, false, false
}
