package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"kabarchy/test/harness"
)

// An announcer asks for announcements to all, one at a time, until each is
// acknowledged.
type announcer struct {
	t    *testing.T
	s    *harness.Service
	key  string
	wish chan struct{}

	mu    sync.Mutex
	asked int
	acked []int64 // by the store's number
}

func newAnnouncer(t *testing.T, s *harness.Service, key string) *announcer {
	return &announcer{t: t, s: s, key: key, wish: make(chan struct{}, 1)}
}

// ask has one more made, unless one is being asked for.
func (a *announcer) ask() {
	select {
	case a.wish <- struct{}{}:
	default:
	}
}

func (a *announcer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wish:
		}
		a.asked++
		for ctx.Err() == nil && !a.make(a.asked) {
			harness.Pause(ctx, 20*time.Millisecond)
		}
	}
}

// make reports whether the announcement was acknowledged. Asked for again, it
// must be the same one.
func (a *announcer) make(n int) bool {
	body := fmt.Sprintf(`{"request":"crash-%d","texts":{"en":"Announcement %d to all."},"audience":{}}`, n, n)
	got, err := a.s.Do(harness.Request{Method: http.MethodPost, Path: "/v1/announcements", Key: a.key, Type: harness.JSON, Body: body})
	if err != nil {
		return false
	}
	var made struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(got.Body, &made); got.Status/100 != 2 || err != nil || made.ID == 0 {
		a.t.Errorf("an announcement is answered %d, %s", got.Status, got.Body)
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acked = append(a.acked, made.ID)
	return true
}
