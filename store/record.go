package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// Rows per statement: enough that the statement's own cost no longer counts.
const (
	selectRows = 256
	insertRows = 32
)

// Record takes in valid, normalized updates in one transaction, in
// their order, and returns what became of each: the applications with their
// next revisions, their history, their followers' notifications and reminders
// are all synced when it returns, or none is. One that repeats, comes late or
// contradicts an earlier one has no effect and is no error. They should be
// 1,000 at most: others wait for them.
//
// Those of a batch, unless it is the zero one, may be few of many: whoever
// follows much is told once EndBatch has said that no more come, or after
// batchWait.
func (s *Store) Record(ctx context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error) {
	var out []visa.Recorded
	err := s.write(ctx, "record updates", func(ctx context.Context, t *tx) (err error) {
		r := recording{s: s, t: t, batch: batch}
		out, err = r.run(ctx, updates)
		failpoint.Here("record.written")
		return err
	})
	if err != nil {
		return nil, err
	}
	failpoint.Here("record.committed")
	return out, nil
}

// errPreview takes a preview's transaction back.
var errPreview = errors.New("a preview changes nothing")

// Preview says what Record would answer, and changes nothing.
func (s *Store) Preview(ctx context.Context, updates []visa.Update) ([]visa.Recorded, error) {
	var out []visa.Recorded
	err := s.write(ctx, "preview updates", func(ctx context.Context, t *tx) (err error) {
		r := recording{s: s, t: t}
		if out, err = r.run(ctx, updates); err != nil {
			return err
		}
		return errPreview
	})
	if errors.Is(err, errPreview) {
		return out, nil
	}
	return nil, err
}

// A news is a change that followers are told.
type news struct {
	i         int // of the update
	reference visa.Reference
	changed   []string
}

// A recording is one batch on its way into the database.
type recording struct {
	s     *Store
	t     *tx
	batch visa.Batch
	known map[visa.Reference]*visa.Application
	out   []visa.Recorded
	dirty []*visa.Application // changed, in the order of their first change
	news  []news

	erased map[visa.Reference]*erased // of those that are not known
	moved  []visa.Reference           // to another campaign, which is no news
}

func (r *recording) run(ctx context.Context, updates []visa.Update) ([]visa.Recorded, error) {
	failpoint.Here("record.begin")
	if err := r.load(ctx, updates); err != nil {
		return nil, err
	}
	r.judge(updates)
	failpoint.Here("record.judged")
	if err := r.t.settle(ctx, r.erased); err != nil {
		return nil, err
	}
	if len(r.dirty) == 0 {
		return r.out, nil
	}
	revision, err := r.t.takeRevisions(ctx, len(r.dirty))
	if err != nil {
		return nil, err
	}
	for _, a := range r.dirty {
		revision++
		a.Revision = revision
		r.t.changes.Applications = append(r.t.changes.Applications, visa.Changed{Reference: a.Reference, Revision: revision})
	}
	if err := r.t.upsert(ctx, r.dirty); err != nil {
		return nil, err
	}
	failpoint.Here("record.upserted")
	for i := range r.out {
		if r.out[i].Result == visa.Applied {
			r.out[i].Revision = r.known[updates[i].Reference].Revision
		}
	}
	if err := r.tell(ctx); err != nil {
		return nil, err
	}
	return r.out, r.replanMoved(ctx)
}

// load reads what is known of the updates' references.
func (r *recording) load(ctx context.Context, updates []visa.Update) error {
	r.known = make(map[visa.Reference]*visa.Application, len(updates))
	refs := make([]visa.Reference, 0, len(updates))
	for i := range updates {
		if _, twice := r.known[updates[i].Reference]; !twice {
			r.known[updates[i].Reference] = nil
			refs = append(refs, updates[i].Reference)
		}
	}
	if err := r.t.applications(ctx, refs, r.known); err != nil {
		return err
	}
	return r.loadErased(ctx, refs)
}

