// Package pages is the dashboard: pages and the parts of them that htmx fetches
// again. A handler parses, calls the use-case and renders; what a person sent
// comes back through Problem when it was wrong. Everything works without a
// script.
package pages

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/web/stream"
)

// Config is what the pages are made of.
type Config struct {
	App     *app.App
	Streams *stream.Streams
	// Beat is how often a stream shows that it lives.
	Beat time.Duration
	// EnvName and EnvColor mark the pages of this installation.
	EnvName, EnvColor string
	// InsecureHTTP shows the banner of the plain-http mode.
	InsecureHTTP bool
	// SignIn gives the browser a session of the member, SignOut ends the one it
	// has.
	SignIn  func(c *fiber.Ctx, m fleet.Member) error
	SignOut func(c *fiber.Ctx) error
}

// Pages holds the handlers. Make it with New.
type Pages struct {
	app    *app.App
	config Config
	drawn  drawn
}

// New makes the pages.
func New(c Config) *Pages {
	return &Pages{app: c.App, config: c, drawn: drawn{kept: map[look]string{}}}
}

// Viewer is the signed-in member who asks.
type Viewer struct {
	Actor   fleet.Actor
	Member  fleet.Member
	Session fleet.Session
	// Zone is the time zone that times are written in.
	Zone Zone
}

// As names the person, team and role that a page is made for, so that the page
// notices when the browser's session has become another's.
func (v Viewer) As() string {
	return string(v.Member.User.ID) + " " + string(v.Member.TeamID) + " " + string(v.Member.Role)
}

func (v Viewer) may(need fleet.Scope) bool { return v.Actor.Scope.Contains(need) }

// shell is what stands around a page. Make it before anything else is read: the
// page's stream goes on from its number. What htmx fetches has nothing around
// it.
func (p *Pages) shell(c *fiber.Ctx, who Viewer, title, nav string) (views.Shell, error) {
	s := views.Shell{Title: title, Nav: nav, Now: p.now(who), Zone: string(who.Zone)}
	if partial(c) {
		return s, nil
	}
	around, err := p.app.Around(c.UserContext(), who.Actor)
	s.Seq, s.OpenAlerts = around.Last.String(), int(around.OpenAlerts)
	s.Team, s.Env, s.EnvColor, s.Insecure = who.Member.TeamName, p.config.EnvName, p.config.EnvColor, p.config.InsecureHTTP
	s.TeamPause = pauseText(around.Pause)
	s.Curl = p.curl(c)
	if err == nil && who.Member.Role == fleet.RoleOwner {
		s.Host, err = p.app.Hosts(c.UserContext(), who.Actor)
	}
	s.As, s.Beat = who.As(), p.config.Beat
	s.User, s.Email, s.Role = who.Member.User.Name, who.Member.User.Email, string(who.Member.Role)
	if err == nil {
		s.Teams, err = p.teams(c, who)
	}
	return s, err
}

// agentID is the id in the path; what is not a UUID is no agent.
func agentID(c *fiber.Ctx) (fleet.AgentID, error) {
	id, ok := fleet.ParseID(c.Params("agentId"))
	if !ok {
		return "", fleet.ErrAgentNotFound()
	}
	return fleet.AgentID(id), nil
}

func agentPath(id fleet.AgentID, rest string) string { return "/fleet/" + string(id) + rest }

// address is a path with a query, where there is one.
func address(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// field is one value of the form that was sent, with line ends as they are
// kept.
func field(c *fiber.Ctx, name string) string {
	return strings.ReplaceAll(string(c.Request().PostArgs().Peek(name)), "\r\n", "\n")
}

// query is one value of the address.
func query(c *fiber.Ctx, name string) string {
	return strings.ToValidUTF8(string(c.Context().QueryArgs().Peek(name)), "�")
}

// version is the version that the form was made of; a form without one is
// bound to none.
func version(c *fiber.Ctx) (int64, error) { return whole64(c, "version", "version") }

// instant reads a date and time of the zone; "" is zero.
func instant(c *fiber.Ctx, name string, zone *time.Location) (time.Time, error) {
	return localTime(name, field(c, name), zone)
}

// localTime reads a local date and time as browsers send it; "" is zero.
func localTime(name, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fleet.Invalid(name, "must be a date and time")
}

// list splits text at commas, without blanks and empty parts.
func list(text string) []string {
	out := []string{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
