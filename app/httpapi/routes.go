package httpapi

import "github.com/gofiber/fiber/v2"

// routes are all public routes. openapi.yaml holds the same ones: a test
// compares them both ways.
func (s *Server) routes() {
	s.route(fiber.MethodGet, "/v1/applications/*", s.application)
	s.route(fiber.MethodPost, "/v1/lookups", s.lookup)
	s.route(fiber.MethodGet, "/v1/vocabulary", s.words)
	s.route(fiber.MethodPost, "/v1/updates", s.updates)
	s.route(fiber.MethodGet, "/openapi.yaml", s.openapi)
	if s.webhook != nil {
		s.route(fiber.MethodPost, "/telegram/webhook", s.telegram)
	}
	if s.pages != nil {
		s.pageRoutes()
	}
}
