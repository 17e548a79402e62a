package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"kabarchy/visa"
)

// Bounds of a page, beside the number of entries asked for. With them a page
// takes a time, and an amount of memory, that do not grow with the database.
const (
	pageRows     = 50_000 // notifications that a page looks at, whether or not they pass its filter
	pageAttempts = 10_000 // attempts on a page; more only where one notification alone has more
)

// Page returns notifications that a filter lets pass, at most limit of them,
// with all their attempts: oldest first those with an id above from, or newest
// first those with an id below it (from 0: all).
//
// The next page begins at next; 0 says that there is none. Until then a page
// may hold fewer than limit, or none: of many notifications each page looks at
// a part. A page is read as of one instant; between pages things go on. What is
// made then has a higher id than all before it, and what changes its state
// keeps its own, so that nothing comes twice.
func (a *Audit) Page(ctx context.Context, f visa.AuditFilter, from int64, newest bool, limit int) (entries []visa.AuditEntry, next int64, err error) {
	err = a.snapshot(ctx, func(tx *sql.Tx) error {
		lowest, highest, err := stretch(ctx, tx, from, newest)
		if err != nil || lowest == 0 {
			return err
		}
		end := highest
		if newest {
			end = lowest
		}
		text, args := pageText(f, lowest, highest, newest, limit)
		if entries, err = a.entries(ctx, tx, text, args...); err != nil {
			return err
		}
		whole := len(entries)
		if entries, err = fewAttempts(ctx, tx, entries); err != nil {
			return err
		}
		if len(entries) < whole || whole == limit {
			end = entries[len(entries)-1].ID
		}
		if err := attempts(ctx, tx, entries); err != nil {
			return err
		}
		if more, _, err := stretch(ctx, tx, end, newest); err != nil {
			return err
		} else if more > 0 {
			next = end
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("store: audit notifications: %w", err)
	}
	return entries, next, nil
}

// stretch returns the ids between which a page looks, both included; zeros where
// there is nothing beyond from. Its first id is that of a notification, so that
// no page looks into a gap alone.
func stretch(ctx context.Context, tx *sql.Tx, from int64, newest bool) (lowest, highest int64, err error) {
	text, args := `SELECT coalesce(min(id), 0) FROM notifications WHERE id > $1`, []any{from}
	if newest {
		text = `SELECT coalesce(max(id), 0) FROM notifications`
		if from == 0 {
			args = nil
		} else {
			text += ` WHERE id < $1`
		}
	}
	var first int64
	if err := tx.QueryRowContext(ctx, text, args...).Scan(&first); err != nil || first == 0 {
		return 0, 0, err
	}
	if newest {
		return max(first-pageRows+1, 1), first, nil
	}
	return first, first + pageRows - 1, nil
}

func pageText(f visa.AuditFilter, lowest, highest int64, newest bool, limit int) (string, []any) {
	text, args := entryText+` AND n.id BETWEEN $1 AND $2`, []any{lowest, highest}
	where := func(condition string, arg any) {
		args = append(args, arg)
		text += " AND " + condition + strconv.Itoa(len(args))
	}
	if f.State != "" {
		where(`n.state = $`, string(f.State))
	}
	if f.Lane != 0 {
		where(`n.lane = $`, int(f.Lane))
	}
	if f.Reason != "" {
		where(`n.why = $`, f.Reason)
	}
	if !f.Since.IsZero() {
		where(`n.created_at >= $`, micros(f.Since))
	}
	if !f.Until.IsZero() {
		where(`n.created_at < $`, micros(f.Until))
	}
	if !f.Reference.IsZero() {
		where(`n.reference = $`, f.Reference.String())
	}
	if f.Ambiguous {
		text += ` AND (n.ambiguous > 0 OR EXISTS (SELECT 1 FROM attempts a WHERE a.notification = n.id AND (a.result = 'ambiguous' OR a.ended_at = 0)))`
	}
	text += ` ORDER BY n.id`
	if newest {
		text += ` DESC`
	}
	args = append(args, limit)
	return text + ` LIMIT $` + strconv.Itoa(len(args)), args
}

// fewAttempts returns the first of entries that have no more than pageAttempts
// together, and the very first in any case.
func fewAttempts(ctx context.Context, tx *sql.Tx, entries []visa.AuditEntry) ([]visa.AuditEntry, error) {
	counts := make(map[int64]int, len(entries))
	err := inChunks(entries, selectRows, func(part []visa.AuditEntry) error {
		rows, err := tx.QueryContext(ctx, `SELECT notification, count(*) FROM attempts WHERE notification IN `+marks(1, len(part))+
			` GROUP BY notification`, entryIDs(part)...)
		return each(rows, err, func(scan func(...any) error) error {
			var id int64
			var n int
			err := scan(&id, &n)
			counts[id] = n
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	n := 0
	for i, e := range entries {
		if n += counts[e.ID]; n > pageAttempts && i > 0 {
			return entries[:i], nil
		}
	}
	return entries, nil
}
