package pages

import (
	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
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

// Settings answers GET /settings: the team itself.
func (p *Pages) Settings(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Settings", "settings")
	if err != nil {
		return err
	}
	m, err := p.settings(c, who)
	if err != nil {
		return err
	}
	if m.Shell = shell; target(c) == "team-state" {
		return send(c, views.TeamState(m.Pause.Text))
	}
	return send(c, views.SettingsPage(m))
}

func (p *Pages) settings(c *fiber.Ctx, who Viewer) (m views.TeamSettings, err error) {
	m.Name = views.TeamName{Name: who.Member.TeamName, MayRename: who.may(fleet.ScopeAdmin)}
	m.Pause, err = p.teamPause(c, who)
	return m, err
}

// teamSettingsAgain is that page as it is now, with what was typed into a field.
func (p *Pages) teamSettingsAgain(c *fiber.Ctx, who Viewer, field string, put func(m *views.TeamSettings, f views.Form)) {
	remember(c, sent{title: "Settings", nav: "settings", fields: []string{field}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.settings(c, who)
		put(&m, f)
		return nil, func(s views.Shell) templ.Component {
			m.Shell = s
			return views.SettingsPage(m)
		}, err
	}})
}

// RenameTeam answers POST /settings/team/name.
func (p *Pages) RenameTeam(c *fiber.Ctx, who Viewer) error {
	name := field(c, "name")
	p.teamSettingsAgain(c, who, "name", func(m *views.TeamSettings, f views.Form) { m.Name.Form, m.Name.Name = f, name })
	_, err := p.app.RenameTeam(c.UserContext(), who.Actor, name)
	return done(c, err, "/settings")
}
