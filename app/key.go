package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kabarchy/visa"
)

// Why a key does not open what it was shown for.
var (
	// ErrUnauthenticated: no key, one that was never made, or one that is
	// revoked or expired. Nothing tells these apart to whoever shows it.
	ErrUnauthenticated = errors.New("app: the key is missing, unknown, revoked or expired")
	// ErrScope: the key is good, but not for this.
	ErrScope = errors.New("app: the key has not the scope this needs")
)

const (
	mostKeys     = 1_000       // kept in memory
	maxKeyBytes  = 512         // of what is shown as a key
	touchEvery   = time.Minute // a key's last use is noted no more often
	touchTimeout = 10 * time.Second
)

// keyCache holds the keys that were shown lately.
type keyCache struct {
	mu      sync.Mutex
	keys    map[[32]byte]visa.Key
	touched map[int64]time.Time
	changes uint64
	closed  bool
}

// forget drops all keys: some were made or revoked.
func (c *keyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = nil
	c.changes++
}

// Authorize returns the key that somebody shows, if it may be used for a
// scope now: ErrUnauthenticated, ErrScope or visa.ErrUnavailable otherwise.
// The key's last use is noted, at most once a minute.
func (s *Service) Authorize(ctx context.Context, bearer string, scope visa.Scope) (visa.Key, error) {
	if bearer == "" || len(bearer) > maxKeyBytes {
		return visa.Key{}, ErrUnauthenticated
	}
	hash := sha256.Sum256([]byte(bearer))
	key, err := s.keys.get(ctx, s.store, hash)
	if errors.Is(err, visa.ErrNotFound) || err == nil && subtle.ConstantTimeCompare(key.Hash[:], hash[:]) != 1 {
		return visa.Key{}, ErrUnauthenticated
	}
	if err != nil {
		return visa.Key{}, fmt.Errorf("app: find a key: %w", err)
	}
	now := s.now()
	if !key.Usable(scope, now) {
		if slices.Contains(key.Scopes, scope) || len(key.Scopes) == 0 || !key.Usable(key.Scopes[0], now) {
			return visa.Key{}, ErrUnauthenticated
		}
		return visa.Key{}, ErrScope
	}
	s.touch(key.ID, now)
	return key, nil
}

func (c *keyCache) get(ctx context.Context, store Store, hash [32]byte) (visa.Key, error) {
	c.mu.Lock()
	key, ok := c.keys[hash]
	changes := c.changes
	c.mu.Unlock()
	if ok {
		return key, nil
	}
	key, err := store.KeyByHash(ctx, hash)
	if err != nil {
		return visa.Key{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes { // else it may have been revoked while it was read
		if c.keys == nil || len(c.keys) >= mostKeys {
			c.keys = map[[32]byte]visa.Key{}
		}
		c.keys[hash] = key
	}
	return key, nil
}

// touch notes a key's use, beside the request: it waits for nothing.
func (s *Service) touch(id int64, now time.Time) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	last, ok := s.keys.touched[id]
	if s.keys.closed || ok && now.Sub(last) < touchEvery && !now.Before(last) {
		return
	}
	if s.keys.touched == nil || len(s.keys.touched) >= mostKeys {
		s.keys.touched = map[int64]time.Time{}
	}
	s.keys.touched[id] = now
	s.beside.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), touchTimeout)
		defer cancel()
		if err := s.store.TouchKey(ctx, id, now); err != nil {
			s.log.Warn("the last use of a key could not be noted", "key", id, "error", err)
		}
	})
}
