package app

import (
	"context"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// MemberInput makes a person a member; a person who exists keeps the password.
type MemberInput struct {
	Email, Name, Password string
	Role                  fleet.Role
}

// MemberEntry is a row of who is in the team or invited to it: one of the two.
type MemberEntry struct {
	Member     *fleet.Member
	Invitation *fleet.Invitation
}

// memberCursor is where a list of entries goes on: behind a member, or behind
// an invitation once the members are through.
type memberCursor struct {
	Member     string `json:"m,omitempty"`
	Invitation string `json:"i,omitempty"`
	Invited    bool   `json:"o,omitempty"`
}

// MemberEntries returns a page of the team's members and, behind them, of the
// open invitations, each in the order of their ids. Who is no admin sees neither
// the invitations nor the e-mail addresses of others.
func (a *App) MemberEntries(ctx context.Context, by fleet.Actor, p PageInput) (list []MemberEntry, next string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, "", err
	}
	at, err := openCursor[memberCursor](p.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := clampLimit(p.Limit, standardPage, maxPage)
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = memberEntries(tx, by, at, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		last := memberCursor{}
		if m := list[limit-1].Member; m != nil {
			last.Member = string(m.User.ID)
		} else {
			last.Invited, last.Invitation = true, list[limit-1].Invitation.ID
		}
		next = sealCursor(last)
	}
	return list, next, err
}

func memberEntries(tx *store.Tx, by fleet.Actor, at memberCursor, limit int) (list []MemberEntry, err error) {
	admin := by.May(fleet.ScopeAdmin) == nil
	if !at.Invited {
		members, err := tx.Members(by.TeamID, at.Member, limit)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if !admin && !isSelf(by, m.User.ID) {
				m.User.Email = ""
			}
			list = append(list, MemberEntry{Member: &m})
		}
	}
	if len(list) >= limit || !admin {
		return list, nil
	}
	invitations, err := tx.Invitations(by.TeamID, at.Invitation, limit-len(list))
	for _, i := range invitations {
		list = append(list, MemberEntry{Invitation: &i})
	}
	return list, err
}

// MemberEntry returns one of the team's members, or the open invitation that has
// the id.
func (a *App) MemberEntry(ctx context.Context, by fleet.Actor, id string) (e MemberEntry, err error) {
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return e, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		i, ok, err := tx.Invitation(by.TeamID, id)
		if err != nil || ok {
			e.Invitation = &i
			return err
		}
		m, err := memberOf(tx, by.TeamID, fleet.UserID(id))
		e.Member = &m
		return err
	})
	return e, err
}

// CountMembers counts the team's members, and the owners among them.
func (a *App) CountMembers(ctx context.Context, by fleet.Actor) (all, owners int, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return 0, 0, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		all, owners, err = tx.CountMembers(by.TeamID)
		return err
	})
	return all, owners, err
}

// Member returns one of the team's members, for admins and for the member, with
// the API keys that they made and that work: keys belong to the team and stay
// when their maker goes.
func (a *App) Member(ctx context.Context, by fleet.Actor, user fleet.UserID) (m fleet.Member, keys []fleet.Key, err error) {
	need := fleet.ScopeAdmin
	if isSelf(by, user) {
		need = fleet.ScopeRead
	}
	if err := by.May(need); err != nil {
		return m, nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if m, err = memberOf(tx, by.TeamID, user); err != nil {
			return err
		}
		keys, err = tx.LiveKeysBy(by.TeamID, user, a.Now())
		return err
	})
	return m, keys, err
}

func memberOf(tx *store.Tx, team fleet.TeamID, user fleet.UserID) (fleet.Member, error) {
	m, ok, err := tx.Member(team, user)
	if err == nil && !ok {
		err = fleet.Errorf(fleet.CodeNotFound, "Member not found")
	}
	return m, err
}

// roleOf is how much the actor counts among the members now, whatever it was
// when the request came in. A key counts as an admin at most.
func (a *App) roleOf(tx *store.Tx, by fleet.Actor) (fleet.Role, error) {
	switch by.Kind {
	case fleet.ActorSystem:
		return fleet.RoleOwner, nil
	case fleet.ActorKey:
		scope, _, err := tx.LiveKey(by.TeamID, by.ID, a.Now())
		return scope.Role(), err
	case fleet.ActorMember:
		m, _, err := tx.Member(by.TeamID, fleet.UserID(by.ID))
		return m.Role, err
	}
	return "", nil
}

// onMembers runs f in a transaction with its audit entry and the event that
// makes streams ask again whether they may go on. role is the actor's. What is
// refused is recorded too.
func (a *App) onMembers(ctx context.Context, what act, f func(tx *store.Tx, role fleet.Role, e *fleet.AuditEntry) error) error {
	if err := a.allowed(what); err != nil {
		return a.refused(ctx, what, err)
	}
	now := a.Now()
	err := a.write(ctx, what.by, func(tx *store.Tx) error {
		role, err := a.roleOf(tx, what.by)
		if err != nil {
			return err
		}
		e := entry(what, now, "done")
		if err := f(tx, role, &e); err != nil {
			return err
		}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: what.by.TeamID, Type: fleet.EventMemberChanged, At: now})
	})
	if err != nil {
		return a.refused(ctx, what, err)
	}
	return nil
}

