package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// ErrNotSender says that another process is, or has become, the one that sends.
var ErrNotSender = errors.New("another process is the sender")

// A Sender is the right to send, which one process at a time holds for a
// database: an operating system's file lock beside the file, and an epoch in
// the database that every claim and every result must carry. The lock goes
// with the process, however it ends.
type Sender struct {
	s     *Store
	lock  *os.File
	epoch int64

	// passed is how far into each lane the claims have looked without success;
	// the writer's alone.
	passed map[visa.Lane]place
}

// BecomeSender takes the right to send, or returns ErrNotSender at once. What
// the sender before left unanswered is recorded as ambiguous and waits again:
// orphans is how many there were.
func (s *Store) BecomeSender(ctx context.Context) (sender *Sender, orphans int, err error) {
	lock, err := os.OpenFile(s.path+".sender", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("store: open the sender's lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, 0, ErrNotSender
		}
		return nil, 0, fmt.Errorf("store: take the sender's lock: %w", err)
	}
	_ = lock.Truncate(0)
	_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	d := &Sender{s: s, lock: lock, passed: make(map[visa.Lane]place)}
	err = s.write(ctx, "become the sender", func(ctx context.Context, t *tx) error {
		epoch, err := t.settingInt(ctx, "sender_epoch")
		if err != nil {
			return err
		}
		d.epoch = epoch + 1
		if err := t.setSetting(ctx, "sender_epoch", d.epoch); err != nil {
			return err
		}
		orphans, err = t.recover(ctx)
		return err
	})
	if err != nil {
		_ = lock.Close()
		return nil, 0, err
	}
	failpoint.Here("recover.committed")
	return d, orphans, nil
}

// Close gives the right to send back.
func (d *Sender) Close() error { return d.lock.Close() }

// recover records what was being sent as ambiguous, and lets it wait again.
func (t *tx) recover(ctx context.Context) (int, error) {
	failpoint.Here("recover.begin")
	if _, err := t.exec(ctx, `UPDATE attempts SET ended_at = $1, result = 'ambiguous', reason = 'sender_gone'
		WHERE ended_at = 0`, micros(t.now)); err != nil {
		return 0, err
	}
	failpoint.Here("recover.ambiguous")
	var orphans []visa.Notification
	err := t.query(ctx, func(scan func(...any) error) error {
		n, err := scanWaiting(scan)
		orphans = append(orphans, n)
		return err
	}, `SELECT id, chat, reference, kind, note FROM notifications WHERE state = 'sending' ORDER BY id`)
	if err != nil {
		return 0, err
	}
	for _, n := range orphans {
		if err := t.again(ctx, n, t.now, 0, 1); err != nil {
			return 0, err
		}
	}
	failpoint.Here("recover.written")
	return len(orphans), nil
}

// fenced returns ErrNotSender if another process has become the sender since.
func (d *Sender) fenced(ctx context.Context, t *tx) error {
	epoch, err := t.settingInt(ctx, "sender_epoch")
	if err == nil && epoch != d.epoch {
		err = ErrNotSender
	}
	return err
}

// PausedUntil returns until when nothing may be sent at all, by Telegram's
// word; zero if there is no such time.
func (d *Sender) PausedUntil(ctx context.Context) (time.Time, error) {
	return d.s.settingTime(ctx, "pause_until")
}

// LastAttempt returns when the last attempt was begun or ended, whoever made
// it; zero if there was none.
func (d *Sender) LastAttempt(ctx context.Context) (time.Time, error) {
	var n *int64
	err := d.s.reader.QueryRowContext(ctx, `SELECT max(max(started_at, ended_at)) FROM
		(SELECT started_at, ended_at FROM attempts ORDER BY id DESC LIMIT 200)`).Scan(&n)
	if err != nil || n == nil {
		return time.Time{}, err
	}
	return fromMicros(*n), nil
}

// NextDue returns when the next waiting notification may be sent, zero if none
// waits. It may be blocked by another of its chat and reference all the same.
func (d *Sender) NextDue(ctx context.Context) (time.Time, error) {
	var next time.Time
	for _, lane := range visa.Lanes {
		var n *int64
		if err := d.s.reader.QueryRowContext(ctx, `SELECT min(not_before) FROM notifications
			WHERE state = 'pending' AND lane = $1`, int(lane)).Scan(&n); err != nil {
			return next, fmt.Errorf("store: next due notification: %w", unavailable(err))
		}
		if n != nil && (next.IsZero() || fromMicros(*n).Before(next)) {
			next = fromMicros(*n)
		}
	}
	return next, nil
}

// FallDue is Store.FallDue.
func (d *Sender) FallDue(ctx context.Context, now time.Time) (int, time.Time, error) {
	return d.s.FallDue(ctx, now)
}
