package web

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// neighbour is who a trusted request from this machine acts as.
func (s *Server) neighbour(c *fiber.Ctx) caller {
	return caller{
		actor: fleet.Actor{
			Kind: fleet.ActorKey, ID: fleet.NeighbourID, Name: "loopback",
			TeamID: s.config.LoopbackTeam, Scope: fleet.ScopeOperate, RequestID: requestID(c),
		},
		team:  fleet.Team{ID: s.config.LoopbackTeam, Name: s.config.EnvName},
		still: func(context.Context) error { return nil },
	}
}

// trusted tells whether a request without a key comes from a program on this
// machine: its address and the host it asked for are loopback, nothing passed
// it on, and no page of another origin caused it. The host is checked because
// a foreign name may be made to point here.
func (s *Server) trusted(c *fiber.Ctx) bool {
	if !s.config.TrustLoopback || s.config.LoopbackTeam == "" {
		return false
	}
	peer, err := netip.ParseAddrPort(c.Context().RemoteAddr().String())
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if c.Get(passedOn) != "" {
			return false
		}
	}
	host := string(c.Request().Header.Host())
	site := c.Get("Sec-Fetch-Site")
	return loopbackHost(host) && (site == "" || site == "same-origin" || site == "none") && ownOrigin(c.Get(fiber.HeaderOrigin), host)
}

// loopbackHost tells whether a Host header names this machine.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// ownOrigin tells whether an Origin header is absent or this server's own.
func ownOrigin(origin, host string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && strings.EqualFold(u.Host, host)
}
