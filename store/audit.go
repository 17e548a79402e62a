package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"kabarchy/visa"
)

// An Audit reads what became of notifications. It never writes, needs no
// secret keys, and blocks nobody: each of its methods reads at most for as
// long as it runs, and holds nothing open between calls.
//
// Chats appear as tokens: a chat has the same token in everything one Audit
// gives, and another one in another Audit. What a token stands for cannot be
// found out, by its maker neither.
type Audit struct {
	db     *sql.DB
	own    bool // db is to be closed with it
	now    func() time.Time
	secret [32]byte
}

// ErrNoDatabase says that there is nothing to read: no database, or one of
// another version of the program.
var ErrNoDatabase = errors.New("no database of this version")

// Audit returns an audit of an open store, with tokens of its own.
func (s *Store) Audit() *Audit { return newAudit(s.reader, s.o.Now, false) }

func newAudit(db *sql.DB, now func() time.Time, own bool) *Audit {
	a := &Audit{db: db, own: own, now: now}
	_, _ = rand.Read(a.secret[:]) // never fails
	return a
}

// OpenAudit opens a database for auditing alone, beside whoever else uses it.
// It makes and migrates nothing: ErrNoDatabase where there is none yet, or
// where its schema is not this program's.
func OpenAudit(ctx context.Context, url string) (*Audit, error) {
	path, ok := strings.CutPrefix(url, Prefix)
	if !ok || path == "" {
		return nil, errors.New("store: DATABASE_URL must be sqlite:PATH; PostgreSQL is not supported by this version")
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store: %s is not there: %w", path, ErrNoDatabase)
	} else if err != nil {
		return nil, fmt.Errorf("store: open the database: %w", err)
	}
	db, err := sql.Open("sqlite", readerDSN(path)+"&mode=ro")
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	db.SetMaxOpenConns(2)
	if err := sameSchema(ctx, db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return newAudit(db, time.Now, true), nil
}

// sameSchema returns an error unless the database has this program's schema.
func sameSchema(ctx context.Context, db *sql.DB, path string) error {
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`).Scan(&tables); err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	var have sql.NullInt64
	if tables > 0 {
		if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied = 1`).Scan(&have); err != nil {
			return fmt.Errorf("store: read the schema's version: %w", err)
		}
	}
	files, err := migrations.ReadDir("migrations/sqlite")
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	newest, err := goose.NumericComponent(files[len(files)-1].Name())
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	switch {
	case have.Int64 < newest:
		return fmt.Errorf("store: %s has schema %d and this program reads %d; run kabarchy migrate first: %w", path, have.Int64, newest, ErrNoDatabase)
	case have.Int64 > newest:
		return fmt.Errorf("store: %s has schema %d, newer than this program's %d; use the newer program: %w", path, have.Int64, newest, ErrNoDatabase)
	}
	return nil
}

// Close closes what OpenAudit opened, and does nothing for Store.Audit.
func (a *Audit) Close() error {
	if !a.own {
		return nil
	}
	return a.db.Close()
}

// token stands for a chat. It is computed, not remembered, so that an export
// of any number of chats needs no more memory than one of a few: 60 bits of a
// MAC under a secret that goes with the Audit.
func (a *Audit) token(chat int64) string {
	sum := mac(a.secret[:], strconv.FormatInt(chat, 10))
	return "c-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:8])[:12])
}

// shown is what an audit shows of a reason or a result. What has not the form
// of a label is not shown, whatever it is: an audit must not be the way out for
// what a mistake elsewhere has let in.
func shown(s string) string {
	if s == "" || visa.IsLabel(s) {
		return s
	}
	return "not a label"
}

// masked is what an audit shows of a stored reference.
func masked(s string) string {
	if s == "" {
		return ""
	}
	r, err := visa.ParseReference(s)
	if err != nil {
		return "••••"
	}
	return r.Masked()
}

// Entry returns one notification with all its attempts, or visa.ErrNotFound.
func (a *Audit) Entry(ctx context.Context, id int64) (visa.AuditEntry, error) {
	var entries []visa.AuditEntry
	err := a.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if entries, err = a.entries(ctx, tx, entryText+` AND n.id = $1`, id); err == nil {
			err = attempts(ctx, tx, entries)
		}
		return err
	})
	if err != nil {
		return visa.AuditEntry{}, fmt.Errorf("store: audit notification %d: %w", id, err)
	}
	if len(entries) == 0 {
		return visa.AuditEntry{}, visa.ErrNotFound
	}
	return entries[0], nil
}

