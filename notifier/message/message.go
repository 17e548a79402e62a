// Package message turns a claimed notification into the text that is sent:
// once in Telegram's HTML, once plain for when that is refused, with buttons.
//
// Render never fails, whatever a note holds: what it does not know it leaves
// out. Its texts carry a masked reference only, and of the person nothing but
// the label they gave the reference themselves.
//
// Whatever comes from outside (labels, commands, reasons) is cleaned and
// escaped here; the catalogues' texts hold no markup.
package message

import (
	"time"

	"kabarchy/explain"
	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/visa"
)

// MaxUnits is the most UTF-16 code units that Telegram takes in a text, after
// its entities are parsed.
const MaxUnits = 4096

// PageSize is how many rows a page of a list has. Who writes a ReplyList note
// gives it all Items: those that ask for something come first, whichever page
// they would be on by their age.
const PageSize = 8

// A Message is what is sent. HTML uses b alone of Telegram's tags, and says the
// same as Plain.
type Message struct {
	HTML    string
	Plain   string
	Buttons [][]Button
	Silent  bool // arrives without a sound
}

// A Button shows Text and either sends Data back, at most 64 bytes, or opens
// URL.
type Button struct {
	Text string
	Data string
	URL  string
}

// Options are what a message depends on besides its notification. The zero
// values of all but Now will do: the built-in catalogues, no reasons, UTC, no
// erasure.
type Options struct {
	Now         time.Time // days are counted from its local day
	Zone        *time.Location
	Catalogues  *i18n.Catalogues
	Reasons     *i18n.Reasons
	BotUsername string // without the @; "" if not known
	PublicURL   string // where people find the pages; "" if not known

	// Guide returns what those who run the service say, as of now; nil: nothing.
	Guide func() *guidance.Guide

	// Stale is for how long complete data of the register says that nothing has
	// changed since; 0: for ever.
	Stale time.Duration
	// ErasureDay tells the last day on which an application is kept, as far as
	// one is known; nil: nothing is ever erased.
	ErasureDay func(*visa.Application) (visa.Date, bool)
}

// renderer is what the parts of a message share.
type renderer struct {
	text
	c       *i18n.Catalogue
	all     *i18n.Catalogues
	v       explain.View
	d       *visa.Delivery
	o       *Options
	buttons [][]Button
}

// Render writes the message of a delivery, in the language of its note, or
// else of its chat.
func Render(d visa.Delivery, o Options) Message {
	if o.Catalogues == nil {
		o.Catalogues = i18n.Default()
	}
	c, ok := o.Catalogues.Lookup(d.Note.Language)
	if !ok {
		c = o.Catalogues.Get(d.Language)
	}
	r := &renderer{c: c, all: o.Catalogues, d: &d, o: &o}
	r.v = explain.At(o.Now, o.Zone, d.AsOf, c, o.Reasons)
	if o.Guide != nil {
		r.v = r.v.Guidance(o.Guide())
	}
	if r.discreet() {
		r.discreetly()
	} else {
		r.tell()
	}
	return Message{
		HTML:    r.html.String(),
		Plain:   r.plain.String(),
		Buttons: r.buttons,
		Silent:  r.silent(),
	}
}

// tell writes the message in full.
func (r *renderer) tell() {
	switch r.d.Kind {
	case visa.KindNews:
		r.news()
	case visa.KindReminder:
		r.reminder()
	case visa.KindReply:
		r.reply()
	case visa.KindDigest:
		r.digest()
	case visa.KindReturn:
		r.returned()
	case visa.KindHeartbeat:
		r.heartbeat()
	case visa.KindPendingLong:
		r.pendingLong()
	case visa.KindErasure:
		r.erasure()
	case visa.KindAnnouncement:
		r.announcement()
	case visa.KindUnfound:
		r.unfound()
	default:
		r.fallback()
	}
}

// fallback is for a note of a kind or an answer that this version of the
// program does not know: true, and a way on.
func (r *renderer) fallback() {
	r.headline("🔔", r.c.T("headline.news"))
	r.line(r.c.T("bot.fallback"))
	r.row(r.listButton())
}

// reference is the reference the message is about; it may be zero.
func (r *renderer) reference() visa.Reference {
	switch {
	case r.d.Application != nil && !r.d.Application.Reference.IsZero():
		return r.d.Application.Reference
	case !r.d.Note.Reference.IsZero():
		return r.d.Note.Reference
	default:
		return r.d.Notification.Reference
	}
}

// hint is the masked reference, in its own order in every script.
func (r *renderer) hint(ref visa.Reference) string { return r.c.Isolate(ref.Hint()) }
