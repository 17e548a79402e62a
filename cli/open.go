package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"kabarchy/config"
	"kabarchy/i18n"
	"kabarchy/store"
	"kabarchy/visa"
)

// load reads the settings. What is wrong with them is one line each, and
// nothing has been touched by then.
func (a *app) load() (config.Config, error) {
	c, err := config.Load(a.flags, a.environ, os.ReadFile)
	if err != nil {
		return c, exit{exitUnusable, err}
	}
	return c, nil
}

// logger writes structured logs to standard error.
func (a *app) logger(c config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}

// openStore opens the database of the settings, making and migrating it if
// need be, with the keys that belong to it.
func openStore(ctx context.Context, c config.Config, log *slog.Logger) (*store.Store, error) {
	keys, err := keyring(c)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, c.DatabaseURL.Reveal(), store.Options{Keys: keys, Schedule: schedule(c), Log: log, Pace: c.Pace})
	if err != nil {
		return nil, err
	}
	if err := s.Retain(ctx, false); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// keyring returns the secret keys: those of the settings, or else those of the
// file beside the SQLite database, which is made once.
func keyring(c config.Config) (*store.Keyring, error) {
	keys := c.SecretKeys
	if len(keys) == 0 {
		if err := c.RequireKeys(); err != nil {
			return nil, exit{exitUnusable, err}
		}
		var err error
		if keys, err = keysBeside(c.DatabaseURL.SQLitePath()); err != nil {
			return nil, err
		}
	}
	secrets := make([]store.Secret, len(keys))
	for i, k := range keys {
		secrets[i] = store.Secret{ID: k.ID, Key: []byte(k.Secret.Reveal())}
	}
	return store.NewKeyring(secrets)
}

// keysBeside reads the file DATABASE.keys, or makes it, readable by its owner
// alone. It appears whole or not at all, so that two processes that start at
// the same time end up with the same keys.
func keysBeside(database string) (config.Keys, error) {
	path := database + ".keys"
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(database); err == nil {
			if info, _ := os.Stat(database); info.Size() > 0 {
				return nil, fmt.Errorf("the database %s exists but its key file %s does not; without it nobody who follows an application can be reached: put it back, or set KABARCHY_SECRET_KEYS", database, path)
			}
		}
		if err := writeNewKeys(path); err != nil {
			return nil, fmt.Errorf("make the key file beside the database: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file beside the database: %w", err)
	}
	keys, err := config.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("the key file %s: %w", path, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the key file %s is empty", path)
	}
	return keys, nil
}

func writeNewKeys(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	k, err := config.NewKey("k1")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(config.Keys{k}.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the name must survive as the database does
}

func schedule(c config.Config) visa.Schedule {
	q := c.QuietHours
	s := visa.Schedule{
		Zone: c.Timezone, Quiet: visa.QuietHours{From: q.From.Hour*60 + q.From.Minute, To: q.To.Hour*60 + q.To.Minute},
		PendingLong: c.PendingLongDays, Retention: c.RetentionDays, CampaignEnds: campaignEnds(c),
	}
	for _, r := range c.Reminders {
		s.Rules = append(s.Rules, visa.ReminderRule{Kind: visa.DeadlineKind(r.Kind), Days: r.Days, Hour: r.Hour, Minute: r.Minute})
	}
	return s
}

func rules(c config.Config) visa.ReferenceRules {
	r := visa.ReferenceRules{Pattern: c.ReferencePattern}
	if c.ReferenceCheck == config.CheckMod3736 {
		r.Check = visa.Mod37x36
	}
	return r
}

// reasons reads the configured codes, or the built-in ones.
func reasons(c config.Config) (*i18n.Reasons, error) {
	if c.Reasons == "" {
		return i18n.DefaultReasons(), nil
	}
	data, err := os.ReadFile(c.Reasons)
	if err != nil {
		return nil, unusable("REASONS: %w", err)
	}
	r, err := i18n.LoadReasons(data)
	if err != nil {
		return nil, unusable("REASONS %s: %w", c.Reasons, err)
	}
	return r, nil
}
