package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	core "kabarchy/app"
	"kabarchy/visa"
)

type announceCommand struct {
	Make   announceMake   `cmd:"" name:"make" default:"withargs" help:"Write to many chats, after saying to whom and showing what. The word make can be left out."`
	List   announceList   `cmd:"" help:"List the latest announcements."`
	Show   announceShow   `cmd:"" help:"Show an announcement with its texts and how far it has come."`
	Pause  announcePause  `cmd:"" help:"Stop an announcement for now."`
	Resume announceResume `cmd:"" help:"Go on with a paused announcement."`
	Cancel announceCancel `cmd:"" help:"End an announcement: what was not sent is not sent any more."`
}

type announceMake struct {
	Text      []string `required:"" sep:"none" help:"The text in a language, from a file. Can be repeated." placeholder:"LANG=FILE"`
	Campaign  *string  `help:"Only chats that follow an application of this campaign." placeholder:"C"`
	Procedure *string  `help:"… of this procedure: visa, single_permit, exit_visa or residence_permit." placeholder:"P"`
	Stage     *string  `help:"… at this stage: received, in_processing, correction_required, decided or closed." placeholder:"S"`
	DryRun    bool     `help:"Say to how many chats it would go and show it in each language, and do nothing."`
	Request   string   `xor:"request" help:"A name of your own for this announcement: whoever says the same again gets the one there is. Without it, the same texts to the same chats on the same day are the same announcement." placeholder:"NAME"`
	Again     bool     `xor:"request" help:"Make a new announcement though the same was made today."`
	Yes       bool     `help:"Ask nothing."`
	Detach    bool     `help:"Do not wait until it is sent."`
}

// commandLine stands as the maker of what is announced from here.
const commandLine = "command line"

func (m announceMake) Run(ctx context.Context, a *app) error {
	made, err := m.read()
	if err != nil {
		return err
	}
	n, done, err := a.announcer(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := n.Check(&made); err != nil {
		return unusable("%s", m.flag(err))
	}
	plan, err := n.Plan(ctx, made)
	if err != nil {
		return err
	}
	if err := printPlan(a.out, plan, made.Audience); err != nil {
		return err
	}
	switch {
	case m.DryRun:
		return nil
	case plan.Total == 0:
		return unusable("there is nobody to write to, and nothing was made")
	case !m.Yes && !a.agreed(ctx, fmt.Sprintf("Send it to %d chats?", plan.Total)):
		return unusable("nothing was made; answer yes, or add --yes")
	}
	zone, err := a.zone()
	if err != nil {
		return err
	}
	made.Request = m.request(made, time.Now().In(zone))
	made, fresh, err := n.Announce(ctx, made)
	switch {
	case errors.Is(err, visa.ErrRequestUsed):
		return unusable("--request %s: %w", m.Request, err)
	case err != nil:
		return err
	case fresh:
		fmt.Fprintf(a.out, "Announcement %d is made. The running service sends it.\n", made.ID)
	default:
		fmt.Fprintf(a.out, "Announcement %d is the same and was made %s already. Nothing new was made; --again makes another.\n", made.ID, at(made.CreatedAt, zone))
	}
	if m.Detach {
		return nil
	}
	return a.watch(ctx, n, made)
}

// request is what an announcement that is checked is known by, so that a command
// that is run once more, because nobody knows what became of it, does not send
// it twice: what was given, or its content and the day. "" makes a new one.
func (m announceMake) request(made visa.Announcement, now time.Time) string {
	if m.Request != "" || m.Again {
		return m.Request
	}
	content, err := json.Marshal([]any{made.Texts, made.Audience})
	if err != nil {
		return "" // strings can always be written
	}
	return fmt.Sprintf("%s %x", now.Format(time.DateOnly), sha256.Sum256(content))
}

// maxTextFile is the most bytes that are read of a text: far more than may
// stand in it.
const maxTextFile = 1 << 20

// read takes in the files.
func (m announceMake) read() (visa.Announcement, error) {
	made := visa.Announcement{
		Request: m.Request, Texts: make(map[string]string), CreatedBy: commandLine,
	}
	// One that is there and empty, as from a variable that is not set, must not
	// reach everybody.
	for _, f := range []struct {
		name  string
		value *string
		into  func(string)
	}{
		{"campaign", m.Campaign, func(v string) { made.Audience.Campaign = v }},
		{"procedure", m.Procedure, func(v string) { made.Audience.Procedure = visa.Procedure(v) }},
		{"stage", m.Stage, func(v string) { made.Audience.Stage = visa.Stage(v) }},
	} {
		if f.value == nil {
			continue
		}
		if *f.value == "" {
			return made, unusable("--%s is empty; state a value, or leave it out to write to every chat", f.name)
		}
		f.into(*f.value)
	}
	for _, text := range m.Text {
		lang, path, ok := strings.Cut(text, "=")
		if !ok || lang == "" || path == "" {
			return made, unusable("--text %q: write a language and a file, such as --text ru=text.ru.txt", text)
		}
		if _, twice := made.Texts[lang]; twice {
			return made, unusable("--text %s: there are two texts in this language", lang)
		}
		f, err := os.Open(path)
		if err != nil {
			return made, unusable("--text %s: %w", lang, err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxTextFile))
		if err = errors.Join(err, f.Close()); err != nil {
			return made, unusable("--text %s: %w", lang, err)
		}
		made.Texts[lang] = string(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	}
	return made, nil
}

// flag names what is wrong as it was given here.
func (m announceMake) flag(err error) string {
	var f *visa.FieldError
	if !errors.As(err, &f) {
		return err.Error()
	}
	if lang, ok := strings.CutPrefix(f.Field, "texts."); ok {
		return "--text " + lang + ": it " + f.Problem
	}
	if name, ok := strings.CutPrefix(f.Field, "audience."); ok {
		return "--" + name + ": it " + f.Problem
	}
	if f.Field == "request" {
		return "--request: it " + f.Problem
	}
	return "--text: it " + f.Problem
}

// announcer opens the database of the settings; done closes it.
func (a *app) announcer(ctx context.Context) (n *core.Announcer, done func(), err error) {
	c, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	s, err := openStore(ctx, c, a.logger(c))
	if err != nil {
		return nil, nil, err
	}
	return newAnnouncer(c, s), func() { _ = s.Close() }, nil
}

// audienceText says whom an announcement is for.
func audienceText(a visa.Audience) string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"campaign", a.Campaign}, {"procedure", string(a.Procedure)}, {"stage", string(a.Stage)}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if len(parts) == 0 {
		return "every chat"
	}
	return "chats that follow an application of " + strings.Join(parts, ", ")
}

