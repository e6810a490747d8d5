package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Members is /settings/members: who is in the team, and who is invited.
type Members struct {
	Shell Shell
	// Total counts the members; Rows are those of this page.
	Total   int
	Rows    []Member
	Invited []Invitation
	Pager   ui.Pager
	// Invite is nil for who may not invite, and WhyNot then says so.
	Invite *InviteForm
	WhyNot string
}

// Member is one member as they are listed.
type Member struct {
	ID, Name, Email, Role string
	JoinedAt, SeenAt, Now time.Time
	Self                  bool
	// Roles are those that the viewer may give; none is that they cannot change
	// it. WhyNot says why, "" says nothing.
	Roles     []ui.Option
	CanRemove bool
	WhyNot    string
}

// Invitation is one open invitation as it is listed.
type Invitation struct {
	ID, Email, Role, By       string
	CreatedAt, ExpiresAt, Now time.Time
	Expired                   bool
	// CanManage: the viewer may make a new link for it and revoke it.
	CanManage bool
}

// InviteForm invites somebody: POST /settings/members/invite with email and
// role.
type InviteForm struct {
	Form
	Email, Role string
	Roles       []ui.Option
	// Link is the one that was just made for Made, shown this once; "" is none.
	Link string
	Made Invitation
}

// MemberRemove asks before a member is taken out of the team, or leaves it:
// POST /settings/members/{id}/remove.
type MemberRemove struct {
	Form
	// Page: it stands alone, not in a dialog; the page sets it.
	Page   bool
	Member Member
	Team   string
	// Keys are the API keys that the member made and that work.
	Keys []Key
	// Blocked says why it cannot be done; "" is that it can.
	Blocked string
	Now     time.Time
}

func (m MemberRemove) alone() MemberRemove {
	m.Page = true
	return m
}

func (m MemberRemove) title() string {
	if m.Member.Self {
		return "Leave " + m.Team + "?"
	}
	return "Remove " + m.Member.Name + "?"
}

// MemberRole asks for a member's new role: POST /settings/members/{id}/role.
type MemberRole struct {
	Form
	// Page: it stands alone, not in a dialog; the page sets it.
	Page   bool
	Member Member
	// Role is the one that was chosen.
	Role string
}

func (m MemberRole) alone() MemberRole {
	m.Page = true
	return m
}

// roleText says what a role may do.
func roleText(role string) string {
	switch fleet.Role(role) {
	case fleet.RoleViewer:
		return "sees everything, changes nothing"
	case fleet.RoleOperator:
		return "sets up and runs agents"
	case fleet.RoleAdmin:
		return "and deletes agents, manages the team"
	case fleet.RoleOwner:
		return "and makes other owners"
	}
	return ""
}

func roleTone(role string) ui.Tone {
	if role == string(fleet.RoleOwner) {
		return ui.Info
	}
	return ui.Mute
}

// RoleOptions are the choices of a select, each with what it may do.
func RoleOptions(roles []fleet.Role) (list []ui.Option) {
	for _, r := range roles {
		list = append(list, ui.Option{Value: string(r), Label: string(r) + ": " + roleText(string(r))})
	}
	return list
}
