package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kabarchy/visa"
)

// A follower is a chat's subscription of one reference.
type follower struct {
	subscription int64
	chat         int64
	active       bool // false: the chat has blocked the bot; nothing is sent
	left         bool // the chat wants no more reminders of the reference
}

// followers returns who follows each of refs.
func (t *tx) followers(ctx context.Context, refs []visa.Reference) (map[visa.Reference][]follower, error) {
	out := make(map[visa.Reference][]follower)
	err := inChunks(refs, selectRows, func(part []visa.Reference) error {
		return t.query(ctx, func(scan func(...any) error) error {
			var f follower
			var reference string
			if err := scan(&f.subscription, &f.chat, &reference, &f.active, &f.left); err != nil {
				return err
			}
			r, err := visa.ParseReference(reference)
			out[r] = append(out[r], f)
			return err
		}, `SELECT s.id, s.chat, s.reference, c.active, s.left_at > 0 FROM subscriptions s JOIN chats c ON c.id = s.chat
			WHERE s.reference IN `+marks(1, len(part))+` ORDER BY s.id`, referenceArgs(part)...)
	})
	return out, err
}

// tell writes what follows for the followers of what changed: a notification
// each, in place of those that still wait, and their reminders.
func (r *recording) tell(ctx context.Context) error {
	if len(r.news) == 0 {
		return nil
	}
	byReference := make(map[visa.Reference][]news, len(r.news))
	var refs []visa.Reference
	for _, n := range r.news {
		if byReference[n.reference] == nil {
			refs = append(refs, n.reference)
		}
		byReference[n.reference] = append(byReference[n.reference], n)
	}
	followers, err := r.t.followers(ctx, refs)
	if err != nil || len(followers) == 0 {
		return err
	}
	for _, ref := range refs {
		fs := followers[ref]
		if len(fs) == 0 {
			continue
		}
		corrected, err := r.t.replan(ctx, r.s.o.Schedule, r.known[ref], fs)
		if err != nil {
			return err
		}
		if err := r.tellOf(ctx, r.known[ref], fs, byReference[ref], corrected); err != nil {
			return err
		}
	}
	return nil
}

// fanOut is how many followers of one reference are told at once. The others
// get their turn at the pace at which messages can be sent, so that the news of
// an application with many followers do not keep back those of the others.
const fanOut = 32

// stagger is how long after the first of a reference's followers the k-th, from
// 0, is told at the earliest.
func (s *Store) stagger(k int) time.Duration {
	if s.o.Pace <= 0 || k <= fanOut {
		return 0
	}
	return time.Duration(float64(k-fanOut) / s.o.Pace * float64(time.Second))
}

// tellOf writes the notifications of one reference's news. Of several in one
// batch only the last is sent; what the others told is told by it. corrected
// holds the days that reminders have named and that no longer hold.
func (r *recording) tellOf(ctx context.Context, app *visa.Application, fs []follower, all []news, corrected map[int64][]visa.Date) error {
	waiting, err := r.t.supersede(ctx, app.Reference)
	if err != nil {
		return err
	}
	many := make(map[int64]bool) // chats that wait for the end of the batch
	if r.batch != "" {
		if many, err = r.t.followMany(ctx, fs); err != nil {
			return err
		}
	}
	var rows []visa.Notification
	missed := make(map[int64][]visa.Date)
	for j, n := range all {
		last, k := j == len(all)-1, 0
		for _, f := range fs {
			if !f.active {
				if last {
					missed[f.subscription] = corrected[f.subscription]
				}
				continue
			}
			row := visa.Notification{
				DedupeKey: fmt.Sprintf("n:%d:%d:%d", f.subscription, r.out[n.i].Version, app.Revision),
				Chat:      f.chat, Subscription: f.subscription, Reference: app.Reference,
				Lane: visa.LaneDecision, Kind: visa.KindNews, State: visa.Pending, NotBefore: r.t.now, CreatedAt: r.t.now,
			}
			if last {
				w := waiting[f.subscription]
				if row.NotBefore = r.t.now.Add(r.s.stagger(k)); many[f.chat] {
					row.Batch, row.NotBefore = r.batch, row.NotBefore.Add(batchWait)
				}
				k++
				// What is said again and again must not be put off again and again.
				if !w.notBefore.IsZero() && w.notBefore.Before(row.NotBefore) && (row.Batch == "" || w.batch != "") {
					row.NotBefore = w.notBefore
				}
				row.Note.Changed = merged(w.note.Changed, all)
				row.Note.Dates = days(w.note.Corrected(), corrected[f.subscription])
			} else {
				row.State = visa.Superseded
			}
			rows = append(rows, row)
			r.out[n.i].Told++
		}
	}
	if err := r.t.missedDays(ctx, missed); err != nil {
		return err
	}
	return r.t.insertNotifications(ctx, rows)
}

