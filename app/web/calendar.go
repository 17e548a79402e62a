package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kabarchy/explain"
	"kabarchy/visa"
)

// TypeCalendar is the media type of a calendar file.
const TypeCalendar = "text/calendar; charset=utf-8"

// Calendar writes the deadlines of an application as a calendar file (RFC
// 5545): an event of a whole day for each that has not passed, with a reminder
// three days and one day before. It names no reference: calendars are shared
// with people and services. ok is false where there is no such day.
func (p *Pages) Calendar(lang string, a visa.Application, now, asOf time.Time) (file []byte, ok bool) {
	c := p.catalogues.Get(lang)
	v := explain.At(now, p.o.Zone, asOf, c, p.reasons)
	var b strings.Builder
	line := func(name, value string) { fold(&b, name+":"+value) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Kabarchy//Kabarchy//EN")
	line("METHOD", "PUBLISH")
	for _, d := range v.Deadlines(a.Statement) {
		if d.Passed() || a.Stage == visa.StageClosed {
			continue
		}
		ok = true
		name := c.T("deadline." + string(d.Kind) + ".name")
		line("BEGIN", "VEVENT")
		line("UID", p.eventID(a.Reference, d.Kind)+"@kabarchy")
		line("SEQUENCE", strconv.FormatInt(a.Version, 10))
		line("DTSTAMP", now.UTC().Format("20060102T150405Z"))
		line("DTSTART;VALUE=DATE", d.Date.Time().Format("20060102"))
		line("DTEND;VALUE=DATE", d.Date.Add(1).Time().Format("20060102"))
		line("SUMMARY", escaped(name))
		line("DESCRIPTION", escaped(strings.Join([]string{c.T("deadline." + string(d.Kind) + ".meaning"), v.Checked(), c.T("note.portal"), c.T("note.page_not_document")}, "\n")))
		line("TRANSP", "TRANSPARENT")
		for _, days := range []int{3, 1} {
			line("BEGIN", "VALARM")
			line("ACTION", "DISPLAY")
			line("DESCRIPTION", escaped(name))
			line("TRIGGER", fmt.Sprintf("-P%dDT0H0M0S", days))
			line("END", "VALARM")
		}
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	return []byte(b.String()), ok
}

// eventID names a deadline of an application to calendars, so that a file
// fetched again moves its day rather than adding another. It is keyed: nobody
// who sees a calendar can try out which reference it is about.
func (p *Pages) eventID(ref visa.Reference, kind visa.DeadlineKind) string {
	m := hmac.New(sha256.New, p.o.CalendarKey)
	_, _ = m.Write([]byte(ref.String() + " " + string(kind)))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

var calendarText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)

func escaped(s string) string { return calendarText.Replace(s) }

// maxOctets is the most bytes of a line of a calendar file, without its end.
const maxOctets = 75

// fold writes a line, broken where it is too long, between characters.
func fold(b *strings.Builder, s string) {
	room := maxOctets
	for len(s) > room {
		cut := room
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		b.WriteString(s[:cut])
		b.WriteString("\r\n ")
		s = s[cut:]
		room = maxOctets - 1 // the space counts
	}
	b.WriteString(s)
	b.WriteString("\r\n")
}
