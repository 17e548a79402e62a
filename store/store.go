// Package store keeps what the service knows in a SQL database: applications,
// followers, reminders, notifications and their attempts.
//
// What it promises: a method that changes something has synced it to disk when
// it returns without an error, wholly or not at all. Every fact and what
// follows from it (history, reminders, notifications) share one transaction.
//
// What it does not: SQLite only, one writer at a time; a second process may
// write beside it (an import beside a running service) and is noticed within
// Options.Poll. A method whose context ends while its transaction runs may
// have taken effect or not; all of them can be said again.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kabarchy/visa"
)

// Options are what a Store needs beside its address. Keys, Schedule and Zone
// must be given; the rest has useful zero values.
type Options struct {
	Keys     *Keyring
	Schedule visa.Schedule
	Now      func() time.Time // time.Now
	Log      *slog.Logger     // discards
	Poll     time.Duration    // between looks for other processes' changes; 50 ms
	Pace     float64          // messages a second, at which many followers of one reference are told; 0: all at once
}

// A Store is a database. It is safe for concurrent use.
type Store struct {
	o      Options
	path   string
	writer *sql.DB // one connection, used by the writer alone
	reader *sql.DB
	w      *writer

	mu       sync.Mutex
	onChange []func(visa.Changes)
	onWork   []func()

	ownRevision atomic.Pointer[span]

	stop context.CancelFunc
	done sync.WaitGroup
}

// Prefix is what a SQLite address begins with.
const Prefix = "sqlite:"

// Open opens, or makes, the database at a URL such as sqlite:data/kabarchy.db,
// and migrates it. The folder is made if need be.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	path, ok := strings.CutPrefix(url, Prefix)
	if !ok || path == "" {
		return nil, fmt.Errorf("store: DATABASE_URL must be sqlite:PATH; PostgreSQL is not supported by this version")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll == 0 {
		o.Poll = 50 * time.Millisecond
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store: make the database's folder: %w", err)
	}
	if err := privateFile(path); err != nil {
		return nil, err
	}
	s := &Store{o: o, path: path}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	var err error
	if s.writer, err = sql.Open("sqlite", writerDSN(s.path)); err != nil {
		return fmt.Errorf("store: open %s: %w", s.path, err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writer); err != nil {
		return err
	}
	if s.reader, err = sql.Open("sqlite", readerDSN(s.path)); err != nil {
		return fmt.Errorf("store: open %s: %w", s.path, err)
	}
	if err := s.checkKeys(ctx); err != nil {
		return err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: open %s: %w", s.path, err)
	}
	// From here on the writer itself waits for the write lock.
	if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout = 0`); err != nil {
		return errors.Join(fmt.Errorf("store: open %s: %w", s.path, err), conn.Close())
	}
	s.w = newWriter(conn, s.o.Now, s.o.Log, s.committed)
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(s.w.run)
	watch, err := s.newWatcher(ctx)
	if err != nil {
		s.stop()
		s.w.close()
		s.done.Wait()
		return err
	}
	s.done.Go(func() { watch.run(background) })
	return nil
}

// Close waits for what was begun, and closes the database.
func (s *Store) Close() error {
	s.stop()
	s.w.close()
	s.done.Wait()
	return s.closePools()
}

func (s *Store) closePools() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// OnChange registers a function that is called after each commit that changed
// what a look-up answers, whoever made it, before the change is acknowledged.
// It must be quick, must not call the store, and may be called from several
// goroutines at once.
func (s *Store) OnChange(f func(visa.Changes)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = append(s.onChange, f)
}

// OnWork registers a function that is called when there may be something new
// to deliver. It is a hint: nothing relies on it. It must not block, and may be
// called from several goroutines at once.
func (s *Store) OnWork(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onWork = append(s.onWork, f)
}

func (s *Store) changed(c visa.Changes) {
	s.mu.Lock()
	fs := s.onChange
	s.mu.Unlock()
	for _, f := range fs {
		f(c)
	}
}

func (s *Store) work() {
	s.mu.Lock()
	fs := s.onWork
	s.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

// committed is called by the writer after each commit, with what its
// transactions did.
func (s *Store) committed(e effects) {
	s.ownSpan(e.changes)
	if len(e.changes.Applications) > 0 || !e.changes.AsOf.IsZero() || e.changes.Keys {
		s.changed(e.changes)
	}
	if e.work {
		s.work()
	}
}

// write runs f in a transaction and returns once it is synced.
func (s *Store) write(ctx context.Context, what string, f func(context.Context, *tx) error) error {
	if err := s.w.do(ctx, f); err != nil {
		return fmt.Errorf("store: %s: %w", what, unavailable(err))
	}
	return nil
}

// unavailable marks the errors after which trying again later is right.
func unavailable(err error) error {
	if err == nil || errors.Is(err, visa.ErrUnavailable) || !ofEngine(err) {
		return err
	}
	return fmt.Errorf("%w: %w", visa.ErrUnavailable, err)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
