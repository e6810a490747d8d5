package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Rename gives the member another name, in all their teams.
func (a *App) Rename(ctx context.Context, by fleet.Actor, name string) error {
	if by.Kind != fleet.ActorMember {
		return fleet.Errorf(fleet.CodeForbidden, "Only a member has a name of their own")
	}
	name, err := fleet.CheckName("name", name)
	if err != nil {
		return err
	}
	user, now := fleet.UserID(by.ID), a.Now()
	return a.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetUserName(user, name); err != nil {
			return err
		}
		return tellTeamsOf(tx, user, act{by: by, action: "member.rename"}, nil, now, fleet.EventMemberChanged)
	})
}

// ChangePassword replaces the member's password and ends all their sessions:
// the caller signs in again, as the person that is returned.
func (a *App) ChangePassword(ctx context.Context, by fleet.Actor, current, next string) (u fleet.User, err error) {
	if by.Kind != fleet.ActorMember {
		return u, fleet.Errorf(fleet.CodeForbidden, "Only a member has a password")
	}
	if err := checkPasswordLength("password", next); err != nil {
		return u, err
	}
	var places []fleet.Member
	err = a.store.Read(ctx, func(tx *store.Tx) (err error) {
		if u, _, err = tx.User(fleet.UserID(by.ID)); err != nil {
			return err
		}
		places, err = tx.Memberships(u.ID)
		return err
	})
	if err != nil {
		return u, err
	}
	if err := a.guess(ctx, u.Email, current, u); err != nil {
		if fleet.CodeOf(err) == fleet.CodeUnauthorized {
			err = errors.Join(fleet.Invalid("current", "is not your password"), a.auditPlaces(ctx, u, places, "password.change", string(fleet.CodeUnauthorized)))
		}
		return u, err
	}
	u.PasswordHash, err = a.setPassword(ctx, by, u, next, "password.change")
	return u, err
}

// SetPassword replaces a forgotten password, for the person who has the data
// folder, and ends all sessions of the person.
func (a *App) SetPassword(ctx context.Context, email, password string) (id fleet.UserID, err error) {
	if email, err = checkEmail(email); err != nil {
		return "", err
	}
	if err := checkPasswordLength("password", password); err != nil {
		return "", err
	}
	var u fleet.User
	var known bool
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		u, known, err = tx.UserByEmail(email)
		return err
	})
	if err == nil && !known {
		err = fleet.Errorf(fleet.CodeNotFound, "Nobody has this e-mail address")
	}
	if err != nil {
		return "", err
	}
	_, err = a.setPassword(ctx, fleet.System("", "admin command"), u, password, "password.set")
	return u.ID, err
}

// setPassword returns the new hash.
func (a *App) setPassword(ctx context.Context, by fleet.Actor, u fleet.User, password, action string) (string, error) {
	hash, err := a.passwords.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	now := a.Now()
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		ok, err := tx.SetPassword(u.ID, u.PasswordHash, hash)
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeConflict, "The password was changed meanwhile")
		}
		if err != nil {
			return err
		}
		ended, err := tx.DropSessions(u.ID, "")
		if err != nil {
			return err
		}
		by.ID = cmp.Or(by.ID, string(u.ID))
		e := act{by: by, action: action}
		return tellTeamsOf(tx, u.ID, e, map[string]any{"userId": u.ID, "sessions": len(ended)}, now, fleet.EventSessionChanged)
	})
	if err == nil {
		a.guesses.forget(u.Email)
	}
	return hash, err
}

func checkPasswordLength(field, password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return fleet.Invalid(field, "must have %d to %d characters", minPassword, maxPassword)
	}
	return nil
}

// guess tells whether the password is the person's; who is unknown costs the
// same time. Too many guesses on one address are refused for a while.
func (a *App) guess(ctx context.Context, email, password string, u fleet.User) (err error) {
	if !a.guesses.admit(email, a.clock.elapsed()) {
		return fleet.Errorf(fleet.CodeRateLimited, "Too many wrong passwords for this address; try again in %d minutes", int(guessWindow.Minutes())).Later(guessWindow)
	}
	ok := false
	if u.PasswordHash != "" {
		ok, err = a.passwords.Verify(ctx, u.PasswordHash, password)
	} else {
		err = a.passwords.VerifyNobody(ctx, password)
	}
	if err == nil && !ok {
		err = errSignIn()
	}
	if err == nil {
		a.guesses.forget(email)
	}
	return err
}

// checkPassword is guess with the refusal in the audit of the person's teams.
func (a *App) checkPassword(ctx context.Context, email, password string, u fleet.User, places []fleet.Member) error {
	err := a.guess(ctx, email, password, u)
	if fleet.CodeOf(err) == fleet.CodeUnauthorized {
		err = errors.Join(err, a.auditSignIn(ctx, u, places, string(fleet.CodeUnauthorized)))
	}
	return err
}

// tellTeamsOf records what was done to a person's account in each team of
// theirs, and lets the teams hear of it.
func tellTeamsOf(tx *store.Tx, user fleet.UserID, what act, detail map[string]any, now time.Time, event string) error {
	places, err := tx.Memberships(user)
	if err != nil {
		return err
	}
	for _, m := range places {
		what.by.TeamID = m.TeamID
		e := entry(what, now, "done")
		e.Detail = detail
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		if err := tx.AddEvent(fleet.Event{TeamID: m.TeamID, Type: event, At: now}); err != nil {
			return err
		}
	}
	return nil
}

// RevokeOtherSessions ends all sessions of the member but the one with the id,
// and says how many there were.
func (a *App) RevokeOtherSessions(ctx context.Context, by fleet.Actor, keep string) (n int, err error) {
	if by.Kind != fleet.ActorMember {
		return 0, fleet.Errorf(fleet.CodeForbidden, "Only a member has sessions")
	}
	now := a.Now()
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		teams, err := tx.DropSessions(fleet.UserID(by.ID), keep)
		if n = len(teams); err != nil {
			return err
		}
		slices.Sort(teams)
		for _, team := range slices.Compact(teams) {
			if err := sessionEnded(tx, fleet.Session{TeamID: team, UserID: fleet.UserID(by.ID)}, "session.revoke", now); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// SwitchTeam is the member's place in another team of theirs. The caller gives
// the browser a session there in place of the one that it has. Which teams there are is
// nobody's business: a team without the member is as unknown as none.
func (a *App) SwitchTeam(ctx context.Context, by fleet.Actor, team fleet.TeamID) (m fleet.Member, err error) {
	what := act{by: by, action: "session.switch"}
	if by.Kind != fleet.ActorMember {
		return m, fleet.Errorf(fleet.CodeForbidden, "Only a member can switch teams")
	}
	now := a.Now()
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		var ok bool
		if m, ok, err = tx.Member(team, fleet.UserID(by.ID)); err == nil && !ok {
			err = fleet.Errorf(fleet.CodeForbidden, "You are not a member of that team")
		}
		if err != nil {
			return err
		}
		return addAudit(tx, sessionEntry(team, m.User, "session.switch", now, "done"))
	})
	if err != nil {
		return m, a.refused(ctx, what, err)
	}
	return m, nil
}

// PlaceAt is the member's place in the team that has the agent, the certificate
// of a deleted one, or the bulk, with the id; ok is false when it is in none of
// theirs, or nowhere.
func (a *App) PlaceAt(ctx context.Context, by fleet.Actor, id string) (m fleet.Member, ok bool, err error) {
	if by.Kind != fleet.ActorMember {
		return m, false, nil
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		m, ok, err = tx.PlaceAt(fleet.UserID(by.ID), id)
		return err
	})
	return m, ok, err
}
