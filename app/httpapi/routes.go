package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"kabarchy/visa"
)

// routes are all public routes. openapi.yaml holds the same ones: a test
// compares them both ways.
func (s *Server) routes() {
	s.route(fiber.MethodGet, "/v1/applications/*", s.application)
	s.route(fiber.MethodPost, "/v1/lookups", s.lookup)
	s.route(fiber.MethodGet, "/v1/vocabulary", s.words)
	s.route(fiber.MethodPost, "/v1/updates", s.updates)
	if s.audits != nil {
		s.route(fiber.MethodGet, "/v1/notifications", s.notifications)
	}
	if s.announcer != nil {
		s.route(fiber.MethodPost, "/v1/announcements", s.announce)
		s.route(fiber.MethodGet, "/v1/announcements", s.announcements)
		s.route(fiber.MethodGet, "/v1/announcements/*", s.announcement)
		s.route(fiber.MethodPost, "/v1/announcements/*/pause", s.setAnnouncement(visa.AnnouncementPaused))
		s.route(fiber.MethodPost, "/v1/announcements/*/resume", s.setAnnouncement(visa.AnnouncementRunning))
		s.route(fiber.MethodPost, "/v1/announcements/*/cancel", s.setAnnouncement(visa.AnnouncementCancelled))
	}
	s.route(fiber.MethodGet, "/openapi.yaml", s.openapi)
	if s.webhook != nil {
		s.route(fiber.MethodPost, "/telegram/webhook", s.telegram)
	}
	if s.pages != nil {
		s.pageRoutes()
	}
}
