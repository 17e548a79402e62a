package message

import (
	"kabarchy/explain"
	"kabarchy/visa"
)

// stale reports whether the register's last complete data is so old that
// nothing can be said of what changed since.
func (r *renderer) stale() bool {
	asOf := r.d.AsOf
	return asOf.IsZero() || r.o.Stale > 0 && r.o.Now.Sub(asOf) > r.o.Stale
}

// staleLine says since when there is no complete data. It never says that
// nothing has changed.
func (r *renderer) staleLine() string {
	if r.d.AsOf.IsZero() {
		return r.c.T("as_of.never")
	}
	return r.c.T("heartbeat.stale", "at", r.v.Near(r.d.AsOf))
}

// heartbeat says that the chat's applications are still watched.
func (r *renderer) heartbeat() {
	n := max(r.d.Followed, 0)
	watching := r.c.T("heartbeat.title", "n", n)
	switch {
	case r.stale():
		r.headline("⚠️", r.c.T("heartbeat.stale.title"))
		r.line(r.staleLine())
		r.line("👀 " + watching)
	case n == 0:
		r.headline("👀", r.c.T("heartbeat.discreet"))
		r.line(r.c.T("bot.nothing_followed"))
	default:
		r.headline("👀", watching)
		r.line(r.unchanged())
	}
	r.gap()
	r.line(explain.Portal(r.c))
	r.row(r.listButton())
	r.row(r.button("button.heartbeat_off", visa.ButtonHeartbeat, "0"))
}

// unchanged says since when none of the followed applications has moved.
func (r *renderer) unchanged() string {
	last, asOf := r.d.LastChange, r.d.AsOf
	switch {
	case last.IsZero():
		return r.c.T("line.sentences", "first", r.c.T("heartbeat.none_known"), "second", r.v.Checked())
	case last.After(asOf):
		return r.c.T("as_of.changed_after", "since", r.v.Near(last), "at", r.v.Near(asOf))
	}
	return r.c.T("heartbeat.unchanged", "since", r.v.Near(last), "at", r.v.Near(asOf))
}

// heartbeatDiscreetly is a heartbeat that says neither of what nor since when.
func (r *renderer) heartbeatDiscreetly() {
	if r.stale() {
		r.headline("⚠️", r.c.T("heartbeat.stale.title"))
	} else {
		r.headline("👀", r.c.T("heartbeat.discreet"))
	}
	r.row(r.listButton())
}

// pendingLong tells, once, that a stage has not moved for long, and what the
// applicant can do meanwhile.
func (r *renderer) pendingLong() {
	a := r.d.Application
	r.headline("⌛", r.c.T("pending.title"))
	r.about()
	r.gap()
	if a != nil {
		r.line(r.v.Meaning(a.Statement))
		if since := r.d.Note.Date; !since.IsZero() && !r.stale() {
			r.line(r.c.T("pending.since", "stage", r.v.Standing(a.Statement), "since", r.v.Near(since.At(12, 0, r.local(r.o.Now).Location()))))
		}
	}
	r.line(r.c.T("pending.wait"))
	if a != nil {
		if d, ok := r.v.Next(a.Statement); ok {
			r.deadlines([]explain.Deadline{r.v.Deadline(d)})
			r.echo(echoedDay(d))
		}
	}
	r.gap()
	r.line(r.c.T("pending.can"))
	r.line("• " + r.c.T("pending.portal"))
	r.line("• " + r.c.T("pending.ask"))
	r.gap()
	r.line(r.c.T("pending.watching"))
	r.advice(a)
	switch {
	case r.stale():
		r.line(r.staleLine())
	case a != nil:
		r.line(r.v.AsOfLine(*a))
	default:
		r.line(r.v.Checked())
	}
	r.line(explain.Portal(r.c))
	r.endButtons()
	r.row(r.listButton())
}

// unfound tells that a reference did not appear, and is waited for no more. In
// a discreet chat it names none.
func (r *renderer) unfound() {
	r.headline("⌛", r.c.T("unfound.title"))
	if !r.d.Settings.Discreet {
		r.about()
	}
	r.gap()
	r.line(r.c.T("unfound.text", "days", visa.UnfoundDays))
	if follow := r.button("button.follow", visa.ButtonFollow, r.d.Note.Token); follow.Data != "" {
		r.line(r.c.T("unfound.again", "days", visa.UnfoundDays))
		r.row(follow)
	}
	r.gap()
	if !r.d.Settings.Discreet {
		r.line(r.v.Complete())
		r.line(explain.Portal(r.c))
	}
	r.row(r.listButton())
}
