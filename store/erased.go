package store

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"slices"
	"time"

	"kabarchy/visa"
)

// An erased is what is left of an application after its time: enough to know
// its last statement when the register says it again, and nothing that could be
// read. It is found only under the key it was made with: once that is no more
// among SECRET_KEYS, the register's next file brings the application back, and
// it is erased once more.
type erased struct {
	hash      string // of the reference
	keyID     string
	version   int64
	updatedAt time.Time
	statement string // hash of what was stated

	raised, returned bool // in this transaction
}

// erased derives what hashes erased applications under one of the keys.
func (c key) erased() []byte { return derive(c.proof, "erased") }

func (c key) erasedReference(r visa.Reference) string {
	return hex.EncodeToString(mac(c.erased(), r.String()))
}

func (c key) erasedStatement(r visa.Reference, s *visa.Statement) string {
	return hex.EncodeToString(mac(c.erased(), r.String(), string(s.Procedure), s.Campaign, string(s.Stage), string(s.Outcome), s.Reason,
		string(s.Document.Kind), s.Document.ValidFrom.String(), s.Document.ValidUntil.String(), encodeDeadlines(s.Deadlines), s.SubmittedOn.String()))
}

// erasedOf returns what is left of those of refs that were erased.
func (t *tx) erasedOf(ctx context.Context, keys *Keyring, refs []visa.Reference) (map[visa.Reference]*erased, error) {
	var n int
	if some, err := t.one(ctx, []any{&n}, `SELECT 1 FROM erased LIMIT 1`); err != nil || !some {
		return nil, err
	}
	type hashed struct {
		ref  visa.Reference
		hash string
	}
	out := make(map[visa.Reference]*erased)
	for _, k := range keys.keys {
		all := make([]hashed, len(refs))
		for i, r := range refs {
			all[i] = hashed{r, k.erasedReference(r)}
		}
		err := inChunks(all, selectRows, func(part []hashed) error {
			args := make([]any, len(part))
			of := make(map[string]visa.Reference, len(part))
			for i, h := range part {
				args[i], of[h.hash] = h.hash, h.ref
			}
			return t.query(ctx, func(scan func(...any) error) error {
				var e erased
				var updated int64
				err := scan(&e.hash, &e.keyID, &e.version, &updated, &e.statement)
				e.updatedAt = fromMicros(updated)
				if r := of[e.hash]; out[r] == nil { // under the newest key
					out[r] = &e
				}
				return err
			}, `SELECT hash, key_id, version, updated_at, statement FROM erased WHERE hash IN `+marks(1, len(part)), args...)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// judge says what becomes of an update of an erased application, as
// visa.Update.Judge does of a known one. Only a newer statement that says
// something else brings it back; proofs and times of the same statement are not
// compared, since they are not kept.
func (e *erased) judge(keys *Keyring, u *visa.Update) (visa.Result, int64) {
	same := false
	if k, ok := keys.byID(e.keyID); ok {
		same = hmac.Equal([]byte(k.erasedStatement(u.Reference, &u.Statement)), []byte(e.statement))
	}
	if u.Counted {
		switch {
		case same:
			return visa.Duplicate, e.version
		case u.AsOf.Before(e.updatedAt):
			return visa.Stale, e.version
		default:
			return visa.Applied, e.version + 1
		}
	}
	switch {
	case u.Version < e.version:
		return visa.Stale, u.Version
	case same:
		e.raised = e.raised || u.Version > e.version
		e.version = u.Version
		return visa.Duplicate, u.Version
	case u.Version == e.version:
		return visa.Conflict, u.Version
	default:
		return visa.Applied, u.Version
	}
}

// loadErased reads what is left of the references that are not known.
func (r *recording) loadErased(ctx context.Context, refs []visa.Reference) (err error) {
	unknown := slices.DeleteFunc(slices.Clone(refs), func(ref visa.Reference) bool { return r.known[ref] != nil })
	if len(unknown) > 0 {
		r.erased, err = r.t.erasedOf(ctx, r.s.o.Keys, unknown)
	}
	return err
}

// settle keeps what a batch of updates did to erased applications: one that
// came back is not erased any more, and of one that was said again under a
// newer version no older one can come back.
func (t *tx) settle(ctx context.Context, all map[visa.Reference]*erased) error {
	for _, e := range all {
		var err error
		switch {
		case e.returned:
			_, err = t.exec(ctx, `DELETE FROM erased WHERE hash = $1`, e.hash)
		case e.raised:
			_, err = t.exec(ctx, `UPDATE erased SET version = $1 WHERE hash = $2`, e.version, e.hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// remember keeps of an application what must be known of it once it is erased.
func (t *tx) remember(ctx context.Context, keys *Keyring, a *visa.Application, revision int64) error {
	k := keys.keys[0]
	_, err := t.exec(ctx, `INSERT INTO erased (hash, key_id, version, updated_at, statement, revision, erased_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO UPDATE SET key_id = excluded.key_id, version = excluded.version,
		updated_at = excluded.updated_at, statement = excluded.statement, revision = excluded.revision, erased_at = excluded.erased_at`,
		k.erasedReference(a.Reference), k.id, a.Version, micros(a.UpdatedAt), k.erasedStatement(a.Reference, &a.Statement), revision, micros(t.now))
	return err
}
