package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kabarchy/visa"
)

// ErrNotDead says that what is to be replayed is not, or no longer, a dead
// letter.
var ErrNotDead = errors.New("not a dead letter")

// replayRows is how many dead letters wait again in one transaction.
const replayRows = 128

// DeadLetters returns the ids of dead notifications above an id, lowest first,
// at most limit.
func (a *Audit) DeadLetters(ctx context.Context, after int64, limit int) (ids []int64, err error) {
	rows, err := a.db.QueryContext(ctx, `SELECT id FROM notifications WHERE state = 'dead' AND id > $1 ORDER BY id LIMIT $2`, after, limit)
	err = each(rows, err, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: find dead letters: %w", unavailable(err))
	}
	return ids, nil
}

// Replayable says of each of ids, in their order, what Replay would do with it
// now.
func (a *Audit) Replayable(ctx context.Context, ids []int64) ([]visa.Replay, error) {
	all, err := replayable(a.now(), ids, func(row func(func(...any) error) error, text string, args ...any) error {
		rows, err := a.db.QueryContext(ctx, text, args...)
		return each(rows, err, row)
	})
	if err != nil {
		return nil, fmt.Errorf("store: look at dead letters: %w", unavailable(err))
	}
	return all, nil
}

// Replay lets dead letters wait to be sent again, at once and with no failure
// counted, under the dedupe keys they had. Their old attempts stay, and where
// they were replayed stands between those and the new ones. It returns what
// became of each of ids, in their order: one with an obstacle is left alone.
//
// It works in transactions of replayRows. ErrNotDead means that one of ids is
// unknown or not dead: nothing of its transaction was changed, and of the ones
// after it neither; the result then ends before it.
func (s *Store) Replay(ctx context.Context, ids []int64) ([]visa.Replay, error) {
	var done []visa.Replay
	for len(ids) > 0 {
		part := ids[:min(replayRows, len(ids))]
		ids = ids[len(part):]
		var all []visa.Replay
		err := s.write(ctx, "replay dead letters", func(ctx context.Context, t *tx) (err error) {
			all, err = t.replay(ctx, part)
			return err
		})
		if err != nil {
			return done, err
		}
		for _, r := range all {
			if r.Obstacle == visa.ObstacleUnknown || r.Obstacle == visa.ObstacleNotDead {
				return done, fmt.Errorf("store: replay notification %d: %w", r.ID, ErrNotDead)
			}
		}
		done = append(done, all...)
	}
	return done, nil
}

func (t *tx) replay(ctx context.Context, ids []int64) ([]visa.Replay, error) {
	all, err := replayable(t.now, ids, func(row func(func(...any) error) error, text string, args ...any) error {
		return t.query(ctx, row, text, args...)
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Obstacle == visa.ObstacleUnknown || r.Obstacle == visa.ObstacleNotDead {
			return all, nil
		}
	}
	for _, r := range all {
		if r.Obstacle != visa.NoObstacle {
			continue
		}
		n, err := t.exec(ctx, `UPDATE notifications SET state = 'pending', ended_at = 0, why = '', not_before = $1, attempts = 0, plain = 0
			WHERE id = $2 AND state = 'dead'`, micros(t.now), r.ID)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue // named twice
		}
		if _, err := t.exec(ctx, `INSERT INTO attempts (notification, epoch, started_at, ended_at, result, code, reason)
			VALUES ($1, 0, $2, $2, $3, 0, 'operator')`, r.ID, micros(t.now), visa.AttemptReplayed); err != nil {
			return nil, err
		}
		t.work = true
	}
	return all, nil
}

// replayText reads what decides about a replay. News are overtaken by newer
// ones of the same application to the same chat that went out or still may:
// they all show where the application stands when they are sent, so the older
// one would only say it again, and out of order.
const replayText = `SELECT n.id, n.state, n.lane, n.kind, n.reference, c.active, c.forgotten, n.use_until, n.note <> '',
		n.subscription > 0 AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.chat = n.chat AND s.reference = n.reference),
		n.kind = 'news' AND EXISTS (SELECT 1 FROM notifications b WHERE b.chat = n.chat AND b.reference = n.reference
			AND b.kind = 'news' AND b.id > n.id
			AND (b.state IN ('pending', 'sending', 'accepted') OR (b.state = 'superseded' AND b.why = 'digest')
				OR (b.state = 'dead' AND b.note <> '')))
	FROM notifications n JOIN chats c ON c.id = n.chat WHERE n.id IN `

// replayable says what a replay of each of ids does at an instant.
func replayable(now time.Time, ids []int64, query func(row func(func(...any) error) error, text string, args ...any) error) ([]visa.Replay, error) {
	found := make(map[int64]visa.Replay, len(ids))
	err := inChunks(ids, selectRows, func(part []int64) error {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		return query(func(scan func(...any) error) error {
			r, err := scanReplay(now, scan)
			found[r.ID] = r
			return err
		}, replayText+marks(1, len(part)), args...)
	})
	if err != nil {
		return nil, err
	}
	all := make([]visa.Replay, len(ids))
	for i, id := range ids {
		var known bool
		if all[i], known = found[id]; !known {
			all[i] = visa.Replay{ID: id, Obstacle: visa.ObstacleUnknown}
		}
	}
	return all, nil
}

func scanReplay(now time.Time, scan func(...any) error) (r visa.Replay, err error) {
	var lane int
	var useUntil int64
	var state, kind, reference string
	var active, forgotten, whole, unfollowed, overtaken bool
	if err = scan(&r.ID, &state, &lane, &kind, &reference, &active, &forgotten, &useUntil, &whole, &unfollowed, &overtaken); err != nil {
		return r, err
	}
	r.State, r.Lane, r.Kind, r.Reference = visa.NotificationState(state), visa.Lane(lane), visa.Kind(kind), masked(reference)
	switch {
	case r.State != visa.Dead:
		r.Obstacle = visa.ObstacleNotDead
	case forgotten:
		r.Obstacle = visa.ObstacleForgotten
	case !active:
		r.Obstacle = visa.ObstacleInactive
	case unfollowed:
		r.Obstacle = visa.ObstacleUnfollow
	case useUntil > 0 && useUntil <= micros(now):
		r.Obstacle = visa.ObstacleUsePassed
	case !whole:
		r.Obstacle = visa.ObstacleDamaged
	case overtaken:
		r.Obstacle = visa.ObstacleOvertaken
	}
	return r, nil
}
