package cli

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kabarchy/config"
	"kabarchy/store"
	"kabarchy/visa"
)

// closedAt is a closed application since a time.
func closedAt(t *testing.T, reference string, at time.Time) visa.Update {
	t.Helper()
	r, err := visa.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	u := visa.Update{Reference: r, Version: 1, UpdatedAt: at,
		Statement: visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageClosed, Outcome: visa.OutcomeWithdrawn}}
	u.Normalize()
	return u
}

func settings(t *testing.T, path string, environ ...string) config.Config {
	t.Helper()
	database, any := store.Prefix+path, "127.0.0.1:0"
	c, err := config.Load(config.Flags{DatabaseURL: &database, Listen: &any, AdminListen: &any}, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnApplicationIsErasedWithinAnHourOfItsLastDay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.db")
	for _, zone := range []string{"Asia/Bishkek", "Europe/Berlin"} {
		t.Run(zone, func(t *testing.T) {
			c := settings(t, path+strings.ReplaceAll(zone, "/", "-"), "KABARCHY_RETENTION=90d", "KABARCHY_TIMEZONE="+zone)
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(context.Background())
				keys, err := keyring(c)
				if err != nil {
					t.Fatal(err)
				}
				s, err := store.Open(ctx, c.DatabaseURL.Reveal(), store.Options{Keys: keys, Schedule: schedule(c), Poll: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Retain(ctx, true); err != nil {
					t.Fatal(err)
				}
				u := closedAt(t, "20417733", time.Now().Add(17*time.Minute))
				if _, err := s.Record(ctx, "test", "", []visa.Update{u}); err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				var log bytes.Buffer
				go func() { retain(ctx, s, slog.New(slog.NewTextHandler(&log, nil))); close(done) }()
				knows := func() bool {
					_, err := s.Application(ctx, u.Reference)
					return err == nil
				}
				wait := func(d time.Duration) {
					<-time.After(d) // the bubble's clock
					synctest.Wait()
				}
				last := visa.DateOf(u.UpdatedAt.In(c.Timezone)).Add(90)
				wait(time.Until(last.End(c.Timezone)) - time.Second)
				if !knows() {
					t.Errorf("erased before the end of %s", last)
				}
				wait(time.Hour + 2*time.Second)
				if knows() {
					t.Errorf("kept after %s", last)
				}
				stop()
				<-done
				if !strings.Contains(log.String(), "applications=1") || strings.Contains(log.String(), "20417733") {
					t.Errorf("logged %s", log.String())
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAServiceErasesWhatIsPastItsTime(t *testing.T) {
	for _, tt := range []struct {
		name, retention string
		erases          bool
	}{
		{"by the settings it was begun with", "30d", true},
		{"not at once by others", "20d", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k.db")
			ctx := context.Background()
			log := slog.New(slog.NewTextHandler(io.Discard, nil))
			s, err := openStore(ctx, settings(t, path, "KABARCHY_RETENTION=30d"), log)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Retain(ctx, true); err != nil {
				t.Fatal(err)
			}
			u := closedAt(t, "20417733", time.Now().AddDate(0, 0, -40))
			if _, err := s.Record(ctx, "test", "", []visa.Update{u}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			service, err := newService(ctx, settings(t, path, "KABARCHY_RETENTION="+tt.retention), roleAll, slog.New(slog.NewTextHandler(&said, nil)))
			if err != nil {
				t.Fatal(err)
			}
			putOff := strings.Contains(said.String(), "has changed; nothing is erased")
			erased := make(chan struct{})
			service.store.OnChange(func(c visa.Changes) {
				for _, a := range c.Applications {
					if a.Reference == u.Reference {
						close(erased)
					}
				}
			})
			run, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- service.run(run) }()
			if putOff == tt.erases {
				t.Errorf("put off: %t", putOff)
			}
			if tt.erases {
				select {
				case <-erased:
				case <-time.After(30 * time.Second):
					t.Error("nothing was erased")
				}
			}
			if _, err := service.store.Application(ctx, u.Reference); (err != nil) != tt.erases {
				t.Errorf("read: %v", err)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
