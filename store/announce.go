package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// The messages of an announcement are notifications of the lane of
// announcements whose dedupe keys begin with announcementPrefix, so that each
// chat gets at most one. Those that wait or are being sent are few: they are
// found by state and lane, among which the prefix is looked for (substr keeps
// the engine from walking through all that were ever sent).
func announcementPrefix(id int64) string { return fmt.Sprintf("a:%d:", id) }

const (
	ofAnnouncement     = `substr(dedupe, 1, length($1)) = $1`
	pendingOf          = `state = 'pending' AND lane = 4 AND ` + ofAnnouncement
	announcementChunks = 500 // rows of one transaction
)

// put off until: what waits of a paused announcement. It is no time that comes.
var whilePaused = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// audienceClause is true of the chats c that an audience is made of: never of
// a group. Its parameters are the four of audienceArgs, from $1.
const audienceClause = `c.active = 1 AND c.forgotten = 0 AND c.private = 1 AND ($1 = 0 OR EXISTS (
	SELECT 1 FROM subscriptions s JOIN applications p ON p.reference = s.reference WHERE s.chat = c.id
		AND ($2 = '' OR p.campaign = $2) AND ($3 = '' OR p.procedure = $3) AND ($4 = '' OR p.stage = $4)))`

func audienceArgs(a visa.Audience, more ...any) []any {
	some := 1
	if a.IsZero() {
		some = 0
	}
	return append([]any{some, a.Campaign, string(a.Procedure), string(a.Stage)}, more...)
}

