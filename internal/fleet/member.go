package fleet

import (
	"slices"
	"time"
)

// Roles returns the roles, smallest first.
func Roles() []Role { return []Role{RoleViewer, RoleOperator, RoleAdmin, RoleOwner} }

// above tells whether r is greater than other.
func (r Role) above(other Role) bool {
	return slices.Index(Roles(), r) > slices.Index(Roles(), other)
}

// manages tells whether somebody with the role may give other, or change who
// has it: admins all but owners, owners everybody.
func (r Role) manages(other Role) bool {
	return other.Valid() && (r == RoleOwner || r == RoleAdmin && other != RoleOwner)
}

// Role is how much the holder of an API key counts among the members.
func (s Scope) Role() Role {
	switch s {
	case ScopeRead:
		return RoleViewer
	case ScopeOperate, ScopeDelete:
		return RoleOperator
	case ScopeAdmin:
		return RoleAdmin
	}
	return ""
}

// User is a person.
type User struct {
	ID           UserID
	Email        string
	Name         string
	PasswordHash string
}

// Member is a user's place in a team.
type Member struct {
	TeamID   TeamID
	TeamName string
	User     User
	Role     Role
	JoinedAt time.Time
	// SeenAt is when the member last used this team, by the minute; zero is
	// never.
	SeenAt time.Time
}

// LastUsed is the place that the person used last, the first where none was.
func LastUsed(places []Member) (m Member) {
	for i, p := range places {
		if i == 0 || p.SeenAt.After(m.SeenAt) {
			m = p
		}
	}
	return m
}

// CheckInvite tells whether somebody of role by may invite somebody as role.
func CheckInvite(by, role Role) error {
	if !role.Valid() {
		return errRole()
	}
	return manages(by, role)
}

// CheckRoleChange tells whether somebody of role by may change a member's role.
// self is that the member is the same person, owners how many the team has.
func CheckRoleChange(by Role, self bool, from, to Role, owners int) error {
	if !to.Valid() {
		return errRole()
	}
	if self && to.above(from) {
		return Errorf(CodeForbidden, "Nobody can raise their own role: ask an owner")
	}
	if err := manages(by, from); err != nil {
		return err
	}
	if err := manages(by, to); err != nil {
		return err
	}
	if to == RoleOwner {
		return nil
	}
	return leavesAnOwner(from, owners)
}

// CheckRemove tells whether somebody of role by may take a member of another
// role out of the team, which has so many owners.
func CheckRemove(by, role Role, owners int) error {
	if err := manages(by, role); err != nil {
		return err
	}
	return leavesAnOwner(role, owners)
}

// CheckLeave tells whether a member may leave the team, which has so many
// owners.
func CheckLeave(role Role, owners int) error { return leavesAnOwner(role, owners) }

func leavesAnOwner(role Role, owners int) error {
	if role == RoleOwner && owners <= 1 {
		return Errorf(CodeConflict, "A team needs an owner, and this is the last one: make somebody else an owner first")
	}
	return nil
}

func manages(by, role Role) error {
	switch {
	case by.manages(role):
		return nil
	case by == RoleAdmin:
		return Errorf(CodeForbidden, "Only an owner can make or change an owner")
	}
	return Errorf(CodeForbidden, "Only admins and owners can change who is in the team")
}

func errRole() error { return Invalid("role", "must be viewer, operator, admin or owner") }
