package web

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// The names of what a request carries along.
const (
	localRoute = "route"
	localWho   = "who"
)

// first stands before every route: it names the request, sets what every
// answer carries, refuses bad framing, turns errors and panics into answers,
// and writes the access line.
func (s *Server) first(c *fiber.Ctx) error {
	start := time.Now()
	s.conns.serving(c.Context().Conn())
	s.begin(c)
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	c.SetUserContext(ctx)
	err := checkFraming(c)
	if err != nil {
		c.Context().SetConnectionClose()
	} else {
		err = recovered(c.Next)
	}
	if err != nil {
		s.answer(c, err)
	}
	s.logAccess(c, start)
	return nil
}

// unread answers what fiber could not read or route at all: the first handler
// may not have seen it.
func (s *Server) unread(c *fiber.Ctx, err error) error {
	s.begin(c)
	c.Context().SetConnectionClose()
	s.conns.lingerOnClose(c.Context().Conn())
	s.answer(c, err)
	s.logAccess(c, time.Now())
	return nil
}

// begin sets the request's id and the headers of every answer.
func (s *Server) begin(c *fiber.Ctx) {
	if s.draining.Load() {
		c.Context().SetConnectionClose()
	}
	id := c.Get(fiber.HeaderXRequestID)
	if !goodRequestID(id) {
		id = fleet.NewID(time.Now())
	}
	c.Set(fiber.HeaderXRequestID, id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderPermissionsPolicy, "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if c.Protocol() == "https" {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=31536000")
	}
}

// requestID is the id that begin gave the request.
func requestID(c *fiber.Ctx) string { return c.GetRespHeader(fiber.HeaderXRequestID) }

// goodRequestID accepts an id from outside: 1 to 64 letters, digits, _ or -.
func goodRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-') {
			return false
		}
	}
	return true
}

// panicked is an error made of a panic; its text, stack included, is for the
// log.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// recovered runs a handler and makes a panic an error.
func recovered(handle func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return handle()
}

// logAccess writes one line a request, without query and body.
func (s *Server) logAccess(c *fiber.Ctx, start time.Time) {
	r, routed := c.Locals(localRoute).(*route)
	path := "-"
	switch {
	case routed && r.quiet:
		return
	case routed:
		path = r.path
	case len(c.Path()) <= 200:
		path = c.Path()
	}
	fields := []slog.Attr{
		slog.String("method", c.Method()),
		slog.String("route", path),
		slog.Int("status", c.Response().StatusCode()),
		slog.Duration("took", time.Since(start)),
		slog.String("request_id", requestID(c)),
		slog.String("remote", c.IP()),
	}
	if who, ok := c.Locals(localWho).(*caller); ok {
		fields = append(fields, slog.String("team_id", string(who.actor.TeamID)), slog.String("actor_id", who.actor.ID))
	}
	if routed {
		if id, ok := fleet.ParseID(c.Params("agentId")); ok {
			fields = append(fields, slog.String("agent_id", id))
		}
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", fields...)
}
