package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// SignIn checks an e-mail and password, and returns the person with the hash
// that was checked. Unknown and wrong have one answer and cost the same time;
// too many guesses on one address are refused for a while.
func (a *App) SignIn(ctx context.Context, email, password string) (u fleet.User, places []fleet.Member, err error) {
	email, err = checkEmail(email)
	if err != nil {
		return u, nil, errSignIn()
	}
	var known bool
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if u, known, err = tx.UserByEmail(email); err != nil || !known {
			return err
		}
		places, err = tx.Memberships(u.ID)
		return err
	})
	if err != nil {
		return u, nil, err
	}
	if err := a.checkPassword(ctx, email, password, u, places); err != nil {
		return fleet.User{}, nil, err
	}
	if len(places) == 0 {
		return fleet.User{}, nil, errSignIn()
	}
	for i := range places {
		places[i].User = u
	}
	return u, places, a.auditSignIn(ctx, u, places, "done")
}

// auditSignIn records a try in every team of the person; who is unknown has none.
func (a *App) auditSignIn(ctx context.Context, u fleet.User, places []fleet.Member, outcome string) error {
	return a.auditPlaces(ctx, u, places, "session.sign_in", outcome)
}

func (a *App) auditPlaces(ctx context.Context, u fleet.User, places []fleet.Member, action, outcome string) error {
	if len(places) == 0 {
		return nil
	}
	now := a.Now()
	return a.store.Write(ctx, func(tx *store.Tx) error {
		for _, m := range places {
			if err := addAudit(tx, sessionEntry(m.TeamID, u, action, now, outcome)); err != nil {
				return err
			}
		}
		return nil
	})
}

func sessionEntry(team fleet.TeamID, u fleet.User, action string, now time.Time, outcome string) fleet.AuditEntry {
	by := fleet.Actor{Kind: fleet.ActorMember, ID: string(u.ID), Name: u.Name, TeamID: team}
	return entry(act{by: by, action: action}, now, outcome)
}

// sessionEnded records that a session was ended and lets its streams know.
func sessionEnded(tx *store.Tx, s fleet.Session, action string, now time.Time) error {
	m, ok, err := tx.Member(s.TeamID, s.UserID)
	if err != nil || !ok {
		return err
	}
	if err := tx.AddAudit(sessionEntry(s.TeamID, m.User, action, now, "done")); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: s.TeamID, Type: fleet.EventSessionChanged, At: now})
}

func errSignIn() *fleet.Error {
	return fleet.Errorf(fleet.CodeUnauthorized, "E-mail or password is wrong")
}

// Memberships returns the member's places in their teams, by name; who is no
// member has none.
func (a *App) Memberships(ctx context.Context, by fleet.Actor) (list []fleet.Member, err error) {
	if by.Kind != fleet.ActorMember {
		return nil, nil
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.Memberships(fleet.UserID(by.ID))
		return err
	})
	return list, err
}

// SaveSession gives a person a session under a new secret token for the time
// to live, and returns the token. It asks in the same transaction that they are
// a member of the session's team, and that either the password's hash is still
// the one that they proved to know, or the former token is that of a live
// session of theirs: what was changed or taken away while a password was being
// checked counts. The former session ends.
func (a *App) SaveSession(ctx context.Context, former string, s fleet.Session, ttl time.Duration) (string, error) {
	now := a.Now()
	token := secret.NewToken()
	s.ID, s.CreatedAt, s.SeenAt, s.ExpiresAt = a.store.NewID(now), now, now, now.Add(ttl)
	if s.Data == nil {
		s.Data = []byte{}
	}
	var m fleet.Member
	err := a.store.Write(ctx, func(tx *store.Tx) (err error) {
		if m, err = sessionGround(tx, former, s, now); err != nil {
			return err
		}
		if err := dropSession(tx, former, now); err != nil {
			return err
		}
		return errors.Join(tx.SaveSession(secret.HashToken(token), s), tx.TouchMember(s.TeamID, s.UserID, now))
	})
	if fleet.CodeOf(err) == fleet.CodeUnauthorized && m.TeamID != "" {
		err = errors.Join(err, a.auditSignIn(ctx, m.User, []fleet.Member{m}, string(fleet.CodeUnauthorized)))
	}
	return token, err
}

