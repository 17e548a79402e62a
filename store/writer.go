package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// Bounds of one shared transaction: a sync costs what a few dozen requests
// cost, and nobody waits longer than this for somebody else's.
const (
	maxShared     = 64
	maxSharedTime = 50 * time.Millisecond
)

// How long the write lock is waited for, and how often it is tried.
const (
	lockWait  = 15 * time.Second
	lockRetry = 500 * time.Microsecond
)

var errClosed = errors.New("the store is closed")

// errEngine marks what went wrong with the database itself, not with what it
// was asked: trying again later is right.
var errEngine = errors.New("the database")

// effects are what the transactions of one commit did, for those who must know.
type effects struct {
	changes visa.Changes
	work    bool
}

func (all *effects) add(e effects) {
	all.changes.Applications = append(all.changes.Applications, e.changes.Applications...)
	all.changes.Keys = all.changes.Keys || e.changes.Keys
	if !e.changes.AsOf.IsZero() {
		all.changes.AsOf = e.changes.AsOf
	}
	all.work = all.work || e.work
}

// A tx is a transaction on the writer's connection. Its statements are
// prepared once and kept.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	now   time.Time // of this transaction
	effects
}

// A job is one requested transaction.
type job struct {
	ctx  context.Context
	run  func(context.Context, *tx) error
	done chan error
	// taken is set by whoever is first: the writer that begins the job, or the
	// caller that takes it back.
	taken atomic.Bool
}

// A writer runs jobs on SQLite's one writing connection. Jobs that wait at the
// same time share a transaction, a savepoint each, and are acknowledged after
// the shared sync: a job that fails takes nothing of the others with it.
type writer struct {
	conn      *sql.Conn
	stmts     map[string]*sql.Stmt
	jobs      chan *job
	now       func() time.Time
	log       *slog.Logger
	committed func(effects)

	mu     sync.RWMutex // held for reading while a job is handed over
	closed bool
}

func newWriter(conn *sql.Conn, now func() time.Time, log *slog.Logger, committed func(effects)) *writer {
	return &writer{conn: conn, stmts: map[string]*sql.Stmt{}, jobs: make(chan *job, 1024), now: now, log: log, committed: committed}
}

// do runs f in a transaction. It returns nil once that is synced, and an error
// only where f had no effect. A context that ends takes back what has not
// begun; what has begun is waited for, as long as it takes: a caller that does
// not know whether it has claimed something could neither send it nor leave it.
func (w *writer) do(ctx context.Context, f func(context.Context, *tx) error) error {
	j := &job{ctx: ctx, run: f, done: make(chan error, 1)}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.jobs <- j:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-j.done
	}
}

// close lets the jobs that were handed over finish.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
}

func (w *writer) run() {
	defer func() {
		for _, s := range w.stmts {
			_ = s.Close()
		}
		_ = w.conn.Close()
	}()
	for j := range w.jobs {
		w.share(j)
	}
}

// share runs one transaction: first, and whoever else waits.
func (w *writer) share(first *job) {
	// Never a caller's context: SQLite rolls the whole transaction back when a
	// statement is interrupted.
	ctx := context.Background()
	if err := w.begin(ctx); err != nil {
		first.done <- fmt.Errorf("%w: begin: %w", errEngine, err)
		return
	}
	var ran []*job
	var all effects
	begun := time.Now()
	for next := first; next != nil; {
		if next.ctx.Err() == nil && next.taken.CompareAndSwap(false, true) {
			e, err, lost := w.one(ctx, next)
			if lost {
				w.rollback(ctx)
				for _, j := range append(ran, next) {
					j.done <- err
				}
				return
			}
			if err != nil {
				next.done <- err
			} else {
				ran = append(ran, next)
				all.add(e)
			}
		}
		next = nil
		if len(ran) < maxShared && time.Since(begun) < maxSharedTime {
			select {
			case j, ok := <-w.jobs:
				if ok {
					next = j
				}
			default:
			}
		}
	}
	failpoint.Here("write.commit")
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		w.rollback(ctx)
		err = fmt.Errorf("%w: commit: %w", errEngine, err)
		for _, j := range ran {
			j.done <- err
		}
		return
	}
	failpoint.Here("write.committed")
	w.committed(all)
	for _, j := range ran {
		j.done <- nil
	}
}

// begin waits for the write lock. Another process that writes batch after
// batch, as an import does, frees it for a moment only: SQLite's own waiting,
// of up to 100 ms between two tries, would hardly ever meet that moment.
func (w *writer) begin(ctx context.Context) error {
	for since := time.Now(); ; {
		_, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
		if err == nil || !busy(err) || time.Since(since) > lockWait {
			return err
		}
		t := time.NewTimer(lockRetry)
		<-t.C
	}
}

// one runs a job within a savepoint. lost reports that the transaction itself
// is gone, with all that it held.
func (w *writer) one(ctx context.Context, j *job) (e effects, err error, lost bool) {
	if _, err := w.conn.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return e, err, true
	}
	t := &tx{conn: w.conn, stmts: w.stmts, now: w.now().UTC().Truncate(time.Microsecond)}
	err = w.guarded(ctx, j, t)
	if err != nil {
		if _, back := w.conn.ExecContext(ctx, "ROLLBACK TO job"); back != nil {
			return e, errors.Join(err, back), true
		}
	}
	if _, rel := w.conn.ExecContext(ctx, "RELEASE job"); rel != nil {
		return e, errors.Join(err, rel), true
	}
	return t.effects, err, false
}

// guarded turns a panic of the job into an error: one bad request must not
// take down the writer for all.
func (w *writer) guarded(ctx context.Context, j *job, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("store: a transaction panicked", "stack", string(debug.Stack()))
			err = errors.New("a fault in the program; see the log")
		}
	}()
	return j.run(ctx, t)
}

func (w *writer) rollback(ctx context.Context) {
	// SQLite may have rolled back by itself, as on a full disk.
	_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
}

// keepStatements bounds the number of prepared statements: their texts are few, but for
// the ones built with a list's length in them.
const keepStatements = 256

func (t *tx) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := t.stmts[text]; ok {
		return s, nil
	}
	if len(t.stmts) >= keepStatements {
		for k, s := range t.stmts {
			_ = s.Close()
			delete(t.stmts, k)
		}
	}
	s, err := t.conn.PrepareContext(ctx, text)
	if err == nil {
		t.stmts[text] = s
	}
	return s, err
}

func (t *tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	s, err := t.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query calls row for each row. The rows are closed before it returns.
func (t *tx) query(ctx context.Context, row func(scan func(...any) error) error, text string, args ...any) error {
	s, err := t.prepare(ctx, text)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	return each(rows, err, row)
}

// one reads a single row into dest; false where there is none.
func (t *tx) one(ctx context.Context, dest []any, text string, args ...any) (bool, error) {
	s, err := t.prepare(ctx, text)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func each(rows *sql.Rows, err error, row func(scan func(...any) error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