// SetRole gives a member another role. The member's sessions in the team end,
// so that no page goes on with the former right.
func (a *App) SetRole(ctx context.Context, by fleet.Actor, user fleet.UserID, role fleet.Role) (m fleet.Member, err error) {
	err = a.onMembers(ctx, act{by: by, need: fleet.ScopeAdmin, action: "member.role"}, func(tx *store.Tx, own fleet.Role, e *fleet.AuditEntry) error {
		var owners int
		if m, owners, err = target(tx, by, user); err != nil {
			return err
		}
		if err := fleet.CheckRoleChange(own, isSelf(by, user), m.Role, role, owners); err != nil {
			return err
		}
		e.Detail = map[string]any{"userId": user, "was": m.Role, "role": role}
		if m.Role == role {
			return nil
		}
		m.Role = role
		if _, err := tx.SetRole(by.TeamID, user, role); err != nil {
			return err
		}
		_, err = tx.DropMemberSessions(by.TeamID, user)
		return err
	})
	return m, err
}

// RemoveMember takes a member out of the team; the sessions there end. The API
// keys that the member made stay: they belong to the team.
func (a *App) RemoveMember(ctx context.Context, by fleet.Actor, user fleet.UserID) error {
	if isSelf(by, user) {
		return a.Leave(ctx, by)
	}
	return a.onMembers(ctx, act{by: by, need: fleet.ScopeAdmin, action: "member.remove"}, func(tx *store.Tx, own fleet.Role, e *fleet.AuditEntry) error {
		m, owners, err := target(tx, by, user)
		if err != nil {
			return err
		}
		if err := fleet.CheckRemove(own, m.Role, owners); err != nil {
			return err
		}
		e.Detail = map[string]any{"userId": user, "role": m.Role}
		return dropMember(tx, by.TeamID, user)
	})
}

// Leave takes the actor out of the team.
func (a *App) Leave(ctx context.Context, by fleet.Actor) error {
	what := act{by: by, need: fleet.ScopeRead, action: "member.leave"}
	return a.onMembers(ctx, what, func(tx *store.Tx, own fleet.Role, e *fleet.AuditEntry) error {
		if by.Kind != fleet.ActorMember {
			return fleet.Errorf(fleet.CodeForbidden, "Only a member can leave a team")
		}
		m, owners, err := target(tx, by, fleet.UserID(by.ID))
		if err != nil {
			return err
		}
		if err := fleet.CheckLeave(m.Role, owners); err != nil {
			return err
		}
		e.Detail = map[string]any{"userId": m.User.ID, "role": m.Role}
		return dropMember(tx, by.TeamID, m.User.ID)
	})
}

// target is the member that an act is about, and how many owners the team has.
func target(tx *store.Tx, by fleet.Actor, user fleet.UserID) (m fleet.Member, owners int, err error) {
	if m, err = memberOf(tx, by.TeamID, user); err != nil {
		return m, 0, err
	}
	_, owners, err = tx.CountMembers(by.TeamID)
	return m, owners, err
}

func dropMember(tx *store.Tx, team fleet.TeamID, user fleet.UserID) error {
	if err := tx.LeaveViews(team, user); err != nil {
		return err
	}
	if _, err := tx.DeleteMember(team, user); err != nil {
		return err
	}
	_, err := tx.DropMemberSessions(team, user)
	return err
}

func isSelf(by fleet.Actor, user fleet.UserID) bool {
	return by.Kind == fleet.ActorMember && by.ID == string(user)
}

// AddMember gives a person a role in a team, for the person who has the data
// folder. Who does not exist yet is made, with the password.
func (a *App) AddMember(ctx context.Context, team fleet.TeamID, in MemberInput) (fleet.UserID, error) {
	if err := fleet.CheckInvite(fleet.RoleOwner, in.Role); err != nil {
		return "", err
	}
	email, err := checkEmail(in.Email)
	if err != nil {
		return "", err
	}
	m := fleet.Member{TeamID: team, Role: in.Role}
	var known bool
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Team(team); err != nil {
			return err
		}
		m.User, known, err = tx.UserByEmail(email)
		return err
	})
	if err != nil {
		return "", err
	}
	if m.User.PasswordHash = ""; !known {
		if m.User, err = a.newUser(ctx, in); err != nil {
			return "", err
		}
	}
	now := a.Now()
	return m.User.ID, a.store.Write(ctx, func(tx *store.Tx) error {
		if err := a.insertMember(tx, m, now); err != nil {
			return err
		}
		// An invitation would not be needed any more.
		if err := tx.RevokeInvitationOf(team, email, now); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: team, Type: fleet.EventMemberChanged, At: now})
	})
}
