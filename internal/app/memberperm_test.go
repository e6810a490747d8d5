package app_test

import (
	"context"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// membering are the use-cases about who is in the team. The actor's place is
// looked up when something changes, so they are made members first.
func membering() map[string]useCase {
	invite := func(b *bench, email string) string {
		i, _, err := b.Invite(context.Background(), fleet.System(b.team, "test"), app.InviteInput{Email: email, Role: fleet.RoleViewer})
		b.ok(err)
		return i.ID
	}
	return map[string]useCase{
		"MemberEntries": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(b.admin)
			invite(b, "jo@example.com")
			list, _, err := b.MemberEntries(ctx, by, app.PageInput{})
			if err == nil && by.TeamID == b.team && (len(list) == 2) != (by.May(fleet.ScopeAdmin) == nil) {
				b.t.Errorf("team %s sees %d", by.TeamID, len(list))
			}
			return err
		}},
		"CountMembers": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(b.admin)
			n, _, err := b.CountMembers(ctx, by)
			if err == nil && (n == 1) != (by.TeamID == b.team) {
				b.t.Errorf("team %s counts %d", by.TeamID, n)
			}
			return err
		}},
		"Member": {admin, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(b.operator)
			_, _, err := b.Member(ctx, by, fleet.UserID("user target"))
			if by.TeamID == b.team && fleet.CodeOf(err) == fleet.CodeNotFound {
				return nil
			}
			return err
		}},
		"MemberEntry": {admin, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(b.operator)
			e, err := b.MemberEntry(ctx, by, b.operator.ID)
			if err == nil && (e.Member == nil || string(e.Member.User.ID) != b.operator.ID) {
				b.t.Errorf("asked for %s, got %+v", b.operator.ID, e)
			}
			return err
		}},
		"SetRole": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(by)
			return second(b.SetRole(ctx, by, b.person("target"), fleet.RoleViewer))
		}},
		"RemoveMember": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(by)
			return b.RemoveMember(ctx, by, b.person("target"))
		}},
		"Invite": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(by)
			i, _, err := b.Invite(ctx, by, app.InviteInput{Email: "jo@example.com", Role: fleet.RoleViewer})
			if err == nil && i.TeamID != by.TeamID {
				b.t.Error("an invitation to another team")
			}
			return err
		}},
		"RenewInvitation": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(by)
			_, _, err := b.RenewInvitation(ctx, by, invite(b, "jo@example.com"))
			return err
		}},
		"RevokeInvitation": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.enrol(by)
			return b.RevokeInvitation(ctx, by, invite(b, "jo@example.com"))
		}},
		"RenameTeam": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			s, err := b.RenameTeam(ctx, by, "Another")
			if err == nil && s.ID != by.TeamID {
				b.t.Error("another team is renamed")
			}
			return err
		}},
	}
}

// enrol makes an actor of the bench a member with the role that their scope
// stands for; who has no name is nobody.
func (b *bench) enrol(by fleet.Actor) {
	b.t.Helper()
	if by.ID == "" {
		return
	}
	b.join(by.TeamID, fleet.UserID(by.ID), by.Scope.Role())
}

// person is a member of our team, an operator.
func (b *bench) person(name string) fleet.UserID {
	b.t.Helper()
	id := fleet.UserID("user " + name)
	b.join(b.team, id, fleet.RoleOperator)
	return id
}

// join makes somebody a member, again with another role.
func (b *bench) join(team fleet.TeamID, id fleet.UserID, role fleet.Role) {
	b.t.Helper()
	b.ok(b.store.Write(context.Background(), func(tx *store.Tx) error {
		if _, known, err := tx.User(id); err != nil || !known {
			if err != nil {
				return err
			}
			if err := tx.InsertUser(fleet.User{ID: id, Email: string(id) + "@example.com", Name: string(id), PasswordHash: "none"}, b.Now()); err != nil {
				return err
			}
		}
		if ok, err := tx.SetRole(team, id, role); ok || err != nil {
			return err
		}
		return tx.InsertMember(team, id, role, b.Now())
	}))
}