// CountAudience returns how many chats an audience is made of at present, by
// their language as it is kept: a choice, or Telegram's guess, or "".
func (s *Store) CountAudience(ctx context.Context, a visa.Audience) (map[string]int64, error) {
	counts := make(map[string]int64)
	rows, err := s.reader.QueryContext(ctx, `SELECT c.language, count(*) FROM chats c WHERE `+audienceClause+` GROUP BY c.language`, audienceArgs(a)...)
	err = each(rows, err, func(scan func(...any) error) error {
		var lang string
		var n int64
		err := scan(&lang, &n)
		counts[lang] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: count an audience: %w", unavailable(err))
	}
	return counts, nil
}

// MakeAnnouncement makes a valid announcement, which a sender begins to write
// at once. Whoever says the same Request again gets the announcement that is
// there, and fresh is false; it is visa.ErrRequestUsed if that has other
// content. No Request is one of its own.
func (s *Store) MakeAnnouncement(ctx context.Context, a visa.Announcement) (made visa.Announcement, fresh bool, err error) {
	counts, err := s.CountAudience(ctx, a.Audience)
	if err != nil {
		return made, false, err
	}
	for _, n := range counts {
		a.Total += n
	}
	if a.Request == "" {
		a.Request = rand.Text()
	}
	texts, err := json.Marshal(a.Texts)
	if err != nil {
		return made, false, fmt.Errorf("store: announce: %w", err)
	}
	audience, err := json.Marshal(a.Audience)
	if err != nil {
		return made, false, fmt.Errorf("store: announce: %w", err)
	}
	var id int64
	err = s.write(ctx, "announce", func(ctx context.Context, t *tx) error {
		var keptTexts, keptAudience string
		known, err := t.one(ctx, []any{&id, &keptTexts, &keptAudience}, `SELECT id, texts, audience FROM announcements WHERE request = $1`, a.Request)
		if err != nil {
			return err
		}
		if fresh = !known; known {
			if keptTexts != string(texts) || keptAudience != string(audience) {
				return visa.ErrRequestUsed
			}
			return nil
		}
		var last int64
		if _, err := t.one(ctx, []any{&last}, `SELECT coalesce(max(id), 0) FROM chats`); err != nil {
			return err
		}
		t.work = true
		_, err = t.one(ctx, []any{&id}, `INSERT INTO announcements (request, texts, audience, created_by, created_at, state, last_chat, cursor, total, written, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, 0) RETURNING id`,
			a.Request, string(texts), string(audience), a.CreatedBy, micros(t.now), string(visa.AnnouncementRunning), last, a.Total)
		return err
	})
	if err != nil {
		return made, false, err
	}
	failpoint.Here("announce.made")
	made, err = s.Announcement(ctx, id)
	return made, fresh, err
}

const announcementColumns = `id, request, texts, audience, created_by, created_at, state, total, written, ended_at`

func scanAnnouncement(scan func(...any) error) (a visa.Announcement, err error) {
	var texts, audience, state string
	var created, ended int64
	if err := scan(&a.ID, &a.Request, &texts, &audience, &a.CreatedBy, &created, &state, &a.Total, &a.Written, &ended); err != nil {
		return a, err
	}
	a.State, a.CreatedAt, a.EndedAt = visa.AnnouncementState(state), fromMicros(created), fromMicros(ended)
	if err := errors.Join(json.Unmarshal([]byte(texts), &a.Texts), json.Unmarshal([]byte(audience), &a.Audience)); err != nil {
		return a, fmt.Errorf("announcement %d: %w", a.ID, err)
	}
	return a, nil
}

// Announcement returns an announcement, or visa.ErrNotFound.
func (s *Store) Announcement(ctx context.Context, id int64) (visa.Announcement, error) {
	all, err := s.announcements(ctx, `WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		return visa.Announcement{}, visa.ErrNotFound
	}
	if err != nil {
		return visa.Announcement{}, err
	}
	return all[0], nil
}

// Announcements returns the latest announcements, newest first.
func (s *Store) Announcements(ctx context.Context, limit int) ([]visa.Announcement, error) {
	return s.announcements(ctx, `ORDER BY id DESC LIMIT $1`, limit)
}

func (s *Store) announcements(ctx context.Context, which string, arg any) (all []visa.Announcement, err error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT `+announcementColumns+` FROM announcements `+which, arg)
	err = each(rows, err, func(scan func(...any) error) error {
		a, err := scanAnnouncement(scan)
		all = append(all, a)
		return err
	})
	for i := range all {
		if err == nil && all[i].State != visa.AnnouncementDone {
			err = s.reader.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM notifications WHERE `+pendingOf+`)
				+ (SELECT count(*) FROM notifications WHERE state = 'sending' AND `+ofAnnouncement+`)`, announcementPrefix(all[i].ID)).Scan(&all[i].Waiting)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store: read announcements: %w", unavailable(err))
	}
	return all, nil
}

// SetAnnouncement pauses, resumes (running) or cancels an announcement, and
// returns it as it stands then. What it says already is no error; one that has
// ended in another way is visa.ErrEnded, an unknown one visa.ErrNotFound. When
// it returns, no further message is begun that this forbids, apart from the
// few that a sender has claimed already.
func (s *Store) SetAnnouncement(ctx context.Context, id int64, state visa.AnnouncementState) (visa.Announcement, error) {
	err := s.write(ctx, "change an announcement", func(ctx context.Context, t *tx) error {
		var kept string
		found, err := t.one(ctx, []any{&kept}, `SELECT state FROM announcements WHERE id = $1`, id)
		switch is := visa.AnnouncementState(kept); {
		case err != nil:
			return err
		case !found:
			return visa.ErrNotFound
		case is == state:
			return nil
		case is.Ended():
			return visa.ErrEnded
		}
		t.work = true
		_, err = t.exec(ctx, `UPDATE announcements SET state = $1 WHERE id = $2`, string(state), id)
		return err
	})
	if err != nil {
		return visa.Announcement{}, err
	}
	for more := true; more; {
		if more, err = s.settle(ctx, id); err != nil {
			return visa.Announcement{}, err
		}
	}
	return s.Announcement(ctx, id)
}

// settle brings what waits of an announcement in line with its state, some rows
// at a time: more tells that there may be others. Until that is done a claim
// sees to it one by one.
func (s *Store) settle(ctx context.Context, id int64) (more bool, err error) {
	err = s.write(ctx, "settle an announcement", func(ctx context.Context, t *tx) error {
		var state string
		if _, err := t.one(ctx, []any{&state}, `SELECT state FROM announcements WHERE id = $1`, id); err != nil {
			return err
		}
		set, only, args := `not_before = $2`, ``, []any{announcementPrefix(id), micros(t.now)}
		switch visa.AnnouncementState(state) {
		case visa.AnnouncementRunning:
			only = ` AND not_before = $3`
			args = append(args, micros(whilePaused))
		case visa.AnnouncementPaused:
			only, args[1] = ` AND not_before < $2`, micros(whilePaused)
		case visa.AnnouncementCancelled:
			set = `state = 'cancelled', why = 'announcement cancelled', ended_at = $2, note = ''`
		default:
			more = false
			return nil
		}
		args = append(args, announcementChunks)
		n, err := t.exec(ctx, `UPDATE notifications SET `+set+` WHERE id IN (SELECT id FROM notifications WHERE `+pendingOf+only+
			fmt.Sprintf(` LIMIT $%d)`, len(args)), args...)
		if err != nil {
			return err
		}
		t.work = t.work || n > 0
		if more = n == announcementChunks; !more && state == string(visa.AnnouncementCancelled) {
			_, err = t.exec(ctx, `UPDATE announcements SET ended_at = $1 WHERE id = $2 AND ended_at = 0`, micros(t.now), id)
		}
		return err
	})
	return more, err
}

// announcementTexts returns the texts of announcements by language. A cancelled
// one has none: nothing more is sent of it.
func (t *tx) announcementTexts(ctx context.Context, ids []int64) (map[int64]map[string]string, error) {
	out := make(map[int64]map[string]string)
	for _, id := range ids {
		if _, done := out[id]; done {
			continue
		}
		var kept string
		found, err := t.one(ctx, []any{&kept}, `SELECT texts FROM announcements WHERE id = $1 AND state <> 'cancelled'`, id)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		var texts map[string]string
		if err := json.Unmarshal([]byte(kept), &texts); err != nil {
			return nil, fmt.Errorf("the texts of announcement %d: %w", id, err)
		}
		out[id] = texts
	}
	return out, nil
}

// heldBack reports whether a notification belongs to a paused announcement, and
// puts it off if so. It came to wait anew after the others were put off, as one
// does that failed.
func (t *tx) heldBack(ctx context.Context, n visa.Notification) (bool, error) {
	if n.Kind != visa.KindAnnouncement {
		return false, nil
	}
	var one int
	held, err := t.one(ctx, []any{&one}, `SELECT 1 FROM announcements WHERE id = $1 AND state = 'paused'`, n.Note.Announcement)
	if err == nil && held {
		_, err = t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE id = $2`, micros(whilePaused), n.ID)
	}
	return held, err
}

