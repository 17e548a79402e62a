package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kabarchy/app/web"
)

func (s *site) form(values url.Values, headers ...string) answer {
	s.t.Helper()
	return s.do("POST", "/status", values.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func TestTheFormLeadsToTheStatusPage(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	a := s.form(url.Values{"reference": {" 2041‑77 33 "}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/status/20417733" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	page := s.get("/status/20417733")
	if page.status != 200 || !strings.Contains(page.body, "2041 7733") || page.header.Get("ETag") == "" {
		t.Errorf("%d %v %s", page.status, page.header, page.body)
	}
	title := page.body[strings.Index(page.body, "<title>"):strings.Index(page.body, "</title>")]
	if strings.Contains(title, "2041") {
		t.Errorf("the title holds the reference: %s", title)
	}
}

func TestWhatWasTypedIsKeptWhenItIsWrong(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct{ name, typed, kept string }{
		{"too short", "20417", `value="20417"`},
		{"nothing", "", `value=""`},
		{"what would be markup", `"><script>alert()</script>`, `value="&#34;&gt;&lt;script&gt;`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, a := range map[string]answer{
				"form": s.form(url.Values{"reference": {tt.typed}}),
				"path": s.get("/status/" + url.PathEscape(tt.typed)),
			} {
				if a.status != 400 || !strings.Contains(a.body, tt.kept) || strings.Contains(a.body, "<script") || a.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d %v %s", how, a.status, a.header, a.body)
				}
			}
		})
	}
}

func TestALanguageIsRememberedOnlyWhenItWasChosen(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct {
		name, path string
		headers    []string
		want       string
		cookie     bool
	}{
		{"nothing said", "/", nil, "en", false},
		{"the browser's", "/", []string{"Accept-Language", "ky,ru;q=0.5"}, "ky", false},
		{"chosen", "/help?lang=ru", []string{"Accept-Language", "ky"}, "ru", true},
		{"chosen before", "/help", []string{"Accept-Language", "ky", "Cookie", "lang=ru"}, "ru", false},
		{"chosen again", "/status/20417733?lang=ky", []string{"Cookie", "lang=ru"}, "ky", true},
		{"one that is not here", "/?lang=xx", []string{"Accept-Language", "ky"}, "ky", false},
		{"an attempt at another field", "/?lang=ru%0d%0aX-Injected:%20yes", nil, "en", false},
		{"a cookie that is none", "/", []string{"Cookie", "lang=../../etc"}, "en", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := s.get(tt.path, tt.headers...)
			if got := a.header.Get("Content-Language"); got != tt.want || !strings.Contains(a.body, `<html lang="`+tt.want+`"`) {
				t.Errorf("in %s, want %s", got, tt.want)
			}
			cookie := a.header.Get("Set-Cookie")
			if (cookie != "") != tt.cookie || a.header.Get("X-Injected") != "" {
				t.Fatalf("Set-Cookie: %s", cookie)
			}
			if tt.cookie {
				for _, part := range []string{"lang=" + tt.want, "max-age=31536000", "path=/", "SameSite=Lax", "HttpOnly"} {
					if !strings.Contains(cookie, part) {
						t.Errorf("%s lacks %s", cookie, part)
					}
				}
			}
		})
	}
}

func TestAStatusPageIsRevalidatedPerLanguage(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	tag := s.get("/status/20417733").header.Get("ETag")
	if a := s.get("/status/20417733", "If-None-Match", tag); a.status != 304 || a.body != "" {
		t.Errorf("%d", a.status)
	}
	if a := s.get("/status/20417733?lang=ru", "If-None-Match", tag); a.status != 200 {
		t.Errorf("in another language: %d", a.status)
	}
	if a := s.get("/v1/applications/20417733", "If-None-Match", tag); a.status != 200 {
		t.Errorf("the JSON by the page's tag: %d", a.status)
	}
	s.clock.add(24 * time.Hour)
	if a := s.get("/status/20417733", "If-None-Match", tag); a.status != 200 {
		t.Errorf("on the next day: %d", a.status)
	}
}

func TestWithAProofThePageIsShownOnceAndHasNoAddress(t *testing.T) {
	s := newSite(t, func(o *setup) { o.app.ProofRequired, o.app.ProofTime = true, time.Millisecond })
	s.update(strings.Replace(decided, `"stage"`, `"proof":"A1B2","stage"`, 1))
	a := s.form(url.Values{"reference": {"20417733"}, "proof": {"A1B2"}})
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" || !strings.Contains(a.body, "2041 7733") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.form(url.Values{"reference": {"20417733"}}); a.status != 400 || !strings.Contains(a.body, `value="20417733"`) {
		t.Errorf("without the proof: %d %s", a.status, a.body)
	}
	if a := s.form(url.Values{"reference": {"20417733"}, "proof": {"secret-proof"}}); a.status != 404 || strings.Contains(a.body, "secret-proof") {
		t.Errorf("with a wrong one: %d %s", a.status, a.body)
	}
	if a := s.get("/status/20417733"); a.status != 404 {
		t.Errorf("by its address: %d", a.status)
	}
}

