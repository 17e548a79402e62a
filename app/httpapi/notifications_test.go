package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/app/apptest"
	"kabarchy/visa"
)

// A ledger is an audit in memory that gives its one page to whoever asks.
type ledger struct {
	page  visa.AuditPage
	err   error
	begun chan struct{} // if not nil, each call sends to it first,
	end   chan struct{} // and then waits for this

	mu    sync.Mutex
	asked []visa.AuditQuery
	now   int // calls under way
	most  int
}

func (l *ledger) AuditPage(_ context.Context, q visa.AuditQuery) (visa.AuditPage, error) {
	l.mu.Lock()
	l.asked = append(l.asked, q)
	l.now++
	l.most = max(l.most, l.now)
	l.mu.Unlock()
	if l.begun != nil {
		l.begun <- struct{}{}
		<-l.end
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now--
	return l.page, l.err
}

func (s *site) notifications(query string) answer {
	s.t.Helper()
	return s.get("/v1/notifications"+query, "Authorization", "Bearer "+auditKey)
}

// auditing is a site over a ledger.
func auditing(t *testing.T, l *ledger) *site {
	return newSite(t, func(o *setup) { o.http.Audit = l })
}

func mustRef(t *testing.T, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEachParameterOfAnAuditNarrowsIt(t *testing.T) {
	day := time.Date(2025, 6, 20, 0, 0, 0, 0, bishkek)
	tests := []struct {
		name, query string
		want        visa.AuditQuery
	}{
		{"none", "", visa.AuditQuery{Limit: 100}},
		{"a state", "?state=dead", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{State: visa.Dead}}},
		{"a lane", "?lane=reminder", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Lane: visa.LaneReminder}}},
		{"a reason", "?reason=use+has+passed", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Reason: "use has passed"}}},
		{"since a day begins", "?since=2025-06-20", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Since: day}}},
		{"until a day is over", "?until=2025-06-20", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Until: day.AddDate(0, 0, 1)}}},
		{"one day", "?since=2025-06-20&until=2025-06-20", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Since: day, Until: day.AddDate(0, 0, 1)}}},
		{"a time whose + was not encoded", "?since=2025-06-20T01:00:00+06:00", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Since: day.Add(time.Hour)}}},
		{"a time in UTC", "?until=2025-06-19T18:00:00Z", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Until: day}}},
		{"a reference in another spelling", "?reference=%E2%84%96+2041-77%2F33", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Reference: mustRef(t, "20417733")}}},
		{"those in doubt", "?ambiguous=true", visa.AuditQuery{Limit: 100, Filter: visa.AuditFilter{Ambiguous: true}}},
		{"the least", "?limit=1", visa.AuditQuery{Limit: 1}},
		{"the most", "?limit=1000", visa.AuditQuery{Limit: 1000}},
		{"a cursor", "?cursor=abc-_9", visa.AuditQuery{Limit: 100, Cursor: "abc-_9"}},
		{"all together", "?cursor=c&limit=7&state=accepted&lane=decision", visa.AuditQuery{Limit: 7, Cursor: "c", Filter: visa.AuditFilter{State: visa.Accepted, Lane: visa.LaneDecision}}},
	}
	l := &ledger{}
	s := auditing(t, l)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := s.notifications(tt.query); a.status != http.StatusOK || a.body != `{"notifications":[],"next":null}` {
				t.Fatalf("%d %s", a.status, a.body)
			}
			got, want := l.asked[i], tt.want
			if want.Reader = 3; !got.Filter.Since.Equal(want.Filter.Since) || !got.Filter.Until.Equal(want.Filter.Until) {
				t.Errorf("asked for %s to %s", got.Filter.Since, got.Filter.Until)
			}
			got.Filter.Since, got.Filter.Until, want.Filter.Since, want.Filter.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			if got != want {
				t.Errorf("asked for %+v, want %+v", got, want)
			}
		})
	}
}

