package visa

import "time"

// A notice tells a follower one thing once, on a day that follows from the
// application. Notices are planned beside deadlines and by the same calls, under
// kinds of their own that are no deadlines: the register cannot state them, and
// DeadlineKinds does not hold them.
const (
	NoticePendingLong DeadlineKind = "pending_long"  // its date: the day since when the stage has not moved
	NoticeCampaign    DeadlineKind = "campaign_over" // its date: the day of erasure
	NoticeErasure     DeadlineKind = "erase_on"      // its date: the day of erasure
	NoticeUnfound     DeadlineKind = "unfound"       // its date: the day since when a reference is waited for that is not known
)

// NoticeKinds are all kinds of notices.
var NoticeKinds = []DeadlineKind{NoticePendingLong, NoticeCampaign, NoticeErasure, NoticeUnfound}

// UnfoundDays is for how many days a reference is waited for that does not
// appear.
const UnfoundDays = 60

// Unfound is the one notice of a reference that is not known: that it is waited
// for no more, UnfoundDays after since.
func Unfound(since Date) Deadline {
	return Deadline{Kind: NoticeUnfound, Date: since, Calculated: true}
}

const (
	// noticeHour is the local hour at which notices fall due.
	noticeHour = 10
	// pendingUse is for how many days a notice that a stage has not moved is of
	// use; it counts the days anew when it is read.
	pendingUse = 30
	// unfoundUse is for how many days the message that a reference is waited for
	// no more is of use. The wait goes on until it is sent.
	unfoundUse = 365
	// mostAhead is how many days before the day of erasure it is announced, or
	// half of the retention where that is less.
	mostAhead = 14
)

// ErasureAhead returns how many days before the day of erasure followers are
// told of it.
func (s Schedule) ErasureAhead() int { return min(mostAhead, s.Retention/2) }

// ErasureDay returns the last day on which an application is kept, and false
// where it is kept until something changes: Retention days after its last
// change of stage, or after the last day of its campaign where that is later. An
// application that is not closed is erased only if its campaign has such a day.
// Nothing is erased before the day EraseFrom.
func (s Schedule) ErasureDay(a *Application) (Date, bool) {
	last, ends := s.CampaignEnds[a.Campaign]
	if s.Retention == 0 || a.Stage != StageClosed && !ends {
		return 0, false
	}
	day := max(DateOf(a.Since().In(s.Zone)), last).Add(s.Retention)
	day = max(day, s.EraseFrom)
	return day, kept(day)
}

// Notices returns what the followers of an application are told of once, each
// with the date of its kind.
func (s Schedule) Notices(a *Application) []Deadline {
	var out []Deadline
	if s.PendingLong > 0 && (a.Stage == StageReceived || a.Stage == StageInProcessing) {
		if since := DateOf(a.Since().In(s.Zone)); kept(since) {
			out = append(out, Deadline{Kind: NoticePendingLong, Date: since, Calculated: true})
		}
	}
	if day, ok := s.ErasureDay(a); ok {
		// The end of a case says so itself, and what came after the campaign's
		// end moves the day without another word of it.
		if a.Stage != StageClosed && day == s.CampaignEnds[a.Campaign].Add(s.Retention) {
			out = append(out, Deadline{Kind: NoticeCampaign, Date: day, Calculated: true})
		}
		out = append(out, Deadline{Kind: NoticeErasure, Date: day, Calculated: true})
	}
	return out
}

// kept reports whether a day can be kept as a date: a register that states a
// wrong century must not give one that cannot be read again.
func kept(d Date) bool {
	year := d.Time().Year()
	return year >= minYear && year <= maxYear
}

// notice returns when a notice falls due, as all does for a deadline.
func (s Schedule) notice(kind DeadlineKind, date Date) []Reminder {
	on := func(day Date, until time.Time) []Reminder {
		return []Reminder{{At: s.Awake(day.At(noticeHour, 0, s.Zone), until), UseUntil: until}}
	}
	switch near := date.Add(-s.ErasureAhead()); {
	case kind == NoticePendingLong && s.PendingLong > 0:
		day := date.Add(s.PendingLong)
		return on(day, day.Add(pendingUse).Start(s.Zone))
	case kind == NoticeErasure && s.Retention > 0:
		return on(near, date.End(s.Zone))
	case kind == NoticeCampaign && s.Retention > 0:
		over := date.Add(1 - s.Retention)
		return on(over, max(near, over.Add(1)).Start(s.Zone))
	case kind == NoticeUnfound:
		day := date.Add(UnfoundDays)
		return on(day, day.Add(unfoundUse).Start(s.Zone))
	}
	return nil
}

// Note returns the kind of notification that a reminder of a deadline or a
// notice is, and what it tells.
func (r Reminder) Note(kind DeadlineKind, date Date) (Kind, Note) {
	switch kind {
	case NoticePendingLong:
		return KindPendingLong, Note{Date: date}
	case NoticeErasure:
		return KindErasure, Note{Reply: ErasureNear, Date: date}
	case NoticeCampaign:
		return KindErasure, Note{Reply: ErasureCampaign, Date: date}
	case NoticeUnfound:
		return KindUnfound, Note{Date: date}
	}
	return KindReminder, Note{Deadline: kind, Date: date, Days: r.Days}
}

// Planned returns the deadline or notice that a notification is about: the
// reverse of Note. It is zero for other kinds.
func Planned(kind Kind, n Note) Deadline {
	switch {
	case kind == KindReminder:
		return Deadline{Kind: n.Deadline, Date: n.Date}
	case kind == KindPendingLong:
		return Deadline{Kind: NoticePendingLong, Date: n.Date}
	case kind == KindErasure && n.Reply == ErasureCampaign:
		return Deadline{Kind: NoticeCampaign, Date: n.Date}
	case kind == KindErasure:
		return Deadline{Kind: NoticeErasure, Date: n.Date}
	case kind == KindUnfound:
		return Unfound(n.Date)
	}
	return Deadline{}
}

// Holds reports whether what a notification of KindReminder, KindPendingLong or
// KindErasure is about still stands in an application. One of KindUnfound never
// does: there is an application.
func (s Schedule) Holds(a *Application, kind Kind, n Note) bool {
	p := Planned(kind, n)
	for _, all := range [][]Deadline{a.Reminded(), s.Notices(a)} {
		for _, d := range all {
			if d.Kind == p.Kind && d.Date == p.Date {
				return true
			}
		}
	}
	return false
}
