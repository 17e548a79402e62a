package httpapi

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"kabarchy/visa"
)

const (
	typeNDJSON = "application/x-ndjson"
	acceptPost = typeJSON + " or " + typeNDJSON
	sourceAPI  = "api" // the source of feeds that came over HTTP
	// clockSkew is how far as_of may lie ahead: clocks differ a little.
	clockSkew = 5 * time.Minute
)

// updates answers POST /v1/updates.
func (s *Server) updates(r *request) {
	r.client() // before the body
	key, ok := s.authorized(r, visa.ScopeUpdates)
	if !ok {
		return
	}
	media, ok := r.contentType()
	switch {
	case ok && media == typeJSON:
		s.update(r, key)
	case ok && media == typeNDJSON:
		s.feed(r, key)
	default:
		r.unsupported(acceptPost)
	}
}

// update takes in one JSON object.
func (s *Server) update(r *request, key visa.Key) {
	if args := r.ctx.QueryArgs(); args.Has("complete") || args.Has("as_of") {
		r.fail(problem{kind: invalidParameter, detail: "One update is no feed: complete and as_of go with " + typeNDJSON + "."})
		return
	}
	body, ok := r.body(maxUpdateBytes)
	if !ok {
		return
	}
	if len(bytes.TrimSpace(body)) == 0 {
		r.fail(problem{kind: malformedBody, detail: "The body is empty; send one update as a JSON object, or many as " + typeNDJSON + "."})
		return
	}
	done := newSummary()
	u, err := visa.ParseUpdate(body, s.service.Rules())
	r.ref = u.Reference
	if err != nil {
		var syntax *visa.SyntaxError
		if errors.As(err, &syntax) {
			r.fail(problem{kind: malformedBody, detail: "The body is " + syntax.Error() + ". Many updates go as " + typeNDJSON + ", one a line."})
			return
		}
		s.metrics.updates[visa.Rejected].Inc()
		done.add(1, u.Reference, visa.Rejected, err.Error)
		r.fail(problem{kind: invalidUpdate, detail: sentence(err), counted: done})
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	batch := []visa.Update{u}
	recorded, err := s.service.Record(ctx, key.Name, "", batch)
	if err != nil {
		r.fail(faultOf(overdue(ctx, err)))
		return
	}
	s.metrics.updates[recorded[0].Result].Inc()
	done.record(1, &batch[0], recorded[0])
	if recorded[0].Result == visa.Conflict {
		r.fail(problem{kind: conflictingUpdate, detail: capital(done.Results[0].Problem) + ".", counted: done})
		return
	}
	r.result(encodeJSON(done))
}

// feedParameters reads what the query says of a feed: the time it was true,
// and whether it is all that the register had to say.
func (s *Server) feedParameters(r *request) (feed visa.Feed, p problem, ok bool) {
	now := s.service.Now()
	feed = visa.Feed{Source: sourceAPI, AsOf: now, Complete: true}
	args := r.ctx.QueryArgs()
	for name := range args.All() {
		// A misspelt complete=false would claim a check that never was.
		if n := string(name); n != "complete" && n != "as_of" {
			return feed, problem{kind: invalidParameter, detail: "There is a parameter that a feed does not have; it has complete and as_of."}, false
		}
	}
	if v := args.Peek("complete"); v != nil {
		switch string(v) {
		case "true":
		case "false":
			feed.Complete = false
		default:
			return feed, problem{kind: invalidParameter, detail: "complete is true, which it is if left out, or false."}, false
		}
	}
	if v := args.Peek("as_of"); v != nil {
		// A + that was not encoded arrives as a space.
		t, err := visa.ParseTime(strings.Replace(string(v), " ", "+", 1))
		if err != nil {
			return feed, problem{kind: invalidParameter, detail: "as_of must be a time with its offset, such as 2025-06-23T20:05:00+06:00."}, false
		}
		if t.After(now.Add(clockSkew)) {
			return feed, problem{kind: invalidParameter, detail: "as_of lies in the future; it is the time at which the feed was true."}, false
		}
		feed.AsOf = t
	}
	return feed, problem{}, true
}

// sentence makes a sentence of an error that names a field first.
func sentence(err error) string {
	text := err.Error()
	return "The field " + text + "."
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
