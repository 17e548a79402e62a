package message

import (
	"kabarchy/explain"
	"kabarchy/visa"
)

// pasted says what became of a pasted list, by how many. It repeats nothing of
// what was pasted.
func (r *renderer) pasted() {
	p := r.d.Note.Pasted
	if p == nil {
		r.fallback()
		return
	}
	if n := p.Followed + p.Waiting; n > 0 {
		r.headline("📋", r.c.T("bot.pasted.title", "n", n))
	} else {
		r.headline("📋", r.c.T("bot.pasted.none.title"))
	}
	r.gap()
	say := func(icon, key string, n int, args ...any) {
		if n > 0 {
			r.line(icon + " " + r.c.T(key, append(args, "n", n)...))
		}
	}
	say("🔔", "bot.pasted.followed", p.Followed)
	say("🔎", "bot.pasted.waiting", p.Waiting, "days", visa.UnfoundDays)
	say("☑️", "bot.pasted.already", p.Already)
	if p.Refused > 0 {
		say("✋", "bot.pasted.refused", p.Refused)
		r.line(r.c.T("bot.too_many", "n", max(p.Minutes, 1)))
	}
	say("✋", "bot.pasted.full", p.Full, "max", visa.MaxFollowed)
	say("✋", "bot.pasted.unknown", p.Unknown, "max", visa.MaxUnknown)
	say("✂️", "bot.pasted.unread", p.Unread, "max", visa.MaxPasted)
	r.gap()
	say("❓", "bot.pasted.bad", p.Bad)
	r.faults(p)
	r.row(r.listButton())
	if p.Bad > 0 {
		r.row(r.helpButton())
	}
}

// faults says of as many bad lines as there is room for what is wrong.
func (r *renderer) faults(p *visa.Pasted) {
	key := "bot.pasted.line"
	if p.Parts {
		key = "bot.pasted.part"
	}
	shown := 0
	for _, f := range p.Faults {
		text := r.c.T("bot.malformed")
		if f.Fault != visa.FaultEmpty {
			text = explain.Fault(r.c, visa.ReferenceError{Fault: f.Fault, N: max(f.N, 0), Min: f.Want, Max: f.Want, Digits: f.Digits})
		}
		line := r.c.T(key, "line", max(f.Line, 1), "fault", text)
		if r.units+units(line) > rowsUnits {
			break
		}
		r.line(line)
		shown++
	}
	if left := p.Bad - shown; left > 0 && shown > 0 {
		r.line(r.c.T("bot.list.more", "n", left))
	}
}