// snapshot lets f read the database as of one instant.
func (a *Audit) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = tx.Rollback() }()
	return unavailable(f(tx))
}

// entryText goes along notifications by their ids. The join is said as a CROSS
// JOIN so that SQLite does not go along chats instead: a page then costs what
// lies between its first and its last row.
const entryText = `SELECT n.id, n.chat, n.reference, n.lane, n.kind, n.state, n.why, n.created_at, n.not_before,
		n.use_until, n.ended_at, n.attempts, n.message_id, c.active, c.forgotten
	FROM notifications n CROSS JOIN chats c WHERE c.id = n.chat`

// entries reads notifications without their attempts.
func (a *Audit) entries(ctx context.Context, tx *sql.Tx, text string, args ...any) (entries []visa.AuditEntry, err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		e, err := a.scanEntry(scan)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

// attempts reads the attempts of entries into them.
func attempts(ctx context.Context, tx *sql.Tx, entries []visa.AuditEntry) error {
	at := make(map[int64]*visa.AuditEntry, len(entries))
	for i := range entries {
		at[entries[i].ID] = &entries[i]
	}
	return inChunks(entries, selectRows, func(part []visa.AuditEntry) error {
		rows, err := tx.QueryContext(ctx, `SELECT notification, epoch, started_at, ended_at, result, code, reason
			FROM attempts WHERE notification IN `+marks(1, len(part))+` ORDER BY id`, entryIDs(part)...)
		return each(rows, err, func(scan func(...any) error) error {
			id, t, err := scanAttempt(scan)
			if err == nil {
				at[id].Attempts = append(at[id].Attempts, t)
			}
			return err
		})
	})
}

func entryIDs(entries []visa.AuditEntry) []any {
	out := make([]any, len(entries))
	for i, e := range entries {
		out[i] = e.ID
	}
	return out
}

func (a *Audit) scanEntry(scan func(...any) error) (e visa.AuditEntry, err error) {
	var chat, created, notBefore, useUntil, ended int64
	var lane int
	var reference, kind, state, why string
	var active, forgotten bool
	if err = scan(&e.ID, &chat, &reference, &lane, &kind, &state, &why, &created, &notBefore, &useUntil, &ended,
		&e.Failures, &e.MessageID, &active, &forgotten); err != nil {
		return e, err
	}
	e.Chat, e.ChatState, e.Reference = a.token(chat), visa.ChatActive, masked(reference)
	switch {
	case forgotten:
		e.ChatState = visa.ChatForgotten
	case !active:
		e.ChatState = visa.ChatInactive
	}
	e.Lane, e.Kind, e.State, e.Reason = visa.Lane(lane), visa.Kind(shown(kind)), visa.NotificationState(shown(state)), shown(why)
	e.CreatedAt, e.NotBefore, e.UseUntil, e.EndedAt = fromMicros(created), fromMicros(notBefore), fromMicros(useUntil), fromMicros(ended)
	return e, nil
}

func scanAttempt(scan func(...any) error) (notification int64, t visa.AuditAttempt, err error) {
	var started, ended int64
	if err = scan(&notification, &t.Sender, &started, &ended, &t.Result, &t.Code, &t.Reason); err != nil {
		return 0, t, err
	}
	t.StartedAt, t.EndedAt = fromMicros(started), fromMicros(ended)
	t.Result, t.Reason = shown(t.Result), shown(t.Reason)
	if t.EndedAt.IsZero() {
		t.Result = visa.AttemptStarted
	}
	t.Ambiguous = t.Result == visa.AttemptStarted || t.Result == visa.AttemptAmbiguous
	return notification, t, nil
}

// Summary counts all notifications by state, lane and reason.
func (a *Audit) Summary(ctx context.Context) (counts []visa.AuditCount, err error) {
	rows, err := a.db.QueryContext(ctx, `SELECT state, lane, why, count(*) FROM notifications
		GROUP BY state, lane, why ORDER BY state, lane, count(*) DESC, why`)
	err = each(rows, err, func(scan func(...any) error) error {
		var c visa.AuditCount
		var state, why string
		var lane int
		err := scan(&state, &lane, &why, &c.N)
		c.State, c.Lane, c.Reason = visa.NotificationState(state), visa.Lane(lane), shown(why)
		counts = append(counts, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: count notifications: %w", unavailable(err))
	}
	return counts, nil
}