func TestAnAuditThatIsNotUnderstoodIsToldWhatWouldBeRight(t *testing.T) {
	tests := []struct{ name, query, say string }{
		{"an unknown parameter", "?chat=20417733", "state, lane, reason, since, until, reference, ambiguous, limit, cursor"},
		{"a misspelt parameter", "?States=dead", "state, lane"},
		{"an unknown state", "?state=20417733", "pending, sending, accepted, cancelled, superseded, expired and dead"},
		{"an empty state", "?state=", "pending"},
		{"a state in capitals", "?state=Dead", "pending"},
		{"two states", "?state=dead&state=pending", "state: it can be given once"},
		{"an unknown lane", "?lane=fast", "conversation, decision, reminder and announcement"},
		{"a lane by its number", "?lane=2", "conversation"},
		{"no label", "?reason=20417733", "label"},
		{"a quotation for a reason", "?reason=x'--", "label"},
		{"no time", "?since=yesterday", "2025-06-20T15:04:05+06:00"},
		{"how long ago", "?since=24h", "2025-06-20"},
		{"a time without its offset", "?until=2025-06-20T15:04:05", "offset"},
		{"a day that does not exist", "?until=2025-02-30", "2025-06-20"},
		{"the wrong way round", "?since=2025-06-21&until=2025-06-20", "Since and until leave no time between them"},
		{"too short a reference", "?reference=123", "digits"},
		{"no reference", "?reference=", "empty"},
		{"no doubt", "?ambiguous=false", "true, or left out"},
		{"doubt without a value", "?ambiguous", "true, or left out"},
		{"nothing at all", "?limit=0", "1 to 1000"},
		{"too many", "?limit=1001", "1 to 1000"},
		{"far too many", "?limit=99999999999999999999", "1 to 1000"},
		{"a negative number", "?limit=-1", "1 to 1000"},
		{"no number", "?limit=many", "1 to 1000"},
		{"no cursor", "?cursor=", "leave it out"},
	}
	l := &ledger{}
	s := auditing(t, l)
	doc := contract(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.notifications(tt.query)
			if a.status != http.StatusBadRequest || !strings.Contains(a.json(t)["detail"].(string), tt.say) || strings.Contains(a.body, "20417733") {
				t.Errorf("%d %s; want a detail with %q", a.status, a.body, tt.say)
			}
			if err := fits(t, doc, drive{route: "GET /v1/notifications"}, a); err != nil || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v\n%v", err, a.header)
			}
		})
	}
	if len(l.asked) > 0 {
		t.Errorf("%d queries reached the audit", len(l.asked))
	}
	if log := s.log.String(); strings.Contains(log, "20417733") {
		t.Errorf("the log repeats what was asked: %s", log)
	}
}

