package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"unsafe"

	"github.com/valyala/fasthttp"

	"kabarchy/app"
	"kabarchy/strictjson"
	"kabarchy/visa"
)

// maxReferences is how many references one request may ask for.
const maxReferences = 100

// application answers GET /v1/applications/{reference}.
func (s *Server) application(r *request) {
	if !s.admitted(r, 1) {
		return
	}
	if s.service.ProofRequired() {
		r.fail(s.notFound(r))
		return
	}
	ref, err := s.pathReference(r)
	if err != nil {
		r.fail(malformed(err))
		return
	}
	s.show(r, ref, "", (*request).answer)
}

// show looks a reference up and has the answer written, or says why there is
// none: the budget of misses is spent, or a problem.
func (s *Server) show(r *request, ref visa.Reference, proof string, write func(*request, *app.Answer)) {
	r.ref = ref
	a, decision, err := s.found(r.client(), ref, proof)
	switch {
	case !decision.Allowed:
		s.refuse(r, decision, limitMisses, s.misses.Policy(limitMisses), refusedMisses)
	case err != nil:
		r.fail(s.lookupProblem(r, err))
	default:
		write(r, a)
	}
}

// answer writes an answer, or that it has not changed.
func (r *request) answer(a *app.Answer) {
	h := &r.ctx.Response.Header
	if matches(r.ctx.Request.Header.PeekAll(headerIfNoneMatch), a.ETag) {
		notModifiedBlock.CopyTo(h)
	} else {
		answerBlock.CopyTo(h)
		r.ctx.Response.SetBodyRaw(a.JSON) // shared, and only ever read
	}
	h.SetCanonical(headerETag, unsafe.Slice(unsafe.StringData(a.ETag), len(a.ETag)))
}

// lookupProblem says what a look-up's error is to the client.
func (s *Server) lookupProblem(r *request, err error) problem {
	if isNotFound(err) {
		return s.notFound(r)
	}
	return faultOf(err)
}

func isNotFound(err error) bool { return errors.Is(err, visa.ErrNotFound) }

func malformed(err error) problem {
	detail := "It has 6 to 24 letters A to Z and digits."
	var fault *visa.ReferenceError
	if errors.As(err, &fault) {
		detail = strings.ToUpper(fault.Error()[:1]) + fault.Error()[1:] + "."
	}
	return problem{kind: malformedReference, detail: detail}
}

// restOfPath is Fiber's name for what a * at the end of a pattern stands for; by
// the shorter "*" it would be put together anew for each request.
const restOfPath = "*1"

// pathReference reads the reference from the rest of the path, percent-decoded
// once.
func (s *Server) pathReference(r *request) (visa.Reference, error) {
	raw := r.fiber.Params(restOfPath)
	if strings.IndexByte(raw, '%') < 0 {
		return s.service.Rules().Parse(raw) // copies what it keeps
	}
	var buf [headerBytes]byte
	decoded, ok := percentDecode(buf[:0], raw)
	if !ok {
		return visa.Reference{}, &visa.ReferenceError{Fault: visa.FaultCharacter, Character: '%'}
	}
	return s.service.Rules().Parse(string(decoded))
}

// percentDecode appends s with each %XX replaced by its byte; false if a % is
// followed by anything else.
func percentDecode(dst []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			dst = append(dst, s[i])
			continue
		}
		if i+2 >= len(s) {
			return dst, false
		}
		high, low := unhex(s[i+1]), unhex(s[i+2])
		if high > 15 || low > 15 {
			return dst, false
		}
		dst = append(dst, high<<4|low)
		i += 2
	}
	return dst, true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// lookupRequest is the body of POST /v1/lookups: one reference, or many.
type lookupRequest struct {
	Reference  *string  `json:"reference"`
	Proof      string   `json:"proof"`
	References []string `json:"references"`
	Proofs     []string `json:"proofs"`
}

// lookup answers POST /v1/lookups.
func (s *Server) lookup(r *request) {
	r.client() // before the body
	if media, ok := r.contentType(); !ok || media != typeJSON {
		r.unsupported(typeJSON)
		return
	}
	body, ok := r.body(maxLookupBytes)
	if !ok {
		return
	}
	var in lookupRequest
	if p, ok := decodeObject(body, &in, "reference, proof, references and proofs"); !ok {
		r.fail(p)
		return
	}
	if p, ok := in.check(); !ok {
		r.fail(p)
		return
	}
	if in.References != nil {
		s.lookupMany(r, in)
		return
	}
	if !s.admitted(r, 1) {
		return
	}
	ref, err := s.service.Rules().Parse(*in.Reference)
	if err != nil {
		r.fail(malformed(err))
		return
	}
	r.ref = ref
	a, decision, err := s.found(r.client(), ref, in.Proof)
	switch {
	case !decision.Allowed:
		s.refuse(r, decision, limitMisses, s.misses.Policy(limitMisses), refusedMisses)
	case err == nil:
		r.result(a.JSON)
	default:
		r.fail(s.lookupProblem(r, err))
	}
}

