package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"kabarchy/config"
	"kabarchy/notifier/telegram/simulator"
	"kabarchy/visa"
)

type demoCommand struct {
	Data string `help:"Keep the data in this folder instead of a temporary one." placeholder:"DIR" type:"path"`
}

// The addresses the demonstration would like; where one is taken, a free one.
const (
	demoPublic   = "127.0.0.1:8080"
	demoAdmin    = "127.0.0.1:8081"
	demoTelegram = "127.0.0.1:8082"
)

// demoToken opens nothing but the simulated Telegram.
const demoToken = "7100000001:demonstration-token-of-no-use-elsewhere"

func (d demoCommand) Run(ctx context.Context, a *app) (err error) {
	dir := d.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "kabarchy-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	c, err := a.demoConfig(dir)
	if err != nil {
		return err
	}
	sim := simulator.New(simulator.Options{
		Tokens: []string{demoToken}, Location: c.Timezone,
		// A folder that is kept remembers what it has received and sent before.
		FirstUpdateID: int(time.Now().Unix()), FirstMessageID: int(time.Now().Unix() % 1_000_000_000),
	})
	telegram, err := sim.Listen(freeAddress(demoTelegram))
	if err != nil {
		return err
	}
	defer sim.Close()
	c.TelegramAPIURL = telegram
	sim.AddUser(simulator.User{FirstName: "Applicant", LanguageCode: "en"})
	sim.AddUser(simulator.User{FirstName: "Заявитель", LanguageCode: "ru"})
	sim.AddUser(simulator.User{FirstName: "Арыз ээси", LanguageCode: "ky"})

	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := newService(ctx, c, roleAll, log)
	if err != nil {
		return err
	}
	stories, key, err := s.makeCampaign(ctx)
	if err == nil {
		err = a.tellDemo(ctx, s, stories, key, telegram, d.Data)
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	return s.run(ctx)
}

// demoConfig is the configuration of the demonstration. Nothing of the
// environment's gets in: a real token or database must not.
func (a *app) demoConfig(dir string) (config.Config, error) {
	f := a.flags
	database := "sqlite:" + filepath.Join(dir, "kabarchy.db")
	f.DatabaseURL = &database
	for _, want := range []struct {
		flag    **string
		address string
	}{{&f.Listen, demoPublic}, {&f.AdminListen, demoAdmin}} {
		if *want.flag == nil {
			address := freeAddress(want.address)
			*want.flag = &address
		}
	}
	c, err := config.Load(f, []string{"KABARCHY_TELEGRAM_TOKEN=" + demoToken}, os.ReadFile)
	if err != nil {
		return c, exit{exitUnusable, err}
	}
	return c, nil
}

// freeAddress returns address, or one with a free port where it is taken.
func freeAddress(address string) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return address
		}
	}
	defer l.Close()
	return l.Addr().String()
}

// makeCampaign fills an empty database, and makes a key to change it with.
func (s *service) makeCampaign(ctx context.Context) (campaign, string, error) {
	made := newCampaign(s.app.Now(), s.c.Timezone)
	asOf, err := s.store.AsOf(ctx)
	if err != nil {
		return made, "", err
	}
	if asOf.IsZero() {
		const batch = 500
		for from := 0; from < len(made.updates); from += batch {
			if _, err := s.app.Record(ctx, "demo", "", made.updates[from:min(from+batch, len(made.updates))]); err != nil {
				return made, "", err
			}
		}
		if err := s.app.FinishFeed(ctx, visa.Feed{Source: "demo", Origin: "demo", AsOf: made.feed, Complete: true}); err != nil {
			return made, "", err
		}
	}
	if err := s.store.RevokeKey(ctx, "demo"); err != nil && !errors.Is(err, visa.ErrNotFound) {
		return made, "", err
	}
	text, key := newKey("demo", visa.Scopes)
	return made, text, s.store.AddKey(ctx, key)
}

// tellDemo says what there is to see.
func (a *app) tellDemo(ctx context.Context, s *service, made campaign, key, telegram, data string) error {
	base := "http://" + s.public.Addr().String()
	hero := made.cases[0].reference
	known, err := s.store.Application(ctx, hero)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Kabarchy, with a made-up campaign (%s, %d applications) and a simulated Telegram.\nNothing leaves this machine.\n\n", made.name, campaignSize)
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "  The applicant's page\t%s/\n", base)
	fmt.Fprintf(w, "  Telegram, simulated\t%s/\n", telegram)
	fmt.Fprintf(w, "  The API\t%s/v1/applications/%s\n", base, hero.String())
	fmt.Fprintf(w, "  Its contract\t%s/openapi.yaml\n", base)
	fmt.Fprintf(w, "  Metrics\thttp://%s/metrics\n", s.admin.Addr())
	_ = w.Flush()
	b.WriteString("\nReference numbers to try, on the page or in a chat:\n\n")
	for _, c := range made.cases {
		fmt.Fprintf(&b, "  %s   %s\n", c.reference.String(), c.shows)
	}
	fmt.Fprintf(&b, "\nTo see an alert: open the simulated Telegram, choose a chat, send /follow %s,\nand paste this into another terminal:\n\n", hero.String())
	fmt.Fprintf(&b, "  %s\n", decide(base, key, known, s.c.Timezone, time.Now()))
	if data == "" {
		b.WriteString("\nThe data is in a temporary folder and goes when you stop this with Ctrl-C.\n")
	} else {
		fmt.Fprintf(&b, "\nThe data stays in %s. Stop this with Ctrl-C.\n", data)
	}
	_, err = fmt.Fprint(a.out, b.String())
	return err
}

// decide is a command that decides an application, or, where that was done
// before, moves the day by which to leave.
func decide(base, key string, known visa.Application, zone *time.Location, now time.Time) string {
	today := visa.DateOf(now.In(zone))
	until := today.Add(15)
	if d, ok := known.Deadline(visa.LeaveBy); ok {
		until = max(d.Date, today).Add(1)
	}
	from := today
	if !known.Document.ValidFrom.IsZero() {
		from = known.Document.ValidFrom
	}
	u := visa.Update{Reference: known.Reference, Version: known.Version + 1, UpdatedAt: now.In(zone).Truncate(time.Second), Statement: known.Statement}
	u.Stage, u.Outcome = visa.StageDecided, visa.OutcomeApproved
	u.Document = visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: from, ValidUntil: until}
	u.Deadlines = []visa.Deadline{{Kind: visa.LeaveBy, Date: until, Calculated: true}}
	return fmt.Sprintf("curl -sS %s/v1/updates -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '%s'",
		base, key, visa.AppendUpdate(nil, u))
}
