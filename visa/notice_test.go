package visa

import (
	"testing"
	"time"
	_ "time/tzdata" // as main has it
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// standsSince is an application in a stage since an instant.
func standsSince(stage Stage, campaign, at string) *Application {
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	a := &Application{Statement: Statement{Stage: stage, Campaign: campaign}, UpdatedAt: when}
	a.History = []Event{{Stage: stage, At: when}}
	return a
}

func TestNoticesOfAnApplication(t *testing.T) {
	ends := map[string]Date{"spring": NewDate(2025, 6, 10)}
	s := func(zone string, pending, retention int) Schedule {
		return Schedule{Zone: zoneOf(t, zone), PendingLong: pending, Retention: retention, CampaignEnds: ends}
	}
	quiet := func(s Schedule, from, to int) Schedule {
		s.Quiet = QuietHours{From: from * 60, To: to * 60}
		return s
	}
	floor := func(s Schedule, day Date) Schedule { s.EraseFrom = day; return s }
	tests := []struct {
		name  string
		s     Schedule
		a     *Application
		kind  DeadlineKind
		at    string // local time of the zone; empty: no such notice
		until string
		date  string
	}{
		{name: "nothing is configured", s: s("Asia/Bishkek", 0, 0), a: standsSince(StageReceived, "spring", "2025-05-22T09:00:00Z"), kind: NoticePendingLong},
		{name: "received and not moved", s: s("Asia/Bishkek", 30, 0), a: standsSince(StageReceived, "", "2025-05-22T09:00:00Z"), kind: NoticePendingLong,
			at: "2025-06-21 10:00", until: "2025-07-21 00:00", date: "2025-05-22"},
		{name: "the day since when is local", s: s("Asia/Bishkek", 30, 0), a: standsSince(StageInProcessing, "", "2025-05-22T19:00:00Z"), kind: NoticePendingLong,
			at: "2025-06-22 10:00", until: "2025-07-22 00:00", date: "2025-05-23"},
		{name: "a decided one waits for nothing", s: s("Asia/Bishkek", 30, 0), a: standsSince(StageDecided, "", "2025-05-22T09:00:00Z"), kind: NoticePendingLong},
		{name: "one to be corrected waits for its applicant", s: s("Asia/Bishkek", 30, 0), a: standsSince(StageCorrectionRequired, "", "2025-05-22T09:00:00Z"), kind: NoticePendingLong},
		{name: "ten in the morning on both sides of a change of the clock", s: s("Europe/Berlin", 30, 0), a: standsSince(StageReceived, "", "2025-03-10T09:00:00Z"),
			kind: NoticePendingLong, at: "2025-04-09 10:00", until: "2025-05-09 00:00", date: "2025-03-10"},
		{name: "quiet hours move it to their end", s: quiet(s("Europe/Berlin", 30, 0), 22, 11), a: standsSince(StageReceived, "", "2025-03-10T09:00:00Z"),
			kind: NoticePendingLong, at: "2025-04-09 11:00", until: "2025-05-09 00:00", date: "2025-03-10"},
		{name: "a wrong century gives no day that cannot be kept", s: s("Asia/Bishkek", 30, 36500), a: standsSince(StageClosed, "", "2150-05-22T09:00:00Z"), kind: NoticeErasure},
		{name: "nor does the last night of the last year", s: s("Asia/Bishkek", 30, 0), a: standsSince(StageReceived, "", "2199-12-31T20:00:00Z"), kind: NoticePendingLong},
		{name: "a closed one is erased after its retention", s: s("Asia/Bishkek", 0, 365), a: standsSince(StageClosed, "", "2025-01-10T09:00:00Z"), kind: NoticeErasure,
			at: "2025-12-27 10:00", until: "2026-01-11 00:00", date: "2026-01-10"},
		{name: "half of a short retention ahead", s: s("Asia/Bishkek", 0, 10), a: standsSince(StageClosed, "", "2025-01-10T09:00:00Z"), kind: NoticeErasure,
			at: "2025-01-15 10:00", until: "2025-01-21 00:00", date: "2025-01-20"},
		{name: "on the very day where it is kept for one day", s: s("Asia/Bishkek", 0, 1), a: standsSince(StageClosed, "", "2025-01-10T09:00:00Z"), kind: NoticeErasure,
			at: "2025-01-11 10:00", until: "2025-01-12 00:00", date: "2025-01-11"},
		{name: "a closed one of a campaign that ends later", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageClosed, "spring", "2025-05-25T09:00:00Z"), kind: NoticeErasure,
			at: "2025-09-04 10:00", until: "2025-09-19 00:00", date: "2025-09-18"},
		{name: "a closed one is not told that its campaign is over", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageClosed, "spring", "2025-05-25T09:00:00Z"), kind: NoticeCampaign},
		{name: "one that is not closed is not erased", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageDecided, "", "2025-05-25T09:00:00Z"), kind: NoticeErasure},
		{name: "unless its campaign is over", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageDecided, "spring", "2025-05-25T09:00:00Z"), kind: NoticeErasure,
			at: "2025-09-04 10:00", until: "2025-09-19 00:00", date: "2025-09-18"},
		{name: "of which it is told the day after", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageInProcessing, "spring", "2025-05-25T09:00:00Z"), kind: NoticeCampaign,
			at: "2025-06-11 10:00", until: "2025-09-04 00:00", date: "2025-09-18"},
		{name: "once: what comes after the end only moves the day", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageDecided, "spring", "2025-07-01T09:00:00Z"), kind: NoticeCampaign},
		{name: "to which the retention then counts", s: s("Asia/Bishkek", 0, 100), a: standsSince(StageDecided, "spring", "2025-07-01T09:00:00Z"), kind: NoticeErasure,
			at: "2025-09-25 10:00", until: "2025-10-10 00:00", date: "2025-10-09"},
		{name: "nothing is erased before a day", s: floor(s("Asia/Bishkek", 0, 100), NewDate(2026, 1, 16)), a: standsSince(StageClosed, "", "2020-01-10T09:00:00Z"), kind: NoticeErasure,
			at: "2026-01-02 10:00", until: "2026-01-17 00:00", date: "2026-01-16"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got Deadline
			for _, n := range tt.s.Notices(tt.a) {
				if n.Kind == tt.kind {
					got = n
				}
			}
			if got.Date.String() != tt.date {
				t.Fatalf("date %q, want %q", got.Date, tt.date)
			}
			if tt.at == "" {
				return
			}
			r, ok := tt.s.Next(got.Kind, got.Date, time.Time{})
			at, until := r.At.In(tt.s.Zone).Format("2006-01-02 15:04"), r.UseUntil.In(tt.s.Zone).Format("2006-01-02 15:04")
			if !ok || at != tt.at || until != tt.until {
				t.Errorf("at %s until %s, want %s until %s", at, until, tt.at, tt.until)
			}
			kind, note := r.Note(got.Kind, got.Date)
			if !tt.s.Holds(tt.a, kind, note) || Planned(kind, note) != (Deadline{Kind: got.Kind, Date: got.Date}) {
				t.Errorf("%s %+v does not hold", kind, note)
			}
			note.Date++
			if tt.s.Holds(tt.a, kind, note) {
				t.Error("another day holds")
			}
		})
	}
}

