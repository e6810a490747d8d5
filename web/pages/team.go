package pages

import (
	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/views"
)

// FirstRunForm answers GET /first-run/{token} while the link works.
func (p *Pages) FirstRunForm(c *fiber.Ctx) error {
	if err := p.app.CheckFirstRun(c.UserContext(), c.Params("token")); err != nil {
		return err
	}
	return send(c, views.FirstRunPage(views.FirstRun{Token: c.Params("token")}))
}

// FirstRun answers POST /first-run/{token}: it makes the team and its owner and
// signs in.
func (p *Pages) FirstRun(c *fiber.Ctx) error {
	token := c.Params("token")
	if err := p.app.CheckFirstRun(c.UserContext(), token); err != nil {
		return err
	}
	m := views.FirstRun{Token: token, Team: field(c, "team"), Name: field(c, "name"), Email: field(c, "email")}
	remember(c, sent{title: "First run", fields: []string{"team", "name", "email", "password"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m.Form = f
		return nil, func(views.Shell) templ.Component { return views.FirstRunPage(m) }, nil
	}})
	member, err := p.app.FirstRun(c.UserContext(), token, app.FirstRunInput{TeamName: m.Team, Name: m.Name, Email: m.Email, Password: field(c, "password")})
	if err == nil {
		err = p.config.SignIn(c, member)
	}
	return lead(c, err, "/fleet")
}
