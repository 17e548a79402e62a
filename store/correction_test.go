package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

// by states the days to leave and to correct by, each if given.
func by(days ...string) func(*visa.Update) {
	return func(u *visa.Update) {
		u.Deadlines = nil
		for i, text := range days {
			d, err := visa.ParseDate(text)
			if err != nil {
				panic(err)
			}
			u.Deadlines = append(u.Deadlines, visa.Deadline{Kind: []visa.DeadlineKind{visa.LeaveBy, visa.CorrectBy}[i], Date: d})
		}
	}
}

func dates(all []visa.Date) string {
	var words []string
	for _, d := range all {
		words = append(words, d.String())
	}
	return strings.Join(words, " ")
}

// told returns the days that one message takes back, of one reference.
func told(g visa.Delivery, reference string) string {
	if g.Kind == visa.KindNews {
		return dates(g.Note.Corrected())
	}
	for _, i := range g.Items {
		if i.Reference.String() == reference {
			return dates(i.Corrected())
		}
	}
	return ""
}

// corrects returns the message, of those sent until nothing is due, that takes
// back days of a reference, and which.
func corrects(t *testing.T, c *clock, d *store.Sender, reference string) (kind visa.Kind, days string) {
	t.Helper()
	for _, g := range drain(t, c, d) {
		if text := told(g, reference); text != "" {
			if kind != "" {
				t.Errorf("both %s %s and %s %s", kind, days, g.Kind, text)
			}
			kind, days = g.Kind, text
		}
	}
	return kind, days
}

func TestEveryDayThatWasNamedIsTakenBackHoweverItIsTold(t *testing.T) {
	const reference = "20417733"
	tests := []struct {
		name   string
		happen func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(edits ...func(*visa.Update)))
		kind   visa.Kind
		want   string
	}{
		{"both days move at once", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			say(by("2025-07-20", "2025-07-25"))
		}, visa.KindNews, "2025-06-27 2025-07-04"},
		{"one after the other, while the first news wait", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			say(by("2025-07-20", "2025-07-04"))
			say(by("2025-07-20", "2025-07-25"))
		}, visa.KindNews, "2025-06-27 2025-07-04"},
		{"one after the other, while the first news are being sent in vain", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			say(by("2025-07-20", "2025-07-04"))
			got := claim(t, d)
			say(by("2025-07-20", "2025-07-25"))
			finish(t, d, visa.SendRetry, got...)
		}, visa.KindNews, "2025-06-27 2025-07-04"},
		{"a day holds for another kind while the news are being sent in vain, and then no more", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			say(by("2025-07-04", "2025-07-25"))
			got := claim(t, d)
			if text := told(got[0], reference); text != "2025-06-27" {
				t.Errorf("told %q", text)
			}
			say(by("2025-07-20", "2025-07-25"))
			finish(t, d, visa.SendRetry, got...)
		}, visa.KindNews, "2025-06-27 2025-07-04"},
		{"one moves there and back", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			say(by("2025-07-20", "2025-07-25"))
			say(by("2025-06-27", "2025-07-25"))
		}, visa.KindNews, "2025-07-04"},
		{"in a digest of two imports", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			others := some(1000000, 8)
			record(t, s, versions(t, others, 1)...)
			follow(t, s, 42, others...)
			for v, days := range [][]string{{"2025-07-20", "2025-07-04"}, {"2025-07-20", "2025-07-25"}} {
				recordBatch(t, s, "import", append(versions(t, others, int64(v+2), approved, by(days[0])), update(t, reference, int64(v+2), by(days...)))...)
			}
			endBatch(t, s, "import")
		}, visa.KindDigest, "2025-06-27 2025-07-04"},
		{"in digests of two imports that wait", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, say func(...func(*visa.Update))) {
			others := some(1000000, 8)
			record(t, s, versions(t, others, 1)...)
			follow(t, s, 42, others...)
			for v, days := range [][]string{{"2025-07-20", "2025-07-04"}, {"2025-07-20", "2025-07-25"}} {
				batch := visa.Batch([]string{"first", "second"}[v])
				recordBatch(t, s, batch, append(versions(t, others, int64(v+2), approved, by([]string{"2025-07-20", "2025-07-21"}[v])), update(t, reference, int64(v+2), by(days...)))...)
				endBatch(t, s, batch)
				finish(t, d, visa.SendHeld, claim(t, d)...)
				finish(t, d, visa.SendHeld, claim(t, d)...)
			}
		}, visa.KindDigest, "2025-06-27 2025-07-04"},
		{"while the chat had blocked the bot", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, tell func(...func(*visa.Update))) {
			block(t, s, 42)
			tell(by("2025-06-23", "2025-07-04"))
			tell(by("2025-06-24", "2025-07-25"))
			say(t, s, 42)
		}, visa.KindReturn, "2025-06-27 2025-07-04"},
		{"as it blocks the bot, which has not told yet", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, tell func(...func(*visa.Update))) {
			tell(by("2025-06-23", "2025-07-25"))
			block(t, s, 42)
			say(t, s, 42)
		}, visa.KindReturn, "2025-06-27 2025-07-04"},
		{"in news that Telegram would not take", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, tell func(...func(*visa.Update))) {
			tell(by("2025-06-23", "2025-07-25"))
			finish(t, d, visa.SendGone, claim(t, d)...)
			say(t, s, 42)
		}, visa.KindReturn, "2025-06-27 2025-07-04"},
		{"in a summary that it does not get because it is gone again", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, tell func(...func(*visa.Update))) {
			block(t, s, 42)
			tell(by("2025-06-23", "2025-07-04"))
			say(t, s, 42)
			block(t, s, 42)
			tell(by("2025-06-24", "2025-07-25"))
			say(t, s, 42)
		}, visa.KindReturn, "2025-06-27 2025-07-04"},
		{"moved there and back while it was away", func(t *testing.T, s *store.Store, c *clock, d *store.Sender, tell func(...func(*visa.Update))) {
			block(t, s, 42)
			tell(by("2025-06-23", "2025-07-25"))
			tell(by("2025-06-27", "2025-07-25"))
			say(t, s, 42)
		}, visa.KindReturn, "2025-07-04"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			version := int64(1)
			record(t, s, update(t, reference, version, by("2025-06-27", "2025-07-04")))
			follow(t, s, 42, reference)
			c.t = c.t.Add(2 * time.Hour)
			if _, _, err := s.FallDue(context.Background(), c.t); err != nil {
				t.Fatal(err)
			}
			if got := drain(t, c, d); len(got) != 2 || got[0].Kind != visa.KindReminder {
				t.Fatalf("reminded %v", kinds(got))
			}
			tt.happen(t, s, c, d, func(edits ...func(*visa.Update)) {
				version++
				record(t, s, update(t, reference, version, edits...))
			})
			if kind, days := corrects(t, c, d, reference); kind != tt.kind || days != tt.want {
				t.Errorf("%s takes back %q, want %s %q", kind, days, tt.kind, tt.want)
			}
		})
	}
}