func TestANoticeIsDueOnceAndOnlyToWhomItCouldBeKnown(t *testing.T) {
	s := Schedule{Zone: zoneOf(t, "Asia/Bishkek"), PendingLong: 30}
	since := NewDate(2025, 5, 22)
	at := NewDate(2025, 6, 21).At(10, 0, s.Zone)
	for _, tt := range []struct {
		name        string
		knows, when time.Time
		want        bool
	}{
		{"before its hour", at.Add(-time.Hour), at.Add(-time.Minute), false},
		{"at its hour", at.Add(-time.Hour), at, true},
		{"weeks later, after an outage", at.Add(-time.Hour), at.AddDate(0, 0, 29), true},
		{"past its use", at.Add(-time.Hour), at.AddDate(0, 0, 30), false},
		{"to who followed after it", at.Add(time.Hour), at.AddDate(0, 0, 1), false},
	} {
		if _, got := s.Due(NoticePendingLong, since, tt.knows, tt.when); got != tt.want {
			t.Errorf("%s: due %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestTheNextHeartbeat(t *testing.T) {
	for _, tt := range []struct {
		name, zone, after, want string
		quiet                   QuietHours
	}{
		{name: "a month later at ten", zone: "Asia/Bishkek", after: "2025-06-20T17:45:00Z", want: "2025-07-20T10:00:00+06:00"},
		{name: "the day is local", zone: "Asia/Bishkek", after: "2025-06-20T18:00:00Z", want: "2025-07-21T10:00:00+06:00"},
		{name: "the last day of a month that is too short", zone: "Asia/Bishkek", after: "2025-01-31T05:00:00Z", want: "2025-02-28T10:00:00+06:00"},
		{name: "of a leap year", zone: "Asia/Bishkek", after: "2024-01-31T05:00:00Z", want: "2024-02-29T10:00:00+06:00"},
		{name: "over the end of a year", zone: "Asia/Bishkek", after: "2025-12-31T05:00:00Z", want: "2026-01-31T10:00:00+06:00"},
		{name: "ten stays ten when the clock goes forward", zone: "Europe/Berlin", after: "2025-03-05T09:00:00Z", want: "2025-04-05T10:00:00+02:00"},
		{name: "and on the day it does", zone: "Europe/Berlin", after: "2025-02-28T09:00:00Z", want: "2025-03-28T10:00:00+01:00"},
		{name: "after quiet hours", zone: "Europe/Berlin", after: "2025-03-05T09:00:00Z", want: "2025-04-05T11:30:00+02:00", quiet: QuietHours{From: 22 * 60, To: 11*60 + 30}},
		{name: "before quiet hours that fill the rest of the day", zone: "Asia/Bishkek", after: "2025-06-20T05:00:00Z", want: "2025-07-20T08:59:00+06:00", quiet: QuietHours{From: 9 * 60, To: 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			s := Schedule{Zone: zoneOf(t, tt.zone), Quiet: tt.quiet}
			if got := s.NextHeartbeat(after).Format(time.RFC3339); got != tt.want {
				t.Errorf("after %s: %s, want %s", tt.after, got, tt.want)
			}
		})
	}
}
