package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kabarchy/visa"
)

// A twin is a notification of a chat that becomes another, about an application
// that both follow.
type twin struct {
	id        int64
	reference string
	kind      visa.Kind
	note      visa.Note
	to        int64  // the other chat's subscription
	dedupe    string // what the other chat's notification of the same is called
}

// mergeNews takes back what a chat was to be told if the chat that takes its
// place was told, or is to be told, the same by its own subscription. It is
// called before the subscriptions move. Nothing of the first may be in sending.
func (t *tx) mergeNews(ctx context.Context, from, to int64) error {
	var all []twin
	err := t.query(ctx, func(scan func(...any) error) error {
		var w twin
		var kind, text, dedupe string
		var own int64
		if err := scan(&w.id, &w.reference, &kind, &text, &dedupe, &own, &w.to); err != nil {
			return err
		}
		lead, rest, ok := strings.Cut(dedupe, fmt.Sprintf(":%d:", own))
		if !ok || len(lead) != 1 || json.Unmarshal([]byte(text), &w.note) != nil {
			return nil // not named by its subscription, or found unreadable when it is claimed
		}
		w.kind, w.dedupe = visa.Kind(kind), fmt.Sprintf("%s:%d:%s", lead, w.to, rest)
		all = append(all, w)
		return nil
	}, `SELECT n.id, n.reference, n.kind, n.note, n.dedupe, n.subscription, o.id
		FROM notifications n JOIN subscriptions o ON o.reference = n.reference AND o.chat = $2
		WHERE n.chat = $1 AND n.ended_at = 0 AND n.state = 'pending' AND n.subscription > 0 ORDER BY n.id`, from, to)
	if err != nil {
		return err
	}
	var told []any
	for _, w := range all {
		same, err := t.isTold(ctx, to, w)
		if err != nil {
			return err
		}
		if same {
			told = append(told, w.id)
			continue
		}
		if _, err := t.exec(ctx, `UPDATE notifications SET subscription = $1 WHERE id = $2`, w.to, w.id); err != nil {
			return err
		}
		// Under the other's name, it is not written a second time.
		if _, err := t.exec(ctx, `UPDATE notifications SET dedupe = $1 WHERE id = $2
			AND NOT EXISTS (SELECT 1 FROM notifications o WHERE o.dedupe = $1)`, w.dedupe, w.id); err != nil {
			return err
		}
	}
	return t.end(ctx, told, visa.Superseded, "chat merged")
}

// isTold reports whether a chat is told, or was, all that a twin of its own
// notification tells. Days that only the twin takes back are added to news that
// wait.
func (t *tx) isTold(ctx context.Context, chat int64, w twin) (bool, error) {
	var n int
	same, err := t.one(ctx, []any{&n}, `SELECT 1 FROM notifications WHERE dedupe = $1 AND state NOT IN ('dead', 'expired')`, w.dedupe)
	if !same || err != nil || w.kind != visa.KindNews || len(w.note.Corrected()) == 0 {
		return same, err
	}
	var id int64
	var text string
	found, err := t.one(ctx, []any{&id, &text}, `SELECT id, note FROM notifications WHERE reference = $1 AND chat = $2
		AND ended_at = 0 AND state = 'pending' AND kind = 'news' ORDER BY id DESC LIMIT 1`, w.reference, chat)
	var note visa.Note
	if err != nil {
		return false, err
	}
	if found && json.Unmarshal([]byte(text), &note) == nil {
		note.Dates, note.Date = days(note.Corrected(), w.note.Corrected()), 0
		return true, t.setNote(ctx, id, note)
	}
	for _, day := range w.note.Corrected() {
		prefix := fmt.Sprintf("r:%d:", w.to)
		own, err := t.one(ctx, []any{&n}, `SELECT 1 FROM notifications WHERE dedupe >= $1 AND dedupe < $2 AND dedupe LIKE $3 LIMIT 1`,
			prefix, prefix+"~", "%:"+day.String()+":%")
		if !own || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t *tx) setNote(ctx context.Context, id int64, note visa.Note) error {
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE notifications SET note = $1 WHERE id = $2`, string(b), id)
	return err
}

// mergeDigests does the same for digests: those of both chats that wait become
// one; where the other's of the same import has gone out already, what it told
// is left out. It is called before the subscriptions move.
func (t *tx) mergeDigests(ctx context.Context, from, to int64) error {
	moving, err := t.digests(ctx, from)
	if err != nil || len(moving) == 0 {
		return err
	}
	waiting, err := t.digests(ctx, to)
	if err != nil {
		return err
	}
	if n := len(waiting); n > 0 {
		last := waiting[n-1]
		var items []visa.NoteItem
		var ids []any
		for _, d := range slices.Concat(moving, waiting) {
			items = append(items, d.note.Items...)
			if d.id != last.id {
				ids = append(ids, d.id)
			}
		}
		last.note.Items = mergeItems(items)
		if err := t.setNote(ctx, last.id, last.note); err != nil {
			return err
		}
		return t.end(ctx, ids, visa.Superseded, "chat merged")
	}
	shared := make(map[string]bool)
	if err := t.query(ctx, func(scan func(...any) error) error {
		var reference string
		err := scan(&reference)
		shared[reference] = true
		return err
	}, `SELECT a.reference FROM subscriptions a JOIN subscriptions b ON b.reference = a.reference WHERE a.chat = $1 AND b.chat = $2`, from, to); err != nil {
		return err
	}
	for _, d := range moving {
		lead, _, _ := strings.Cut(d.dedupe, fmt.Sprintf(":%d:", from))
		prefix := fmt.Sprintf("%s:%d:", lead, to)
		var n int
		told, err := t.one(ctx, []any{&n}, `SELECT 1 FROM notifications WHERE dedupe >= $1 AND dedupe < $2
			AND state NOT IN ('dead', 'expired') LIMIT 1`, prefix, prefix+"~")
		if err != nil {
			return err
		}
		if !told {
			continue
		}
		d.note.Items = slices.DeleteFunc(d.note.Items, func(i visa.NoteItem) bool {
			return shared[i.Reference.String()] && len(i.Corrected()) == 0
		})
		if len(d.note.Items) == 0 {
			err = t.end(ctx, []any{d.id}, visa.Superseded, "chat merged")
		} else {
			err = t.setNote(ctx, d.id, d.note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A waitingDigest is a digest to be sent.
type waitingDigest struct {
	id     int64
	dedupe string
	note   visa.Note
}

// digests returns a chat's digests that wait, oldest first, but for those that
// cannot be read: they are found when they are claimed.
func (t *tx) digests(ctx context.Context, chat int64) (all []waitingDigest, err error) {
	err = t.query(ctx, func(scan func(...any) error) error {
		var d waitingDigest
		var text string
		if err := scan(&d.id, &d.dedupe, &text); err != nil {
			return err
		}
		if json.Unmarshal([]byte(text), &d.note) == nil {
			all = append(all, d)
		}
		return nil
	}, `SELECT id, dedupe, note FROM notifications WHERE chat = $1 AND ended_at = 0 AND state = 'pending' AND kind = 'digest' ORDER BY id`, chat)
	return all, err
}
