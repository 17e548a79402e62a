package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// How often an idle stream shows that it lives, and the least time between two
// events.
const (
	eventIdle  = 20 * time.Second
	eventPause = 150 * time.Millisecond
)

// events tells a page, by server-sent events, that there is something new to
// show: each event's data is a number that grows. ?rev= is the number that the
// page shows already.
func (s *Simulator) events(w http.ResponseWriter, r *http.Request) {
	shown, err := queryInt(r, "rev", 0)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		_, _ = fmt.Sscan(last, &shown)
	}
	flush := http.NewResponseController(w).Flush
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		// A page may stem from before a restart of the simulator, whose count
		// is then lower: any difference is news.
		now := shown
		news := s.waitUpTo(r, eventIdle, func() bool {
			now = s.pageRev
			return now != shown
		})
		if r.Context().Err() != nil {
			return
		}
		select {
		case <-s.done:
			return
		default:
		}
		if news {
			shown = now
			_, err = fmt.Fprintf(w, "id: %d\ndata: %d\n\n", shown, shown)
		} else {
			_, err = fmt.Fprint(w, ": still here\n\n")
		}
		if err != nil || flush() != nil {
			return
		}
		if !s.pause(r, eventPause) {
			return
		}
	}
}
