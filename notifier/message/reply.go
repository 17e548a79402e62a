package message

import (
	"slices"
	"strings"

	"kabarchy/explain"
	"kabarchy/visa"
)

// reply writes an answer of the conversation.
func (r *renderer) reply() {
	c, n := r.c, r.d.Note
	switch n.Reply {
	case visa.ReplyWelcome:
		r.headline("👋", c.T("web.service"))
		r.line(c.T("bot.start"))
		r.languages()
		r.row(r.pageButton("/"))
	case visa.ReplyHelp:
		r.help()
	case visa.ReplyStatus, visa.ReplyFollowing, visa.ReplyAlready:
		r.status()
	case visa.ReplyUnfollowed:
		r.short("🔕", "bot.unfollowed.title", c.T("bot.unfollowed", "reference", r.hint(r.reference())))
		r.row(r.listButton())
	case visa.ReplyLeft:
		r.short("🔕", "bot.left.title", c.T("bot.left", "reference", r.hint(r.reference())))
		r.row(r.listButton())
	case visa.ReplyStopAllAsk:
		r.short("🔕", "bot.stop_ask.title", c.T("bot.stop_ask", "n", max(n.Number, 0)))
		r.row(Button{Text: c.T("button.stop_all"), Data: visa.ButtonStopAll})
		r.row(Button{Text: c.T("button.keep"), Data: visa.ButtonKeep})
	case visa.ReplyUnfollowedAll:
		r.short("🔕", "bot.unfollowed.title", c.T("bot.unfollowed_all", "n", max(n.Number, 0)))
	case visa.ReplyNotFollowed:
		r.notFollowed()
	case visa.ReplyList:
		r.list()
	case visa.ReplyListEmpty:
		r.short("📋", "bot.list_empty.title", c.T("bot.list_empty"))
	case visa.ReplyLanguages:
		r.headline("🌐", c.T("bot.choose_language"))
		r.languages()
	case visa.ReplyLanguageSet:
		r.short("🌐", "bot.language_set", c.T("bot.welcome"))
		r.line(c.T("bot.send_number"))
		r.row(r.helpButton())
	case visa.ReplyForgetAsk:
		r.short("🗑", "bot.forget_ask.title", c.T("bot.forget_ask.text"))
		r.row(Button{Text: c.T("button.erase"), Data: visa.ButtonForget})
		r.row(Button{Text: c.T("button.keep"), Data: visa.ButtonKeep})
	case visa.ReplyForgotten:
		r.short("🗑", "bot.forgotten.title", c.T("bot.forgotten.text"))
	case visa.ReplyMalformed:
		r.malformed()
	case visa.ReplyPasted:
		r.pasted()
	case visa.ReplyAskReference:
		r.askReference()
	case visa.ReplyUnknown:
		r.short("❓", "bot.unknown.title", c.T("bot.unknown"))
		r.row(r.helpButton(), r.listButton())
	case visa.ReplyNotText:
		r.short("📎", "bot.not_text.title", c.T("bot.not_text"))
		r.row(r.helpButton())
	case visa.ReplyGroup:
		r.headline("👥", c.T("bot.group"))
		r.row(Button{Text: c.T("button.private"), URL: chatLink(r.o.BotUsername)})
	case visa.ReplyLinkSpent:
		r.short("🔗", "bot.link_spent.title", c.T("bot.link_spent"))
	case visa.ReplyTooMany:
		r.short("✋", "bot.too_many.title", c.T("bot.too_many", "n", max(n.Number, 1)))
	case visa.ReplyFollowLimit:
		r.short("✋", "bot.follow_limit.title", c.T("bot.follow_limit", "n", max(n.Number, 0)))
		r.row(r.listButton())
	case visa.ReplyUnknownLimit:
		r.short("✋", "bot.unknown_limit.title", c.T("bot.unknown_limit", "n", max(n.Number, 0)))
		r.row(r.listButton())
	case visa.ReplySettings:
		r.settings()
	default:
		r.fallback()
	}
}

