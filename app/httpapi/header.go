package httpapi

import "github.com/valyala/fasthttp"

// A block is a prepared set of response headers. Copying one costs a fifth of
// setting its fields one by one; it must be the first thing done to a response.
type block = fasthttp.ResponseHeader

// apiPolicy keeps whatever somebody gets a browser to show as a document from
// doing anything.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
	typeYAML    = "application/yaml"
	typeHTML    = "text/html; charset=utf-8"
)

var (
	answerBlock      = newBlock(200, typeJSON, apiPolicy, "private, no-cache")
	notModifiedBlock = newBlock(304, "", apiPolicy, "private, no-cache")
	resultBlock      = newBlock(200, typeJSON, apiPolicy, "no-store")
	problemBlock     = newBlock(500, typeProblem, apiPolicy, "no-store")
	emptyBlock       = newBlock(200, "", apiPolicy, "no-store")
	vocabularyBlock  = newBlock(200, typeJSON, apiPolicy, "public, max-age=300",
		"Access-Control-Allow-Origin", "*", "Cross-Origin-Resource-Policy", "cross-origin", "Vary", "Accept-Language")
	contractBlock = newBlock(200, typeYAML, apiPolicy, "public, max-age=300")
)

// newBlock prepares the headers that every answer has, and more where given.
func newBlock(status int, contentType, policy, caching string, more ...string) *block {
	h := &block{}
	h.SetStatusCode(status)
	if contentType != "" {
		h.SetContentType(contentType)
	}
	h.Set(fasthttp.HeaderCacheControl, caching)
	h.Set(fasthttp.HeaderContentSecurityPolicy, policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set(fasthttp.HeaderXFrameOptions, "DENY")
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

var (
	headerETag        = []byte(fasthttp.HeaderETag)
	headerIfNoneMatch = fasthttp.HeaderIfNoneMatch
)

// matches reports whether a tag stands in the values of If-None-Match, by the
// weak comparison of RFC 9110: W/ before a tag does not count, * is any.
func matches(values [][]byte, tag string) bool {
	for _, v := range values {
		for len(v) > 0 {
			switch {
			case v[0] == ' ', v[0] == '\t', v[0] == ',':
				v = v[1:]
			case v[0] == '*':
				return true
			default:
				if len(v) > 2 && v[0] == 'W' && v[1] == '/' {
					v = v[2:]
				}
				n := tagLen(v)
				if n == 0 {
					v = nil // not a list of tags: what follows cannot be trusted
					break
				}
				if string(v[:n]) == tag {
					return true
				}
				v = v[n:]
			}
		}
	}
	return false
}

// tagLen returns the length of the quoted tag that v begins with, 0 for none.
func tagLen(v []byte) int {
	if v[0] != '"' {
		return 0
	}
	for i := 1; i < len(v); i++ {
		if v[i] == '"' {
			return i + 1
		}
	}
	return 0
}
