package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kabarchy/visa"
)

// A candidate is a due notification on its way to being claimed.
type candidate struct {
	visa.Delivery
	sealed, keyID     string
	active, forgotten bool
	damaged           error // what stands in the row cannot be read
}

// Claim takes n due notifications at most, one per chat, in the order of
// turns, writes an attempt as started for each, and returns them with all that
// is needed to render them. Within (chat, reference) nothing is taken while an
// earlier one of the same or a higher lane waits or is being sent, and of a
// chat nothing while a higher lane has something due.
//
// ready tells when a chat (by the store's id) may be sent to next; a due
// notification of a chat that is not ready is put off until then, and further
// ones of that chat by gap each. What is of no more use, or no longer true, is
// ended instead of claimed. It returns ErrNotSender if another process sends.
func (d *Sender) Claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(chat int64) time.Time) ([]visa.Delivery, error) {
	var out []visa.Delivery
	err := d.s.write(ctx, "claim", func(ctx context.Context, t *tx) error {
		out = nil
		if err := d.fenced(ctx, t); err != nil {
			return err
		}
		c := claiming{d: d, t: t, gap: gap, ready: ready, free: make(map[int64]time.Time), handled: make(map[int64]bool), empty: make(map[visa.Lane]bool)}
		for _, turn := range turns {
			if want := min(turn.N, n-len(c.taken)); want > 0 && !c.empty[turn.Lane] {
				if err := c.lane(ctx, turn.Lane, want); err != nil {
					return err
				}
			}
		}
		if err := c.complete(ctx); err != nil {
			return err
		}
		return c.start(ctx, &out)
	})
	return out, err
}

type claiming struct {
	d       *Sender
	t       *tx
	gap     time.Duration
	ready   func(int64) time.Time
	free    map[int64]time.Time // when each chat is next free, as far as asked
	handled map[int64]bool      // notifications taken by an earlier turn
	empty   map[visa.Lane]bool  // lanes that have no more
	taken   []*candidate
}

// spare is how many candidates are read beyond those wanted, for chats that
// turn out not to be ready.
const spare = 64

