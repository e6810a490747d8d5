package pages

import (
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
	"agentry/views"
)

// Zone is the time zone that a viewer chose: "" is the browser's own, which
// scripts know and the server does not; "utc"; "agent" is each agent's own;
// anything else is an IANA name.
type Zone string

const (
	zoneUTC    Zone = "utc"
	zoneAgent  Zone = "agent"
	zoneCookie      = "zone"
	zoneAge         = 365 * 24 * time.Hour
)

// ZoneOf is the choice that the request's cookie carries; what is none counts
// as "".
func ZoneOf(c *fiber.Ctx) Zone {
	z := Zone(c.Cookies(zoneCookie))
	if !z.valid() {
		return ""
	}
	return z
}

func (z Zone) valid() bool {
	if z == "" || z == zoneUTC || z == zoneAgent {
		return true
	}
	_, err := fleet.LoadZone(string(z))
	return err == nil
}

// in is the zone that times are written in, beside an agent with these hours
// or, with nil, beside none: UTC where nothing better is known.
func (z Zone) in(hours *fleet.WorkingHours) *time.Location {
	if z == zoneAgent && hours != nil {
		return hours.Location()
	}
	loc, err := fleet.LoadZone(string(z))
	if err != nil {
		return time.UTC
	}
	return loc
}

// typed names the zone that a date and time typed about an agent is in: the
// chosen one, and the agent's where only the browser knows it.
func (z Zone) typed(hours fleet.WorkingHours) string {
	switch z {
	case "", zoneAgent:
		return hours.Timezone
	case zoneUTC:
		return "UTC"
	}
	return string(z)
}

// now is the present in the zone that the viewer chose, for pages that are about
// no single agent.
func (p *Pages) now(who Viewer) time.Time { return p.app.Now().In(who.Zone.in(nil)) }

// nowAt is now beside an agent with these hours.
func (p *Pages) nowAt(who Viewer, hours fleet.WorkingHours) time.Time {
	return p.app.Now().In(who.Zone.in(&hours))
}

// typedZone is the zone that the form said its times are in.
func typedZone(c *fiber.Ctx, hours fleet.WorkingHours) *time.Location {
	if loc, err := fleet.LoadZone(field(c, "zone")); err == nil {
		return loc
	}
	return hours.Location()
}

// ZoneForm answers GET /zone: the choice with every name.
func (p *Pages) ZoneForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Time zone", "")
	if err != nil {
		return err
	}
	return send(c, views.ZonePage(shell, views.Zone{Zone: string(who.Zone), From: returnTo(c, "/fleet")}))
}

// SetZone answers POST /zone: the browser keeps the choice for a year. A name
// in the field beside the choice wins over it.
func (p *Pages) SetZone(c *fiber.Ctx, who Viewer) error {
	m := views.Zone{Zone: field(c, "zone"), Name: strings.TrimSpace(field(c, "name")), From: returnTo(c, "/fleet")}
	if from := field(c, "from"); from != "" {
		m.From = local(from)
	}
	remember(c, sent{title: "Time zone", fields: []string{"zone", "name"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m.Form = f
		return nil, func(s views.Shell) templ.Component { return views.ZonePage(s, m) }, nil
	}})
	field, z := "zone", Zone(m.Zone)
	if m.Name != "" {
		field, z = "name", Zone(m.Name)
	}
	if !z.valid() {
		return fleet.Invalid(field, "must be the name of a time zone, such as Europe/Paris")
	}
	c.Cookie(&fiber.Cookie{
		Name: zoneCookie, Value: string(z), Path: "/", MaxAge: int(zoneAge / time.Second), HTTPOnly: true, SameSite: fiber.CookieSameSiteLaxMode,
		Secure: c.Secure(),
	})
	return lead(c, nil, m.From)
}

// returnTo is the page of this server that the request came from, or another.
func returnTo(c *fiber.Ctx, otherwise string) string {
	from, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || from.Host != string(c.Request().Header.Host()) || from.Path == "/zone" || from.Path == "/login" {
		return otherwise
	}
	return local(from.RequestURI())
}