// moveAnnouncements makes the announcements' messages of a chat those of
// another, which takes its place: of each announcement it gets one.
func (t *tx) moveAnnouncements(ctx context.Context, from, to int64) error {
	type message struct{ id, announcement int64 }
	var all []message
	err := t.query(ctx, func(scan func(...any) error) error {
		var m message
		var note string
		if err := scan(&m.id, &note); err != nil {
			return err
		}
		var n visa.Note
		err := json.Unmarshal([]byte(note), &n)
		m.announcement = n.Announcement
		all = append(all, m)
		return err
	}, `SELECT id, note FROM notifications WHERE chat = $1 AND ended_at = 0 AND lane = 4`, from)
	if err != nil {
		return err
	}
	for _, m := range all {
		n, err := t.exec(ctx, `UPDATE notifications SET dedupe = $1 WHERE id = $2
			AND NOT EXISTS (SELECT 1 FROM notifications o WHERE o.dedupe = $1)`, fmt.Sprintf("%s%d", announcementPrefix(m.announcement), to), m.id)
		if err != nil {
			return err
		}
		if n == 0 {
			if _, err := t.exec(ctx, `UPDATE notifications SET state = 'superseded', why = 'chat merged', ended_at = $1, note = '' WHERE id = $2`,
				micros(t.now), m.id); err != nil {
				return err
			}
		}
	}
	return nil
}
