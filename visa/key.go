package visa

import "time"

// A Scope is what a key may be used for.
type Scope string

const (
	ScopeUpdates  Scope = "updates"  // POST /v1/updates
	ScopeLookups  Scope = "lookups"  // many references at once
	ScopeAnnounce Scope = "announce" // POST /v1/announcements
	ScopeAudit    Scope = "audit"    // GET /v1/notifications
)

// Scopes are all scopes.
var Scopes = []Scope{ScopeUpdates, ScopeLookups, ScopeAnnounce, ScopeAudit}

// A Key is a bearer key of the API as it is known at rest: the key itself is
// shown once, when it is made, and only its SHA-256 is kept.
type Key struct {
	ID        int64
	Name      string
	Hash      [32]byte
	Scopes    []Scope
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
}

// Usable reports whether the key may be used for a scope at an instant.
func (k Key) Usable(s Scope, now time.Time) bool {
	if !k.RevokedAt.IsZero() || !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) {
		return false
	}
	for _, have := range k.Scopes {
		if have == s {
			return true
		}
	}
	return false
}
