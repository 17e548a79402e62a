package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"kabarchy/visa"
)

// listingAge is how long a listing can be gone on with. Its tokens stand for
// the same chats as long as it is.
const listingAge = 24 * time.Hour

// AuditPage returns a page of a listing, newest first. All pages of a listing
// share their chats' tokens, and no other listing has these. visa.ErrCursor
// says that a cursor does not belong to the filter and the reader it came with,
// or that its listing was begun more than a day ago.
//
// Nothing is kept between pages: the cursor carries the listing's secret,
// sealed under the secret keys, so that any process that has them can go on,
// also after a restart.
func (s *Store) AuditPage(ctx context.Context, q visa.AuditQuery) (visa.AuditPage, error) {
	l := listing{begun: s.o.Now()}
	if q.Cursor == "" {
		_, _ = rand.Read(l.secret[:]) // never fails
	} else {
		var ok bool
		if l, ok = s.o.Keys.openListing(q); !ok || s.o.Now().Sub(l.begun) > listingAge {
			return visa.AuditPage{}, visa.ErrCursor
		}
	}
	a := &Audit{db: s.reader, now: s.o.Now, secret: l.secret}
	entries, next, err := a.Page(ctx, q.Filter, l.from, true, q.Limit)
	if err != nil {
		return visa.AuditPage{}, err
	}
	page := visa.AuditPage{Entries: entries}
	if next > 0 {
		l.from = next
		page.Next = s.o.Keys.sealListing(q, l)
	}
	return page, nil
}

// A listing is what its cursor says.
type listing struct {
	secret [32]byte // its tokens are made with it
	from   int64    // the next page's ids are below it
	begun  time.Time
}

const listingBytes = 32 + 8 + 8

// bind is what a cursor is good for: the same filter, asked by the same reader.
// The number of entries on a page may change.
func bind(q visa.AuditQuery) []byte {
	f := q.Filter
	return fmt.Appendf(nil, "audit %d %q %d %q %d %d %q %t", q.Reader, f.State, f.Lane, f.Reason,
		micros(f.Since), micros(f.Until), f.Reference.String(), f.Ambiguous)
}

func (k *Keyring) sealListing(q visa.AuditQuery, l listing) string {
	plain := make([]byte, 0, listingBytes)
	plain = append(plain, l.secret[:]...)
	plain = binary.BigEndian.AppendUint64(plain, uint64(l.from))
	plain = binary.BigEndian.AppendUint64(plain, uint64(micros(l.begun)))
	seal := k.keys[0].seal
	nonce := make([]byte, seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.RawURLEncoding.EncodeToString(seal.Seal(nonce, nonce, plain, bind(q)))
}

// openListing reverses sealListing, with the key it was made with, whichever
// that is; false where it is none of q's.
func (k *Keyring) openListing(q visa.AuditQuery) (l listing, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil {
		return l, false
	}
	for _, c := range k.keys {
		n := c.seal.NonceSize()
		if len(b) < n {
			return l, false
		}
		plain, err := c.seal.Open(nil, b[:n], b[n:], bind(q))
		if err != nil || len(plain) != listingBytes {
			continue
		}
		copy(l.secret[:], plain)
		l.from = int64(binary.BigEndian.Uint64(plain[32:]))
		l.begun = fromMicros(int64(binary.BigEndian.Uint64(plain[40:])))
		return l, true
	}
	return l, false
}
