package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"kabarchy/profiles"
	"kabarchy/register"
	"kabarchy/store"
	"kabarchy/visa"
)

type importCommand struct {
	Files   []string `arg:"" name:"file" help:"Files of the register: .csv, .jsonl or .ndjson, each also .gz."`
	Profile string   `help:"How to read them: a shipped profile's name, or a file. Without one the columns are the update's fields." placeholder:"PROFILE"`
	AsOf    string   `help:"As of when the files were true: a day, or a time with its zone." placeholder:"TIME"`
	DryRun  bool     `help:"Say what would change, and change nothing."`
	Yes     bool     `help:"Ask nothing."`
}

func (i importCommand) Run(ctx context.Context, a *app) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	texts, err := reasons(c)
	if err != nil {
		return err
	}
	var profile *register.Profile
	if i.Profile != "" {
		if profile, err = register.LoadProfile(i.Profile, profiles.FS); err != nil {
			return exit{exitUnusable, err}
		}
	}
	s, err := openStore(ctx, c, a.logger(c))
	if err != nil {
		return exit{exitUnusable, err}
	}
	defer s.Close()
	progress, done := a.progress()
	sum, err := register.Import(ctx, register.Options{
		Files: i.Files, Profile: profile, AsOf: i.AsOf, DryRun: i.DryRun, Zone: c.Timezone, Now: time.Now,
		Rules: rules(c), Reasons: texts, Progress: progress,
	}, recorder{s})
	done()
	if perr := printed(err, func() error { return sum.Print(a.out, c.Timezone) }); perr != nil {
		return perr
	}
	if err != nil {
		return exit{sum.ExitCode(), err}
	}
	if status := sum.ExitCode(); status != exitFine {
		return exit{status: status}
	}
	return nil
}

// printed prints a summary unless nothing was looked at.
func printed(err error, print func() error) error {
	var u *register.UnusableError
	if errors.As(err, &u) {
		return nil
	}
	return print()
}

// progress draws a bar where standard error is a terminal.
func (a *app) progress() (step func(done, total, rows int64), end func()) {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	step = func(done, total, rows int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.err), progressbar.OptionShowBytes(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
		}
		bar.Describe(fmt.Sprintf("%d rows", rows))
		_ = bar.Set64(done)
	}
	return step, func() {
		if bar != nil {
			_ = bar.Finish()
			fmt.Fprintln(a.err)
		}
	}
}

// recorder is the store as an import knows it.
type recorder struct{ *store.Store }

// Record records a batch, and then leaves the write lock free for a moment: a
// service beside the import has updates to acknowledge and messages to send.
func (r recorder) Record(ctx context.Context, origin string, batch visa.Batch, updates []visa.Update) ([]visa.Recorded, error) {
	out, err := r.Store.Record(ctx, origin, batch, updates)
	t := time.NewTimer(lockFree)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return out, err
}

const lockFree = 3 * time.Millisecond

var _ register.Recorder = recorder{}
