package pages

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

func (p *Pages) invitationRow(who Viewer, i fleet.Invitation) views.Invitation {
	return views.Invitation{
		ID: i.ID, Email: i.Email, Role: string(i.Role), By: i.By, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt, Now: p.now(who),
		Expired: i.Expired(p.app.Now()), CanManage: fleet.CheckInvite(who.Member.Role, i.Role) == nil,
	}
}

// Invite answers POST /settings/members/invite with the page that shows the
// link this once.
func (p *Pages) Invite(c *fiber.Ctx, who Viewer) error {
	email, role := field(c, "email"), field(c, "role")
	p.membersAgain(c, who, func(m *views.Members, f views.Form) {
		if m.Invite != nil {
			m.Invite.Form, m.Invite.Email, m.Invite.Role = f, email, role
		}
	}, "email", "role")
	i, token, err := p.app.Invite(c.UserContext(), who.Actor, app.InviteInput{Email: email, Role: fleet.Role(role)})
	if err != nil {
		return err
	}
	return p.handOver(c, who, i, token)
}

// RenewInvitation answers POST /settings/invitations/{id}/renew likewise.
func (p *Pages) RenewInvitation(c *fiber.Ctx, who Viewer) error {
	p.membersAgain(c, who, func(*views.Members, views.Form) {})
	i, token, err := p.app.RenewInvitation(c.UserContext(), who.Actor, c.Params("invitationId"))
	if err != nil {
		return err
	}
	return p.handOver(c, who, i, token)
}

func (p *Pages) handOver(c *fiber.Ctx, who Viewer, i fleet.Invitation, token string) error {
	shell, err := p.shell(c, who, "Members", "settings")
	if err != nil {
		return err
	}
	m, err := p.members(c, who)
	if err != nil {
		return err
	}
	m.Shell = shell
	if m.Invite != nil {
		m.Invite.Link, m.Invite.Made = c.BaseURL()+"/invite/"+token, p.invitationRow(who, i)
	}
	return send(c, views.MembersPage(m))
}

// RevokeInvitation answers POST /settings/invitations/{id}/revoke.
func (p *Pages) RevokeInvitation(c *fiber.Ctx, who Viewer) error {
	p.membersAgain(c, who, func(*views.Members, views.Form) {})
	return done(c, p.app.RevokeInvitation(c.UserContext(), who.Actor, c.Params("invitationId")), membersPath)
}

// InvitePage answers GET /invite/{token}; who is nil for a guest.
func (p *Pages) InvitePage(c *fiber.Ctx, who *Viewer) error {
	i, err := p.app.Invitation(c.UserContext(), c.Params("token"))
	if err != nil {
		return p.inviteOver(c, who, err)
	}
	return send(c, views.InvitePage(p.invite(c, who, i)))
}

// inviteOver is the page of a link that cannot be used; other errors go on.
func (p *Pages) inviteOver(c *fiber.Ctx, who *Viewer, err error) error {
	if fleet.CodeOf(err) != fleet.CodeNotFound {
		return err
	}
	c.Status(http.StatusNotFound)
	return send(c, views.InviteOverPage(views.InviteOver{Sentence: sentence(messageOf(err)), SignedIn: who != nil}))
}

func (p *Pages) invite(c *fiber.Ctx, who *Viewer, i fleet.Invitation) views.Invite {
	m := views.Invite{
		Token: c.Params("token"), Team: i.TeamName, By: i.By, Email: i.Email, Role: string(i.Role), ExpiresAt: i.ExpiresAt,
		Insecure: p.config.InsecureHTTP, Name: field(c, "name"),
	}
	if who != nil {
		m.SignedIn = who.Member.User.Email
	}
	return m
}

// Join answers POST /invite/{token}: as who is signed in, as an account that
// there is, or as a new one, by the field how. It signs in to the team.
func (p *Pages) Join(c *fiber.Ctx, who *Viewer) error {
	token, how := c.Params("token"), field(c, "how")
	i, err := p.app.Invitation(c.UserContext(), token)
	if err == nil {
		p.inviteAgain(c, who, i, how)
		in := app.JoinInput{New: how == "new", Name: field(c, "name"), Password: field(c, "password")}
		if how == "me" && who != nil {
			in.User = who.Member.User.ID
		}
		var m fleet.Member
		if m, err = p.app.Join(c.UserContext(), token, in); err == nil {
			return lead(c, p.config.SignIn(c, m), "/fleet")
		}
	}
	return p.inviteOver(c, who, err)
}

func (p *Pages) inviteAgain(c *fiber.Ctx, who *Viewer, i fleet.Invitation, how string) {
	remember(c, sent{title: "Invitation", fields: []string{"name", "password"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m := p.invite(c, who, i)
		switch how {
		case "new":
			m.New = f
		case "known":
			m.Known = f
		default:
			m.Me = f
		}
		return nil, func(views.Shell) templ.Component { return views.InvitePage(m) }, nil
	}})
}
