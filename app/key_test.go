package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kabarchy/app"
	"kabarchy/app/apptest"
	"kabarchy/visa"
)

func TestAuthorize(t *testing.T) {
	s, store, c := newService(t, nil)
	updates := []visa.Scope{visa.ScopeUpdates}
	store.MakeKey("good", visa.Key{ID: 1, Name: "good", Scopes: updates, ExpiresAt: c.now().Add(time.Hour)})
	store.MakeKey("expired", visa.Key{ID: 2, Scopes: updates, ExpiresAt: c.now()})
	store.MakeKey("revoked", visa.Key{ID: 3, Scopes: updates, RevokedAt: c.now().Add(-time.Hour)})
	store.MakeKey("other scope", visa.Key{ID: 4, Scopes: []visa.Scope{visa.ScopeLookups}})
	store.MakeKey("revoked and of another scope", visa.Key{ID: 5, Scopes: []visa.Scope{visa.ScopeLookups}, RevokedAt: c.now()})
	tests := []struct {
		name, bearer string
		want         error
	}{
		{"a good key", "good", nil},
		{"no key", "", app.ErrUnauthenticated},
		{"a key never made", "nobody's", app.ErrUnauthenticated},
		{"an expired key", "expired", app.ErrUnauthenticated},
		{"a revoked key", "revoked", app.ErrUnauthenticated},
		{"a key of another scope", "other scope", app.ErrScope},
		{"a revoked key of another scope", "revoked and of another scope", app.ErrUnauthenticated},
		{"something far too long", strings.Repeat("k", 10_000), app.ErrUnauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				if _, err := s.Authorize(t.Context(), tt.bearer, visa.ScopeUpdates); !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
			}
		})
	}
}

func TestAKeyIsReadOnceUntilKeysChange(t *testing.T) {
	s, store, c := newService(t, nil)
	key := visa.Key{ID: 1, Scopes: []visa.Scope{visa.ScopeUpdates}, ExpiresAt: c.now().Add(2 * time.Hour)}
	store.MakeKey("good", key)
	for range 5 {
		if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); err != nil {
			t.Fatal(err)
		}
	}
	if n := store.KeyReads.Load(); n != 1 {
		t.Errorf("read %d times, want once", n)
	}
	key.RevokedAt = c.now()
	store.MakeKey("good", key)
	if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); !errors.Is(err, app.ErrUnauthenticated) {
		t.Errorf("a key just revoked gave %v", err)
	}
}

func TestAKeyInMemoryExpiresOnTime(t *testing.T) {
	s, store, c := newService(t, nil)
	store.MakeKey("good", visa.Key{ID: 1, Scopes: []visa.Scope{visa.ScopeUpdates}, ExpiresAt: c.now().Add(time.Hour)})
	if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); err != nil {
		t.Fatal(err)
	}
	c.set(c.now().Add(time.Hour))
	if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); !errors.Is(err, app.ErrUnauthenticated) {
		t.Errorf("%v", err)
	}
}

func TestAKeysLastUseIsNotedOnceAMinute(t *testing.T) {
	s, store, c := newService(t, nil)
	store.MakeKey("good", visa.Key{ID: 1, Scopes: []visa.Scope{visa.ScopeUpdates}})
	for range 3 {
		for range 10 {
			if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); err != nil {
				t.Fatal(err)
			}
		}
		c.set(c.now().Add(time.Minute))
	}
	s.Close()
	if n := store.Touches.Load(); n != 3 {
		t.Errorf("noted %d times, want 3", n)
	}
}

func TestAKeyThatCannotBeReadIsNotRefused(t *testing.T) {
	s, store, _ := newService(t, nil)
	store.Before(apptest.Away)
	if _, err := s.Authorize(t.Context(), "good", visa.ScopeUpdates); !errors.Is(err, visa.ErrUnavailable) {
		t.Errorf("%v, want unavailable", err)
	}
}
