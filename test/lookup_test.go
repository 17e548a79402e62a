package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"kabarchy/test/harness"
)

// decided is an application with all that one can have.
func decided(reference string, version int64) harness.Update {
	return harness.Update{
		Reference: reference, Version: version, UpdatedAt: "2025-06-20T09:15:00+06:00", Procedure: "exit_visa",
		Campaign: "legalization-2025", Stage: "decided", Outcome: "approved", SubmittedOn: "2025-06-02",
		Document:  &harness.Document{Kind: "exit_visa", ValidFrom: "2025-06-20", ValidUntil: "2025-07-05"},
		Deadlines: []harness.Deadline{{Kind: "leave_by", Date: "2025-07-05"}},
	}
}

func received(reference string, version int64) harness.Update {
	return harness.Update{
		Reference: reference, Version: version, UpdatedAt: "2025-06-02T11:02:00+06:00", Procedure: "exit_visa",
		Campaign: "legalization-2025", Stage: "received", SubmittedOn: "2025-06-02",
	}
}

func TestAnApplicationIsLookedUpByApiAndPage(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{})
	key := s.Key("register", "updates")
	s.Start()
	s.Push(key, received("00417733", 1))
	s.Push(key, decided("00417733", 2))
	s.Secret("00417733", "a whole reference")

	s.Sub(t, "the JSON tells all that the register said", func(t *testing.T) {
		a := s.Lookup("00417733")
		days := int(midnight(t, "2025-07-05").Sub(today(t)) / (24 * time.Hour))
		switch {
		case a.Reference != "00417733", a.Procedure != "exit_visa", *a.Campaign != "legalization-2025",
			a.Stage != "decided", *a.Outcome != "approved", a.Reason != nil, a.Version != 2, *a.SubmittedOn != "2025-06-02",
			*a.Document != harness.Document{Kind: "exit_visa", ValidFrom: "2025-06-20", ValidUntil: "2025-07-05"},
			len(a.Deadlines) != 1, a.Deadlines[0].Date != "2025-07-05", *a.Deadlines[0].DaysLeft != days,
			len(a.History) != 2, a.History[0].Stage != "received", a.History[1].Outcome != "approved",
			a.RegisterAsOf.IsZero():
			t.Errorf("got %s", s.Get("/v1/applications/00417733").Body)
		}
		if _, offset := a.UpdatedAt.Zone(); offset != 6*3600 {
			t.Errorf("times must be Bishkek's; updated_at is %s", a.UpdatedAt)
		}
	})

	s.Sub(t, "a tag that still holds is answered without a body", func(t *testing.T) {
		first := s.Get("/v1/applications/00417733")
		tag := first.Header.Get("ETag")
		if tag == "" || first.Header.Get("Cache-Control") != "private, no-cache" {
			t.Fatalf("ETag %q, Cache-Control %q", tag, first.Header.Get("Cache-Control"))
		}
		again := s.Send(harness.Request{Method: http.MethodGet, Path: "/v1/applications/00417733", Header: map[string]string{"If-None-Match": tag}})
		if again.Status != http.StatusNotModified || len(again.Body) != 0 || again.Header.Get("ETag") != tag {
			t.Errorf("status %d, %d bytes, ETag %q", again.Status, len(again.Body), again.Header.Get("ETag"))
		}
		s.Push(key, decided("00417733", 3))
		later := s.Send(harness.Request{Method: http.MethodGet, Path: "/v1/applications/00417733", Header: map[string]string{"If-None-Match": tag}})
		if later.Status != http.StatusOK || later.Header.Get("ETag") == tag {
			t.Errorf("after a change: status %d, ETag %q as before", later.Status, later.Header.Get("ETag"))
		}
	})

	s.Sub(t, "the same answer comes to a reference in the body", func(t *testing.T) {
		get := s.Get("/v1/applications/00417733")
		post := s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/lookups", Type: harness.JSON, Body: `{"reference":"№ 0041-7733"}`})
		if post.Status != http.StatusOK || string(post.Body) != string(get.Body) {
			t.Errorf("status %d\n%s\nwant\n%s", post.Status, post.Body, get.Body)
		}
	})

	s.Sub(t, "many references need a key of their own scope", func(t *testing.T) {
		many := harness.Request{Method: http.MethodPost, Path: "/v1/lookups", Type: harness.JSON, Body: `{"references":["00417733","99999999","x"]}`}
		wantProblem(t, s.Send(many), http.StatusUnauthorized, "unauthenticated")
		many.Key = key
		wantProblem(t, s.Send(many), http.StatusForbidden, "missing-scope")
		many.Key = s.Key("university", "lookups")
		var got struct {
			Results []struct {
				Reference string
				Status    int
			}
		}
		a := s.Send(many)
		a.Decode(t, &got)
		if len(got.Results) != 3 || got.Results[0].Reference != "00417733" || got.Results[1].Status != 404 || got.Results[2].Status != 400 {
			t.Errorf("got %s", a.Body)
		}
	})

	s.Sub(t, "a revoked key is refused by the service that runs", func(t *testing.T) {
		lost := s.Key("lost", "updates")
		s.Push(lost, received("00417799", 1))
		s.MustRun("keys", "revoke", "lost")
		s.Until("the key is refused", func() bool {
			return s.Send(harness.Request{Method: http.MethodPost, Path: "/v1/updates", Key: lost, Type: harness.JSON,
				Body: received("00417799", 1).Line()}).Status == http.StatusUnauthorized
		})
	})

	s.Sub(t, "the page answers in words, in each language", func(t *testing.T) {
		for lang, want := range map[string]string{"en": "Application approved", "ru": "Заявление одобрено", "ky": "Арыз жактырылды"} {
			page := s.Get("/status/00417733?lang=" + lang)
			if page.Status != http.StatusOK || !strings.Contains(string(page.Body), `<html lang="`+lang+`"`) || !strings.Contains(string(page.Body), want) {
				t.Errorf("%s: status %d, want it to say %q\n%s", lang, page.Status, want, page.Body)
			}
		}
		page := string(s.Get("/status/00417733?lang=en").Body)
		for _, want := range []string{"Application approved", "0041 7733", "5 July 2025", "20 June 2025", "2 June 2025", "Exit visa"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q:\n%s", want, page)
			}
		}
	})

	s.Sub(t, "the form leads to the page", func(t *testing.T) {
		if start := s.Get("/"); start.Status != http.StatusOK || !strings.Contains(string(start.Body), `name="reference"`) {
			t.Fatalf("status %d\n%s", start.Status, start.Body)
		}
		sent := s.Send(harness.Request{Method: http.MethodPost, Path: "/status", Type: harness.Form, Body: "reference=%E2%84%96+0041-7733"})
		if sent.Status != http.StatusSeeOther || sent.Header.Get("Location") != "/status/00417733" {
			t.Errorf("status %d to %q", sent.Status, sent.Header.Get("Location"))
		}
		wrong := s.Send(harness.Request{Method: http.MethodPost, Path: "/status", Type: harness.Form, Body: "reference=417", Header: map[string]string{"Accept-Language": "en"}})
		if wrong.Status != http.StatusBadRequest || !strings.Contains(string(wrong.Body), `value="417"`) || !strings.Contains(string(wrong.Body), "<title>Error:") {
			t.Errorf("status %d\n%s", wrong.Status, wrong.Body)
		}
	})
}

func bishkek(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Bishkek")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func midnight(t *testing.T, date string) time.Time {
	t.Helper()
	day, err := time.ParseInLocation(time.DateOnly, date, bishkek(t))
	if err != nil {
		t.Fatal(err)
	}
	return day
}

// today is the first instant of the day in Bishkek.
func today(t *testing.T) time.Time {
	t.Helper()
	return midnight(t, time.Now().In(bishkek(t)).Format(time.DateOnly))
}

// wantProblem checks that an answer is a problem document of a kind.
func wantProblem(t *testing.T, a harness.Answer, status int, kind string) harness.Problem {
	t.Helper()
	var p harness.Problem
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("status %d with Content-Type %q, want a problem document\n%s", a.Status, got, a.Body)
		return p
	}
	a.Decode(t, &p)
	if a.Status != status || p.Status != status || p.Type != "/problems/"+kind || p.Title == "" || p.Detail == "" {
		t.Errorf("status %d\n%s\nwant %d of type /problems/%s, with title and detail", a.Status, a.Body, status, kind)
	}
	return p
}
