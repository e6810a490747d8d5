package pages

import (
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
	"agentry/views"
)

// SignInForm answers GET /login to a guest.
func (p *Pages) SignInForm(c *fiber.Ctx) error {
	m := views.Login{Next: query(c, "next"), Insecure: p.config.InsecureHTTP}
	if query(c, "out") != "" {
		m.Notice = "You are signed out."
	}
	first, err := p.app.NeedsFirstRun(c.UserContext())
	if err != nil {
		return err
	}
	if first {
		m.Notice = "There is no team yet. Open the link that the server printed when it started."
	}
	return send(c, views.LoginPage(m))
}

// SignIn answers POST /login. A person of several teams comes to the one that
// they used last.
func (p *Pages) SignIn(c *fiber.Ctx) error {
	m := views.Login{Email: field(c, "email"), Next: field(c, "next"), Insecure: p.config.InsecureHTTP}
	remember(c, sent{title: "Sign in", again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m.Form = f
		return nil, func(views.Shell) templ.Component { return views.LoginPage(m) }, nil
	}})
	_, places, err := p.app.SignIn(c.UserContext(), m.Email, field(c, "password"))
	if err == nil {
		err = p.config.SignIn(c, fleet.LastUsed(places))
	}
	return lead(c, err, local(m.Next))
}

// SignOut answers POST /logout, also to who is not signed in any more. It leads
// back to an invitation that somebody else is to accept.
func (p *Pages) SignOut(c *fiber.Ctx) error {
	to := "/login?out=1"
	if next := field(c, "next"); strings.HasPrefix(next, "/invite/") {
		to = local(next)
	}
	return lead(c, p.config.SignOut(c), to)
}

// RevokeSession answers POST /settings/sessions/{id}/revoke.
func (p *Pages) RevokeSession(c *fiber.Ctx, who Viewer) error {
	return done(c, p.app.RevokeSession(c.UserContext(), who.Actor, c.Params("sessionId")), securityPath)
}

// RevokeOtherSessions answers POST /settings/sessions/revoke: all but this one.
func (p *Pages) RevokeOtherSessions(c *fiber.Ctx, who Viewer) error {
	_, err := p.app.RevokeOtherSessions(c.UserContext(), who.Actor, who.Session.ID)
	return done(c, err, securityPath)
}

// browser names a browser and system well enough to be recognised.
func browser(agent string) string {
	name := first(agent, "a browser", [][2]string{
		{"HeadlessChrome", "Chrome"}, {"Edg", "Edge"}, {"OPR", "Opera"}, {"Firefox", "Firefox"}, {"Chrom", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"},
	})
	system := first(agent, "", [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS", "Mac"}, {"Linux", "Linux"},
	})
	if system == "" {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return strings.ToUpper(name[:1]) + name[1:] + " on " + system
}

func first(text, otherwise string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return otherwise
}
