package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// News of a batch for a chat that follows much wait, with the batch's name in
// their rows, until the batch has ended. What becomes of them is decided when
// the first of a chat's is claimed: more than visa.DigestAbove become one
// digest, fewer go out one by one. EndBatch only lets that come sooner, so that
// nothing depends on it:
//
//   - An importer that dies between two of its transactions has written news
//     that fall due by themselves, after batchWait. Those of the transactions
//     that never were come with the next import, in its batch.
//   - EndBatch that dies half way has released some of a chat's news: the first
//     to be claimed takes the others along, released or not.
//   - Gathering is part of the claim's transaction: the digest is there and the
//     news are superseded by it, or neither. A sender that dies afterwards finds
//     the digest waiting, or, if it was being sent, as any other: ambiguous, and
//     sent again under its own dedupe key.
//
// Order within (chat, reference) holds because a digest takes in only news that
// nothing earlier of the same chat and reference stands before, because a
// chat has one request under way at a time, and because what a digest says of
// an application is read when it is claimed: no message that was claimed before
// knows anything newer. News that come while a digest waits are written, and
// sent, as if there were none.

// batchWait is how long news of a batch wait at most for its end.
const batchWait = 2 * time.Minute

// releaseRows is how many news EndBatch releases in one transaction.
const releaseRows = 500

// EndBatch says that no more updates of a batch come, however it went: those
// who wait for its end are told now. It works in short transactions, and may be
// called again, or not at all: then they are told after batchWait.
func (s *Store) EndBatch(ctx context.Context, batch visa.Batch) error {
	if batch == "" {
		return nil
	}
	failpoint.Here("batch.begin")
	told := make(map[string]int) // followers, by reference
	var after waitingNews
	for more := true; more; {
		err := s.write(ctx, "end a batch", func(ctx context.Context, t *tx) (err error) {
			after, more, err = s.release(ctx, t, batch, after, told)
			return err
		})
		if err != nil {
			return err
		}
		failpoint.Here("batch.released")
	}
	return nil
}

// waitingNews is a place among the news of a batch, chat by chat.
type waitingNews struct{ chat, id int64 }

