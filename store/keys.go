package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"kabarchy/visa"
)

const keyColumns = `id, name, hash, scopes, created_at, expires_at, revoked_at`

func scanKey(scan func(...any) error) (visa.Key, error) {
	var k visa.Key
	var hash, scopes string
	var created, expires, revoked int64
	if err := scan(&k.ID, &k.Name, &hash, &scopes, &created, &expires, &revoked); err != nil {
		return k, err
	}
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) != len(k.Hash) {
		return k, fmt.Errorf("the stored hash of key %d is damaged", k.ID)
	}
	copy(k.Hash[:], b)
	for s := range strings.FieldsSeq(scopes) {
		k.Scopes = append(k.Scopes, visa.Scope(s))
	}
	k.CreatedAt, k.ExpiresAt, k.RevokedAt = fromMicros(created), fromMicros(expires), fromMicros(revoked)
	return k, nil
}

// KeyByHash returns the key with a SHA-256, revoked and expired ones too, or
// visa.ErrNotFound.
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (visa.Key, error) {
	k, err := scanKey(s.reader.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1`, hex.EncodeToString(hash[:])).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return visa.Key{}, visa.ErrNotFound
	case err != nil:
		return visa.Key{}, fmt.Errorf("store: read a key: %w", unavailable(err))
	}
	return k, nil
}

// Keys returns all keys, oldest first.
func (s *Store) Keys(ctx context.Context) (keys []visa.Key, err error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT `+keyColumns+` FROM api_keys ORDER BY id`)
	err = each(rows, err, func(scan func(...any) error) error {
		k, err := scanKey(scan)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: list keys: %w", unavailable(err))
	}
	return keys, nil
}

// ErrKeyName says that an unrevoked key of that name exists.
var ErrKeyName = errors.New("an unrevoked key of that name exists")

// AddKey stores a new key. Names of unrevoked keys are unique: ErrKeyName.
func (s *Store) AddKey(ctx context.Context, k visa.Key) error {
	return s.write(ctx, "add a key", func(ctx context.Context, t *tx) error {
		var n int
		if _, err := t.one(ctx, []any{&n}, `SELECT count(*) FROM api_keys WHERE name = $1 AND revoked_at = 0`, k.Name); err != nil {
			return err
		}
		if n > 0 {
			return ErrKeyName
		}
		scopes := make([]string, len(k.Scopes))
		for i, s := range k.Scopes {
			scopes[i] = string(s)
		}
		_, err := t.exec(ctx, `INSERT INTO api_keys (name, hash, scopes, created_at, expires_at, last_used_at, revoked_at)
			VALUES ($1, $2, $3, $4, $5, 0, 0)`,
			k.Name, hex.EncodeToString(k.Hash[:]), strings.Join(scopes, " "), micros(t.now), micros(k.ExpiresAt))
		if err != nil {
			return err
		}
		return t.keysChanged(ctx)
	})
}

// RevokeKey revokes the unrevoked key of a name, or returns visa.ErrNotFound.
func (s *Store) RevokeKey(ctx context.Context, name string) error {
	return s.write(ctx, "revoke a key", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `UPDATE api_keys SET revoked_at = $1 WHERE name = $2 AND revoked_at = 0`, micros(t.now), name)
		if err != nil {
			return err
		}
		if n == 0 {
			return visa.ErrNotFound
		}
		return t.keysChanged(ctx)
	})
}

// keysChanged lets other processes notice.
func (t *tx) keysChanged(ctx context.Context) error {
	t.changes.Keys = true
	n, err := t.settingInt(ctx, "keys_changed")
	if err != nil {
		return err
	}
	return t.setSetting(ctx, "keys_changed", n+1)
}

// TouchKey notes when a key was last used.
func (s *Store) TouchKey(ctx context.Context, id int64, at time.Time) error {
	return s.write(ctx, "note a key's use", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, micros(at), id)
		return err
	})
}

// KeyUse returns when each key was last used, by id.
func (s *Store) KeyUse(ctx context.Context) (map[int64]time.Time, error) {
	out := make(map[int64]time.Time)
	rows, err := s.reader.QueryContext(ctx, `SELECT id, last_used_at FROM api_keys WHERE last_used_at > 0`)
	err = each(rows, err, func(scan func(...any) error) error {
		var id, at int64
		err := scan(&id, &at)
		out[id] = fromMicros(at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: list the keys' use: %w", unavailable(err))
	}
	return out, nil
}
