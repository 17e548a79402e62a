package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"kabarchy/visa"
)

const selectApplication = `SELECT ` + columns + ` FROM applications WHERE reference = $1`

// Application returns what is known of a reference, or visa.ErrNotFound, or an
// error that is visa.ErrUnavailable.
func (s *Store) Application(ctx context.Context, r visa.Reference) (visa.Application, error) {
	a, err := scanApplication(s.reader.QueryRowContext(ctx, selectApplication, r.String()).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return visa.Application{}, visa.ErrNotFound
	case err != nil:
		return visa.Application{}, fmt.Errorf("store: read %s: %w", r.Masked(), unavailable(err))
	}
	return *a, nil
}

// ProofMatches reports, in constant time, whether a proof is the one kept of a
// reference. No proof matches where none was sent.
func (s *Store) ProofMatches(r visa.Reference, kept visa.ProofMAC, proof string) bool {
	return s.o.Keys.proofMatches(r, kept, proof)
}

// AsOf returns the time of the register's last complete feed, zero if there
// was none.
func (s *Store) AsOf(ctx context.Context) (time.Time, error) {
	t, err := s.settingTime(ctx, "register_as_of")
	if err != nil {
		return t, fmt.Errorf("store: read register_as_of: %w", unavailable(err))
	}
	return t, nil
}

func (s *Store) settingTime(ctx context.Context, name string) (time.Time, error) {
	var n int64
	err := s.reader.QueryRowContext(ctx, `SELECT CAST(value AS BIGINT) FROM settings WHERE name = $1`, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return fromMicros(n), err
}

func (t *tx) settingInt(ctx context.Context, name string) (n int64, err error) {
	_, err = t.one(ctx, []any{&n}, `SELECT CAST(value AS BIGINT) FROM settings WHERE name = $1`, name)
	return n, err
}

func (t *tx) setSetting(ctx context.Context, name string, n int64) error {
	_, err := t.exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, fmt.Sprint(n))
	return err
}

// FinishFeed records that a delivery of the register has been taken in. A
// complete one moves register_as_of, never back.
func (s *Store) FinishFeed(ctx context.Context, f visa.Feed) error {
	return s.write(ctx, "finish a feed", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO feeds (source, origin, as_of, complete, digest, finished_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			f.Source, f.Origin, micros(f.AsOf), f.Complete, f.Digest, micros(t.now))
		if err != nil || !f.Complete {
			return err
		}
		have, err := t.settingInt(ctx, "register_as_of")
		if err != nil || micros(f.AsOf) <= have {
			return err
		}
		t.changes.AsOf = f.AsOf
		return t.setSetting(ctx, "register_as_of", micros(f.AsOf))
	})
}

// LastFeed returns the as-of time of the latest delivery of a source, zero if
// there was none.
func (s *Store) LastFeed(ctx context.Context, source string) (time.Time, error) {
	var n sql.NullInt64
	err := s.reader.QueryRowContext(ctx, `SELECT max(as_of) FROM feeds WHERE source = $1`, source).Scan(&n)
	if err != nil {
		return time.Time{}, fmt.Errorf("store: read the last feed: %w", unavailable(err))
	}
	return fromMicros(n.Int64), nil
}

// Overtaken reports whether a file, by its digest, was taken in from a source
// before another one was.
func (s *Store) Overtaken(ctx context.Context, source, digest string) (bool, error) {
	var n int
	err := s.reader.QueryRowContext(ctx, `SELECT count(*) FROM feeds WHERE source = $1 AND digest = $2
		AND id < (SELECT max(id) FROM feeds WHERE source = $1 AND digest <> $2)
		AND NOT EXISTS (SELECT 1 FROM feeds l WHERE l.id = (SELECT max(id) FROM feeds WHERE source = $1) AND l.digest = $2)`, source, digest).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("store: look a file up: %w", unavailable(err))
	}
	return n > 0, nil
}

// marks returns ($1, $2, … $n), counting on from first.
func marks(first, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	b.WriteByte(')')
	return b.String()
}

// inChunks calls f with runs of items whose lengths are powers of two, size at
// most, so that the SQL texts built with a length in them are few.
func inChunks[T any](items []T, size int, f func([]T) error) error {
	for len(items) > 0 {
		n := min(size, 1<<(bits.Len(uint(len(items)))-1))
		if err := f(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}
