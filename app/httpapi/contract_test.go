package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"kabarchy/app/apptest"
	"kabarchy/app/httpapi"
)

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(httpapi.Contract)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheContractIsValid(t *testing.T) {
	doc := contract(t)
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is of OpenAPI %s", doc.OpenAPI)
	}
}

func TestTheContractHasTheRoutesOfTheServerAndNoOthers(t *testing.T) {
	documented := map[string]bool{}
	for path, item := range contract(t).Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "*")] = true
		}
	}
	served := map[string]bool{}
	for _, r := range newSite(t, nil).server.App().GetRoutes(true) {
		if r.Method != "HEAD" { // the contract says that it goes with every GET
			served[r.Method+" "+r.Path] = true
		}
	}
	for r := range served {
		if !documented[r] {
			t.Errorf("%s is served and not in the contract", r)
		}
	}
	for r := range documented {
		if !served[r] {
			t.Errorf("%s is in the contract and not served", r)
		}
	}
}

func TestEveryKindOfProblemIsInTheContract(t *testing.T) {
	doc := contract(t)
	for _, kind := range httpapi.ProblemTypes() {
		if !strings.Contains(doc.Info.Description, "`"+kind+"`") {
			t.Errorf("%s is not listed", kind)
		}
	}
}

func TestTheExamplesOfTheContractFitItsSchemas(t *testing.T) {
	for path, item := range contract(t).Paths.Map() {
		for method, op := range item.Operations() {
			check := func(where string, content openapi3.Content) {
				for media, m := range content {
					for name, e := range m.Examples {
						if err := m.Schema.Value.VisitJSON(plain(t, e.Value.Value), openapi3.EnableJSONSchema2020()); err != nil {
							t.Errorf("%s %s, %s of %s, example %s: %v", method, path, media, where, name, err)
						}
					}
				}
			}
			if op.RequestBody != nil {
				check("the request", op.RequestBody.Value.Content)
			}
			for status, r := range op.Responses.Map() {
				check(status, r.Value.Content)
			}
		}
	}
}

