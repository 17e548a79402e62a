package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"kabarchy/visa"
)

// Bounds of an erasure. What no index finds is looked for by readers, once for
// each page; the transactions that erase are short.
const (
	erasePage  = 1000 // applications looked at, and at most found, at a time
	eraseRows  = 32   // erased in one transaction
	eraseChats = 500  // subscriptions ended in one transaction
	traceRows  = 256  // tokens, or ended notifications, in one transaction

	// lastWord is for how many days after its time an application is kept whose
	// news still wait to be sent.
	lastWord = 14
)

// Erase erases the applications whose day of erasure has passed, with all that
// refers to them: history, subscriptions, reminders, tokens, what waits to be
// sent and, in what stays for the audit, the reference. It returns how many
// there were. What is left is a keyed hash, so that the register's next file
// does not bring them back.
//
// An application whose news still wait is kept until they have gone, for
// lastWord days at most. It looks at all applications that are closed or of a
// campaign that ends: hourly is often enough. Several processes may call it at
// once, and it goes on where it was after an error or a crash.
func (s *Store) Erase(ctx context.Context) (n int, err error) {
	if s.o.Schedule.Retention == 0 {
		return 0, nil
	}
	for after := ""; ; {
		var page []visa.Reference
		if page, after, err = s.erasable(ctx, after); err != nil {
			return n, fmt.Errorf("store: find what is to be erased: %w", unavailable(err))
		}
		done, err := s.erasePage(ctx, page)
		n += done
		if err != nil || after == "" {
			return n, err
		}
	}
}

func (s *Store) today() visa.Date { return visa.DateOf(s.o.Now().In(s.o.Schedule.Zone)) }

// waitsForLastWord finds news of an application that are not sent yet.
const waitsForLastWord = `SELECT reference FROM notifications WHERE ended_at = 0 AND kind = 'news' AND reference IN `

// erasable returns applications above a reference that are to be erased, and
// the last one looked at, or "" where there are no more.
func (s *Store) erasable(ctx context.Context, after string) (page []visa.Reference, last string, err error) {
	ends := slices.Sorted(maps.Keys(s.o.Schedule.CampaignEnds))
	args := []any{after, erasePage}
	text := `SELECT ` + columns + ` FROM applications WHERE reference > $1 AND (stage = 'closed'`
	if len(ends) > 0 {
		text += ` OR campaign IN ` + marks(3, len(ends))
		for _, c := range ends {
			args = append(args, c)
		}
	}
	text += `) ORDER BY reference LIMIT $2`
	today := s.today()
	may := make(map[string]visa.Date) // the day of each that may wait for its news
	n := 0
	rows, err := s.reader.QueryContext(ctx, text, args...)
	err = each(rows, err, func(scan func(...any) error) error {
		a, err := scanApplication(scan)
		if err != nil {
			return err
		}
		n, last = n+1, a.Reference.String()
		if day, ok := s.o.Schedule.ErasureDay(a); ok && day < today {
			page = append(page, a.Reference)
			may[last] = day
		}
		return nil
	})
	if n < erasePage {
		last = ""
	}
	if err != nil || len(page) == 0 {
		return nil, last, err
	}
	waits := make(map[string]bool)
	rows, err = s.reader.QueryContext(ctx, waitsForLastWord+marks(1, len(page)), referenceArgs(page)...)
	err = each(rows, err, func(scan func(...any) error) error {
		var reference string
		err := scan(&reference)
		waits[reference] = may[reference].Add(lastWord) >= today
		return err
	})
	return slices.DeleteFunc(page, func(r visa.Reference) bool { return waits[r.String()] }), last, err
}

// erasePage erases what is found. Traces go first: after a crash the
// applications are found again, and what is left of their traces with them.
func (s *Store) erasePage(ctx context.Context, page []visa.Reference) (n int, err error) {
	if len(page) == 0 {
		return 0, nil
	}
	for _, trace := range []struct{ find, erase string }{
		{`SELECT hash FROM tokens WHERE reference IN `, `DELETE FROM tokens WHERE hash IN `},
		{`SELECT id FROM notifications WHERE ended_at > 0 AND reference IN `,
			`UPDATE notifications SET reference = '', subscription = 0, note = '' WHERE ended_at > 0 AND id IN `},
	} {
		if err := s.eraseTraces(ctx, trace.find, trace.erase, page); err != nil {
			return 0, err
		}
	}
	for len(page) > 0 {
		part := page[:min(eraseRows, len(page))]
		var gone, left int
		err := s.write(ctx, "erase applications", func(ctx context.Context, t *tx) (err error) {
			gone, left, err = s.erase(ctx, t, part)
			return err
		})
		if err != nil {
			return n, err
		}
		n += gone
		page = page[len(part)-left:]
	}
	return n, nil
}