func TestEveryAnswerHasItsSecurityFields(t *testing.T) {
	s := newSite(t, nil)
	s.decide()
	const api = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	for _, tt := range []struct{ method, path, policy, caching string }{
		{"GET", "/v1/applications/20417733", api, "private, no-cache"},
		{"GET", "/v1/applications/99999999", api, "no-store"},
		{"GET", "/v1/nothing", api, "no-store"},
		{"DELETE", "/v1/updates", api, "no-store"},
		{"GET", "/v1/vocabulary", api, "public, max-age=300"},
		{"GET", "/openapi.yaml", api, "public, max-age=300"},
		{"GET", "/", web.CSP, "private, no-cache"},
		{"GET", "/help", web.CSP, "private, no-cache"},
		{"GET", "/status/20417733", web.CSP, "private, no-cache"},
		{"GET", "/status/99999999", web.CSP, "no-store"},
		{"GET", "/nothing", web.CSP, "no-store"},
		{"DELETE", "/help", web.CSP, "no-store"},
		{"GET", "/status", web.CSP, "no-store"},
	} {
		a := s.do(tt.method, tt.path, "", "Origin", "https://evil.example")
		for name, want := range map[string]string{
			"Content-Security-Policy": tt.policy, "Cache-Control": tt.caching, "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Server": "",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.path, name, got, want)
			}
		}
		origin := ""
		if tt.path == "/v1/vocabulary" {
			origin = "*"
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("%s: any origin may read it: %q", tt.path, got)
		}
	}
}

func TestWrongMethodsAndRoutes(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/v1/applications/20417733", 405, "GET, HEAD"},
		{"GET", "/v1/updates", 405, "POST"},
		{"PUT", "/v1/lookups", 405, "POST"},
		{"OPTIONS", "/v1/lookups", 405, "POST"},
		{"DELETE", "/status", 405, "GET, HEAD, POST"},
		{"POST", "/", 405, "GET, HEAD"},
		{"GET", "/v1", 404, ""},
		{"GET", "/v1/", 404, ""},
		{"GET", "/v1/applications", 400, ""},
		{"GET", "/V1/vocabulary", 404, ""},
		{"GET", "/v1/vocabulary/", 404, ""},
		{"GET", "/v1/statistics", 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/nothing/%2e%2e/here", 404, ""},
		{"BREW", "/v1/lookups", 501, ""},
	} {
		a := s.do(tt.method, tt.path, "")
		allow := a.header.Get("Allow")
		if a.status != tt.status || !sameList(allow, tt.allow) {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", tt.method, tt.path, a.status, allow, tt.status, tt.allow)
		}
		if kind := a.header.Get("Content-Type"); strings.HasPrefix(tt.path, "/v1") != strings.HasPrefix(kind, "application/problem+json") {
			t.Errorf("%s %s: answered by %s", tt.method, tt.path, kind)
		}
	}
}

func sameList(a, b string) bool {
	set := func(s string) map[string]bool {
		m := map[string]bool{}
		for _, one := range strings.Split(s, ", ") {
			m[one] = true
		}
		return m
	}
	x, y := set(a), set(b)
	for k := range x {
		if !y[k] {
			return false
		}
	}
	return len(x) == len(y)
}

func TestTheVocabularySpeaksTheLanguageAskedFor(t *testing.T) {
	s := newSite(t, nil)
	for _, tt := range []struct{ path, accept, want string }{
		{"/v1/vocabulary", "", "en"}, {"/v1/vocabulary", "ru", "ru"}, {"/v1/vocabulary?lang=ky", "ru", "ky"},
	} {
		a := s.get(tt.path, "Accept-Language", tt.accept)
		if m := a.json(t); m["language"] != tt.want || a.header.Get("Content-Language") != tt.want || a.header.Get("Vary") != "Accept-Language" {
			t.Errorf("%s with %q: %v %v", tt.path, tt.accept, m["language"], a.header)
		}
	}
}

func TestEverySpellingAndManyApplicationsGetTheirOwnPage(t *testing.T) {
	s := newSite(t, func(o *setup) { o.http.Limits.Rate = 0 })
	for round := range 2 {
		for i := range 40 {
			reference := "204177" + string(rune('0'+i/10)) + string(rune('0'+i%10))
			if round == 0 {
				s.update(strings.Replace(decided, "20417733", reference, 1))
			}
			for _, lang := range []string{"en", "ru"} {
				a := s.get("/status/"+reference[:4]+"-"+reference[4:], "Accept-Language", lang)
				if a.status != 200 || !strings.Contains(a.body, reference[:4]+" "+reference[4:]) || !strings.Contains(a.body, `href="/status/`+reference+`?lang=ky"`) ||
					!strings.Contains(a.body, `<html lang="`+lang+`"`) {
					t.Fatalf("%s in %s: %d %s", reference, lang, a.status, a.body)
				}
			}
		}
	}
	s.update(version(8, "another"))
	if a := s.get("/status/20417733"); a.status != 200 {
		t.Error(a.status)
	}
}
