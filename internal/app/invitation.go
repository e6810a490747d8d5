package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// InviteInput says who is invited, and as what.
type InviteInput struct {
	Email string
	Role  fleet.Role
}

// Invite makes an invitation and the token of its link, which is returned once
// and never again. A former open invitation of the same address is void: that
// is how one gets a new link; only an owner replaces an owner's. The answer does
// not depend on whether the address has an account.
func (a *App) Invite(ctx context.Context, by fleet.Actor, in InviteInput) (i fleet.Invitation, token string, err error) {
	now := a.Now()
	token = secret.NewToken()
	i = fleet.Invitation{
		ID: a.store.NewID(now), TeamID: by.TeamID, Role: in.Role, By: by.Name, ByKind: by.Kind, ByID: by.ID,
		CreatedAt: now, ExpiresAt: now.Add(fleet.InvitationTTL),
	}
	err = a.onMembers(ctx, act{by: by, need: fleet.ScopeAdmin, action: "member.invite"}, func(tx *store.Tx, own fleet.Role, e *fleet.AuditEntry) error {
		if i.Email, err = checkEmail(in.Email); err != nil {
			return err
		}
		if err := fleet.CheckInvite(own, in.Role); err != nil {
			return err
		}
		if err := notYetMember(tx, by.TeamID, i.Email); err != nil {
			return err
		}
		team, err := tx.Team(by.TeamID)
		if err != nil {
			return err
		}
		i.TeamName = team.Name
		e.Detail = map[string]any{"invitationId": i.ID, "role": i.Role}
		if err := replaceInvitation(tx, own, i); err != nil {
			return err
		}
		open, err := tx.CountOpenInvitations(i.TeamID, now)
		if err == nil && open >= fleet.MaxInvitations {
			err = fleet.Errorf(fleet.CodeConflict, "%d invitations are open, which is the most: revoke one, or wait until one is accepted or too old", open)
		}
		if err != nil {
			return err
		}
		return tx.InsertInvitation(i, secret.HashToken(token))
	})
	if err != nil {
		return fleet.Invitation{}, "", err
	}
	return i, token, nil
}

// replaceInvitation voids the open invitation of the same address, where there
// is one and the role may.
func replaceInvitation(tx *store.Tx, own fleet.Role, i fleet.Invitation) error {
	former, ok, err := tx.InvitationOf(i.TeamID, i.Email)
	if err != nil || !ok {
		return err
	}
	if err := fleet.CheckInvite(own, former.Role); err != nil {
		return err
	}
	return tx.RevokeInvitationOf(i.TeamID, i.Email, i.CreatedAt)
}

func notYetMember(tx *store.Tx, team fleet.TeamID, email string) error {
	u, known, err := tx.UserByEmail(email)
	if err != nil || !known {
		return err
	}
	_, member, err := tx.Member(team, u.ID)
	if err == nil && member {
		err = fleet.Invalid("email", "is a member already")
	}
	return err
}

// RenewInvitation makes a new link for one of the team's open invitations, by
// its id; the former link is void.
func (a *App) RenewInvitation(ctx context.Context, by fleet.Actor, id string) (fleet.Invitation, string, error) {
	var i fleet.Invitation
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return i, "", a.refused(ctx, act{by: by, action: "member.invite"}, err)
	}
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		i, err = openInvitation(tx, by.TeamID, id)
		return err
	})
	if err != nil {
		return i, "", err
	}
	return a.Invite(ctx, by, InviteInput{Email: i.Email, Role: i.Role})
}

// RevokeInvitation voids one of the team's open invitations.
func (a *App) RevokeInvitation(ctx context.Context, by fleet.Actor, id string) error {
	return a.onMembers(ctx, act{by: by, need: fleet.ScopeAdmin, action: "member.uninvite"}, func(tx *store.Tx, own fleet.Role, e *fleet.AuditEntry) error {
		i, err := openInvitation(tx, by.TeamID, id)
		if err != nil {
			return err
		}
		if err := fleet.CheckInvite(own, i.Role); err != nil {
			return err
		}
		e.Detail = map[string]any{"invitationId": id, "role": i.Role}
		_, err = tx.RevokeInvitation(by.TeamID, id, e.At)
		return err
	})
}

func openInvitation(tx *store.Tx, team fleet.TeamID, id string) (fleet.Invitation, error) {
	i, ok, err := tx.Invitation(team, id)
	if err == nil && !ok {
		err = fleet.Errorf(fleet.CodeNotFound, "Invitation not found")
	}
	return i, err
}

// Invitation returns the invitation of a link that can be accepted now.
func (a *App) Invitation(ctx context.Context, token string) (i fleet.Invitation, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		i, err = a.invitationOf(tx, token)
		return err
	})
	return i, err
}