// eraseTraces erases, a few at a time, the rows that a reader finds.
func (s *Store) eraseTraces(ctx context.Context, find, erase string, refs []visa.Reference) error {
	var found []any
	rows, err := s.reader.QueryContext(ctx, find+marks(1, len(refs)), referenceArgs(refs)...)
	err = each(rows, err, func(scan func(...any) error) error {
		var k any
		err := scan(&k)
		found = append(found, k)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: find traces of what is to be erased: %w", unavailable(err))
	}
	return inChunks(found, traceRows, func(part []any) error {
		return s.write(ctx, "erase traces", func(ctx context.Context, t *tx) error {
			_, err := t.exec(ctx, erase+marks(1, len(part)), part...)
			return err
		})
	})
}

// erase erases applications, as many as their followers allow in one
// transaction, and returns how many are gone, and how many of the last of refs
// are left for the next.
func (s *Store) erase(ctx context.Context, t *tx, refs []visa.Reference) (gone, left int, err error) {
	known := make(map[visa.Reference]*visa.Application)
	if err := t.applications(ctx, refs, known); err != nil {
		return 0, 0, err
	}
	var ready []*visa.Application
	room := eraseChats
	for i, r := range refs {
		due, err := s.due(ctx, t, known[r])
		if err != nil {
			return 0, 0, err
		}
		if !due {
			continue
		}
		n, err := t.leave(ctx, r, room)
		if err != nil {
			return 0, 0, err
		}
		if room -= n; room <= 0 { // it may have more
			left = len(refs) - i
			break
		}
		ready = append(ready, known[r])
	}
	if len(ready) == 0 {
		return 0, left, nil
	}
	revision, err := t.takeRevisions(ctx, len(ready))
	if err != nil {
		return 0, 0, err
	}
	for _, a := range ready {
		revision++
		if err := t.remember(ctx, s.o.Keys, a, revision); err != nil {
			return 0, 0, err
		}
		if _, err := t.exec(ctx, `DELETE FROM applications WHERE reference = $1`, a.Reference.String()); err != nil {
			return 0, 0, err
		}
		t.changes.Applications = append(t.changes.Applications, visa.Changed{Reference: a.Reference, Revision: revision})
	}
	return len(ready), left, nil
}

// due reports whether an application is to be erased now: it may have changed,
// be gone, or have news since it was found.
func (s *Store) due(ctx context.Context, t *tx, a *visa.Application) (bool, error) {
	if a == nil {
		return false, nil
	}
	day, ok := s.o.Schedule.ErasureDay(a)
	if !ok || day >= s.today() {
		return false, nil
	}
	var reference string
	waits, err := t.one(ctx, []any{&reference}, waitsForLastWord+`($1) LIMIT 1`, a.Reference.String())
	return !waits || day.Add(lastWord) < s.today(), err
}

// leave ends some of a reference's subscriptions, with their reminders and with
// what waits to be sent of them, and returns how many.
func (t *tx) leave(ctx context.Context, ref visa.Reference, most int) (n int, err error) {
	var ids, chats []any
	err = t.query(ctx, func(scan func(...any) error) error {
		var id, chat int64
		err := scan(&id, &chat)
		ids, chats = append(ids, id), append(chats, chat)
		return err
	}, `SELECT id, chat FROM subscriptions WHERE reference = $1 ORDER BY id LIMIT $2`, ref.String(), most)
	if err != nil {
		return 0, err
	}
	err = inChunks(chats, selectRows, func(part []any) error {
		_, err := t.exec(ctx, `UPDATE notifications SET state = 'cancelled', why = 'erased', ended_at = $1, note = '', reference = '', subscription = 0
			WHERE reference = $2 AND ended_at = 0 AND state = 'pending' AND chat IN `+marks(3, len(part)),
			append([]any{micros(t.now), ref.String()}, part...)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(ids), inChunks(ids, selectRows, func(part []any) error {
		_, err := t.exec(ctx, `DELETE FROM subscriptions WHERE id IN `+marks(1, len(part)), part...)
		return err
	})
}

// forget takes the reference out of notifications that were being sent while
// their application was erased and are no more, and takes back those that wait
// again. What never appeared is not known either, and was not erased.
func (t *tx) forget(ctx context.Context, ids []any) error {
	return inChunks(ids, selectRows, func(part []any) error {
		_, err := t.exec(ctx, `UPDATE notifications SET reference = '', subscription = 0, note = '',
				state = CASE WHEN ended_at > 0 THEN state ELSE 'cancelled' END, why = CASE WHEN ended_at > 0 THEN why ELSE 'erased' END,
				ended_at = CASE WHEN ended_at > 0 THEN ended_at ELSE $1 END
			WHERE state <> 'sending' AND reference <> '' AND kind <> 'unfound'
			AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.reference = notifications.reference)
			AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.reference = notifications.reference)
			AND id IN `+marks(2, len(part)), append([]any{micros(t.now)}, part...)...)
		return err
	})
}
