package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Members answers GET /v1/members: the members, and behind them who is
// invited.
func (a *API) Members(c *fiber.Ctx, by fleet.Actor) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	entries, next, err := a.app.MemberEntries(c.UserContext(), by, p)
	if err != nil {
		return err
	}
	return list(a, c, entries, next, memberEntry)
}

// Member answers GET /v1/members/{id}: a member, or an invitation.
func (a *API) Member(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "memberId", "Member")
	if err != nil {
		return err
	}
	e, err := a.app.MemberEntry(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, memberEntry(e))
}

// Invite answers POST /v1/members; its answer is the only one with the link.
func (a *API) Invite(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Invite
	if err := decode(c, &body); err != nil {
		return err
	}
	i, token, err := a.app.Invite(c.UserContext(), by, app.InviteInput{Email: body.Email, Role: fleet.Role(body.Role)})
	if err != nil {
		return err
	}
	wire := invited(i)
	wire.Link = c.BaseURL() + a.base + "/invite/" + token
	return a.created(c, "/v1/members/"+i.ID, wire)
}

// SetRole answers PUT /v1/members/{id}.
func (a *API) SetRole(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "memberId", "Member")
	if err != nil {
		return err
	}
	var body api.SetRole
	if err := decode(c, &body); err != nil {
		return err
	}
	m, err := a.app.SetRole(c.UserContext(), by, fleet.UserID(id), fleet.Role(body.Role))
	if err != nil {
		return err
	}
	return render(c, member(m))
}

// RemoveMember answers DELETE /v1/members/{id}: a member, or an invitation.
func (a *API) RemoveMember(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "memberId", "Member")
	if err != nil {
		return err
	}
	err = a.app.RevokeInvitation(c.UserContext(), by, id)
	if err == nil {
		return render(c, api.Done{Message: "Invitation revoked successfully"})
	}
	if fleet.CodeOf(err) == fleet.CodeNotFound {
		err = a.app.RemoveMember(c.UserContext(), by, fleet.UserID(id))
	}
	if err != nil {
		return err
	}
	return render(c, api.Done{Message: "Member removed successfully"})
}

func memberEntry(e app.MemberEntry) api.Member {
	if e.Invitation != nil {
		return invited(*e.Invitation)
	}
	return member(*e.Member)
}

func member(m fleet.Member) api.Member {
	return api.Member{
		ID: string(m.User.ID), State: "active", Email: m.User.Email, Name: &m.User.Name, Role: string(m.Role),
		JoinedAt: api.At(m.JoinedAt), LastSeenAt: api.At(m.SeenAt),
	}
}

func invited(i fleet.Invitation) api.Member {
	return api.Member{
		ID: i.ID, State: "invited", Email: i.Email, Role: string(i.Role), InvitedBy: &i.By,
		InvitedAt: api.At(i.CreatedAt), ExpiresAt: api.At(i.ExpiresAt),
	}
}