// plain makes of a value what encoding/json would read.
func plain(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A drive makes a real server give one documented answer.
type drive struct {
	route  string // as in the contract, after the method
	status int
	on     *site
	do     func(s *site) answer
}

// fits says what is wrong with an answer by the contract.
func fits(t *testing.T, doc *openapi3.T, d drive, a answer) error {
	t.Helper()
	method, path, _ := strings.Cut(d.route, " ")
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return errors.New("the route is not in the contract")
	}
	ref := item.GetOperation(method).Responses.Value(fmt.Sprint(a.status))
	if ref == nil {
		return errors.New("the status is not in the contract")
	}
	response := ref.Value
	for name, h := range response.Headers {
		v := a.header.Values(name)
		if h.Value.Required && len(v) == 0 {
			return fmt.Errorf("%s is missing", name)
		}
		for _, one := range v {
			if err := h.Value.Schema.Value.VisitJSON(one, openapi3.EnableJSONSchema2020()); err != nil {
				return fmt.Errorf("%s: %s: %w", name, one, err)
			}
		}
	}
	if len(response.Content) == 0 {
		if a.body != "" {
			return fmt.Errorf("a body that is not in the contract: %s", a.body)
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content := response.Content[media]
	if content == nil {
		return fmt.Errorf("%s is not in the contract", media)
	}
	if !strings.HasSuffix(media, "json") {
		return nil
	}
	var body any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		return err
	}
	return content.Schema.Value.VisitJSON(body, openapi3.EnableJSONSchema2020())
}

func TestEveryDocumentedAnswerIsGivenAndFitsTheContract(t *testing.T) {
	doc := contract(t)
	up := newSite(t, nil)
	up.decide()
	known := up.get("/v1/applications/20417733")
	away := newSite(t, func(o *setup) {
		o.http.Webhook = func(context.Context, string, []byte) error { return apptest.Away(context.Background(), "") }
	})
	away.update(version(6, "legalization-2025")) // the key is known from now on
	away.lookup(`{"references":["88888888"]}`, "Authorization", "Bearer "+lookupsKey)
	away.get("/v1/announcements", "Authorization", "Bearer "+announceKey)
	away.store.Before(apptest.Away)
	broken := newSite(t, func(o *setup) {
		o.http.Webhook = func(context.Context, string, []byte) error { return errors.New("broken") }
	})
	broken.update(version(6, "legalization-2025"))
	broken.get("/v1/announcements", "Authorization", "Bearer "+announceKey)
	broken.store.Before(func(context.Context, string) error { return errors.New("broken") })
	busy := newSite(t, func(o *setup) { o.http.Limits = httpapi.Limits{Rate: 1, Burst: 1, Misses: 1} })
	busy.get("/v1/applications/99999999")
	slow := newSite(t, func(o *setup) { o.http.ReadTimeout, o.http.FeedPause = 300*time.Millisecond, 300*time.Millisecond })
	strict := newSite(t, func(o *setup) {
		o.http.Webhook = func(context.Context, string, []byte) error { return httpapi.ErrForbidden }
		o.app.ProofRequired, o.app.ProofTime = true, time.Millisecond
	})
	strict.update(strings.Replace(decided, `"stage"`, `"proof":"A1B2","stage"`, 1))

	over := newSite(t, func(o *setup) { o.http.Announcer = ended(t) })

	large := strings.Repeat(" ", 2<<20)
	get := func(path string, headers ...string) func(*site) answer {
		return func(s *site) answer { return s.get(path, headers...) }
	}
	post := func(path, media, body string, headers ...string) func(*site) answer {
		return func(s *site) answer { return s.do("POST", path, body, append(headers, "Content-Type", media)...) }
	}
	update := func(body string) func(*site) answer {
		return func(s *site) answer { return s.update(body) }
	}
	feed := func(query, body string) func(*site) answer {
		return func(s *site) answer { return s.feed(query, body) }
	}
	// stuck announces more of a body than it sends.
	stuck := func(path, media string, headers string) func(*site) answer {
		return func(s *site) answer {
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: "+media+"\r\n"+headers+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello"); err != nil {
				t.Fatal(err)
			}
			return s.read(bufio.NewReader(conn))
		}
	}
	// cut ends the connection within the body.
	cut := func(path, media string) func(*site) answer {
		return func(s *site) answer {
			conn := s.dial()
			defer func() { _ = conn.Close() }()
			_, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: "+media+"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello")
			if err == nil {
				err = conn.CloseWrite()
			}
			if err != nil {
				t.Fatal(err)
			}
			return s.read(bufio.NewReader(conn))
		}
	}
	const (
		application = "GET /v1/applications/{reference}"
		lookups     = "POST /v1/lookups"
		updates     = "POST /v1/updates"
		webhook     = "POST /telegram/webhook"
		form        = "POST /status"
		alerts      = "POST /alerts"
		calendar    = "POST /calendar"
		status      = "GET /status/{reference}"
		audit       = "GET /v1/notifications"
		announce    = "POST /v1/announcements"
		announced   = "GET /v1/announcements"
		one         = "GET /v1/announcements/{id}"
		js          = "application/json"
		www         = "application/x-www-form-urlencoded"
	)
	warn := func(path, body string) func(*site) answer {
		return post(path, js, body, "Authorization", "Bearer "+announceKey)
	}
	many := `{"references":["20417733","99999999","12"]}`
	drives := []drive{
		{application, 200, up, get("/v1/applications/20417733")},
		{application, 304, up, get("/v1/applications/20417733", "If-None-Match", known.header.Get("ETag"))},
		{application, 400, up, get("/v1/applications/12")},
		{application, 404, up, get("/v1/applications/99999999")},
		{application, 404, strict, get("/v1/applications/20417733")},
		{application, 429, busy, get("/v1/applications/99999998")},
		{application, 500, broken, get("/v1/applications/99999999")},
		{application, 503, away, get("/v1/applications/99999999")},
		{lookups, 200, up, post("/v1/lookups", js, `{"reference":"20417733"}`)},
		{lookups, 200, up, post("/v1/lookups", js, many, "Authorization", "Bearer "+lookupsKey)},
		{lookups, 200, away, post("/v1/lookups", js, many, "Authorization", "Bearer "+lookupsKey)},
		{lookups, 400, up, post("/v1/lookups", js, `{"reference":"12"}`)},
		{lookups, 400, up, post("/v1/lookups", js, `{`)},
		{lookups, 401, up, post("/v1/lookups", js, many)},
		{lookups, 403, up, post("/v1/lookups", js, many, "Authorization", "Bearer "+updatesKey)},
		{lookups, 404, up, post("/v1/lookups", js, `{"reference":"99999999"}`)},
		{lookups, 408, slow, stuck("/v1/lookups", js, "")},
		{lookups, 413, up, post("/v1/lookups", js, large)},
		{lookups, 415, up, post("/v1/lookups", "text/plain", many)},
		{lookups, 422, up, post("/v1/lookups", js, `{}`)},
		{lookups, 429, busy, post("/v1/lookups", js, `{"reference":"99999999"}`)},
		{lookups, 500, broken, post("/v1/lookups", js, `{"reference":"99999999"}`)},
		{lookups, 503, away, post("/v1/lookups", js, `{"reference":"99999999"}`)},
		{"GET /v1/vocabulary", 200, up, get("/v1/vocabulary?lang=ky")},
		{"GET /v1/vocabulary", 304, up, get("/v1/vocabulary?lang=ky", "If-None-Match", "*")},
		{"GET /v1/vocabulary", 400, up, get("/v1/vocabulary?lang=xx")},
		{updates, 200, up, update(decided)},
		{updates, 200, up, update(version(6, "another"))},
		{updates, 200, up, feed("", decided+"\nbroken\n"+version(7, "another"))},
		{updates, 400, up, update("{")},
		{updates, 400, up, feed("?as_of=x", decided)},
		{updates, 401, up, post("/v1/updates", js, decided)},
		{updates, 403, up, post("/v1/updates", js, decided, "Authorization", "Bearer "+lookupsKey)},
		{updates, 408, slow, stuck("/v1/updates", js, "Authorization: Bearer "+updatesKey+"\r\n")},
		{updates, 408, slow, stuck("/v1/updates", "application/x-ndjson", "Authorization: Bearer "+updatesKey+"\r\n")},
		{updates, 409, up, update(version(7, "another"))},
		{updates, 413, up, update(large)},
		{updates, 415, up, post("/v1/updates", "text/csv", decided, "Authorization", "Bearer "+updatesKey)},
		{updates, 422, up, update(`{"reference":"20417733"}`)},
		{updates, 429, busy, post("/v1/updates", js, decided)},
		{updates, 500, broken, update(decided)},
		{updates, 500, broken, feed("", decided)},
		{updates, 503, away, update(decided)},
		{updates, 503, away, feed("", decided)},
		{audit, 200, up, get("/v1/notifications", "Authorization", "Bearer "+auditKey)},
		{audit, 400, up, get("/v1/notifications?state=lost", "Authorization", "Bearer "+auditKey)},
		{audit, 400, up, get("/v1/notifications?reference=12", "Authorization", "Bearer "+auditKey)},
		{audit, 401, up, get("/v1/notifications")},
		{audit, 403, up, get("/v1/notifications", "Authorization", "Bearer "+updatesKey)},
		{audit, 429, busy, get("/v1/notifications")},
		{audit, 500, broken, get("/v1/notifications", "Authorization", "Bearer "+auditKey)},
		{audit, 503, away, get("/v1/notifications", "Authorization", "Bearer "+auditKey)},
		{announce, 200, up, warn("/v1/announcements", `{"texts":{"ru":"Отдел закрыт."},"dry_run":true}`)},
		{announce, 201, up, warn("/v1/announcements", closedOffice)},
		{announce, 200, up, warn("/v1/announcements", closedOffice)},
		{announce, 400, up, warn("/v1/announcements", "{")},
		{announce, 401, up, post("/v1/announcements", js, closedOffice)},
		{announce, 403, up, post("/v1/announcements", js, closedOffice, "Authorization", "Bearer "+updatesKey)},
		{announce, 408, slow, stuck("/v1/announcements", js, "Authorization: Bearer "+announceKey+"\r\n")},
		{announce, 409, up, warn("/v1/announcements", strings.Replace(closedOffice, "31", "30", 1))},
		{announce, 413, up, warn("/v1/announcements", large)},
		{announce, 415, up, post("/v1/announcements", "text/plain", closedOffice, "Authorization", "Bearer "+announceKey)},
		{announce, 422, up, warn("/v1/announcements", `{"texts":{"xx":"?"}}`)},
		{announce, 429, busy, post("/v1/announcements", js, closedOffice)},
		{announce, 500, broken, warn("/v1/announcements", closedOffice)},
		{announce, 503, away, warn("/v1/announcements", closedOffice)},
		{announced, 200, up, get("/v1/announcements", "Authorization", "Bearer "+announceKey)},
		{announced, 401, up, get("/v1/announcements")},
		{announced, 403, up, get("/v1/announcements", "Authorization", "Bearer "+updatesKey)},
		{announced, 429, busy, get("/v1/announcements")},
		{announced, 500, broken, get("/v1/announcements", "Authorization", "Bearer "+announceKey)},
		{announced, 503, away, get("/v1/announcements", "Authorization", "Bearer "+announceKey)},
		{one, 200, up, get("/v1/announcements/1", "Authorization", "Bearer "+announceKey)},
		{one, 401, up, get("/v1/announcements/1")},
		{one, 403, up, get("/v1/announcements/1", "Authorization", "Bearer "+updatesKey)},
		{one, 404, up, get("/v1/announcements/01", "Authorization", "Bearer "+announceKey)},
		{one, 429, busy, get("/v1/announcements/1")},
		{one, 500, broken, get("/v1/announcements/1", "Authorization", "Bearer "+announceKey)},
		{one, 503, away, get("/v1/announcements/1", "Authorization", "Bearer "+announceKey)},
		{"GET /openapi.yaml", 200, up, get("/openapi.yaml")},
		{"GET /openapi.yaml", 304, up, get("/openapi.yaml", "If-None-Match", "*")},
		{webhook, 200, up, post("/telegram/webhook", js, `{"update_id":1}`)},
		{webhook, 400, up, cut("/telegram/webhook", js)},
		{webhook, 403, strict, post("/telegram/webhook", js, `{"update_id":1}`)},
		{webhook, 408, slow, stuck("/telegram/webhook", js, "")},
		{webhook, 413, up, post("/telegram/webhook", js, large)},
		{webhook, 415, up, post("/telegram/webhook", "text/plain", `{}`)},
		{webhook, 500, broken, post("/telegram/webhook", js, `{"update_id":1}`)},
		{webhook, 503, away, post("/telegram/webhook", js, `{"update_id":1}`)},
		{"GET /", 200, up, get("/")},
		{"GET /help", 200, up, get("/help")},
		{"GET /status", 303, up, get("/status")},
		{form, 200, strict, post("/status", www, "reference=20417733&proof=A1B2")},
		{form, 303, up, post("/status", www, "reference=2041+7733")},
		{form, 400, up, post("/status", www, "reference=12")},
		{form, 404, strict, post("/status", www, "reference=20417733&proof=ZZZZ")},
		{form, 408, slow, stuck("/status", www, "")},
		{form, 413, up, post("/status", www, "reference="+large)},
		{form, 415, up, post("/status", js, "{}")},
		{form, 429, strict, func(s *site) answer {
			for i := range 61 {
				s.do("POST", "/status", fmt.Sprintf("reference=9%07d&proof=A1B2", i), "Content-Type", www)
			}
			return s.do("POST", "/status", "reference=98888888&proof=A1B2", "Content-Type", www)
		}},
		{form, 500, proving(t, errors.New("broken")), post("/status", www, "reference=99999999&proof=A1B2")},
		{form, 503, proving(t, apptest.Away(context.Background(), "")), post("/status", www, "reference=99999999&proof=A1B2")},
		{"GET /alerts", 200, up, get("/alerts")},
		{alerts, 200, up, post("/alerts", www, "reference=20417733")},
		{alerts, 200, up, post("/alerts", www, "reference=99999999&anyway=1")},
		{alerts, 400, up, post("/alerts", www, "reference=12")},
		{alerts, 404, up, post("/alerts", www, "reference=99999999")},
		{alerts, 404, strict, post("/alerts", www, "reference=20417733&proof=ZZZZ&anyway=1")},
		{alerts, 408, slow, stuck("/alerts", www, "")},
		{alerts, 413, up, post("/alerts", www, "reference="+large)},
		{alerts, 415, up, post("/alerts", js, "{}")},
		{alerts, 429, busy, post("/alerts", www, "reference=20417733")},
		{alerts, 500, broken, post("/alerts", www, "reference=99999999")},
		{alerts, 503, away, post("/alerts", www, "reference=99999999")},
		{"GET /calendar", 303, up, get("/calendar")},
		{calendar, 200, up, post("/calendar", www, "reference=20417733")},
		{calendar, 400, up, post("/calendar", www, "reference=12")},
		{calendar, 404, up, post("/calendar", www, "reference=99999999")},
		{calendar, 408, slow, stuck("/calendar", www, "")},
		{calendar, 413, up, post("/calendar", www, "reference="+large)},
		{calendar, 415, up, post("/calendar", js, "{}")},
		{calendar, 429, busy, post("/calendar", www, "reference=20417733")},
		{calendar, 500, broken, post("/calendar", www, "reference=99999999")},
		{calendar, 503, away, post("/calendar", www, "reference=99999999")},
		{status, 200, up, get("/status/20417733")},
		{status, 304, up, func(s *site) answer {
			return s.get("/status/20417733", "If-None-Match", s.get("/status/20417733").header.Get("ETag"))
		}},
		{status, 400, up, get("/status/12")},
		{status, 404, up, get("/status/99999999")},
		{status, 429, busy, get("/status/20417733")},
		{status, 500, broken, get("/status/99999999")},
		{status, 503, away, get("/status/99999999")},
	}
	for _, verb := range []string{"pause", "resume", "cancel"} {
		route, path := "POST /v1/announcements/{id}/"+verb, "/v1/announcements/1/"+verb
		drives = append(drives,
			drive{route, 200, up, warn(path, "")},
			drive{route, 401, up, post(path, js, "")},
			drive{route, 403, up, post(path, js, "", "Authorization", "Bearer "+updatesKey)},
			drive{route, 404, up, warn("/v1/announcements/7/"+verb, "")},
			drive{route, 409, over, warn(path, "")},
			drive{route, 429, busy, post(path, js, "")},
			drive{route, 500, broken, warn(path, "")},
			drive{route, 503, away, warn(path, "")},
		)
	}
	given := map[string]bool{}
	for _, d := range drives {
		t.Run(fmt.Sprintf("%s %d", d.route, d.status), func(t *testing.T) {
			a := d.do(d.on)
			if a.status != d.status {
				t.Fatalf("%d %s; want %d", a.status, a.body, d.status)
			}
			if err := fits(t, doc, d, a); err != nil {
				t.Errorf("%v\n%v\n%s", err, a.header, a.body)
			}
			given[fmt.Sprintf("%s %d", d.route, d.status)] = true
		})
	}
	var missing []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if name := method + " " + path + " " + status; !given[name] {
					missing = append(missing, name)
				}
			}
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("documented, and given by no server here: %s", strings.Join(missing, "; "))
	}
}

// proving is a site that requires proofs and whose store fails.
func proving(t *testing.T, fault error) *site {
	s := newSite(t, func(o *setup) { o.app.ProofRequired, o.app.ProofTime = true, time.Millisecond })
	s.store.Before(func(context.Context, string) error { return fault })
	return s
}

func TestTheContractIsServedAsItStands(t *testing.T) {
	a := newSite(t, nil).get("/openapi.yaml")
	if a.status != http.StatusOK || a.body != string(httpapi.Contract) {
		t.Errorf("%d, %d bytes of %d", a.status, len(a.body), len(httpapi.Contract))
	}
}
