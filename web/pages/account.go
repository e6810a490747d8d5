package pages

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
	"agentry/views"
)

const securityPath = "/settings/security"

// Security answers GET /settings/security: what members decide for themselves.
func (p *Pages) Security(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "My account", "settings")
	if err != nil {
		return err
	}
	m, err := p.security(c, who)
	if err != nil {
		return err
	}
	m.Shell = shell
	return send(c, views.SecurityPage(m))
}

func (p *Pages) security(c *fiber.Ctx, who Viewer) (m views.Security, err error) {
	m.Name.Name, m.Password.Email = who.Member.User.Name, who.Member.User.Email
	found, err := p.app.Sessions(c.UserContext(), who.Actor)
	for _, s := range found {
		m.Sessions = append(m.Sessions, views.Session{
			ID: s.ID, Browser: browser(s.UserAgent), Team: s.TeamName, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, EndsAt: s.ExpiresAt, Current: s.ID == who.Session.ID,
		})
		m.Teams = m.Teams || s.TeamID != who.Actor.TeamID
	}
	return m, err
}

// securityAgain is that page as it is now, with what was typed.
func (p *Pages) securityAgain(c *fiber.Ctx, who Viewer, put func(m *views.Security, f views.Form), fields ...string) {
	remember(c, sent{title: "My account", nav: "settings", fields: fields, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.security(c, who)
		put(&m, f)
		return nil, func(s views.Shell) templ.Component {
			m.Shell = s
			return views.SecurityPage(m)
		}, err
	}})
}

// Rename answers POST /settings/security/name.
func (p *Pages) Rename(c *fiber.Ctx, who Viewer) error {
	name := field(c, "name")
	p.securityAgain(c, who, func(m *views.Security, f views.Form) { m.Name.Form, m.Name.Name = f, name }, "name")
	return done(c, p.app.Rename(c.UserContext(), who.Actor, name), securityPath)
}

// ChangePassword answers POST /settings/security/password: all sessions end,
// and this browser gets a new one.
func (p *Pages) ChangePassword(c *fiber.Ctx, who Viewer) error {
	p.securityAgain(c, who, func(m *views.Security, f views.Form) { m.Password.Form = f }, "current", "password")
	u, err := p.app.ChangePassword(c.UserContext(), who.Actor, field(c, "current"), field(c, "password"))
	if err == nil {
		m := who.Member
		m.User = u
		err = p.config.SignIn(c, m)
	}
	return lead(c, err, securityPath)
}

// SwitchTeam answers POST /team/switch: the browser goes on in another team,
// under a new token.
func (p *Pages) SwitchTeam(c *fiber.Ctx, who Viewer) error {
	m, err := p.app.SwitchTeam(c.UserContext(), who.Actor, fleet.TeamID(field(c, "team")))
	if err == nil {
		err = p.config.SignIn(c, m)
	}
	return lead(c, err, local(field(c, "next")))
}

// teams are the member's, for the switch in the header; one is no choice.
func (p *Pages) teams(c *fiber.Ctx, who Viewer) ([]views.TeamChoice, error) {
	places, err := p.app.Memberships(c.UserContext(), who.Actor)
	if err != nil || len(places) < 2 {
		return nil, err
	}
	var list []views.TeamChoice
	for _, m := range places {
		list = append(list, teamChoice(m, who))
	}
	return list, nil
}

func teamChoice(m fleet.Member, who Viewer) views.TeamChoice {
	return views.TeamChoice{ID: string(m.TeamID), Name: m.TeamName, Role: string(m.Role), Current: m.TeamID == who.Actor.TeamID}
}

// elsewhere answers a link into another team of the person's with the offer to
// switch; told is false when there is no such team. What nobody of their teams
// has is not told apart from what is not there.
func (p *Pages) elsewhere(c *fiber.Ctx, who Viewer) (told bool, err error) {
	id, ok := fleet.ParseID(c.Params("agentId", c.Params("deletionId", c.Params("bulkId"))))
	if !ok {
		return false, nil
	}
	place, ok, err := p.app.PlaceAt(c.UserContext(), who.Actor, id)
	if err != nil || !ok || place.TeamID == who.Actor.TeamID {
		return false, err
	}
	c.Status(http.StatusForbidden)
	m := views.Elsewhere{Team: who.Member.TeamName, Other: teamChoice(place, who)}
	if htmx(c) {
		return true, send(c, views.ErrorNotice(views.Problem{Title: "No access from this team", Sentence: "This belongs to " + m.Other.Name + "; you are in " + m.Team + " now.", Todo: "Switch the team to go on."}))
	}
	if c.Method() == http.MethodGet {
		m.Next = c.OriginalURL()
	}
	shell, err := p.shell(c, who, "No access", "")
	if err != nil {
		return false, err
	}
	return true, send(c, views.ElsewherePage(shell, m))
}
