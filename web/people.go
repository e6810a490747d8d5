package web

import (
	"fmt"
	"html"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// viewer is what a signed-in member's session says.
type viewer struct {
	member  fleet.Member
	session fleet.Session
}

// pageRoutes are the routes of the pages.
func (s *Server) pageRoutes() []route { return nil }

// signedIn is who the request's session stands for.
func (s *Server) signedIn(*fiber.Ctx) (caller, error) {
	return caller{}, fleet.Errorf(fleet.CodeUnauthorized, "Please sign in")
}

// pageProblem answers a person; the status is set.
func (s *Server) pageProblem(c *fiber.Ctx, e *fleet.Error) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.SendString(fmt.Sprintf(`<!doctype html><html lang="en"><meta charset="utf-8"><title>%s</title><h1>%s</h1><p>Request %s</p></html>`,
		html.EscapeString(string(e.Code)), html.EscapeString(e.Message), html.EscapeString(requestID(c))))
}