func TestAPageOfAnAuditShowsEveryAttempt(t *testing.T) {
	made := time.Date(2025, 6, 20, 9, 15, 0, 52113000, bishkek)
	l := &ledger{page: visa.AuditPage{Next: "more", Entries: []visa.AuditEntry{
		{
			ID: 7, Chat: "c-k7f2qm4xw3ad", ChatState: visa.ChatActive, Reference: "2041••••", Lane: visa.LaneDecision, Kind: visa.KindNews,
			State: visa.Accepted, CreatedAt: made.UTC(), NotBefore: made, EndedAt: made.Add(2 * time.Second), Failures: 1, MessageID: 577,
			Attempts: []visa.AuditAttempt{
				{StartedAt: made, EndedAt: made.Add(time.Second), Result: visa.AttemptAmbiguous, Code: 502, Reason: "server_error", Ambiguous: true, Sender: 3},
				{StartedAt: made.Add(time.Second), EndedAt: made.Add(2 * time.Second), Result: "accepted", Sender: 3},
			},
		},
		{ID: 6, Chat: "c-aaaaaaaaaaaa", ChatState: visa.ChatInactive, Lane: visa.LaneConversation, Kind: visa.KindReply, State: visa.Cancelled, Reason: "blocked", CreatedAt: made, NotBefore: made, UseUntil: made, EndedAt: made},
		{ID: 5, Chat: "c-aaaaaaaaaaaa", ChatState: visa.ChatInactive, Reference: "••••", Lane: visa.LaneAnnouncement, Kind: "not a label", State: visa.Sending, CreatedAt: made, NotBefore: made,
			Attempts: []visa.AuditAttempt{{StartedAt: made, Result: visa.AttemptStarted, Ambiguous: true, Sender: 4}}},
	}}}
	s := auditing(t, l)
	a := s.notifications("")
	const want = `{"notifications":[` +
		`{"id":7,"chat":"c-k7f2qm4xw3ad","chat_state":"active","reference":"2041••••","lane":"decision","kind":"news","state":"accepted","reason":"",` +
		`"created_at":"2025-06-20T09:15:00.052113+06:00","not_before":"2025-06-20T09:15:00.052113+06:00","use_until":null,"ended_at":"2025-06-20T09:15:02.052113+06:00",` +
		`"failures":1,"ambiguous":1,"message_id":577,"attempts":[` +
		`{"started_at":"2025-06-20T09:15:00.052113+06:00","ended_at":"2025-06-20T09:15:01.052113+06:00","result":"ambiguous","code":502,"reason":"server_error","ambiguous":true,"sender":3},` +
		`{"started_at":"2025-06-20T09:15:01.052113+06:00","ended_at":"2025-06-20T09:15:02.052113+06:00","result":"accepted","code":0,"reason":"","ambiguous":false,"sender":3}]},` +
		`{"id":6,"chat":"c-aaaaaaaaaaaa","chat_state":"inactive","reference":"","lane":"conversation","kind":"reply","state":"cancelled","reason":"blocked",`
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, want) || !strings.HasSuffix(a.body, `"next":"more"}`) {
		t.Errorf("%d\n%s\nwant\n%s", a.status, a.body, want)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("ETag") != "" {
		t.Errorf("it may be kept: %v", a.header)
	}
	if err := fits(t, contract(t), drive{route: "GET /v1/notifications"}, a); err != nil {
		t.Error(err)
	}
	if a := s.do("HEAD", "/v1/notifications", "", "Authorization", "Bearer "+auditKey); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
}

func TestFaultsOfAnAudit(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		say    string
	}{
		{"a cursor of another listing", fmt.Errorf("store: %w", visa.ErrCursor), 400, "begin a new listing"},
		{"a store that is away", apptest.Away(context.Background(), ""), 503, "Try again"},
		{"a fault", errors.New("canary"), 500, "our side"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := auditing(t, &ledger{err: tt.err})
			a := s.notifications("?reference=20417733&cursor=c")
			if a.status != tt.status || !strings.Contains(a.body, tt.say) || strings.Contains(a.body, "canary") {
				t.Errorf("%d %s", a.status, a.body)
			}
			if err := fits(t, contract(t), drive{route: "GET /v1/notifications"}, a); err != nil {
				t.Error(err)
			}
			if log := s.log.String(); strings.Contains(log, "20417733") || !strings.Contains(log, "2041••••") {
				t.Errorf("the log must show the reference masked: %s", log)
			}
		})
	}
}

func TestOnlyAKeyForAuditsOpensThem(t *testing.T) {
	l := &ledger{}
	s := auditing(t, l)
	for key, want := range map[string]int{"": 401, "nobody's": 401, updatesKey: 403, lookupsKey: 403} {
		a := s.get("/v1/notifications?state=lost", "Authorization", "Bearer "+key)
		if a.status != want || strings.Contains(a.body, "pending") || len(l.asked) > 0 {
			t.Errorf("with the key %q: %d %s", key, a.status, a.body)
		}
	}
}

func TestAuditsTakeTurns(t *testing.T) {
	l := &ledger{begun: make(chan struct{}), end: make(chan struct{})}
	s := auditing(t, l)
	const n = 6
	var wait sync.WaitGroup
	for range n {
		wait.Go(func() {
			if a := s.notifications(""); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	<-l.begun
	for range n - 1 {
		<-l.begun // beside one that has not ended
		l.end <- struct{}{}
	}
	l.end <- struct{}{}
	wait.Wait()
	if len(l.asked) != n || l.most != 2 {
		t.Errorf("%d pages were read, %d at the same time; want %d, 2", len(l.asked), l.most, n)
	}
}