// short is an answer of an outcome and a text.
func (r *renderer) short(icon, title, text string) {
	r.headline(icon, r.c.T(title))
	r.line(text)
}

// commands are what can be typed, with what each does as bot.command.NAME.
var commands = []string{"status", "follow", "list", "stop", "settings", "language", "forget", "help"}

func (r *renderer) help() {
	c := r.c
	r.headline("ℹ️", c.T("bot.help.title"))
	r.line(c.T("bot.help.ask"))
	r.line(c.T("bot.help.follow"))
	r.line(c.T("bot.several", "max", visa.MaxPasted))
	r.gap()
	r.line(c.T("bot.help.commands"))
	for _, name := range commands {
		r.line(c.Isolate("/"+name) + " – " + c.T("bot.command."+name))
	}
	r.gap()
	r.line(c.T("bot.help.never"))
	r.line(c.T("web.footer"))
	r.row(r.listButton(), Button{Text: c.T("button.settings"), Data: visa.ButtonSettings})
	r.row(Button{Text: c.T("button.languages"), Data: visa.ButtonLangs}, r.pageButton("/help"))
}

// digits repeats what the page of the chat's deep link showed: by it people
// know the true bot.
func (r *renderer) digits() {
	code := r.d.Note.Code
	if len(code) != 4 || strings.Trim(code, "0123456789") != "" {
		return
	}
	r.line("🔑 " + r.c.T("bot.link_digits", "digits", r.c.Isolate(strings.Join(strings.Split(code, ""), " "))))
}

// status answers where a reference stands, and whether it is followed.
func (r *renderer) status() {
	a := r.d.Application
	suffix := ""
	var asOf []string
	if a == nil {
		suffix = "_unknown"
		u := r.v.Unknown()
		r.headline(u.Icon, u.Headline)
		r.digits()
		r.about()
		r.gap()
		r.line(u.Meaning)
		for _, check := range u.Checks {
			r.line("• " + check)
		}
	} else {
		known := *a
		if more := a.Reminded(); len(more) > len(a.Deadlines) {
			known.Deadlines = more // whoever is reminded of a day finds it here
		}
		e := r.v.Application(known)
		r.headline(e.Icon, e.Headline)
		r.digits()
		r.about()
		if !a.SubmittedOn.IsZero() {
			r.line(r.c.T("submitted.line", "date", a.SubmittedOn.Time()))
		}
		r.gap()
		r.state(e)
		r.echo(echoed(known.Statement, nil))
		asOf = []string{e.AsOf}
		if e.Decided {
			asOf = append(asOf, explain.NotDocument(r.c))
		}
		asOf = append(asOf, explain.Portal(r.c))
	}
	r.advice(a)
	r.gap()
	r.line(r.followed(suffix))
	if a != nil && r.following() {
		r.erasureLine(a)
	}
	r.gap()
	for _, line := range asOf {
		r.line(line)
	}
	r.statusButtons()
	r.row(r.portalButton())
	r.row(r.listButton())
}

// statusButtons lead on from a status: to follow, to hear from us though
// nothing changes, or to stop. Where reminders say only that there is news,
// what ends them stands here.
func (r *renderer) statusButtons() {
	a, id := r.d.Application, r.d.Subscription
	switch {
	case !r.following():
		r.row(r.button("button.follow", visa.ButtonFollow, r.d.Note.Token))
		return
	case r.d.Settings.Discreet && a != nil && len(a.Reminded()) > 0:
		r.endButtons()
	case id > 0:
		r.row(r.button("button.stop", visa.ButtonUnfollow, number(id)))
	}
	if r.d.Note.Reply != visa.ReplyStatus && !r.d.Settings.Heartbeat {
		r.row(r.button("button.heartbeat_on", visa.ButtonHeartbeat, "1"))
	}
}

