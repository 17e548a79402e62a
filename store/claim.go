package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// A candidate is a due notification on its way to being claimed.
type candidate struct {
	visa.Delivery
	sealed, keyID     string
	active, forgotten bool
	left              bool  // the chat wants no more reminders of it
	damaged           error // what stands in the row cannot be read
}

// Claim takes n due notifications at most, one per chat, in the order of
// turns, writes an attempt as started for each, and returns them with all that
// is needed to render them. Within (chat, reference) nothing is taken while an
// earlier one of the same or a higher lane waits or is being sent (though
// announcements do not wait for each other: one may be paused), and of a chat
// nothing while a higher lane has something due.
//
// ready tells when a chat (by the store's id) may be sent to next; a due
// notification of a chat that is not ready is put off until then, and further
// ones of that chat by gap each. What is due for a muted chat waits for the end
// of the mute, if it is of use until then. What is of no more use, or no longer
// true, is ended instead of claimed, and what a chat is to be told of one batch
// may become a digest, which is claimed next time. It returns ErrNotSender if
// another process sends.
//
// Where very many are due and blocked it looks at some of them only, and goes
// on from there the next time, or at once if nothing was found: no transaction
// takes long for their sake.
func (d *Sender) Claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(chat int64) time.Time) ([]visa.Delivery, error) {
	for {
		out, more, err := d.claim(ctx, n, turns, gap, ready)
		if err != nil || len(out) > 0 || !more {
			return out, err
		}
	}
}

// claim is one transaction of Claim. more reports that nothing was found among
// those it looked at, and that there are others.
func (d *Sender) claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(chat int64) time.Time) (out []visa.Delivery, more bool, err error) {
	err = d.s.write(ctx, "claim", func(ctx context.Context, t *tx) error {
		out, more = nil, false
		if err := d.fenced(ctx, t); err != nil {
			return err
		}
		failpoint.Here("claim.begin")
		c := claiming{d: d, t: t, gap: gap, ready: ready, free: make(map[int64]time.Time), handled: make(map[int64]bool), empty: make(map[visa.Lane]bool), from: make(map[visa.Lane]place), single: make(map[group]bool)}
		for _, turn := range turns {
			if want := min(turn.N, n-len(c.taken)); want > 0 && !c.empty[turn.Lane] {
				if err := c.lane(ctx, turn.Lane, want); err != nil {
					return err
				}
			}
		}
		failpoint.Here("claim.taken")
		if err := c.complete(ctx); err != nil {
			return err
		}
		more = c.more
		return c.start(ctx, &out)
	})
	failpoint.Here("claim.committed")
	return out, more, err
}

type claiming struct {
	d       *Sender
	t       *tx
	gap     time.Duration
	ready   func(int64) time.Time
	free    map[int64]time.Time // when each chat is next free, as far as asked
	handled map[int64]bool      // notifications taken by an earlier turn
	empty   map[visa.Lane]bool  // lanes that have no more
	from    map[visa.Lane]place // where the lanes are looked at from
	more    bool                // some were not looked at
	taken   []*candidate
	wide    int // of the taken, how many need many applications read

	single   map[group]bool // go out one by one
	gathered int            // news looked at for digests
}

// spare is how many candidates are read beyond those wanted, for chats that
// turn out not to be ready.
const spare = 64

// looked is how many due notifications of a lane one transaction looks at.
// Most of the time the first few can be claimed; but where many wait for
// earlier ones of their chats, looking through them all would hold the writer
// for as long as that takes. The next claim goes on behind them.
const looked = 2000

// A place is one among a lane's due notifications, in their order.
type place struct{ notBefore, id int64 }

