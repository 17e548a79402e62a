package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

type migrateCommand struct{}

func (migrateCommand) Run(ctx context.Context, a *app) error {
	s, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	v, err := s.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "The database has schema %d, the newest this program knows.\n", v)
	return err
}

type remindersCommand struct {
	Recompute remindersRecompute `cmd:"" help:"Plan all reminders anew, after a change of REMINDERS, QUIET_HOURS, PENDING_LONG, RETENTION, CAMPAIGN_ENDS or of the zone's own rules."`
}

type remindersRecompute struct{}

func (remindersRecompute) Run(ctx context.Context, a *app) error {
	s, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	n, err := s.Recompute(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%d reminders have a new time.\n", n)
	return err
}

type configCommand struct{}

func (configCommand) Run(a *app) error {
	c, err := a.load()
	if perr := c.Print(a.out); perr != nil {
		return perr
	}
	if err != nil {
		return err
	}
	_, err = reasons(c)
	return err
}

type healthcheckCommand struct{}

func (healthcheckCommand) Run(ctx context.Context, a *app) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(c.AdminListen)
	if err != nil {
		return unusable("ADMIN_LISTEN %q: %w", c.AdminListen, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the service does not answer: %w", err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the service is not ready: %s %s", answer.Status, body)
	}
	_, err = fmt.Fprintln(a.out, "ready")
	return err
}
