package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"unsafe"

	"github.com/valyala/fasthttp"

	"kabarchy/explain"
	"kabarchy/i18n"
)

// Contract is the OpenAPI 3.1 document of everything here, in YAML.
//
//go:embed openapi.yaml
var Contract []byte

// rendered is a body that never changes, with its tag.
type rendered struct {
	body []byte
	etag string
}

func render(body []byte) rendered {
	sum := sha256.Sum256(body)
	return rendered{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// renderVocabulary renders the vocabulary in every language.
func renderVocabulary(reasons *i18n.Reasons) map[string]rendered {
	out := map[string]rendered{}
	for _, c := range i18n.Default().All() {
		out[c.Code()] = render(encodeJSON(explain.Vocabulary(c, reasons)))
	}
	return out
}

// words answers GET /v1/vocabulary.
func (s *Server) words(r *request) {
	catalogues := i18n.Default()
	var c *i18n.Catalogue
	if lang := r.ctx.QueryArgs().Peek("lang"); len(lang) > 0 {
		var ok bool
		if c, ok = catalogues.Lookup(string(lang)); !ok {
			r.fail(problem{kind: invalidParameter, detail: "There is no such language here. The parameter lang may be one of " + languages() + "."})
			return
		}
	} else {
		c = catalogues.Match(string(r.ctx.Request.Header.Peek(fasthttp.HeaderAcceptLanguage)))
	}
	r.unchanging(vocabularyBlock, s.vocabulary[c.Code()])
	r.ctx.Response.Header.Set(fasthttp.HeaderContentLanguage, c.Code())
}

func languages() string {
	list := ""
	for _, c := range i18n.Default().All() {
		if list != "" {
			list += ", "
		}
		list += c.Code()
	}
	return list
}

// openapi answers GET /openapi.yaml.
func (s *Server) openapi(r *request) { r.unchanging(contractBlock, s.contract) }

// unchanging writes a body that never changes, or 304.
func (r *request) unchanging(headers *block, v rendered) {
	h := &r.ctx.Response.Header
	headers.CopyTo(h)
	h.SetCanonical(headerETag, unsafe.Slice(unsafe.StringData(v.etag), len(v.etag)))
	if matches(r.ctx.Request.Header.PeekAll(headerIfNoneMatch), v.etag) {
		h.SetStatusCode(fasthttp.StatusNotModified)
		h.SetContentType("")
		return
	}
	r.ctx.Response.SetBodyRaw(v.body)
}
