package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"time"
	"unsafe"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"kabarchy/app"
	"kabarchy/app/web"
	"kabarchy/visa"
)

const (
	typeForm       = "application/x-www-form-urlencoded"
	languageCookie = "lang"
	cookieLife     = 365 * 24 * time.Hour
	maxFormFields  = 10
)

var (
	pageBlock         = newBlock(200, typeHTML, web.CSP, "private, no-cache", "Vary", "Accept-Language, Cookie", "Cross-Origin-Opener-Policy", "same-origin")
	pageSameBlock     = newBlock(304, "", web.CSP, "private, no-cache", "Vary", "Accept-Language, Cookie")
	pageOnceBlock     = newBlock(200, typeHTML, web.CSP, "no-store", "Vary", "Accept-Language, Cookie", "Cross-Origin-Opener-Policy", "same-origin")
	pageRedirectBlock = newBlock(fasthttp.StatusSeeOther, "", web.CSP, "no-store")
)

func (s *Server) pageRoutes() {
	s.pageRoute(fiber.MethodGet, "/", s.startPage)
	s.pageRoute(fiber.MethodGet, "/help", s.helpPage)
	s.pageRoute(fiber.MethodPost, "/status", s.askStatus)
	s.pageRoute(fiber.MethodGet, "/status", func(r *request) { r.seeOther("/") })
	s.pageRoute(fiber.MethodGet, "/status/*", s.statusPage)
}

// pageRoute is route for pages: a problem is answered by a page, too.
func (s *Server) pageRoute(method, pattern string, h handler) {
	s.route(method, pattern, func(r *request) {
		r.html = true
		h(r)
	})
}

// page is what every page needs to know. What answers a form links to the
// start in the other languages, since a link cannot send the form again.
func (r *request) page() web.Page {
	path := "/"
	if !r.ctx.IsPost() {
		path = string(r.ctx.URI().PathOriginal())
	}
	return web.Page{Language: r.language(), Path: path}
}

// language returns the code of the language to answer in: that chosen by
// ?lang=, that chosen before, or the browser's.
func (r *request) language() string {
	pages := r.server.pages
	accepted := string(r.ctx.Request.Header.Peek(fasthttp.HeaderAcceptLanguage))
	chosen, _ := r.chosenLanguage()
	if chosen == "" {
		chosen = string(r.ctx.Request.Header.Cookie(languageCookie))
	}
	return pages.Match(chosen, accepted).Code()
}

// chosenLanguage returns the language that this very request chooses.
func (r *request) chosenLanguage() (code string, ok bool) {
	v := string(r.ctx.QueryArgs().Peek("lang"))
	if v == "" || r.server.pages.Match(v, "").Code() != v {
		return "", false
	}
	return v, true
}

// write answers with a page, and remembers an explicit choice of language.
func (r *request) write(headers *block, status int, html []byte) {
	lang := r.language()
	headers.CopyTo(&r.ctx.Response.Header)
	r.ctx.Response.SetStatusCode(status)
	r.ctx.Response.SetBodyRaw(html)
	r.ctx.Response.Header.Set(fasthttp.HeaderContentLanguage, lang)
	r.rememberLanguage()
}

func (r *request) rememberLanguage() {
	code, ok := r.chosenLanguage()
	if !ok {
		return
	}
	c := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(c)
	c.SetKey(languageCookie)
	c.SetValue(code)
	c.SetPath("/")
	c.SetMaxAge(int(cookieLife / time.Second))
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	c.SetHTTPOnly(true)
	r.ctx.Response.Header.SetCookie(c)
}

func (r *request) seeOther(path string) {
	pageRedirectBlock.CopyTo(&r.ctx.Response.Header)
	r.ctx.Response.Header.Set(fasthttp.HeaderLocation, path)
	r.rememberLanguage()
}

// must answers with a page, or for the fault of rendering one.
func (r *request) must(headers *block, status int, html []byte, err error) {
	if err != nil {
		r.fail(faultOf(fmt.Errorf("httpapi: answer with a page: %w", err)))
		return
	}
	r.write(headers, status, html)
}

func (s *Server) startPage(r *request) {
	html, err := s.pages.Start(web.StartView{Page: r.page()})
	r.must(pageBlock, fasthttp.StatusOK, html, err)
}

func (s *Server) helpPage(r *request) {
	html, err := s.pages.Help(web.HelpView{Page: r.page()})
	r.must(pageBlock, fasthttp.StatusOK, html, err)
}