func (a *App) invitationOf(tx *store.Tx, token string) (fleet.Invitation, error) {
	i, ok, err := tx.InvitationByToken(secret.HashToken(token))
	if err != nil {
		return i, err
	}
	if !ok {
		return i, fleet.ErrNoInvitation()
	}
	inviter, err := a.roleOf(tx, fleet.Actor{Kind: i.ByKind, ID: i.ByID, TeamID: i.TeamID})
	if err != nil {
		return i, err
	}
	return i, i.Check(a.Now(), inviter)
}

// JoinInput says who accepts an invitation.
type JoinInput struct {
	// User is the person who is signed in; "" is nobody.
	User fleet.UserID
	// New: a person without an account, who gets one with the Name and
	// Password. Else Password is that of the account that the address has.
	New            bool
	Name, Password string
}

// Join accepts the invitation of a link for the address that it was made for.
// The link works once. Who gave a password comes back with its hash.
func (a *App) Join(ctx context.Context, token string, in JoinInput) (fleet.Member, error) {
	// A guess must not cost a password's hash.
	i, err := a.Invitation(ctx, token)
	if err != nil {
		return fleet.Member{}, a.refusedJoin(ctx, i, fleet.User{}, err)
	}
	u, known, err := a.joiner(ctx, i, in)
	if err != nil {
		return fleet.Member{}, a.refusedJoin(ctx, i, u, err)
	}
	m := fleet.Member{TeamID: i.TeamID, TeamName: i.TeamName, User: u, Role: i.Role, JoinedAt: a.Now()}
	err = a.store.Write(ctx, func(tx *store.Tx) error { return a.join(tx, token, m, known) })
	if err != nil {
		return fleet.Member{}, a.refusedJoin(ctx, i, u, err)
	}
	if in.User != "" {
		m.User.PasswordHash = "" // nobody asked for it
	}
	return m, nil
}

// join makes somebody a member in a transaction: that is where of two who have
// the link one is too late.
func (a *App) join(tx *store.Tx, token string, m fleet.Member, known bool) error {
	i, err := a.invitationOf(tx, token)
	if err != nil {
		return err
	}
	if !known {
		if err := tx.InsertUser(m.User, m.JoinedAt); err != nil {
			return err
		}
	}
	_, already, err := tx.Member(i.TeamID, m.User.ID)
	if err == nil && already {
		err = fleet.Errorf(fleet.CodeConflict, "You are a member of this team already")
	}
	if err != nil {
		return err
	}
	if err := tx.InsertMember(i.TeamID, m.User.ID, i.Role, m.JoinedAt); err != nil {
		return err
	}
	if _, err := tx.AcceptInvitation(i.TeamID, i.ID, m.JoinedAt); err != nil {
		return err
	}
	e := joinEntry(i, m.User, m.JoinedAt, "done")
	if err := tx.AddAudit(e); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: i.TeamID, Type: fleet.EventMemberChanged, At: m.JoinedAt})
}

// joiner is the person who accepts, with a hash of the password where they are
// new.
func (a *App) joiner(ctx context.Context, i fleet.Invitation, in JoinInput) (u fleet.User, known bool, err error) {
	var places []fleet.Member
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if in.User != "" {
			u, known, err = tx.User(in.User)
			return err
		}
		if u, known, err = tx.UserByEmail(i.Email); err != nil || !known {
			return err
		}
		places, err = tx.Memberships(u.ID)
		return err
	})
	switch {
	case err != nil:
		return u, known, err
	case in.User != "" && u.Email != i.Email:
		return u, known, fleet.Errorf(fleet.CodeForbidden, "This invitation is for %s, and you are signed in as %s", i.Email, u.Email)
	case in.User != "":
		return u, known, nil
	case !known && in.New:
		u, err = a.newUser(ctx, MemberInput{Email: i.Email, Name: in.Name, Password: in.Password})
		return u, false, err
	}
	return u, known, a.checkPassword(ctx, i.Email, in.Password, u, places)
}

// refusedJoin records that an invitation was refused, in the team's audit. A
// wrong password is in the audit of the person's own teams instead: the team
// must not learn whether the address has an account.
func (a *App) refusedJoin(ctx context.Context, i fleet.Invitation, u fleet.User, cause error) error {
	code := fleet.CodeOf(cause)
	if i.ID == "" || code != fleet.CodeForbidden && code != fleet.CodeConflict && code != fleet.CodeNotFound {
		return cause
	}
	return errors.Join(cause, a.store.Write(ctx, func(tx *store.Tx) error {
		return addAudit(tx, joinEntry(i, u, a.Now(), string(code)))
	}))
}

func joinEntry(i fleet.Invitation, u fleet.User, now time.Time, outcome string) fleet.AuditEntry {
	e := entry(act{by: fleet.Actor{Kind: fleet.ActorMember, ID: string(u.ID), Name: u.Name, TeamID: i.TeamID}, action: "member.join"}, now, outcome)
	e.Detail = map[string]any{"invitationId": i.ID, "role": i.Role}
	return e
}
