package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// synchronous is FULL, which is what makes a commit an acknowledgement: COMMIT
// returns once the log is synced. It is a variable so that a test of that very
// promise can link a program without it (-X kabarchy/store.synchronous=NORMAL)
// and see itself fail. Nothing sets it at run time, and no setting reaches it.
var synchronous = "FULL"

// Pragmas go into the address, so that every connection has them: one that is
// run on a pool reaches one connection alone. secure_delete is what makes an
// erasure one.
func writerDSN(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate&_dqs=0" +
		"&_pragma=busy_timeout(15000)&_pragma=journal_mode(WAL)&_pragma=synchronous(" + synchronous + ")" +
		"&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=cache_size(-32768)&_pragma=temp_store(MEMORY)"
}

func readerDSN(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_dqs=0" +
		"&_pragma=busy_timeout(15000)&_pragma=query_only(1)&_pragma=cache_size(-8192)"
}

// privateFile makes the database's file before SQLite does, for its owner
// alone; SQLite gives its companions (-wal, -shm) the same mode.
func privateFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: open the database: %w", err)
	}
	return f.Close()
}

// busy reports whether an error says that another process holds a lock.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// ofEngine reports whether an error comes from the database rather than from
// what was asked of it.
func ofEngine(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) || errors.Is(err, errEngine) || errors.Is(err, errClosed) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded)
}

//go:embed migrations
var migrations embed.FS

// migrate brings the schema up to date. A schema newer than this program is
// refused: an older program would not know what it means.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: read the schema's version: %w", err)
	}
	if have > newest {
		return fmt.Errorf("store: the database has schema %d, newer than this program's %d; use the newer program, or restore a backup from before", have, newest)
	}
	if have == newest {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate from schema %d to %d: %w", have, newest, err)
	}
	return nil
}

// SchemaVersion returns the version of the schema in the database.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	var v sql.NullInt64
	err := s.reader.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied = 1`).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return v.Int64, err
}
