package register

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"kabarchy/visa"
)

// A Recorder takes what an import reads. Its methods are not called
// concurrently.
type Recorder interface {
	// Record records the updates in their order, in one transaction, and
	// returns what became of each, in the same order. They are normalized and
	// valid. Once it has returned without an error they survive a crash; with
	// an error none of them was recorded. origin is the name of the file, and
	// each file is a batch of its own.
	Record(ctx context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error)
	// EndBatch says that no more of a batch comes, however it went: those who
	// follow what it changed are told now, without it some minutes later.
	EndBatch(ctx context.Context, batch visa.Batch) error
	// Preview returns what Record would, and changes nothing.
	Preview(ctx context.Context, updates []visa.Update) ([]visa.Recorded, error)
	// FinishFeed notes that a file is being taken in, or, where f.Complete, that
	// it was taken in whole, whether or not it
	// changed anything: it moves register_as_of, never back, and keeps f.AsOf
	// as the last of f.Source.
	FinishFeed(ctx context.Context, f visa.Feed) error
	// Overtaken reports whether a file with a digest was taken in from a source
	// before another one was.
	Overtaken(ctx context.Context, source, digest string) (bool, error)
	// LastFeed returns the as-of of the last feed of a source, zero if there
	// was none.
	LastFeed(ctx context.Context, source string) (time.Time, error)
}

// Reasons are the codes that may stand as a reason.
type Reasons interface{ Has(code string) bool }

// UndatedSource is the source of files that do not say as of when they were
// true, which only those with versions of their own may do. Such a file counts
// as a feed of the time of its import; under this name it does not make the
// next file that does say look old.
const UndatedSource = "undated"

// Options say what to import, and how. Files, Zone and Now must be set.
type Options struct {
	Files     []string
	Profile   *Profile // nil: the columns are the update's fields
	AsOf      string   // as of when all files were true, a date or a time; wins over what they say
	DryRun    bool     // say what would change, and change nothing
	Zone      *time.Location
	Now       func() time.Time
	Rules     visa.ReferenceRules
	Reasons   Reasons // nil: there are none
	BatchSize int     // updates recorded together; 0: 500
	// Progress, if not nil, is told after each batch the bytes read of all
	// files, as they are on disk, how many there are, and the rows so far.
	// It is called from the goroutine that called Import.
	Progress func(done, total, rows int64)
}

const defaultBatchSize = 500

// Import reads files and records what they say.
//
// All files are looked at first: if one is not usable, or older than the last
// one of its source, the error is an *UnusableError and nothing was changed.
// It is so, too, where not one row of the first file can be used; such a file
// further on only counts as rejected. Files are taken in the order of their
// as-of where all state one, else as given.
//
// Any other error comes from the recorder, from a disk or from ctx; what was
// recorded before stays, and running the import again completes it. The
// Summary is good with every error.
func Import(ctx context.Context, o Options, rec Recorder) (Summary, error) {
	if o.BatchSize <= 0 {
		o.BatchSize = defaultBatchSize
	}
	now := o.Now()
	sum := Summary{DryRun: o.DryRun}
	err := importAll(ctx, &o, rec, &sum, now)
	var u *UnusableError
	sum.Unusable = errors.As(err, &u)
	sum.broken = err != nil
	sum.Took = o.Now().Sub(now)
	return sum, err
}

