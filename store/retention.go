package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kabarchy/visa"
)

// Names of settings in the database.
const (
	settingRetention = "retention"  // what is kept for how long, by the last process that erases
	settingEraseFrom = "erase_from" // a Date as a number: nothing is erased before
	settingPlanned   = "planned"    // the settings by which notices were last planned
)

// Retain puts RETENTION and CAMPAIGN_ENDS into effect for the notices that this
// process plans and, where it erases, for what it erases. Where they are other
// than those of the process before, in a database that holds applications,
// nothing is erased before followers could be told of it: ErasureAhead days from
// tomorrow. So a mistake can be undone, too.
//
// Call it once, before anything else is asked of the store.
func (s *Store) Retain(ctx context.Context, erases bool) error {
	before, err := s.settingText(ctx, settingRetention)
	if err != nil {
		return err
	}
	text, err := s.settingText(ctx, settingEraseFrom)
	if err != nil {
		return err
	}
	from, _ := strconv.Atoi(text) // none yet
	if now := retentionText(s.o.Schedule); erases && now != before {
		err = s.write(ctx, "change the retention", func(ctx context.Context, t *tx) error {
			var n int
			some, err := t.one(ctx, []any{&n}, `SELECT 1 FROM applications LIMIT 1`)
			if err != nil {
				return err
			}
			if some && s.o.Schedule.Retention > 0 {
				from = int(s.today().Add(s.o.Schedule.ErasureAhead() + 1))
				s.o.Log.Warn("store: RETENTION or CAMPAIGN_ENDS has changed; nothing is erased before followers could be told",
					"not_before", visa.Date(from).String())
			}
			if err := t.setSetting(ctx, settingEraseFrom, int64(from)); err != nil {
				return err
			}
			return t.setText(ctx, settingRetention, now)
		})
	}
	s.o.Schedule.EraseFrom = visa.Date(from)
	return err
}

// ErasureDay returns the last day on which an application is kept, by the
// schedule and what Retain has put off; false where it is kept for now.
func (s *Store) ErasureDay(a *visa.Application) (visa.Date, bool) { return s.o.Schedule.ErasureDay(a) }

// retentionText states what is kept for how long; nothing where it is for ever.
func retentionText(s visa.Schedule) string {
	if s.Retention == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%dd", s.Retention)
	for _, c := range slices.Sorted(maps.Keys(s.CampaignEnds)) {
		fmt.Fprintf(&b, " %s=%s", c, s.CampaignEnds[c])
	}
	return b.String()
}

// Replan recomputes, as Recompute does, if notices were last planned by other
// settings than these, or never, and returns how many changed.
func (s *Store) Replan(ctx context.Context) (changed int, err error) {
	now := fmt.Sprintf("unfound %dd; pending %dd; %s; from %s", visa.UnfoundDays, s.o.Schedule.PendingLong, retentionText(s.o.Schedule), s.o.Schedule.EraseFrom)
	before, err := s.settingText(ctx, settingPlanned)
	if err != nil || before == now {
		return 0, err
	}
	if changed, err = s.Recompute(ctx); err != nil {
		return changed, err
	}
	return changed, s.write(ctx, "note what notices were planned by", func(ctx context.Context, t *tx) error {
		return t.setText(ctx, settingPlanned, now)
	})
}

func (s *Store) settingText(ctx context.Context, name string) (value string, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("store: read the setting %s: %w", name, unavailable(err))
	}
	return value, nil
}

func (t *tx) setText(ctx context.Context, name, value string) error {
	_, err := t.exec(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// replanMoved brings the notices of applications in line that only went to
// another campaign: their followers are told nothing, but their day of erasure
// may be another.
func (r *recording) replanMoved(ctx context.Context) error {
	if len(r.moved) == 0 {
		return nil
	}
	followers, err := r.t.followers(ctx, r.moved)
	if err != nil {
		return err
	}
	for ref, fs := range followers {
		if _, err := r.t.replan(ctx, r.s.o.Schedule, r.known[ref], fs); err != nil {
			return err
		}
	}
	return nil
}
