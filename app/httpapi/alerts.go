package httpapi

import (
	"fmt"

	"github.com/valyala/fasthttp"

	"kabarchy/app"
	"kabarchy/app/web"
)

// Links to the bot a client may have made a minute, and at once: each is a row
// in the database, and many people may share an address.
const (
	linkRate  = 60
	linkBurst = 120
)

func (s *Server) alertsPage(r *request) {
	html, err := s.pages.Alerts(web.AlertsView{Page: r.page()})
	r.must(pageBlock, fasthttp.StatusOK, html, err)
}

// makeAlert makes a deep link to the bot for a reference, known or not: a look
// up, and so counted as one. Under ProofRequired an unknown reference and a
// wrong proof lead to the same page as everywhere.
func (s *Server) makeAlert(r *request) {
	in, ok := s.form(r)
	if !ok || !s.admitted(r, 1) {
		return
	}
	if in.err != nil || in.noProof {
		html, err := s.pages.Alerts(web.AlertsView{Page: r.pageAgain("/alerts", in.typed), Typed: in.typed, Wrong: faultIn(in.err), ProofMissing: in.noProof})
		r.must(pageOnceBlock, fasthttp.StatusBadRequest, html, err)
		return
	}
	r.ref = in.ref
	_, decision, err := s.found(r.client(), in.ref, in.proof)
	known := err == nil
	switch {
	case !decision.Allowed:
		s.refuse(r, decision, limitMisses, s.misses.Policy(limitMisses), refusedMisses)
		return
	case isNotFound(err) && (s.service.ProofRequired() || !in.anyway):
		r.fail(s.notFound(r)) // which offers to follow anyway, where no proof is asked for
		return
	case err != nil && !isNotFound(err):
		r.fail(faultOf(err))
		return
	}
	if d := s.links.AllowN(r.client(), 1); !d.Allowed {
		s.refuse(r, d, limitLookups, s.links.Policy(limitLookups), refusedRate)
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	token, digits, err := s.service.NewLink(ctx, in.ref)
	if err != nil {
		r.fail(faultOf(fmt.Errorf("httpapi: make a link: %w", err)))
		return
	}
	html, err := s.pages.Link(web.LinkView{Page: r.pageAgain("/alerts", in.typed), Token: token, Digits: digits, Known: known})
	r.must(pageOnceBlock, fasthttp.StatusOK, html, err)
}

// calendar answers with the deadlines of an application as a calendar file.
func (s *Server) calendar(r *request) {
	in, ok := s.form(r)
	switch {
	case !ok:
	case in.err != nil || in.noProof:
		r.askAgain(web.StartView{Typed: in.typed, ProofMissing: in.noProof}, in.err)
	case s.admitted(r, 1):
		s.show(r, in.ref, in.proof, (*request).calendarFile)
	}
}

var calendarBlock = newBlock(200, web.TypeCalendar, apiPolicy, "no-store", "Content-Disposition", `attachment; filename="kabarchy.ics"`)

func (r *request) calendarFile(a *app.Answer) {
	s := r.server
	file, ok := s.pages.Calendar(r.language(), a.Application, s.service.Now(), a.Checked)
	if !ok {
		html, err := s.pages.NoDays(r.pageAgain("/calendar", a.Application.Reference.String()))
		r.must(pageOnceBlock, fasthttp.StatusNotFound, html, err)
		return
	}
	calendarBlock.CopyTo(&r.ctx.Response.Header)
	r.ctx.Response.SetBodyRaw(file)
}
