package simulator

import (
	"net/http"
	"strings"
)

// routes returns everything that is not the Bot API. Requests that another web
// site makes through its visitor's browser are refused.
func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	s.scriptRoutes(mux)

	mux.HandleFunc("GET /{$}", s.pageList)
	mux.HandleFunc("GET /chats/{id}", s.pageChat)
	mux.HandleFunc("POST /chats", s.pageCreate)
	mux.HandleFunc("POST /chats/{id}/{act}", s.pageAct)
	mux.HandleFunc("GET /simulator/events", s.events)
	mux.HandleFunc("GET /t.me/{bot}", s.pageLink)
	mux.HandleFunc("GET /{bot}", s.pageLink)

	protection := http.NewCrossOriginProtection()
	return protection.Handler(mux)
}

// isBot reports whether name is the bot's, as t.me links compare it.
func (s *Simulator) isBot(name string) bool {
	return strings.EqualFold(strings.TrimPrefix(name, "@"), s.opts.BotUsername)
}
