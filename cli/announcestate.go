package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"kabarchy/config"
	"kabarchy/visa"
)

type announceList struct{}

func (announceList) Run(ctx context.Context, a *app) error {
	zone, err := a.zone()
	if err != nil {
		return err
	}
	n, done, err := a.announcer(ctx)
	if err != nil {
		return err
	}
	defer done()
	all, err := n.List(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(a.err, "There is no announcement.")
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tMADE\tBY\tSTATE\tTO\tCHATS\tDONE\tENDED")
	for _, x := range all {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", x.ID, at(x.CreatedAt, zone), x.CreatedBy, x.State, audienceText(x.Audience), x.Total, x.Done(), at(x.EndedAt, zone))
	}
	return w.Flush()
}

// zone is the zone of the settings.
func (a *app) zone() (*time.Location, error) {
	var c config.Config
	c, err := a.load()
	return c.Timezone, err
}

type announceShow struct {
	ID int64 `arg:"" help:"The announcement's number."`
}

func (s announceShow) Run(ctx context.Context, a *app) error {
	zone, err := a.zone()
	if err != nil {
		return err
	}
	n, done, err := a.announcer(ctx)
	if err != nil {
		return err
	}
	defer done()
	x, err := n.Show(ctx, s.ID)
	if err != nil {
		return announcementError(s.ID, err)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Announcement\t%d\n", x.ID)
	fmt.Fprintf(w, "State\t%s\n", x.State)
	fmt.Fprintf(w, "To\t%s\n", audienceText(x.Audience))
	fmt.Fprintf(w, "Made\t%s, by %s\n", at(x.CreatedAt, zone), x.CreatedBy)
	fmt.Fprintf(w, "Ended\t%s\n", at(x.EndedAt, zone))
	fmt.Fprintf(w, "Request\t%s\n", x.Request)
	fmt.Fprintf(w, "Chats\t%d when it was made\n", x.Total)
	fmt.Fprintf(w, "Done\t%d\n", x.Done())
	fmt.Fprintf(w, "Waiting\t%d, written ahead of the sending\n", x.Waiting)
	_ = w.Flush()
	var languages []string
	for lang := range x.Texts {
		languages = append(languages, lang)
	}
	slices.Sort(languages)
	for _, lang := range languages {
		fmt.Fprintf(&b, "\n--- %s\n\n%s\n", lang, x.Texts[lang])
	}
	_, err = a.out.Write(b.Bytes())
	return err
}

type announcePause struct {
	ID int64 `arg:"" help:"The announcement's number."`
}

func (p announcePause) Run(ctx context.Context, a *app) error {
	return a.setAnnouncement(ctx, p.ID, visa.AnnouncementPaused)
}

type announceResume struct {
	ID int64 `arg:"" help:"The announcement's number."`
}

func (r announceResume) Run(ctx context.Context, a *app) error {
	return a.setAnnouncement(ctx, r.ID, visa.AnnouncementRunning)
}

type announceCancel struct {
	ID int64 `arg:"" help:"The announcement's number."`
}

func (c announceCancel) Run(ctx context.Context, a *app) error {
	return a.setAnnouncement(ctx, c.ID, visa.AnnouncementCancelled)
}

func (a *app) setAnnouncement(ctx context.Context, id int64, state visa.AnnouncementState) error {
	n, done, err := a.announcer(ctx)
	if err != nil {
		return err
	}
	defer done()
	x, err := n.Set(ctx, id, state)
	if err != nil {
		return announcementError(id, err)
	}
	_, err = fmt.Fprintf(a.out, "Announcement %d is %s: %d of %d chats.\n", x.ID, x.State, x.Done(), x.Total)
	return err
}

func announcementError(id int64, err error) error {
	switch {
	case errors.Is(err, visa.ErrNotFound):
		return unusable("there is no announcement %d; see: kabarchy announce list", id)
	case errors.Is(err, visa.ErrEnded):
		return unusable("announcement %d has ended, and nothing was changed; see: kabarchy announce show %d", id, id)
	}
	return err
}
