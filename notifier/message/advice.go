package message

import (
	"net/url"
	"strconv"
	"strings"

	"kabarchy/visa"
)

// Up to where in a message advice may go: as-of times and the notes that follow
// must have their place, however much is advised.
const (
	stepsUnits = 2400
	whomUnits  = 3200
)

// advice is what those who run the service say about an application (nil: it
// is not known): steps, and whom to ask. Nothing is made up where they say
// nothing: every message names the portal then, and not less.
func (r *renderer) advice(a *visa.Application) {
	if a != nil {
		r.steps(*a)
	}
	whom := r.v.Whom()
	if len(whom) == 0 {
		return
	}
	r.gap()
	if !r.fits(r.c.T("label.whom"), whomUnits) {
		return
	}
	r.label("label.whom")
	for _, line := range whom {
		if !r.fits(line, whomUnits) {
			break
		}
		r.line("• " + line)
	}
	r.gap()
}

func (r *renderer) steps(a visa.Application) {
	advice := r.v.Advice(a.Statement)
	if len(advice.Steps) == 0 {
		return
	}
	r.gap()
	r.label("label.advice")
	for i, step := range advice.Steps {
		if !r.fits(step, stepsUnits) {
			r.line(r.c.T("guidance.cut"))
			break
		}
		r.line(strconv.Itoa(i+1) + ". " + step)
	}
	r.line(advice.Reviewed)
	r.gap()
}

// fits reports whether a line ends before a number of units.
func (r *renderer) fits(line string, most int) bool { return r.units+units(line)+8 <= most }

// portalButton opens the authorities' own portal, where its address is known.
func (r *renderer) portalButton() Button {
	return Button{Text: r.c.T("web.portal"), URL: address(r.v.Guide.Portal())}
}

// pageButton opens one of our own pages, where it is known where they are.
func (r *renderer) pageButton(path string) Button {
	if address(r.o.PublicURL) == "" {
		return Button{}
	}
	return Button{Text: r.c.T("button.page"), URL: strings.TrimRight(r.o.PublicURL, "/") + path}
}

// address returns an address that Telegram takes in a button, or "": it
// refuses the whole message for one that it does not, such as a bare host name.
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !strings.Contains(strings.Trim(u.Hostname(), "."), ".") || len(s) > 1024 {
		return ""
	}
	return s
}
