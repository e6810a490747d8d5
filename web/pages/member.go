package pages

import (
	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

const (
	membersPath = "/settings/members"
	// membersPage is how many members and invitations one page shows.
	membersPage = 100
)

// Members answers GET /settings/members.
func (p *Pages) Members(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Members", "settings")
	if err != nil {
		return err
	}
	m, err := p.members(c, who)
	if err != nil {
		return err
	}
	m.Shell = shell
	return send(c, views.MembersPage(m))
}

func (p *Pages) members(c *fiber.Ctx, who Viewer) (m views.Members, err error) {
	ctx, cursor := c.UserContext(), query(c, "cursor")
	entries, next, err := p.app.MemberEntries(ctx, who.Actor, app.PageInput{Limit: membersPage, Cursor: cursor})
	if err != nil {
		return m, err
	}
	all, owners, err := p.app.CountMembers(ctx, who.Actor)
	if err != nil {
		return m, err
	}
	for _, e := range entries {
		if e.Member != nil {
			m.Rows = append(m.Rows, p.memberRow(who, *e.Member, owners))
		} else {
			m.Invited = append(m.Invited, p.invitationRow(who, *e.Invitation))
		}
	}
	m.Total, m.WhyNot = all, whyNoAdmin(who, "invite and change members")
	if m.WhyNot == "" {
		m.Invite = &views.InviteForm{Role: string(fleet.RoleOperator), Roles: views.RoleOptions(rolesOf(who))}
	}
	if next != "" {
		m.Pager.NextHref = membersPath + "?cursor=" + next
	}
	if cursor != "" {
		m.Pager.PrevHref = membersPath
	}
	if next != "" || cursor != "" {
		m.Pager.Text = ui.Number(len(entries)) + " shown"
	}
	return m, nil
}

// rolesOf are the roles that the member may give to others.
func rolesOf(who Viewer) (list []fleet.Role) {
	for _, r := range fleet.Roles() {
		if fleet.CheckInvite(who.Member.Role, r) == nil {
			list = append(list, r)
		}
	}
	return list
}

// memberRow is a member with what the viewer may do about them; the rules are
// the same that decide when it is done.
func (p *Pages) memberRow(who Viewer, m fleet.Member, owners int) views.Member {
	row := views.Member{
		ID: string(m.User.ID), Name: m.User.Name, Email: m.User.Email, Role: string(m.Role),
		JoinedAt: m.JoinedAt, SeenAt: m.SeenAt, Now: p.now(who), Self: m.User.ID == who.Member.User.ID,
	}
	if !who.may(fleet.ScopeAdmin) {
		return row
	}
	var may []fleet.Role
	var why error
	for _, to := range fleet.Roles() {
		err := fleet.CheckRoleChange(who.Member.Role, row.Self, m.Role, to, owners)
		if err == nil {
			may = append(may, to)
		} else if to != m.Role {
			why = err
		}
	}
	if len(may) > 1 {
		row.Roles = views.RoleOptions(may)
	} else {
		row.WhyNot = messageOf(why)
	}
	row.CanRemove = fleet.CheckRemove(who.Member.Role, m.Role, owners) == nil
	return row
}

func (p *Pages) membersAgain(c *fiber.Ctx, who Viewer, put func(m *views.Members, f views.Form), fields ...string) {
	remember(c, sent{title: "Members", nav: "settings", fields: fields, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.members(c, who)
		put(&m, f)
		return nil, func(s views.Shell) templ.Component {
			if s.Notice == nil && (m.Invite == nil || m.Invite.Problem == nil) && len(f.Errors) == 0 {
				s.Notice = f.Problem
			}
			m.Shell = s
			return views.MembersPage(m)
		}, err
	}})
}

// RoleForm answers GET /settings/members/{id}/role, as a dialog or a page.
func (p *Pages) RoleForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Members", "settings")
	if err != nil {
		return err
	}
	m, err := p.memberRole(c, who)
	if err != nil {
		return err
	}
	return either(c, views.MemberRoleDialog(m), views.MemberRolePage(shell, m))
}

func (p *Pages) memberRole(c *fiber.Ctx, who Viewer) (m views.MemberRole, err error) {
	_, owners, err := p.app.CountMembers(c.UserContext(), who.Actor)
	if err != nil {
		return m, err
	}
	member, _, err := p.app.Member(c.UserContext(), who.Actor, fleet.UserID(c.Params("memberId")))
	m.Member, m.Role = p.memberRow(who, member, owners), string(member.Role)
	return m, err
}

// SetRole answers POST /settings/members/{id}/role.
func (p *Pages) SetRole(c *fiber.Ctx, who Viewer) error {
	role := field(c, "role")
	remember(c, sent{title: "Members", nav: "settings", fields: []string{"role"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.memberRole(c, who)
		m.Form, m.Role = f, role
		return views.MemberRoleDialog(m), func(s views.Shell) templ.Component { return views.MemberRolePage(s, m) }, err
	}})
	_, err := p.app.SetRole(c.UserContext(), who.Actor, fleet.UserID(c.Params("memberId")), fleet.Role(role))
	return done(c, err, membersPath)
}

// RemoveForm answers GET /settings/members/{id}/remove: what it would do, as a
// dialog or a page. For the viewer it is to leave.
func (p *Pages) RemoveForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Members", "settings")
	if err != nil {
		return err
	}
	m, err := p.memberRemove(c, who)
	if err != nil {
		return err
	}
	return either(c, views.MemberRemoveDialog(m), views.MemberRemovePage(shell, m))
}

func (p *Pages) memberRemove(c *fiber.Ctx, who Viewer) (views.MemberRemove, error) {
	m := views.MemberRemove{Team: who.Member.TeamName, Now: p.now(who)}
	ctx, id := c.UserContext(), fleet.UserID(c.Params("memberId"))
	_, owners, err := p.app.CountMembers(ctx, who.Actor)
	if err != nil {
		return m, err
	}
	member, keys, err := p.app.Member(ctx, who.Actor, id)
	if err != nil {
		return m, err
	}
	m.Member, m.Keys = p.memberRow(who, member, owners), keyRows(keys)
	if m.Member.Self {
		m.Blocked = messageOf(fleet.CheckLeave(member.Role, owners))
	} else {
		m.Blocked = messageOf(fleet.CheckRemove(who.Member.Role, member.Role, owners))
	}
	return m, nil
}

// RemoveMember answers POST /settings/members/{id}/remove.
func (p *Pages) RemoveMember(c *fiber.Ctx, who Viewer) error {
	remember(c, sent{title: "Members", nav: "settings", again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.memberRemove(c, who)
		m.Form = f
		if m.Blocked != "" {
			m.Form.Problem = nil
		}
		return views.MemberRemoveDialog(m), func(s views.Shell) templ.Component { return views.MemberRemovePage(s, m) }, err
	}})
	id := fleet.UserID(c.Params("memberId"))
	err := p.app.RemoveMember(c.UserContext(), who.Actor, id)
	if id == who.Member.User.ID {
		return lead(c, err, "/login?out=1")
	}
	return done(c, err, membersPath)
}
