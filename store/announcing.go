package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// How far ahead of the sending announcements are written: at most maxAhead
// messages wait, and more are written once fewer than refillBelow do. Those
// that are put off (their chat is muted, or failed to take it) do not count.
const (
	maxAhead    = 1000
	refillBelow = 500
)

// How many ids of chats are looked through at a time for an audience, and for
// how long in one call: an audience may be few among very many.
const (
	scanChats = 1000
	scanTime  = 25 * time.Millisecond
)

// An opened announcement is one that has not ended, as its sender sees it.
type opened struct {
	id           int64
	state        visa.AnnouncementState
	audience     visa.Audience
	createdAt    int64
	cursor, last int64
}

// Announce brings announcements on: it writes the next messages of those that
// run, as far as few enough wait, and ends those that are through. open tells
// that one runs, so that this is to be called again in a while; more that it is
// worth calling again at once. Progress is kept with the messages: whoever
// sends next goes on where this stopped. It returns ErrNotSender if another
// process sends.
func (d *Sender) Announce(ctx context.Context) (open, more bool, err error) {
	all, err := d.s.opened(ctx)
	if err != nil || len(all) == 0 {
		return false, false, err
	}
	var running []opened
	for _, a := range all {
		if err := d.lineUp(ctx, a); err != nil {
			return false, false, err
		}
		if a.state == visa.AnnouncementRunning {
			running = append(running, a)
		}
	}
	if len(running) == 0 {
		return false, false, nil
	}
	var ahead int
	if err := d.s.reader.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM notifications
		WHERE state = 'pending' AND lane = 4 AND not_before <= $1 LIMIT $2) w`,
		micros(d.s.o.Now().Add(time.Minute)), maxAhead).Scan(&ahead); err != nil {
		return false, false, fmt.Errorf("store: look at announcements: %w", unavailable(err))
	}
	written, unfinished := 0, false
	for _, a := range running {
		switch {
		case a.cursor >= a.last:
			if err := d.end(ctx, a); err != nil {
				return true, false, err
			}
		case ahead < refillBelow:
			n, through, err := d.materialise(ctx, a, max(1, min(announcementChunks, (maxAhead-ahead)/len(running))))
			if err != nil {
				return true, false, err
			}
			written += n
			unfinished = unfinished || !through
		}
	}
	return true, unfinished && ahead+written < refillBelow, nil
}

// opened returns the announcements that have not ended.
func (s *Store) opened(ctx context.Context) (all []opened, err error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT id, state, audience, created_at, cursor, last_chat FROM announcements WHERE ended_at = 0 ORDER BY id`)
	err = each(rows, err, func(scan func(...any) error) error {
		var a opened
		var state, audience string
		if err := scan(&a.id, &state, &audience, &a.createdAt, &a.cursor, &a.last); err != nil {
			return err
		}
		a.state = visa.AnnouncementState(state)
		err := json.Unmarshal([]byte(audience), &a.audience)
		all = append(all, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: look at announcements: %w", unavailable(err))
	}
	return all, nil
}

// lineUp finishes what whoever changed an announcement's state may have left
// undone: it may have been killed.
func (d *Sender) lineUp(ctx context.Context, a opened) error {
	astray := a.state == visa.AnnouncementCancelled
	if !astray {
		which := ` AND not_before < $2`
		if a.state == visa.AnnouncementRunning {
			which = ` AND not_before = $2`
		}
		if err := d.s.reader.QueryRowContext(ctx, `SELECT count(*) > 0 FROM (SELECT 1 FROM notifications WHERE `+pendingOf+which+` LIMIT 1) w`,
			announcementPrefix(a.id), micros(whilePaused)).Scan(&astray); err != nil {
			return fmt.Errorf("store: look at announcements: %w", unavailable(err))
		}
	}
	for astray {
		var err error
		if astray, err = d.s.settle(ctx, a.id); err != nil {
			return err
		}
	}
	return nil
}

// materialise writes the messages of the next want chats of an announcement, or
// of fewer where it has not come upon more within its time, and returns how
// many, and whether these were the last.
func (d *Sender) materialise(ctx context.Context, a opened, want int) (written int, through bool, err error) {
	upTo, err := d.s.nextChats(ctx, a, want)
	if err != nil {
		return 0, false, err
	}
	note, err := json.Marshal(visa.Note{Announcement: a.id})
	if err != nil {
		return 0, false, err
	}
	err = d.s.write(ctx, "write an announcement's messages", func(ctx context.Context, t *tx) error {
		if err := d.fenced(ctx, t); err != nil {
			return err
		}
		failpoint.Here("announce.begin")
		n, err := t.exec(ctx, `UPDATE announcements SET cursor = $1 WHERE id = $2 AND cursor = $3 AND state = 'running'`, upTo, a.id, a.cursor)
		if err != nil || n == 0 {
			return err
		}
		failpoint.Here("announce.moved")
		n, err = t.exec(ctx, `INSERT INTO notifications (dedupe, chat, subscription, reference, lane, kind, note,
				state, not_before, use_until, created_at, ended_at, attempts, ambiguous, plain, epoch, message_id, why)
			SELECT $5 || CAST(c.id AS TEXT), c.id, 0, '', 4, $6, $7, 'pending', $8, 0, $8, 0, 0, 0, 0, 0, 0, ''
			FROM chats c WHERE `+audienceClause+` AND c.id > $9 AND c.id <= $10 AND c.created_at <= $11 ORDER BY c.id
			ON CONFLICT (dedupe) DO NOTHING`,
			audienceArgs(a.audience, announcementPrefix(a.id), string(visa.KindAnnouncement), string(note), micros(t.now), a.cursor, upTo, a.createdAt)...)
		if err != nil || n == 0 {
			return err
		}
		failpoint.Here("announce.written")
		written, t.work = int(n), true
		_, err = t.exec(ctx, `UPDATE announcements SET written = written + $1 WHERE id = $2`, n, a.id)
		return err
	})
	failpoint.Here("announce.committed")
	return written, upTo >= a.last, err
}

// nextChats returns up to which chat the next want of an announcement's
// audience go, or how far it has looked within its time.
func (s *Store) nextChats(ctx context.Context, a opened, want int) (upTo int64, err error) {
	begun := time.Now()
	for upTo = a.cursor; upTo < a.last && want > 0 && (upTo == a.cursor || time.Since(begun) < scanTime); {
		from, found, last := upTo, 0, int64(0)
		upTo = min(a.last, from+scanChats)
		rows, err := s.reader.QueryContext(ctx, `SELECT c.id FROM chats c WHERE `+audienceClause+` AND c.id > $5 AND c.id <= $6
			AND c.created_at <= $7 ORDER BY c.id LIMIT $8`, audienceArgs(a.audience, from, upTo, a.createdAt, want)...)
		err = each(rows, err, func(scan func(...any) error) error {
			found++
			return scan(&last)
		})
		if err != nil {
			return 0, fmt.Errorf("store: find an announcement's chats: %w", unavailable(err))
		}
		if want -= found; want == 0 {
			upTo = last
		}
	}
	return upTo, nil
}

// end notes that an announcement is through, if none of its messages waits.
func (d *Sender) end(ctx context.Context, a opened) error {
	var waiting int
	if err := d.s.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM (SELECT 1 FROM notifications WHERE `+pendingOf+` LIMIT 1) w)
		+ (SELECT count(*) FROM notifications WHERE state = 'sending' AND `+ofAnnouncement+`)`, announcementPrefix(a.id)).Scan(&waiting); err != nil {
		return fmt.Errorf("store: look at announcements: %w", unavailable(err))
	}
	if waiting > 0 {
		return nil
	}
	return d.s.write(ctx, "end an announcement", func(ctx context.Context, t *tx) error {
		if err := d.fenced(ctx, t); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE announcements SET state = 'done', ended_at = $1 WHERE id = $2 AND state = 'running' AND cursor >= last_chat`, micros(t.now), a.id)
		return err
	})
}
