// Package cli holds the commands, and is the one place where all packages
// meet: it reads the configuration and hands each package what it needs.
//
// Exit statuses, of every command: 0 all fine, 1 it failed or, for an import,
// some rows were rejected, 2 what was asked is not usable and nothing was
// changed.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"kabarchy/config"
)

const (
	exitFine     = 0
	exitFailed   = 1
	exitUnusable = 2
)

// An exit is an error with an exit status of its own.
type exit struct {
	status int
	err    error // nil: all has been said
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

func unusable(format string, args ...any) error {
	return exit{exitUnusable, fmt.Errorf(format, args...)}
}

// grammar is the command line.
type grammar struct {
	config.Flags `embed:"" group:"Settings (also KABARCHY_NAME in the environment, or NAME=value in the file of --config)"`

	Serve       serveCommand       `cmd:"" help:"Run the service."`
	Demo        demoCommand        `cmd:"" help:"Show the service with a made-up campaign and a simulated Telegram. Needs nothing."`
	Import      importCommand      `cmd:"" help:"Take in files of the register."`
	Keys        keysCommand        `cmd:"" help:"Make, list and revoke keys of the API."`
	Announce    announceCommand    `cmd:"" help:"Write to many chats at once."`
	Deliveries  deliveriesCommand  `cmd:"" help:"See what became of messages, and send dead letters again."`
	Reminders   remindersCommand   `cmd:"" help:"Plan reminders anew."`
	Migrate     migrateCommand     `cmd:"" help:"Make or migrate the database."`
	Settings    configCommand      `cmd:"" name:"config" help:"Print the settings in effect, secrets hidden, and check them."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the service running on this machine whether it is ready: exit status 0 or 1."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// An app is what commands run with.
type app struct {
	flags   config.Flags
	environ []string
	in      io.Reader
	out     io.Writer // results
	err     io.Writer // everything else
}

// Main runs the command that args name and returns the exit status.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	var g grammar
	status := -1
	parser, err := kong.New(&g,
		kong.Name("kabarchy"),
		kong.Description("Tells applicants where their application stands. Start with: kabarchy demo"),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: false}),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { status = code }),
	)
	if err != nil {
		fmt.Fprintln(errOut, "kabarchy:", err)
		return exitUnusable
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help
		return status
	}
	if err != nil {
		fmt.Fprintf(errOut, "kabarchy: %v\nTry: kabarchy --help\n", err)
		return exitUnusable
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return finish(parsed.Run(&app{flags: g.Flags, environ: os.Environ(), in: in, out: out, err: errOut}), errOut)
}

// finish says what went wrong and returns the exit status.
func finish(err error, errOut io.Writer) int {
	if err == nil {
		return exitFine
	}
	var e exit
	status := exitFailed
	if errors.As(err, &e) {
		status = e.status
		if e.err == nil {
			return status
		}
	}
	fmt.Fprintln(errOut, "kabarchy:", err)
	return status
}

type versionCommand struct{}

func (versionCommand) Run(a *app) error {
	_, err := fmt.Fprintln(a.out, "kabarchy", Version())
	return err
}

// version is set by the release's build.
var version = ""

// Version returns the version of this program.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			revision = " " + s.Value[:12]
		}
	}
	return info.Main.Version + revision
}