// following reports whether the chat follows the reference: an answer to the
// wish to follow says so even where that is no longer true when it is sent.
func (r *renderer) following() bool {
	return r.d.Following || r.d.Note.Reply != visa.ReplyStatus
}

// followed is the sentence about following; suffix is "_unknown" for a
// reference that is not known.
func (r *renderer) followed(suffix string) string {
	switch {
	case r.d.Note.Reply == visa.ReplyFollowing:
		return "🔔 " + r.c.T("bot.following"+suffix)
	case r.d.Note.Reply == visa.ReplyAlready:
		return "🔔 " + r.c.T("bot.already"+suffix)
	case r.d.Following:
		return "🔔 " + r.c.T("bot.followed_now"+suffix)
	case data(visa.ButtonFollow, r.d.Note.Token) != "":
		return r.c.T("bot.follow_offer" + suffix)
	}
	return ""
}

func (r *renderer) notFollowed() {
	text := r.c.T("bot.nothing_followed")
	if ref := r.reference(); !ref.IsZero() {
		text = r.c.T("bot.not_followed", "reference", r.hint(ref))
	} else if r.d.Note.Number > 0 {
		text = r.c.T("bot.not_followed_that")
	}
	r.short("🔕", "bot.not_followed.title", text)
	r.row(r.listButton())
}

func (r *renderer) list() {
	c, all := r.c, r.d.Items
	if len(all) == 0 {
		r.short("📋", "bot.list_empty.title", c.T("bot.list_empty"))
		return
	}
	last := (len(all) - 1) / PageSize
	page := min(max(r.d.Note.Page, 0), last)
	rows := r.rows(all, false)
	r.headline("📋", c.T("bot.list.title", "n", len(all)))
	r.line(c.T("bot.list.hint"))
	r.countUrgent(rows)
	r.gap()
	left := r.writeRows(rows[page*PageSize:min((page+1)*PageSize, len(rows))], func(w row) {
		if w.Subscription > 0 {
			id := number(w.Subscription)
			r.row(Button{Text: w.name, Data: data(visa.ButtonStatus, id)}, r.button("button.stop", visa.ButtonUnfollow, id))
		}
	})
	r.gap()
	if len(left) > 0 {
		r.line(c.T("bot.list.more", "n", len(left)))
	}
	r.line(r.v.Complete())
	var around []Button
	if page > 0 {
		around = append(around, r.button("button.previous", visa.ButtonList, number(int64(page-1))))
	}
	if page < last {
		around = append(around, r.button("button.next", visa.ButtonList, number(int64(page+1))))
	}
	r.row(around...)
}

func (r *renderer) malformed() {
	n := r.d.Note
	fault := visa.ReferenceFault(n.Fault)
	if fault == visa.FaultSeveral {
		r.headline("❓", r.c.T("bot.several.title"))
	} else {
		r.short("❓", "bot.malformed.title", r.c.T("bot.malformed"))
	}
	switch fault {
	case visa.FaultEmpty, "":
		r.line(r.c.T("bot.send_number"))
	default:
		r.line(explain.Fault(r.c, visa.ReferenceError{Fault: fault, N: max(n.Number, 0), Min: n.Want, Max: n.Want, Digits: n.Digits}))
		if fault == visa.FaultSeveral {
			r.line(r.c.T("bot.several", "max", visa.MaxPasted))
		}
	}
	r.row(r.helpButton())
}

// askReference asks for the reference a command was sent without.
func (r *renderer) askReference() {
	command := ""
	if extra := r.d.Note.Extra; len(extra) > 0 {
		command = strings.TrimPrefix(extra[0], "/")
	}
	text := r.c.T("bot.ask_reference")
	if slices.Contains(commands, command) {
		text = r.c.T("bot.ask_reference_for", "command", r.c.Isolate("/"+command))
	}
	r.short("✍️", "bot.ask_reference.title", text)
}
