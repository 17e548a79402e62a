package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"rsc.io/qr"
)

// An AlertsView is the page that asks for a reference to follow in Telegram,
// with what was wrong with the last one.
type AlertsView = StartView

// Alerts renders the page that asks for a reference to follow.
func (p *Pages) Alerts(v AlertsView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	if p.bot() == "" {
		return p.simple(v.Page, "web.alerts.off.title", "web.alerts.off.text")
	}
	d := p.ask(c, v, "web.alerts.title")
	return p.render(c, "alerts", &d)
}

// A LinkView is the page of a deep link to the bot, made for this one reader.
type LinkView struct {
	Page
	Token  string // of the link
	Digits string // the four that the true bot greets with
	Known  bool   // the reference is in the data
}

type linkPage struct {
	frame
	Heading string
	URL     string
	QR      template.HTML // an SVG of rectangles alone
	Digits  []string
	Unknown string
}

// Link renders the page of a deep link. Where the bot's name is not known it
// is the page that says that there is no bot.
func (p *Pages) Link(v LinkView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	bot := p.bot()
	if bot == "" {
		return p.simple(v.Page, "web.alerts.off.title", "web.alerts.off.text")
	}
	d := linkPage{Heading: c.T("web.alerts.ready.title"), URL: "https://t.me/" + url.PathEscape(bot) + "?start=" + url.QueryEscape(v.Token)}
	d.frame = p.frame(c, v.Page, "web.title", d.Heading)
	for _, digit := range v.Digits {
		d.Digits = append(d.Digits, string(digit))
	}
	if !v.Known {
		d.Unknown = c.T("web.unknown.follow_text")
	}
	var err error
	if d.QR, err = qrCode(d.URL, c.T("web.alerts.qr")); err != nil {
		return nil, err
	}
	return p.render(c, "link", &d)
}

// quiet is the white border that a QR code needs, in modules.
const quiet = 4

// qrCode draws a QR code as SVG: one path, a rectangle for each run of dark
// modules. Its colours are its own: a scanner wants dark on light.
func qrCode(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("page link: draw the QR code: %w", err)
	}
	var b strings.Builder
	size := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" width="%d" height="%d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		template.HTMLEscapeString(label), size, size, size*5, size*5, size, size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			if !code.Black(x, y) {
				continue
			}
			run := 1
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
			x += run - 1
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil // made of numbers and an escaped text
}
