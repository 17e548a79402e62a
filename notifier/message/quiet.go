package message

import (
	"time"

	"kabarchy/visa"
)

// The hours of a silent night, by the wall clock.
const (
	nightBegins = 22
	nightEnds   = 8
)

// silent reports whether a message arrives without a sound.
func (r *renderer) silent() bool {
	s := r.d.Settings
	if r.d.Lane == visa.LaneAnnouncement || s.MutedUntil.After(r.o.Now) {
		return true
	}
	hour := r.local(r.o.Now).Hour()
	return s.SilentNights && (hour >= nightBegins || hour < nightEnds)
}

func (r *renderer) local(t time.Time) time.Time {
	if r.o.Zone == nil {
		return t.UTC()
	}
	return t.In(r.o.Zone)
}

// discreet reports whether the message must not say what it is about: whoever
// holds the phone reads it before its owner does. What was asked for is shown
// in full. An announcement is too: it is about nobody, and there is no other
// place to read it.
func (r *renderer) discreet() bool {
	if !r.d.Settings.Discreet {
		return false
	}
	switch r.d.Kind {
	case visa.KindReply, visa.KindAnnouncement, visa.KindUnfound: // the last names nothing by itself
		return false
	}
	return true
}

// discreetly says that there is news and no more. Its button leads to an
// answer, which is asked for and so says everything.
func (r *renderer) discreetly() {
	if r.d.Kind == visa.KindHeartbeat { // no news: it must not look like any
		r.heartbeatDiscreetly()
		return
	}
	r.headline("🔔", r.c.T("discreet.news"))
	if r.corrects() {
		r.line("❗ " + r.c.T("discreet.corrected"))
	}
	show := Button{Text: r.c.T("button.show"), Data: data(visa.ButtonList, "0")}
	if id := r.only(); id > 0 {
		show.Data = data(visa.ButtonStatus, number(id))
	}
	r.row(show)
}

// corrects reports whether the message takes back a day that was named before.
func (r *renderer) corrects() bool {
	switch r.d.Kind {
	case visa.KindNews:
		return len(r.d.Note.Corrected()) > 0
	case visa.KindDigest, visa.KindReturn:
		for _, item := range r.d.Items {
			if len(item.Corrected()) > 0 {
				return true
			}
		}
	}
	return false
}

// only is the one subscription the message is about, or 0.
func (r *renderer) only() int64 {
	switch r.d.Kind {
	case visa.KindDigest, visa.KindReturn:
		if len(r.d.Items) == 1 {
			return r.d.Items[0].Subscription
		}
		return 0
	}
	return r.d.Subscription
}