func printPlan(out io.Writer, p core.Plan, to visa.Audience) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "To %s: %d at present.\n\n", audienceText(to), p.Total)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LANGUAGE\tCHATS\tTEXT")
	for _, l := range p.Languages {
		text := l.TextOf
		if text != l.Code {
			text += " (there is none in " + l.Code + ")"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", l.Code, l.Chats, text)
	}
	_ = w.Flush()
	for _, l := range p.Languages {
		fmt.Fprintf(&b, "\n--- %s: %d chats see\n\n%s\n", l.Code, l.Chats, l.Shown.Text)
		for _, button := range l.Buttons {
			fmt.Fprintf(&b, "[ %s ]\n", button)
		}
	}
	b.WriteString("\n---\n")
	_, err := out.Write(b.Bytes())
	return err
}

const (
	watchEvery = 500 * time.Millisecond
	// standsStill is after how long without any progress it is asked whether
	// anything sends at all.
	standsStill = 15 * time.Second
)

// watch shows how an announcement comes on, until it has ended. What ends ctx
// ends the watching alone.
func (a *app) watch(ctx context.Context, n *core.Announcer, made visa.Announcement) error {
	show, end := a.announcementBar(made.Total)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	moved, before, asked := time.Now(), made.Done(), false
	var err error
	for now := made; !made.State.Ended(); made = now {
		show(made)
		select {
		case <-ctx.Done():
			end()
			fmt.Fprintf(a.err, "It goes on without this command: see kabarchy announce show %d, or pause or cancel it.\n", made.ID)
			return nil
		case <-tick.C:
		}
		if now, err = n.Show(ctx, made.ID); err != nil {
			if ctx.Err() != nil {
				now = made
				continue
			}
			end()
			return fmt.Errorf("announcement %d goes on, but cannot be watched: %w", made.ID, err)
		}
		if now.Done() != before || now.State != visa.AnnouncementRunning {
			moved, before = time.Now(), now.Done()
		}
		if !asked && time.Since(moved) > standsStill {
			asked = true
			fmt.Fprintln(a.err, "Nothing goes out at present. Does the service run, with a TELEGRAM_TOKEN? Is Telegram within reach?")
		}
	}
	show(made)
	end()
	fmt.Fprintf(a.out, "Announcement %d is %s: %d of %d chats.\n", made.ID, made.State, made.Done(), made.Total)
	if made.State == visa.AnnouncementCancelled {
		return exit{status: exitFailed}
	}
	return nil
}

// announcementBar draws a bar where standard error is a terminal.
func (a *app) announcementBar(total int64) (show func(visa.Announcement), end func()) {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(visa.Announcement) {}, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(a.err), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
	return func(n visa.Announcement) {
		bar.ChangeMax64(max(n.Total, n.Written))
		bar.Describe(string(n.State))
		_ = bar.Set64(n.Done())
	}, func() { fmt.Fprintln(a.err) }
}