func (c *claiming) lane(ctx context.Context, lane visa.Lane, want int) error {
	var all []*candidate
	limit := 2*want + spare
	from, again := c.from[lane]
	if !again {
		from = c.d.passed[lane]
		c.from[lane] = from
	}
	// A limit that is a bare parameter would have SQLite prepare the statement
	// anew each time, to plan for its value: a fifth of what a claim costs.
	err := c.t.query(ctx, func(scan func(...any) error) error {
		n, err := scanCandidate(scan)
		all = append(all, n)
		return err
	}, `SELECT n.id, n.chat, n.subscription, n.reference, n.lane, n.kind, n.note, n.not_before, n.use_until, n.attempts,
			n.plain, n.created_at, n.batch, c.sealed, c.key_id, c.language, c.active, c.forgotten,
			c.silent_nights, c.discreet, c.muted_until, c.heartbeat_at
		FROM (SELECT id, chat, reference, lane, not_before FROM notifications
			WHERE state = 'pending' AND lane = $1 AND not_before <= $2 AND (not_before, id) > ($4, $5)
			ORDER BY not_before, id LIMIT `+strconv.Itoa(looked)+`) d
		JOIN notifications n ON n.id = d.id JOIN chats c ON c.id = n.chat
		WHERE NOT EXISTS (SELECT 1 FROM notifications b WHERE b.reference = d.reference AND b.chat = d.chat
				AND b.ended_at = 0 AND b.id < d.id AND b.lane <= d.lane AND b.lane <> 4)
			AND NOT EXISTS (SELECT 1 FROM notifications h WHERE h.chat = d.chat AND h.ended_at = 0 AND h.lane < d.lane
				AND h.state = 'pending' AND h.not_before <= $2
				AND NOT EXISTS (SELECT 1 FROM notifications e WHERE e.reference = h.reference AND e.chat = h.chat
					AND e.ended_at = 0 AND e.id < h.id AND e.lane <= h.lane))
		ORDER BY d.not_before, d.id LIMIT $3 + 0`, int(lane), micros(c.t.now), limit, from.notBefore, from.id)
	if err != nil {
		return err
	}
	c.empty[lane] = len(all) < limit && len(all) <= want
	delete(c.d.passed, lane)
	if len(all) <= want {
		// All that could be taken here is: the next look begins behind it.
		var last place
		more, err := c.t.one(ctx, []any{&last.notBefore, &last.id}, `SELECT not_before, id FROM notifications
			WHERE state = 'pending' AND lane = $1 AND not_before <= $2 AND (not_before, id) > ($3, $4)
			ORDER BY not_before, id LIMIT 1 OFFSET `+strconv.Itoa(looked-1), int(lane), micros(c.t.now), from.notBefore, from.id)
		if err != nil {
			return err
		}
		if more {
			c.more = true
			c.d.passed[lane] = last
		}
	}
	for _, n := range all {
		if c.handled[n.ID] {
			continue
		}
		if !n.UseUntil.IsZero() && !c.t.now.Before(n.UseUntil) {
			c.handled[n.ID] = true
			if err := c.t.end(ctx, []any{n.ID}, visa.Expired, "use has passed"); err != nil {
				return err
			}
			if err := c.t.forget(ctx, []any{n.ID}); err != nil {
				return err
			}
			continue
		}
		if goes, err := c.gather(ctx, n); err != nil {
			return err
		} else if !goes {
			continue
		}
		if at := n.waits(c.d.s.o.Schedule, c.t.now); at.After(c.t.now) {
			if _, err := c.t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE id = $2`, micros(at), n.ID); err != nil {
				return err
			}
			continue
		}
		at, asked := c.free[n.Chat]
		if !asked {
			at = c.ready(n.Chat)
		}
		if at.After(c.t.now) {
			if _, err := c.t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE id = $2`, micros(at), n.ID); err != nil {
				return err
			}
			c.free[n.Chat] = at.Add(c.gap)
			continue
		}
		if n.wide() && c.wide == maxWide {
			continue
		}
		if want > 0 {
			want--
			if n.wide() {
				c.wide++
			}
			c.handled[n.ID] = true
			c.free[n.Chat] = c.t.now.Add(c.gap)
			c.taken = append(c.taken, n)
		}
	}
	return nil
}

func scanCandidate(scan func(...any) error) (*candidate, error) {
	var n candidate
	var lane int
	var notBefore, useUntil, created, muted, heartbeat int64
	var reference, kind, note string
	err := scan(&n.ID, &n.Chat, &n.Subscription, &reference, &lane, &kind, &note, &notBefore, &useUntil, &n.Attempts,
		&n.Plain, &created, &n.Batch, &n.sealed, &n.keyID, &n.Language, &n.active, &n.forgotten,
		&n.Settings.SilentNights, &n.Settings.Discreet, &muted, &heartbeat)
	if err != nil {
		return nil, err
	}
	n.Lane, n.Kind, n.State = visa.Lane(lane), visa.Kind(kind), visa.Sending
	n.NotBefore, n.UseUntil, n.CreatedAt = fromMicros(notBefore), fromMicros(useUntil), fromMicros(created)
	n.Settings.MutedUntil, n.Settings.Heartbeat = fromMicros(muted), heartbeat > 0
	n.damaged = n.read(reference, note)
	return &n, nil
}