// sessionGround is the member that may have the session, or why not. Of who is
// refused for the password the member is known.
func sessionGround(tx *store.Tx, former string, s fleet.Session, now time.Time) (m fleet.Member, err error) {
	m, member, err := tx.Member(s.TeamID, s.UserID)
	if err != nil {
		return m, err
	}
	if s.Proof == "" {
		was, err := sessionOf(tx, former, now)
		if err == nil && (!member || was.UserID != s.UserID) {
			err = errSession()
		}
		return fleet.Member{}, err
	}
	u, _, err := tx.User(s.UserID)
	if err == nil && (!member || u.PasswordHash != s.Proof) {
		err = errSignIn()
	}
	return m, err
}

// dropSession ends the session with the token, where there is a live one.
func dropSession(tx *store.Tx, token string, now time.Time) error {
	s, err := sessionOf(tx, token, now)
	if fleet.CodeOf(err) == fleet.CodeUnauthorized {
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.DropSessionToken(secret.HashToken(token)); err != nil {
		return err
	}
	return sessionEnded(tx, s, "session.sign_out", now)
}

// sessionOf returns the live session of a token. An expired one comes with the
// error.
func sessionOf(tx *store.Tx, token string, now time.Time) (fleet.Session, error) {
	s, ok, err := tx.SessionByToken(secret.HashToken(token))
	if err == nil && (!ok || !now.Before(s.ExpiresAt)) {
		err = errSession()
	}
	return s, err
}

// buryExpired ends for good a session that was seen expired: a clock that goes
// back later must not bring it back. It returns the cause.
func (a *App) buryExpired(ctx context.Context, s fleet.Session, now time.Time, cause error) error {
	if cause == nil || s.ID == "" || now.Before(s.ExpiresAt) {
		return cause
	}
	if err := a.store.Write(ctx, func(tx *store.Tx) error { return tx.DropExpiredSessions(now) }); err != nil {
		a.log.Debug("expired sessions not dropped", "error", err)
	}
	return cause
}

func errSession() *fleet.Error { return fleet.Errorf(fleet.CodeUnauthorized, "Please sign in") }

// seenEvery is how precisely a session's last use is kept.
const seenEvery = time.Minute

// ActorForSession says who a session's token is, by the role the person has now.
func (a *App) ActorForSession(ctx context.Context, token string) (by fleet.Actor, m fleet.Member, s fleet.Session, err error) {
	now := a.Now()
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if s, err = sessionOf(tx, token, now); err != nil {
			return err
		}
		if s.UserID == "" {
			return errSession()
		}
		var ok bool
		if m, ok, err = tx.Member(s.TeamID, s.UserID); err == nil && !ok {
			err = errSession()
		}
		return err
	})
	if err != nil {
		return by, m, s, a.buryExpired(ctx, s, now, err)
	}
	if now.Sub(s.SeenAt).Abs() >= seenEvery {
		if err := a.store.Write(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.TouchSession(s.ID, now), tx.TouchMember(s.TeamID, s.UserID, now))
		}); err != nil {
			a.log.Debug("session use not recorded", "error", err)
		}
	}
	by = fleet.Actor{Kind: fleet.ActorMember, ID: string(m.User.ID), Name: m.User.Name, TeamID: m.TeamID, Scope: m.Role.Scope()}
	return by, m, s, nil
}

// DropSession ends the session with the token.
func (a *App) DropSession(ctx context.Context, token string) error {
	now := a.Now()
	return a.store.Write(ctx, func(tx *store.Tx) error { return dropSession(tx, token, now) })
}

// Sessions returns the member's own live sessions, newest first.
func (a *App) Sessions(ctx context.Context, by fleet.Actor) (list []fleet.Session, err error) {
	if by.Kind != fleet.ActorMember {
		return nil, fleet.Errorf(fleet.CodeForbidden, "Only a member has sessions")
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.UserSessions(fleet.UserID(by.ID), a.Now())
		return err
	})
	return list, err
}

// RevokeSession ends one of the member's own sessions.
func (a *App) RevokeSession(ctx context.Context, by fleet.Actor, id string) error {
	if by.Kind != fleet.ActorMember {
		return fleet.Errorf(fleet.CodeForbidden, "Only a member has sessions")
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		team, ok, err := tx.DropSession(fleet.UserID(by.ID), id)
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeNotFound, "Session not found")
		}
		if err != nil {
			return err
		}
		return sessionEnded(tx, fleet.Session{TeamID: team, UserID: fleet.UserID(by.ID)}, "session.revoke", a.Now())
	})
}