// release lets some of a batch's news behind a place go, and returns the last
// of them. All of them were committed before it ended: none comes to stand
// before that.
func (s *Store) release(ctx context.Context, t *tx, batch visa.Batch, after waitingNews, told map[string]int) (last waitingNews, more bool, err error) {
	var now []any
	later := make(map[int64]time.Time)
	n := 0
	err = t.query(ctx, func(scan func(...any) error) error {
		var reference string
		if err := scan(&last.chat, &last.id, &reference); err != nil {
			return err
		}
		if wait := s.stagger(told[reference]); wait > 0 {
			later[last.id] = t.now.Add(wait)
		} else {
			now = append(now, last.id)
		}
		told[reference]++
		n++
		return nil
	}, `SELECT chat, id, reference FROM notifications WHERE batch = $1 AND state = 'pending' AND batch <> ''
			AND (chat, id) > ($2, $3) ORDER BY chat, id LIMIT $4`, string(batch), after.chat, after.id, releaseRows)
	if err != nil {
		return last, false, err
	}
	t.work = t.work || n > 0
	for id, at := range later {
		if _, err := t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE id = $2 AND not_before > $1`, micros(at), id); err != nil {
			return last, false, err
		}
	}
	err = inChunks(now, selectRows, func(part []any) error {
		_, err := t.exec(ctx, `UPDATE notifications SET not_before = $1 WHERE not_before > $1 AND id IN `+marks(2, len(part)),
			append([]any{micros(t.now)}, part...)...)
		return err
	})
	return last, n == releaseRows, err
}

// followMany tells which of some chats follow so much that news of a batch
// become a digest for them.
func (t *tx) followMany(ctx context.Context, fs []follower) (map[int64]bool, error) {
	many := make(map[int64]bool)
	err := inChunks(fs, selectRows, func(part []follower) error {
		args := make([]any, 0, len(part)+1)
		for _, f := range part {
			args = append(args, f.chat)
		}
		return t.query(ctx, func(scan func(...any) error) error {
			var chat int64
			err := scan(&chat)
			many[chat] = true
			return err
		}, `SELECT chat FROM subscriptions WHERE chat IN `+marks(1, len(part))+
			fmt.Sprintf(` GROUP BY chat HAVING count(*) > $%d`, len(part)+1), append(args, visa.DigestAbove)...)
	})
	return many, err
}

// maxGathered bounds how many news become digests in one claim: what is left
// waits for the next one.
const maxGathered = 1000

// A group is what a chat is to be told of a batch.
type group struct {
	batch visa.Batch
	chat  int64
}

// gather decides what becomes of the news of n's batch for its chat. It returns
// whether n goes out by itself now; if not, it is part of a digest, or there was
// no more room in this claim.
func (c *claiming) gather(ctx context.Context, n *candidate) (goes bool, err error) {
	g := group{n.Batch, n.Chat}
	if g.batch == "" || c.single[g] {
		return true, nil
	}
	if c.gathered >= maxGathered {
		c.t.work = true
		return false, nil
	}
	items, ids, lone, err := c.newsOf(ctx, g)
	if err != nil {
		return false, err
	}
	c.gathered += len(ids)
	if len(items) <= visa.DigestAbove {
		c.single[g] = true
		return true, c.t.unbatch(ctx, g, n.NotBefore)
	}
	failpoint.Here("digest.begin")
	if items, err = c.takeDigests(ctx, n.Chat, items); err != nil {
		return false, err
	}
	digest := visa.Notification{
		// Named by the last of the news in it: should more of the batch come
		// after its time, they make another one.
		DedupeKey: fmt.Sprintf("d:%s:%d:%d", g.batch, g.chat, ids[len(ids)-1]), Chat: g.chat,
		Lane: visa.LaneDecision, Kind: visa.KindDigest, Note: visa.Note{Items: items}, State: visa.Pending,
		NotBefore: n.NotBefore, CreatedAt: c.t.now,
	}
	if err := c.t.end(ctx, ids, visa.Superseded, "digest"); err != nil {
		return false, err
	}
	failpoint.Here("digest.superseded")
	for _, id := range ids {
		c.handled[id.(int64)] = true
	}
	if lone { // they follow what went before them, each by itself
		c.single[g] = true
		if err := c.t.unbatch(ctx, g, n.NotBefore); err != nil {
			return false, err
		}
	}
	return !c.handled[n.ID], c.t.insertNotifications(ctx, []visa.Notification{digest})
}

// takeDigests takes the place of the digests that wait for a chat, as after an
// outage or a mute with an import each day, and returns items with what these
// would have told: all of them would show the same present state.
func (c *claiming) takeDigests(ctx context.Context, chat int64, items []visa.NoteItem) ([]visa.NoteItem, error) {
	waiting, err := c.t.digests(ctx, chat)
	if err != nil {
		return nil, err
	}
	var ids []any
	var earlier []visa.NoteItem
	for _, d := range waiting {
		if c.handled[d.id] {
			continue // it is being claimed
		}
		c.handled[d.id] = true
		ids = append(ids, d.id)
		earlier = append(earlier, d.note.Items...)
	}
	return mergeItems(slices.Concat(earlier, items)), c.t.end(ctx, ids, visa.Superseded, "newer")
}

// mergeItems makes one item for each reference, of items in the order of time.
func mergeItems(items []visa.NoteItem) []visa.NoteItem {
	var out []visa.NoteItem
	at := make(map[visa.Reference]int)
	for _, item := range items {
		i, twice := at[item.Reference]
		if !twice {
			at[item.Reference] = len(out)
			out = append(out, item)
			continue
		}
		out[i].Subscription = item.Subscription
		out[i].Changed = changes(out[i].Changed, item.Changed)
		out[i].Dates, out[i].Date = days(out[i].Corrected(), item.Corrected()), 0
	}
	return out
}

// unbatch lets what waits of a group go out one by one.
func (t *tx) unbatch(ctx context.Context, g group, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE notifications SET batch = '', not_before = $1
		WHERE batch = $2 AND chat = $3 AND state = 'pending' AND batch <> ''`, micros(at), string(g.batch), g.chat)
	return err
}

// newsOf returns what a digest of a group tells, an item for each reference,
// and which notifications it would take the place of. lone reports that there
// are others that it must not: something earlier of their reference is still
// open, or they cannot be read and are to be found so when they are claimed.
func (c *claiming) newsOf(ctx context.Context, g group) (items []visa.NoteItem, ids []any, lone bool, err error) {
	err = c.t.query(ctx, func(scan func(...any) error) error {
		var id, subscription int64
		var reference, text string
		var blocked bool
		if err := scan(&id, &subscription, &reference, &text, &blocked); err != nil {
			return err
		}
		var n candidate
		if n.ID = id; blocked || n.read(reference, text) != nil {
			lone = true
			return nil
		}
		ids = append(ids, id)
		items = append(items, visa.NoteItem{Subscription: subscription, Reference: n.Reference, Changed: n.Note.Changed, Dates: n.Note.Corrected()})
		return nil
	}, `SELECT n.id, n.subscription, n.reference, n.note,
			CASE WHEN EXISTS (SELECT 1 FROM notifications b WHERE b.reference = n.reference AND b.chat = n.chat
				AND b.ended_at = 0 AND b.id < n.id AND b.lane <= n.lane AND b.batch <> n.batch) THEN 1 ELSE 0 END
		FROM notifications n WHERE n.batch = $1 AND n.chat = $2 AND n.state = 'pending' AND n.batch <> '' ORDER BY n.id`,
		string(g.batch), g.chat)
	return mergeItems(items), ids, lone, err
}