// read fills in what stands encoded.
func (n *candidate) read(reference, note string) (err error) {
	if reference != "" {
		if n.Reference, err = visa.ParseReference(reference); err != nil {
			return fmt.Errorf("the reference of notification %d: %w", n.ID, err)
		}
	}
	if err = json.Unmarshal([]byte(note), &n.Note); err != nil {
		return fmt.Errorf("the note of notification %d: %w", n.ID, err)
	}
	return nil
}

// waits returns until when a notification waits though it is due, a time that
// is past where it does not: for the end of its chat's mute, and, in the
// reminder's lane, for that of the quiet hours it has waited into. It never
// waits for longer than it is of use.
func (n *candidate) waits(schedule visa.Schedule, now time.Time) time.Time {
	at := now
	if until := n.Settings.MutedUntil; n.Lane != visa.LaneConversation && until.After(now) {
		at = until
		if !n.UseUntil.IsZero() {
			if last := n.last(schedule); last.Before(until) {
				at = later(last, now)
			}
		}
	}
	if n.Lane == visa.LaneReminder {
		at = schedule.Awake(at, n.UseUntil)
	}
	return at
}

// last is until when a mute keeps back a notification that is of use for a
// time: so long before the end that failures can pass, and not equally long for
// all that is of use until midnight. It is one to two hours, or half of the
// time that it is of use where that is less. Use that ends in quiet hours ends
// before them.
func (n *candidate) last(schedule visa.Schedule) time.Time {
	end := n.UseUntil
	if n.Lane == visa.LaneReminder {
		if awake := schedule.Awake(end.Add(-time.Minute), end); awake.After(n.CreatedAt) {
			end = awake
		}
	}
	spread := uint64(n.ID) * 0x9E3779B97F4A7C15 >> 32 // even over 32 bits
	return end.Add(-min(time.Hour+time.Duration(spread*3600>>32)*time.Second, end.Sub(n.CreatedAt)/2))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// maxWide bounds how many of one claim may need the applications of all that a
// chat follows, so that it stays short.
const maxWide = 8

// wide reports whether many applications are read to render it.
func (n *candidate) wide() bool {
	switch n.Kind {
	case visa.KindDigest, visa.KindReturn, visa.KindHeartbeat:
		return true
	}
	return false
}

// about is the reference a message is about, if any.
func (n *candidate) about() visa.Reference {
	if n.Reference.IsZero() {
		return n.Note.Reference
	}
	return n.Reference
}

// start writes the attempts, and moves the notifications to sending.
func (c *claiming) start(ctx context.Context, out *[]visa.Delivery) error {
	attempt := make(map[int64]int64, len(c.taken))
	err := inChunks(c.taken, insertRows, func(part []*candidate) error {
		ids := []any{c.d.epoch}
		var rows []any
		for _, n := range part {
			ids = append(ids, n.ID)
			rows = append(rows, n.ID, c.d.epoch, micros(c.t.now), 0, "", 0, "")
		}
		if _, err := c.t.exec(ctx, `UPDATE notifications SET state = 'sending', epoch = $1 WHERE id IN `+marks(2, len(part)), ids...); err != nil {
			return err
		}
		failpoint.Here("claim.sending")
		return c.t.query(ctx, func(scan func(...any) error) error {
			var id, notification int64
			err := scan(&id, &notification)
			attempt[notification] = id
			return err
		}, `INSERT INTO attempts (notification, epoch, started_at, ended_at, result, code, reason) VALUES `+
			rowMarks(len(part), 7)+` RETURNING id, notification`, rows...)
	})
	if err != nil {
		return err
	}
	failpoint.Here("claim.written")
	for _, n := range c.taken {
		n.Attempt = attempt[n.ID]
		*out = append(*out, n.Delivery)
	}
	return nil
}
