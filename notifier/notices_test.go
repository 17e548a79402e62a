package notifier_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/visa"
)

// TestAYearOfHeartbeatsAndNotices lets a year pass over one application that
// does not move until it is closed in autumn.
func TestAYearOfHeartbeatsAndNotices(t *testing.T) {
	for _, tt := range []struct {
		name, zone string
		quiet      visa.QuietHours
		want       []string // local times
	}{
		{name: "at ten", zone: "Asia/Bishkek", want: []string{
			"01-31 10:00 pending_long 2000-01-01", "02-01 10:00 heartbeat",
			"03-01 10:00 heartbeat", "04-01 10:00 heartbeat", "05-01 10:00 heartbeat", "06-01 10:00 heartbeat", "07-01 10:00 heartbeat",
			"08-01 10:00 heartbeat", "09-01 10:00 heartbeat", "10-01 10:00 heartbeat", "10-15 11:00 news", "11-01 10:00 heartbeat",
			"11-30 10:00 erasure near 2000-12-14", "12-01 10:00 heartbeat",
		}},
		{name: "after quiet hours, in summer as in winter", zone: "Europe/Berlin", quiet: visa.QuietHours{From: 21 * 60, To: 10*60 + 45}, want: []string{
			"01-31 10:45 pending_long 2000-01-01", "02-01 10:45 heartbeat",
			"03-01 10:45 heartbeat", "04-01 10:45 heartbeat", "05-01 10:45 heartbeat", "06-01 10:45 heartbeat", "07-01 10:45 heartbeat",
			"08-01 10:45 heartbeat", "09-01 10:45 heartbeat", "10-01 10:45 heartbeat", "10-15 11:00 news", "11-01 10:45 heartbeat",
			"11-30 10:45 erasure near 2000-12-14", "12-01 10:45 heartbeat",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			s := usual
			s.idle, s.poll = 30*24*time.Hour, 365*24*time.Hour
			s.schedule = visa.Schedule{Zone: zone, Quiet: tt.quiet, PendingLong: 30, Retention: 60}
			s.text = func(d visa.Delivery) string { return fmt.Sprintf("%s %s %s", d.Kind, d.Note.Reply, d.Note.Date) }
			inWorldOf(t, s, 28, func(w *world) {
				say := func(version int64, stage visa.Stage) {
					u := visa.Update{Reference: w.ref(20417733), Version: version, UpdatedAt: time.Now(),
						Statement: visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: stage}}
					u.Normalize()
					if _, err := w.store.Record(context.Background(), "test", "", []visa.Update{u}); err != nil {
						t.Fatal(err)
					}
				}
				say(1, visa.StageInProcessing)
				w.follow(42, 20417733)
				w.converse(42, func(c visa.Conversation) error {
					return c.SetSettings(context.Background(), visa.ChatSettings{Heartbeat: true})
				})
				w.wait(time.Until(time.Date(2000, 10, 15, 11, 0, 0, 0, zone)))
				say(2, visa.StageClosed)
				w.wait(time.Until(time.Date(2000, 12, 31, 0, 0, 0, 0, zone)))
				var got []string
				for _, c := range w.tg.got() {
					text := strings.Join(strings.Fields(strings.NewReplacer("<b>", "", "</b>", "").Replace(c.text)), " ")
					got = append(got, c.at.In(zone).Format("01-02 15:04 ")+text)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		})
	}
}
