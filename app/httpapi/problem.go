package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"kabarchy/visa"
)

// A kind is a kind of problem, as RFC 9457 has it: type, title and status stay
// the same wherever it occurs.
type kind struct {
	slug   string // the type is /problems/ and this
	title  string
	status int
}

// Every kind of problem there is. The types are a contract; openapi.yaml lists
// them.
var (
	malformedReference   = kind{"malformed-reference", "Not a reference number", 400}
	malformedBody        = kind{"malformed-body", "The body was not understood", 400}
	malformedRequest     = kind{"malformed-request", "The request was not understood", 400}
	invalidParameter     = kind{"invalid-parameter", "A parameter is not valid", 400}
	unauthenticated      = kind{"unauthenticated", "A valid key is needed", 401}
	missingScope         = kind{"missing-scope", "The key may not be used for this", 403}
	forbidden            = kind{"forbidden", "Not allowed", 403}
	unknownReference     = kind{"unknown-reference", "Not in the register's data", 404}
	unknownAnnouncement  = kind{"unknown-announcement", "No such announcement", 404}
	unknownRoute         = kind{"unknown-route", "No such route", 404}
	methodNotAllowed     = kind{"method-not-allowed", "The method is not allowed here", 405}
	requestTimeout       = kind{"request-timeout", "The request took too long to arrive", 408}
	conflictingUpdate    = kind{"conflict", "The same version was received with other content", 409}
	usedRequest          = kind{"used-request", "The request was used for another announcement", 409}
	endedAnnouncement    = kind{"ended-announcement", "The announcement has ended", 409}
	tooLarge             = kind{"too-large", "The body is too large", 413}
	unsupportedMediaType = kind{"unsupported-media-type", "The content type is not supported", 415}
	invalidUpdate        = kind{"invalid-update", "The update is not valid", 422}
	invalidFields        = kind{"invalid-fields", "The fields of the request are not valid", 422}
	tooManyRequests      = kind{"too-many-requests", "Too many requests", 429}
	headersTooLarge      = kind{"headers-too-large", "The header fields are too large", 431}
	internalError        = kind{"internal-error", "Something went wrong here", 500}
	unknownMethod        = kind{"unknown-method", "The method is not known", 501}
	unavailable          = kind{"unavailable", "Temporarily unavailable", 503}
)

// A problem is one occurrence of a kind.
type problem struct {
	kind
	detail  string // says what would be right; holds nothing secret
	asOf    time.Time
	counted *summary // of updates: what became of them
	retry   int      // seconds; 0: trying again is not a matter of time
	fault   error    // to be logged, never shown
}

// document is a problem on the wire.
type document struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id,omitempty"`
	AsOf      string `json:"register_as_of,omitempty"`
	*summary
}

func (p *problem) encode(requestID string) []byte {
	d := document{
		Type: "/problems/" + p.slug, Title: p.title, Status: p.status, Detail: p.detail,
		RequestID: requestID, summary: p.counted,
	}
	if !p.asOf.IsZero() {
		d.AsOf = p.asOf.Format(time.RFC3339)
	}
	return encodeJSON(d)
}

// encodeJSON is json.Marshal without HTML's escapes. v must be of a type that
// cannot fail.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// fail answers with a problem: a page where people read, else a document.
func (r *request) fail(p problem) {
	if r.html {
		r.failPage(p)
	} else {
		problemBlock.CopyTo(&r.ctx.Response.Header)
		r.ctx.Response.SetStatusCode(p.status)
		r.ctx.Response.SetBodyRaw(p.encode(r.requestID()))
	}
	if p.retry > 0 {
		r.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(p.retry))
	}
	if p.fault != nil {
		r.server.log.Error("a request failed", "request_id", r.requestID(), "route", r.route.pattern, "status", p.status, "error", p.fault)
	}
}

// faultOf says what an error is to the client. What is not known here is a
// bare 500 with the request's id, and a line in the log.
func faultOf(err error) problem {
	if errors.Is(err, visa.ErrUnavailable) {
		return problem{kind: unavailable, detail: "What is needed to answer cannot be reached just now. Try again in a few seconds.", retry: retrySeconds, fault: err}
	}
	return problem{kind: internalError, detail: "The fault is on our side. State the request_id if you report it.", fault: err}
}

// retrySeconds is what Retry-After says where no limit gives a better figure.
const retrySeconds = 5

// notFound is the answer for a reference that is not known, and under
// ProofRequired for every other that is refused.
func (s *Server) notFound(r *request) problem {
	detail := "The register's data does not hold this reference number yet. Check it against your letter or e-mail; new applications appear with the register's next feed."
	if s.service.ProofRequired() {
		detail = "The register's data does not hold this reference number with this proof. Check both against your letter or e-mail, and send them by POST /v1/lookups."
	}
	return problem{kind: unknownReference, detail: detail, asOf: s.service.AsOf(s.base)}
}

// ProblemTypes are the types of all problems, as the contract lists them.
func ProblemTypes() []string {
	var types []string
	for _, k := range []kind{
		malformedReference, malformedBody, malformedRequest, invalidParameter, unauthenticated, missingScope, forbidden,
		unknownReference, unknownAnnouncement, unknownRoute, methodNotAllowed, requestTimeout, conflictingUpdate,
		usedRequest, endedAnnouncement, tooLarge, unsupportedMediaType,
		invalidUpdate, invalidFields, tooManyRequests, headersTooLarge, internalError, unknownMethod, unavailable,
	} {
		types = append(types, "/problems/"+k.slug)
	}
	return types
}