// askAgain renders the form with what is wrong with what was typed.
func (r *request) askAgain(v web.StartView, err error) {
	var fault *visa.ReferenceError
	if errors.As(err, &fault) {
		v.Fault, v.N = fault.Fault, fault.N
	}
	v.Page = r.page()
	v.Path = "/" // not the wrong number's own page
	html, err := r.server.pages.Start(v)
	r.must(pageOnceBlock, fasthttp.StatusBadRequest, html, err)
}

// askStatus takes the form. Without ProofRequired it leads to the status page,
// whose address can be kept; with it, it answers itself.
func (s *Server) askStatus(r *request) {
	r.client() // before the body
	if media, ok := r.contentType(); !ok || media != typeForm {
		r.unsupported(typeForm)
		return
	}
	body, ok := r.body(maxFormBytes)
	if !ok {
		return
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		r.fail(problem{kind: malformedBody, detail: "The form has too many fields."})
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		r.fail(problem{kind: malformedBody, detail: "The body is not a form."})
		return
	}
	typed, proof := form.Get("reference"), form.Get("proof")
	ref, err := s.service.Rules().Parse(typed)
	required := s.service.ProofRequired()
	if err != nil || required && proof == "" {
		r.askAgain(web.StartView{Typed: typed, ProofMissing: required && proof == ""}, err)
		return
	}
	if !required {
		r.seeOther("/status/" + ref.String())
		return
	}
	if s.admitted(r, 1) {
		s.show(r, ref, proof, (*request).status)
	}
}

// statusPage answers GET /status/{reference}.
func (s *Server) statusPage(r *request) {
	if !s.admitted(r, 1) {
		return
	}
	if s.service.ProofRequired() {
		r.fail(s.notFound(r))
		return
	}
	ref, err := s.pathReference(r)
	if err != nil {
		decoded, _ := percentDecode(nil, r.fiber.Params(restOfPath))
		r.askAgain(web.StartView{Typed: string(decoded)}, err)
		return
	}
	s.show(r, ref, "", (*request).status)
}

// status writes the page of an answer, or that it has not changed. A page that
// answers a form, or is stale, is rendered for this once.
func (r *request) status(a *app.Answer) {
	page := r.page()
	if r.ctx.IsPost() || a.Stale {
		html, err := r.renderStatus(page, a)
		r.must(pageOnceBlock, fasthttp.StatusOK, html, err)
		return
	}
	tag := a.ETag[:len(a.ETag)-1] + "-" + page.Language + "-" + r.server.pagesTag + `"`
	if matches(r.ctx.Request.Header.PeekAll(headerIfNoneMatch), tag) {
		pageSameBlock.CopyTo(&r.ctx.Response.Header)
		r.rememberLanguage()
	} else {
		html := r.server.statusPages.get(tag)
		if html == nil {
			page.Path = "/status/" + a.Application.Reference.String() // one page for every spelling
			var err error
			if html, err = r.renderStatus(page, a); err != nil {
				r.fail(faultOf(err))
				return
			}
			r.server.statusPages.keep(tag, html)
		}
		r.write(pageBlock, fasthttp.StatusOK, html)
	}
	r.ctx.Response.Header.SetCanonical(headerETag, unsafe.Slice(unsafe.StringData(tag), len(tag)))
}

// renderStatus renders what depends on nothing but the answer, the language and
// the path: days are counted from the answer's.
func (r *request) renderStatus(page web.Page, a *app.Answer) ([]byte, error) {
	s := r.server
	html, err := s.pages.Status(web.StatusView{
		Page: page, Application: a.Application, Now: a.Day.At(12, 0, s.service.Zone()), AsOf: a.Checked, Stale: a.Stale,
	})
	if err != nil {
		return nil, fmt.Errorf("httpapi: render a page: %w", err)
	}
	return html, nil
}

// failPage answers with a problem as a page.
func (r *request) failPage(p problem) {
	v := web.ProblemView{
		Page: r.page(), Problem: web.Refused, Now: r.server.service.Now(), AsOf: p.asOf,
		RetryAfter: time.Duration(p.retry) * time.Second,
	}
	switch {
	case p.kind == unknownReference:
		v.Problem, v.Reference = web.NotFound, r.ref
	case p.status == fasthttp.StatusNotFound:
		v.Problem = web.Missing
	case p.status == fasthttp.StatusTooManyRequests:
		v.Problem = web.TooMany
	case p.status == fasthttp.StatusServiceUnavailable:
		v.Problem = web.Unavailable
	case p.status >= 500:
		v.Problem, v.Request = web.Broken, r.requestID()
	}
	html, err := r.server.pages.Problem(v)
	if err != nil {
		r.html = false
		r.fail(faultOf(fmt.Errorf("httpapi: render a problem: %w", err)))
		return
	}
	r.write(pageOnceBlock, p.status, html)
}
