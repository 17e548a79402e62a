package visa

import (
	"crypto/rand"
	"encoding/hex"
)

// A Batch names one import, a file or a request of many updates, as long as it
// runs: of what it changes, much for one chat becomes one message. The zero
// Batch is none, as of an update that comes by itself.
type Batch string

// NewBatch returns a Batch that no other import has: 128 random bits in
// hexadecimal.
func NewBatch() Batch {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return Batch(hex.EncodeToString(b[:]))
}

// DigestAbove is how many references a chat may follow, and how many of them
// may change in one batch, without a digest: above it, they become one message.
const DigestAbove = 5