func TestTwoKnownChatsThatBecomeOneAreToldOnce(t *testing.T) {
	const group, super = -5, -1005
	refs := some(1000000, 8)
	tests := []struct {
		name   string
		first  []string // what the group follows
		second []string // what the supergroup does
		batch  visa.Batch
		super  bool // the supergroup's messages go out before the group's fail
		want   []string
	}{
		{"both follow one, and neither knows", refs[:1], refs[:1], "", false, []string{"news 01000000"}},
		{"both follow one, and the other knows already", refs[:1], refs[:1], "", true, []string{"news 01000000"}},
		{"each follows its own", refs[:1], refs[1:2], "", false, []string{"news 01000000", "news 01000001"}},
		{"a digest of the same, and neither knows", refs, refs, "import", false, []string{"digest 8"}},
		{"a digest of the same, and the other knows already", refs, refs, "import", true, []string{"digest 8"}},
		{"digests of some of the same", refs[:7], refs[1:], "import", false, []string{"digest 8"}},
		{"digests of some of the same, of which the other knows its own", refs[:7], refs[1:], "import", true, []string{"digest 1", "digest 7"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := fresh(t)
			d := sender(t, s)
			record(t, s, versions(t, refs, 1)...)
			follow(t, s, group, tt.first...)
			follow(t, s, super, tt.second...)
			recordBatch(t, s, tt.batch, versions(t, refs, 2, approved)...)
			endBatch(t, s, tt.batch)
			var got []visa.Delivery
			migrated := false
			for range 8 {
				var held, moved []visa.Delivery
				for _, g := range claim(t, d) {
					switch {
					case g.ChatID == group:
						moved = append(moved, g)
					case !tt.super && !migrated:
						held = append(held, g)
					default:
						finish(t, d, visa.SendAccepted, g)
						got = append(got, g)
					}
				}
				finish(t, d, visa.SendHeld, held...)
				for _, g := range moved {
					migrated = true
					if err := d.Finish(context.Background(), []visa.Sent{{Delivery: g, Result: visa.SendMigrated, MigrateTo: super, EndedAt: c.t}}, time.Time{}); err != nil {
						t.Fatal(err)
					}
				}
				c.t = c.t.Add(5 * time.Second)
			}
			if text := said(got); !slices.Equal(text, tt.want) {
				t.Errorf("told %q, want %q", text, tt.want)
			}
		})
	}
}

// said describes messages, in alphabetical order.
func said(got []visa.Delivery) (all []string) {
	for _, g := range got {
		text := string(g.Kind) + " " + g.Reference.String()
		if g.Kind == visa.KindDigest {
			text = string(g.Kind) + " " + string(rune('0'+len(g.Items)))
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}