func (c *claiming) lane(ctx context.Context, lane visa.Lane, want int) error {
	var all []*candidate
	limit := 2*want + spare
	err := c.t.query(ctx, func(scan func(...any) error) error {
		n, err := scanCandidate(scan)
		all = append(all, n)
		return err
	}, `SELECT n.id, n.chat, n.subscription, n.reference, n.lane, n.kind, n.note, n.not_before, n.use_until, n.attempts,
			n.plain, n.created_at, c.sealed, c.key_id, c.language, c.active, c.forgotten
		FROM notifications n JOIN chats c ON c.id = n.chat
		WHERE n.state = 'pending' AND n.lane = $1 AND n.not_before <= $2
			AND NOT EXISTS (SELECT 1 FROM notifications b WHERE b.reference = n.reference AND b.chat = n.chat
				AND b.ended_at = 0 AND b.id < n.id AND b.lane <= n.lane)
			AND NOT EXISTS (SELECT 1 FROM notifications h WHERE h.chat = n.chat AND h.ended_at = 0 AND h.lane < n.lane
				AND h.state = 'pending' AND h.not_before <= $2
				AND NOT EXISTS (SELECT 1 FROM notifications e WHERE e.reference = h.reference AND e.chat = h.chat
					AND e.ended_at = 0 AND e.id < h.id AND e.lane <= h.lane))
		ORDER BY n.not_before, n.id LIMIT $3`, int(lane), micros(c.t.now), limit)
	if err != nil {
		return err
	}
	c.empty[lane] = len(all) < limit && len(all) <= want
	for _, n := range all {
		if c.handled[n.ID] {
			continue
		}
		if !n.UseUntil.IsZero() && !c.t.now.Before(n.UseUntil) {
			c.handled[n.ID] = true
			if err := c.t.end(ctx, []any{n.ID}, visa.Expired, "use has passed"); err != nil {
				return err
			}
			continue
		}
		if n.Kind == visa.KindReminder {
			if at := c.d.s.o.Schedule.Awake(c.t.now, n.UseUntil); at.After(c.t.now) { // it waited into the quiet hours
				if _, err := c.t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE id = $2`, micros(at), n.ID); err != nil {
					return err
				}
				continue
			}
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
		if want > 0 {
			want--
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
	var notBefore, useUntil, created int64
	var reference, kind, note string
	err := scan(&n.ID, &n.Chat, &n.Subscription, &reference, &lane, &kind, &note, &notBefore, &useUntil, &n.Attempts,
		&n.Plain, &created, &n.sealed, &n.keyID, &n.Language, &n.active, &n.forgotten)
	if err != nil {
		return nil, err
	}
	n.Lane, n.Kind, n.State = visa.Lane(lane), visa.Kind(kind), visa.Sending
	n.NotBefore, n.UseUntil, n.CreatedAt = fromMicros(notBefore), fromMicros(useUntil), fromMicros(created)
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

// about is the reference a message is about, if any.
func (n *candidate) about() visa.Reference {
	if n.Reference.IsZero() {
		return n.Note.Reference
	}
	return n.Reference
}

// complete adds what rendering needs, and ends what is no longer to be sent.
func (c *claiming) complete(ctx context.Context) error {
	if len(c.taken) == 0 {
		return nil
	}
	asOf, err := c.t.settingInt(ctx, "register_as_of")
	if err != nil {
		return err
	}
	known := make(map[visa.Reference]*visa.Application)
	var refs []visa.Reference
	for _, n := range c.taken {
		if r := n.about(); !r.IsZero() {
			if _, twice := known[r]; !twice {
				known[r] = nil
				refs = append(refs, r)
			}
		}
	}
	if err := c.t.applications(ctx, refs, known); err != nil {
		return err
	}
	kept := c.taken[:0]
	for _, n := range c.taken {
		n.AsOf = fromMicros(asOf)
		r := n.about()
		n.Application = known[r]
		var subscription int64
		if !r.IsZero() {
			if n.Following, err = c.t.one(ctx, []any{&subscription, &n.Label}, `SELECT id, label FROM subscriptions WHERE chat = $1 AND reference = $2`,
				n.Chat, r.String()); err != nil {
				return err
			}
		}
		if n.ChatID, err = c.d.s.o.Keys.openChat(n.sealed, n.keyID); n.damaged == nil {
			n.damaged = err
		}
		if n.damaged != nil {
			c.d.s.o.Log.Error("store: a notification cannot be sent", "notification", n.ID, "error", n.damaged)
			if err := c.t.end(ctx, []any{n.ID}, visa.Dead, "damaged"); err != nil {
				return err
			}
			continue
		}
		if why := n.untrue(); why != "" {
			if err := c.t.end(ctx, []any{n.ID}, visa.Cancelled, why); err != nil {
				return err
			}
			continue
		}
		n.Subscription = subscription
		kept = append(kept, n)
	}
	c.taken = kept
	return nil
}

// untrue says why a notification is not to be sent after all, or nothing. The
// transactions that change these things take it back themselves; this is the
// last look before it goes out.
func (n *candidate) untrue() string {
	switch {
	case !n.active:
		return "chat inactive"
	case n.forgotten && n.Kind != visa.KindReply:
		return "forgotten"
	case n.Subscription > 0 && !n.Following:
		return "unfollowed"
	case n.Kind != visa.KindReminder:
		return ""
	case n.Application == nil:
		return "unknown"
	}
	for _, d := range n.Application.Reminded() {
		if d.Kind == n.Note.Deadline && d.Date == n.Note.Date {
			return ""
		}
	}
	return "deadline no longer stands"
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
	for _, n := range c.taken {
		n.Attempt = attempt[n.ID]
		*out = append(*out, n.Delivery)
	}
	return nil
}