// result writes a JSON body that is not to be kept.
func (r *request) result(body []byte) {
	resultBlock.CopyTo(&r.ctx.Response.Header)
	r.ctx.Response.SetBodyRaw(body)
}

func (in *lookupRequest) check() (problem, bool) {
	detail := ""
	switch {
	case in.Reference == nil && in.References == nil:
		detail = `State "reference", a string; with a key of scope lookups, "references", an array of strings.`
	case in.Reference != nil && (in.References != nil || in.Proofs != nil):
		detail = `State either "reference" with "proof", or "references" with "proofs".`
	case in.References != nil && in.Proof != "":
		detail = `State the proofs of "references" in "proofs", an array of as many strings.`
	case in.Reference == nil && (len(in.References) < 1 || len(in.References) > maxReferences):
		detail = "The array references may hold 1 to " + itoa(maxReferences) + " strings; it holds " + itoa(len(in.References)) + "."
	case in.Proofs != nil && len(in.Proofs) != len(in.References):
		detail = "The array proofs must hold as many strings as references does, " + itoa(len(in.References)) + "."
	default:
		return problem{}, true
	}
	return problem{kind: invalidFields, detail: detail}, false
}

// decodeObject reads a body as one JSON object into v, which has fields.
func decodeObject(body []byte, v any, fields string) (problem, bool) {
	if len(bytes.TrimSpace(body)) == 0 {
		return problem{kind: malformedBody, detail: "The body is empty; send one JSON object."}, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			return problem{kind: malformedBody, detail: "Something follows the JSON object; send one object alone."}, false
		}
		if err := strictjson.Object(body); err != nil {
			return problem{kind: malformedBody, detail: "The body is not understood: " + err.Error() + "."}, false
		}
		return problem{}, true
	}
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return problem{kind: invalidFields, detail: "The field " + wrongType.Field + " must not be of JSON type " + wrongType.Value + "."}, false
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return problem{kind: invalidFields, detail: "The body holds a field that is none of " + fields + "."}, false
	}
	return problem{kind: malformedBody, detail: "The body is not one JSON object in UTF-8."}, false
}

// lookupMany answers for many references, to those who have a key for that.
func (s *Server) lookupMany(r *request, in lookupRequest) {
	key, ok := s.authorized(r, visa.ScopeLookups)
	if !ok {
		return
	}
	if d := s.keyLookups.AllowN(key.ID, len(in.References)); !d.Allowed {
		s.refuse(r, d, limitLookups, s.keyLookups.Policy(limitLookups), refusedRate)
		return
	}
	results := make([][]byte, len(in.References))
	var wg sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i, spelling := range in.References {
		ref, err := s.service.Rules().Parse(spelling)
		if err != nil {
			p := malformed(err)
			results[i] = p.encode("")
			continue
		}
		proof := ""
		if in.Proofs != nil {
			proof = in.Proofs[i]
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			results[i] = s.oneOfMany(r, ref, proof)
		})
	}
	wg.Wait()
	b := append(make([]byte, 0, 1024*len(results)), `{"results":[`...)
	b = append(b, bytes.Join(results, []byte(","))...)
	r.result(append(b, "]}"...))
}

func (s *Server) oneOfMany(r *request, ref visa.Reference, proof string) (result []byte) {
	defer func() {
		if cause := recover(); cause != nil {
			s.metrics.panics.Inc()
			p := faultOf(errors.New("a look-up panicked with a value of type " + typeName(cause)))
			s.log.Error("one look-up of many panicked", "error", p.fault)
			result = p.encode("")
		}
	}()
	a, err := s.service.LookupWithProof(s.base, ref, proof)
	if err == nil {
		return a.JSON
	}
	p := s.lookupProblem(r, err)
	if p.fault != nil {
		s.log.Error("one look-up of many failed", "reference", ref, "error", p.fault)
	}
	return p.encode("")
}

// authorized returns the key a request shows, if it may be used for a scope;
// otherwise it has answered. Failures count against the client's rate, so that
// keys cannot be tried at will.
func (s *Server) authorized(r *request, scope visa.Scope) (visa.Key, bool) {
	shown := bearer(r.ctx)
	ctx, cancel := context.WithTimeout(s.base, storeTimeout)
	defer cancel()
	key, err := s.service.Authorize(ctx, shown, scope)
	switch {
	case err == nil:
		return key, true
	case errors.Is(err, app.ErrUnauthenticated):
		if !s.admitted(r, 1) {
			return key, false
		}
		challenge, detail := "Bearer", "Send a key of scope "+string(scope)+" as Authorization: Bearer KEY."
		if shown != "" {
			challenge, detail = `Bearer error="invalid_token"`, "The key is not known, or is revoked or expired. Send a key of scope "+string(scope)+" that is in use."
		}
		r.fail(problem{kind: unauthenticated, detail: detail})
		r.ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, challenge)
	case errors.Is(err, app.ErrScope):
		r.fail(problem{kind: missingScope, detail: "The key has not the scope " + string(scope) + ". Ask whoever made it for one that has."})
		r.ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer error="insufficient_scope", scope="`+string(scope)+`"`)
	default:
		r.fail(faultOf(err))
	}
	return visa.Key{}, false
}