func importAll(ctx context.Context, o *Options, rec Recorder, sum *Summary, now time.Time) error {
	if len(o.Files) == 0 {
		return unusable("no file is named")
	}
	sources := make([]*source, len(o.Files))
	dated := true
	var total int64
	for i, path := range o.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := survey(path, o, now)
		if err != nil {
			return err
		}
		sources[i] = s
		dated = dated && !s.asOf.IsZero()
		total += s.size
	}
	if dated {
		slices.SortStableFunc(sources, func(a, b *source) int { return a.asOf.Compare(b.asOf) })
	}
	if err := refuseOlder(ctx, o, rec, sources); err != nil {
		return err
	}
	var done atomic.Int64
	for _, s := range sources {
		r := run{o: o, rec: rec, sum: sum, source: s, batch: visa.NewBatch(), now: now, read: &done, total: total}
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refuseOlder keeps yesterday's file from undoing today's decisions.
func refuseOlder(ctx context.Context, o *Options, rec Recorder, sources []*source) error {
	name := ""
	if o.Profile != nil {
		name = o.Profile.name
	}
	last, err := rec.LastFeed(ctx, name)
	if err != nil {
		return fmt.Errorf("register: look up the last file: %w", err)
	}
	for _, s := range sources {
		if !s.asOf.IsZero() && s.asOf.Before(last) {
			const form = "2006-01-02 15:04:05 -07:00"
			return unusable("%s is as of %s, older than the last file of this source, as of %s; it would undo what came since",
				s.name, s.asOf.In(o.Zone).Format(form), last.In(o.Zone).Format(form))
		}
		// Of two files of one day nothing says which is the later; but one that
		// another has followed is not it.
		if o.AsOf == "" && !s.asOf.IsZero() && s.plan.version == none {
			overtaken, err := rec.Overtaken(ctx, name, s.digest)
			if err != nil {
				return fmt.Errorf("register: look up the files of before: %w", err)
			}
			if overtaken {
				return unusable("%s was taken in before, and another file of this source after it; it would undo what that one said. If it is the latest after all, say so with --as-of TIME", s.name)
			}
		}
	}
	return nil
}

// A run is the import of one file.
type run struct {
	o      *Options
	rec    Recorder
	sum    *Summary
	source *source
	now    time.Time
	batch  visa.Batch
	begun  bool          // a row of it was recorded
	read   *atomic.Int64 // bytes of all files so far
	total  int64
	file   FileSummary
}

// run reads and records side by side: while one batch is being recorded, the
// next ones are read.
func (r *run) run(ctx context.Context) (err error) {
	f, ln, err := r.source.open(r.read)
	if err != nil {
		return fmt.Errorf("register: %s: %w", r.source.name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan batch, 2)
	readErr := make(chan error, 1)
	items := r.items(ln)
	go func() {
		defer close(batches)
		readErr <- r.readAll(ctx, items, batches)
	}()
	rejected := newRejectedFile(r.source)
	r.file = FileSummary{Name: r.source.name, AsOf: r.source.asOf}
	defer func() {
		cancel()
		for range batches { // the reader is done with f once this is closed
		}
		path, closeErr := rejected.close()
		r.file.Rejects = path
		r.sum.add(r.file)
		err = errors.Join(err, closeErr, f.Close(), r.endBatch(ctx))
	}()
	for b := range batches {
		if err := r.recordBatch(ctx, b, rejected); err != nil {
			return err
		}
	}
	if err := <-readErr; err != nil {
		return err
	}
	return r.finish(ctx)
}

// readAll hands over batches until the file ends or ctx does.
func (r *run) readAll(ctx context.Context, items itemReader, to chan<- batch) error {
	for {
		b, err := readBatch(items, r.o.BatchSize)
		if err != nil && err != io.EOF {
			return fmt.Errorf("register: %s: %w", r.source.name, err)
		}
		b.read = r.read.Load()
		select {
		case to <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err == io.EOF {
			return nil
		}
	}
}

// items returns the reader of the file's items.
func (r *run) items(ln *lines) itemReader {
	s := r.source
	if s.format == formatJSON && r.o.Profile == nil {
		return &updateItems{lines: ln, rules: r.o.Rules, reasons: r.o.Reasons}
	}
	m := newMapper(s.plan, r.o.Profile, r.o)
	m.asOf = s.asOf
	m.latest = visa.DateOf(r.now.In(r.o.Zone)).End(r.o.Zone)
	t := &tableItems{rows: s.rows(ln), mapper: m, header: s.header}
	if s.counts(r.o) {
		t.seen = newSeen()
	}
	return t
}

// recordBatch records what of a batch is to be recorded, and counts the whole.
func (r *run) recordBatch(ctx context.Context, b batch, rejected *rejectedFile) error {
	updates := make([]visa.Update, 0, r.o.BatchSize)
	for i := range b.items {
		if b.items[i].goes() {
			updates = append(updates, b.items[i].update)
		}
	}
	results, err := r.record(ctx, updates)
	if err != nil {
		return fmt.Errorf("register: %s: record: %w", r.source.name, err)
	}
	if len(results) != len(updates) {
		return fmt.Errorf("register: %s: %d updates were recorded with %d results", r.source.name, len(updates), len(results))
	}
	r.file.ReasonsDropped += b.dropped
	for i := range b.items {
		it := &b.items[i]
		r.file.Rows++
		why := it.problem
		switch {
		case it.ignored:
			r.file.Ignored++
		case it.repeat:
			r.file.Duplicate++
		case it.problem != "":
			r.file.Rejected++
		default:
			why = r.file.count(it, results[0])
			results = results[1:]
		}
		if why != "" {
			if err := rejected.add(it, why); err != nil {
				return err
			}
		}
	}
	if r.o.Progress != nil {
		r.o.Progress(min(b.read, r.total), r.total, r.sum.Rows+r.file.Rows)
	}
	return nil
}

func (r *run) record(ctx context.Context, updates []visa.Update) ([]visa.Recorded, error) {
	switch {
	case len(updates) == 0:
		return nil, nil
	case r.o.DryRun:
		return r.rec.Preview(ctx, updates)
	}
	if !r.begun {
		// From the first row on, an older file would undo what this one says,
		// also if this one never comes to its end.
		r.begun = true
		if f := r.feed(); f.Source != UndatedSource {
			f.Complete = false
			if err := r.rec.FinishFeed(ctx, f); err != nil {
				return nil, fmt.Errorf("register: note the beginning of %s: %w", r.source.name, err)
			}
		}
	}
	return r.rec.Record(ctx, r.source.name, r.batch, updates)
}

// endTime is how long a file that was broken off waits to say that it is over.
const endTime = 10 * time.Second

// endBatch lets be told what was recorded, also of a file that was broken off.
func (r *run) endBatch(ctx context.Context) error {
	if !r.begun {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := r.rec.EndBatch(ctx, r.batch); err != nil {
		return fmt.Errorf("register: %s: its followers are told some minutes late: %w", r.source.name, err)
	}
	return nil
}

// feed is this file as a delivery of the register.
func (r *run) feed() visa.Feed {
	f := visa.Feed{Source: UndatedSource, Origin: r.source.name, AsOf: r.now, Complete: true, Digest: r.source.digest}
	if !r.source.asOf.IsZero() {
		f.Source, f.AsOf = "", r.source.asOf
		if r.o.Profile != nil {
			f.Source = r.o.Profile.name
		}
	}
	return f
}

// finish notes the feed, unless nothing of it could be used: then the register
// was not read at all, and nobody may be told that it was checked.
func (r *run) finish(ctx context.Context) error {
	if c := r.file.Counts; c.Rows == c.Ignored && len(r.sum.Files) == 0 {
		return unusable("%s is not usable: it has no rows below its header", r.source.name)
	} else if c.Rejected > 0 && c.Rejected == c.Rows-c.Ignored {
		if len(r.sum.Files) > 0 {
			return nil
		}
		return unusable("%s is not usable: not one of its %s rows can be read; is this its profile?", r.source.name, number(c.Rejected))
	}
	if r.o.DryRun {
		return nil
	}
	feed := r.feed()
	// A file of which less than half could be read tells little of the register.
	feed.Complete = 2*r.file.Rejected <= r.file.Rows-r.file.Ignored
	if err := r.rec.FinishFeed(ctx, feed); err != nil {
		return fmt.Errorf("register: %s: finish: %w", r.source.name, err)
	}
	return nil
}

// count takes in the result of one update. It returns why the row belongs
// among the rejected ones, or nothing.
func (f *FileSummary) count(it *item, res visa.Recorded) (why string) {
	f.Told += int64(res.Told)
	switch res.Result {
	case visa.Applied:
		f.Applied++
		if res.New {
			f.New++
		}
	case visa.Duplicate:
		f.Duplicate++
	case visa.Stale:
		f.Stale++
	case visa.Conflict:
		f.Conflict++
		return fmt.Sprintf("conflict: version %d is known with other content; a correction needs a higher version", res.Version)
	default:
		f.Rejected++
		return cmp.Or(string(res.Result), "no result") + ": the store refused it"
	}
	return ""
}