// merged returns what has changed since the follower was last told.
func merged(waiting []string, all []news) []string {
	out := waiting
	for _, n := range all {
		out = changes(out, n.changed)
	}
	return out
}

// changes returns the changes of two lists, each once, in their order.
func changes(a, b []string) []string {
	out := slices.Clone(a)
	for _, c := range b {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// days returns the days of two lists, each once, earliest first. Some may have
// come to hold again: that is seen when they are to be told.
func days(a, b []visa.Date) []visa.Date {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// overtaken is what a subscription would have been told, and when.
type overtaken struct {
	note      visa.Note
	notBefore time.Time
	batch     visa.Batch
}

// supersede takes back the news of a reference that wait, and returns what
// each subscription would have been told.
func (t *tx) supersede(ctx context.Context, ref visa.Reference) (map[int64]overtaken, error) {
	waiting := make(map[int64]overtaken)
	var ids []any
	err := t.query(ctx, func(scan func(...any) error) error {
		var id, subscription, notBefore int64
		var text string
		var w overtaken
		if err := scan(&id, &subscription, &text, &notBefore, &w.batch); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &w.note); err != nil {
			return fmt.Errorf("the note of notification %d: %w", id, err)
		}
		w.notBefore = fromMicros(notBefore)
		waiting[subscription] = w
		ids = append(ids, id)
		return nil
	}, `SELECT id, subscription, note, not_before, batch FROM notifications
		WHERE reference = $1 AND ended_at = 0 AND state = 'pending' AND kind = 'news' ORDER BY id`, ref.String())
	if err != nil {
		return nil, err
	}
	return waiting, t.end(ctx, ids, visa.Superseded, "newer")
}

// end gives waiting notifications a final state, and erases what they told.
func (t *tx) end(ctx context.Context, ids []any, state visa.NotificationState, why string) error {
	return inChunks(ids, selectRows, func(part []any) error {
		args := append([]any{string(state), why, micros(t.now)}, part...)
		_, err := t.exec(ctx, `UPDATE notifications SET state = $1, why = $2, ended_at = $3, note = ''
			WHERE state = 'pending' AND id IN `+marks(4, len(part)), args...)
		return err
	})
}

const notificationColumns = 16

// insertNotifications writes new notifications; one whose dedupe key exists is
// there already, and is left alone.
func (t *tx) insertNotifications(ctx context.Context, rows []visa.Notification) error {
	if len(rows) == 0 {
		return nil
	}
	t.work = true
	return inChunks(rows, insertRows, func(part []visa.Notification) error {
		args := make([]any, 0, len(part)*notificationColumns)
		for _, n := range part {
			note := ""
			ended := int64(0)
			if n.State == visa.Pending {
				b, err := json.Marshal(n.Note)
				if err != nil {
					return err
				}
				note = string(b)
			} else {
				ended = micros(n.CreatedAt)
			}
			args = append(args, n.DedupeKey, n.Chat, n.Subscription, n.Reference.String(), int(n.Lane), string(n.Kind), note,
				string(n.State), micros(n.NotBefore), micros(n.UseUntil), micros(n.CreatedAt), ended, string(n.Batch), 0, 0, 0)
		}
		_, err := t.exec(ctx, `INSERT INTO notifications (dedupe, chat, subscription, reference, lane, kind, note,
			state, not_before, use_until, created_at, ended_at, batch, attempts, ambiguous, plain, epoch, message_id, why)
			VALUES `+notificationRows(len(part))+` ON CONFLICT (dedupe) DO NOTHING`, args...)
		return err
	})
}

func notificationRows(n int) string {
	text := ""
	for i := range n {
		if i > 0 {
			text += ","
		}
		m := marks(1+i*notificationColumns, notificationColumns)
		text += m[:len(m)-1] + ",0,0,'')"
	}
	return text
}
