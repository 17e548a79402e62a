package httpapi

import (
	"bytes"
	"compress/gzip"
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
	pageBlock         = newBlock(200, typeHTML, web.CSP, "private, no-cache", "Vary", "Accept-Encoding, Accept-Language, Cookie", "Cross-Origin-Opener-Policy", "same-origin")
	pageSameBlock     = newBlock(304, "", web.CSP, "private, no-cache", "Vary", "Accept-Encoding, Accept-Language, Cookie")
	pageOnceBlock     = newBlock(200, typeHTML, web.CSP, "no-store", "Vary", "Accept-Encoding, Accept-Language, Cookie", "Cross-Origin-Opener-Policy", "same-origin")
	pageRedirectBlock = newBlock(fasthttp.StatusSeeOther, "", web.CSP, "no-store")
)

func (s *Server) pageRoutes() {
	s.pageRoute(fiber.MethodGet, "/", s.startPage)
	s.pageRoute(fiber.MethodGet, "/help", s.helpPage)
	s.pageRoute(fiber.MethodPost, "/status", s.askStatus)
	s.pageRoute(fiber.MethodGet, "/status", func(r *request) { r.seeOther("/") })
	s.pageRoute(fiber.MethodGet, "/status/*", s.statusPage)
	s.pageRoute(fiber.MethodGet, "/alerts", s.alertsPage)
	s.pageRoute(fiber.MethodPost, "/alerts", s.makeAlert)
	s.pageRoute(fiber.MethodPost, "/calendar", s.calendar)
	s.pageRoute(fiber.MethodGet, "/calendar", func(r *request) { r.seeOther("/") })
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
	packed := r.takesGzip()
	if packed {
		html = pack(html, gzip.BestSpeed)
	}
	r.writeBytes(headers, status, html, packed)
}

// writeBytes is write for a page as it is sent.
func (r *request) writeBytes(headers *block, status int, body []byte, packed bool) {
	lang := r.language()
	headers.CopyTo(&r.ctx.Response.Header)
	r.ctx.Response.SetStatusCode(status)
	r.ctx.Response.SetBodyRaw(body)
	if packed {
		r.ctx.Response.Header.SetContentEncodingBytes(gzipCoding)
	}
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
	v.Wrong = faultIn(err)
	v.Page = r.page()
	v.Path = "/" // not the wrong number's own page
	if r.ctx.IsPost() {
		v.Page = r.pageAgain("/status", v.Typed)
	}
	html, err := r.server.pages.Start(v)
	r.must(pageOnceBlock, fasthttp.StatusBadRequest, html, err)
}

func faultIn(err error) *visa.ReferenceError {
	var fault *visa.ReferenceError
	errors.As(err, &fault)
	return fault
}

// asked is what a form asks about.
type asked struct {
	typed, proof string
	ref          visa.Reference
	err          error // why typed is no reference
	noProof      bool  // one is needed and was not given
	anyway       bool  // to be followed though it is not known
}

// form reads the form that all pages share; if it returns false it has
// answered.
func (s *Server) form(r *request) (in asked, ok bool) {
	r.client() // before the body
	if media, ok := r.contentType(); !ok || media != typeForm {
		r.unsupported(typeForm)
		return in, false
	}
	body, ok := r.body(maxFormBytes)
	if !ok {
		return in, false
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		r.fail(problem{kind: malformedBody, detail: "The form has too many fields."})
		return in, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		r.fail(problem{kind: malformedBody, detail: "The body is not a form."})
		return in, false
	}
	in.typed, in.proof, in.anyway = form.Get("reference"), form.Get("proof"), form.Get("anyway") != ""
	in.ref, in.err = s.service.Rules().Find(in.typed)
	in.noProof = s.service.ProofRequired() && in.proof == ""
	return in, true
}

// pageAgain is page for an answer to a form: the links to the other languages
// send what was typed again. A proof is never repeated.
func (r *request) pageAgain(path, typed string) web.Page {
	page := web.Page{Language: r.language(), Path: path}
	if !r.server.service.ProofRequired() {
		page.Again = []web.Field{{Name: "reference", Value: typed}}
	}
	return page
}

// askStatus takes the form. Without ProofRequired it leads to the status page,
// whose address can be kept; with it, it answers itself.
func (s *Server) askStatus(r *request) {
	in, ok := s.form(r)
	switch {
	case !ok:
	case in.err != nil || in.noProof:
		r.askAgain(web.StartView{Typed: in.typed, ProofMissing: in.noProof}, in.err)
	case !s.service.ProofRequired():
		r.seeOther("/status/" + in.ref.String())
	case s.admitted(r, 1):
		s.show(r, in.ref, in.proof, (*request).status)
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
	packed := r.takesGzip()
	end := `"`
	if packed {
		end = `g"`
	}
	tag := a.ETag[:len(a.ETag)-1] + "-" + page.Language + "-" + r.server.pagesTag + r.server.pages.Revision() + end
	if matches(r.ctx.Request.Header.PeekAll(headerIfNoneMatch), tag) {
		pageSameBlock.CopyTo(&r.ctx.Response.Header)
		r.rememberLanguage()
	} else {
		body := r.server.statusPages.get(tag)
		if body == nil {
			page.Path = "/status/" + a.Application.Reference.String() // one page for every spelling
			var err error
			if body, err = r.renderStatus(page, a); err != nil {
				r.fail(faultOf(err))
				return
			}
			if packed {
				body = pack(body, gzip.BestCompression)
			}
			r.server.statusPages.keep(tag, body)
		}
		r.writeBytes(pageBlock, fasthttp.StatusOK, body, packed)
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