// judge applies the updates in memory, each on top of the one before.
func (r *recording) judge(updates []visa.Update) {
	r.out = make([]visa.Recorded, len(updates))
	at := make(map[visa.Reference]int) // in dirty
	for i := range updates {
		u := &updates[i]
		before := r.known[u.Reference]
		result, version := u.Judge(before, func() bool {
			return r.s.o.Keys.proofMatches(u.Reference, before.Proof, u.Proof)
		})
		if e := r.erased[u.Reference]; e != nil && before == nil {
			result, version = e.judge(r.s.o.Keys, u)
			e.returned = result == visa.Applied
		}
		r.out[i] = visa.Recorded{Result: result, Version: version}
		if result != visa.Applied {
			continue
		}
		r.out[i].New = before == nil
		after := r.s.next(before, u, version, r.t.now)
		r.known[u.Reference] = after
		if j, twice := at[u.Reference]; twice {
			r.dirty[j] = after
		} else {
			at[u.Reference] = len(r.dirty)
			r.dirty = append(r.dirty, after)
		}
		if change := visa.Compare(before, u.Statement); change.Visible() {
			r.news = append(r.news, news{i: i, reference: u.Reference, changed: change.Names()})
		} else if before.Campaign != u.Campaign {
			r.moved = append(r.moved, u.Reference)
		}
	}
}

// next returns the application as an applied update leaves it.
func (s *Store) next(before *visa.Application, u *visa.Update, version int64, now time.Time) *visa.Application {
	at := u.UpdatedAt
	if at.IsZero() {
		at = u.AsOf
	}
	if at.IsZero() {
		at = now
	}
	after := &visa.Application{Reference: u.Reference, Version: version, UpdatedAt: at, Statement: u.Statement,
		Proof: s.o.Keys.proofMAC(u.Reference, u.Proof)}
	if before != nil {
		after.History = before.History
	}
	after.History = appendEvent(after.History, u.Statement, at)
	return after
}

// applications adds to known what is stored of refs.
func (t *tx) applications(ctx context.Context, refs []visa.Reference, known map[visa.Reference]*visa.Application) error {
	return inChunks(refs, selectRows, func(part []visa.Reference) error {
		return t.query(ctx, func(scan func(...any) error) error {
			a, err := scanApplication(scan)
			if err == nil {
				known[a.Reference] = a
			}
			return err
		}, `SELECT `+columns+` FROM applications WHERE reference IN `+marks(1, len(part)), referenceArgs(part)...)
	})
}

func referenceArgs(refs []visa.Reference) []any {
	args := make([]any, len(refs))
	for i, r := range refs {
		args[i] = r.String()
	}
	return args
}

// takeRevisions returns the last revision given out before n more are taken.
// Whoever takes some holds the row, so that revisions are committed in order.
func (t *tx) takeRevisions(ctx context.Context, n int) (last int64, err error) {
	_, err = t.one(ctx, []any{&last}, `UPDATE revision SET value = value + $1 RETURNING value`, n)
	return last - int64(n), err
}

var upsertTail = ` ON CONFLICT (reference) DO UPDATE SET ` + func() string {
	var sets []string
	for c := range strings.SplitSeq(columns, ",") {
		if c = strings.TrimSpace(c); c != "reference" {
			sets = append(sets, c+" = excluded."+c)
		}
	}
	return strings.Join(sets, ", ")
}()

func (t *tx) upsert(ctx context.Context, apps []*visa.Application) error {
	return inChunks(apps, insertRows, func(part []*visa.Application) error {
		args := make([]any, 0, len(part)*nColumns)
		for _, a := range part {
			args = append(args, values(a)...)
		}
		_, err := t.exec(ctx, `INSERT INTO applications (`+columns+`) VALUES `+rowMarks(len(part), nColumns)+upsertTail, args...)
		return err
	})
}

// rowMarks returns n rows of width parameters.
func rowMarks(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(marks(1+i*width, width))
	}
	return b.String()
}
