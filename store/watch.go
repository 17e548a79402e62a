package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kabarchy/visa"
)

// maxReload is how many changed applications are named one by one; beyond
// that, everything is to be checked again.
const maxReload = 20_000

// A watcher notices what other processes commit to the same file, an import
// beside a running service for instance: PRAGMA data_version moves with every
// commit of another connection.
type watcher struct {
	s        *Store
	conn     *sql.Conn
	version  int64
	revision int64 // all changes up to it have been told
	asOf     time.Time
	keys     int64
}

func (s *Store) newWatcher(ctx context.Context) (*watcher, error) {
	conn, err := s.reader.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: watch: %w", err)
	}
	w := &watcher{s: s, conn: conn}
	if err := w.look(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("store: watch: %w", err)
	}
	return w, nil
}

// look reads where the database stands.
func (w *watcher) look(ctx context.Context) error {
	if err := w.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&w.version); err != nil {
		return err
	}
	var asOf sql.NullInt64
	err := w.conn.QueryRowContext(ctx, `SELECT (SELECT value FROM revision),
		(SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'register_as_of'),
		coalesce((SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'keys_changed'), 0)`).Scan(&w.revision, &asOf, &w.keys)
	w.asOf = fromMicros(asOf.Int64)
	return err
}

func (w *watcher) run(ctx context.Context) {
	defer w.conn.Close()
	tick := time.NewTicker(w.s.o.Poll)
	defer tick.Stop()
	failing := false
	var said time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := w.check(ctx)
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			// What may have been missed is stale: to be checked again on use.
			if now := time.Now(); now.Sub(said) >= time.Second {
				said = now
				w.s.changed(visa.Changes{Everything: true})
			}
			if !failing {
				w.s.o.Log.Error("store: cannot look for other processes' changes", "error", err)
			}
		}
		failing = err != nil
	}
}

// check tells of everything committed since the last look, by whomever. What
// this process committed itself is told twice, which does no harm.
func (w *watcher) check(ctx context.Context) error {
	var version int64
	if err := w.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil || version == w.version {
		return err
	}
	before := *w
	if err := w.look(ctx); err != nil {
		*w = before
		return err
	}
	var c visa.Changes
	if w.asOf.After(before.asOf) {
		c.AsOf = w.asOf
	}
	c.Keys = w.keys != before.keys
	if own := w.s.ownRevision.Load(); w.revision != before.revision && !own.covers(before.revision, w.revision) {
		n := w.revision - before.revision
		if n > maxReload {
			c.Everything = true
		} else if err := w.reload(ctx, before.revision, &c); err != nil {
			*w = before
			return err
		}
	}
	if len(c.Applications) > 0 || !c.AsOf.IsZero() || c.Keys || c.Everything {
		w.s.changed(c)
	}
	w.s.work()
	return nil
}

// reload names what changed after a revision. What was erased can't be named: no
// reference is left of it.
func (w *watcher) reload(ctx context.Context, after int64, c *visa.Changes) error {
	err := w.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM erased WHERE revision > $1 AND revision <= $2)`, after, w.revision).Scan(&c.Everything)
	if err != nil {
		return err
	}
	rows, err := w.conn.QueryContext(ctx, `SELECT reference, revision FROM applications WHERE revision > $1 AND revision <= $2 ORDER BY revision`, after, w.revision)
	return each(rows, err, func(scan func(...any) error) error {
		var text string
		var revision int64
		if err := scan(&text, &revision); err != nil {
			return err
		}
		r, err := visa.ParseReference(text)
		c.Applications = append(c.Applications, visa.Changed{Reference: r, Revision: revision})
		return err
	})
}

// A span is a run of revisions that this process alone has committed.
type span struct{ from, to int64 }

func (s *span) covers(from, to int64) bool { return s != nil && s.from <= from && to <= s.to }

// ownSpan extends the run, or begins a new one where another process came in
// between. Only the writer calls it.
func (s *Store) ownSpan(c visa.Changes) {
	n := len(c.Applications)
	if n == 0 {
		return
	}
	from, to := c.Applications[0].Revision-1, c.Applications[n-1].Revision
	if own := s.ownRevision.Load(); own != nil && own.to == from {
		from = own.from
	}
	s.ownRevision.Store(&span{from, to})
}
