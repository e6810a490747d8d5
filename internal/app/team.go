package app

import (
	"context"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// FirstRunInput makes the first team and its owner.
type FirstRunInput struct {
	TeamName, Name, Email, Password string
}

// firstRunTTL is how long the printed link works.
const firstRunTTL = 24 * time.Hour

const minPassword, maxPassword = 10, 1000 // characters

// NeedsFirstRun tells whether no team exists yet.
func (a *App) NeedsFirstRun(ctx context.Context) (yes bool, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		n, err := tx.CountTeams()
		yes = n == 0
		return err
	})
	return yes, err
}

// FirstRunToken makes a one-time token for the first-run page; a former one is void.
func (a *App) FirstRunToken(ctx context.Context) (string, error) {
	token := secret.NewToken()
	return token, a.store.Write(ctx, func(tx *store.Tx) error {
		return tx.SetFirstRun(secret.HashToken(token), a.Now().Add(firstRunTTL))
	})
}

// CheckFirstRun returns nil while the token works.
func (a *App) CheckFirstRun(ctx context.Context, token string) error {
	return a.store.Read(ctx, func(tx *store.Tx) error { return a.checkFirstRun(tx, token) })
}

func (a *App) checkFirstRun(tx *store.Tx, token string) error {
	teams, err := tx.CountTeams()
	if err != nil {
		return err
	}
	ok, err := tx.FirstRunValid(secret.HashToken(token), a.Now())
	if err == nil && (!ok || teams > 0) {
		err = fleet.Errorf(fleet.CodeNotFound, "This link was used already or is too old; restart the server for a new one")
	}
	return err
}

// FirstRun makes the first team and its owner, and voids the link.
func (a *App) FirstRun(ctx context.Context, token string, in FirstRunInput) (fleet.Member, error) {
	// A guess must not cost a password's hash.
	if err := a.CheckFirstRun(ctx, token); err != nil {
		return fleet.Member{}, err
	}
	return a.firstTeam(ctx, in, func(tx *store.Tx) error {
		if err := a.checkFirstRun(tx, token); err != nil {
			return err
		}
		return tx.DropFirstRun()
	}, nil)
}

// InitTeam makes the first team, its owner and an API key with every scope;
// it refuses when a team exists.
func (a *App) InitTeam(ctx context.Context, in FirstRunInput) (fleet.TeamID, fleet.UserID, string, error) {
	apiKey := secret.NewAPIKey()
	m, err := a.firstTeam(ctx, in, func(tx *store.Tx) error {
		n, err := tx.CountTeams()
		if err == nil && n > 0 {
			return fleet.Errorf(fleet.CodeConflict, "This data folder has a team already; use the admin commands")
		}
		return err
	}, func(tx *store.Tx, m fleet.Member, now time.Time) error {
		k := fleet.Key{ID: fleet.NewID(now), TeamID: m.TeamID, Name: "init", Prefix: secret.Prefix(apiKey), Scope: fleet.ScopeAdmin, CreatedBy: m.User.Name, CreatorID: string(m.User.ID), CreatedAt: now}
		return tx.InsertKey(k, secret.HashToken(apiKey))
	})
	return m.TeamID, m.User.ID, apiKey, err
}

func (a *App) firstTeam(ctx context.Context, in FirstRunInput, before func(tx *store.Tx) error, after func(tx *store.Tx, m fleet.Member, now time.Time) error) (m fleet.Member, err error) {
	if m.TeamName, err = fleet.CheckName("team", in.TeamName); err != nil {
		return m, err
	}
	if m.User, err = a.newUser(ctx, MemberInput{Email: in.Email, Name: in.Name, Password: in.Password}); err != nil {
		return m, err
	}
	now := a.Now()
	m.TeamID, m.Role = fleet.TeamID(fleet.NewID(now)), fleet.RoleOwner
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		if err := before(tx); err != nil {
			return err
		}
		if err := tx.InsertTeam(fleet.Team{ID: m.TeamID, Name: m.TeamName, CreatedAt: now}); err != nil {
			return err
		}
		if err := a.insertMember(tx, m, now); err != nil || after == nil {
			return err
		}
		return after(tx, m, now)
	})
	return m, err
}

func (a *App) insertMember(tx *store.Tx, m fleet.Member, now time.Time) error {
	if m.User.PasswordHash != "" {
		if err := tx.InsertUser(m.User, now); err != nil {
			return err
		}
	}
	if err := tx.InsertMember(m.TeamID, m.User.ID, m.Role, now); err != nil {
		return err
	}
	e := entry(act{by: fleet.System(m.TeamID, "set-up"), action: "member.add"}, now, "done")
	e.Detail = map[string]any{"userId": m.User.ID, "role": m.Role}
	return tx.AddAudit(e)
}

func (a *App) newUser(ctx context.Context, in MemberInput) (u fleet.User, err error) {
	if u.Email, err = checkEmail(in.Email); err != nil {
		return u, err
	}
	if in.Name == "" {
		in.Name, _, _ = strings.Cut(u.Email, "@")
	}
	if u.Name, err = fleet.CheckName("name", in.Name); err != nil {
		return u, err
	}
	if err := checkPasswordLength("password", in.Password); err != nil {
		return u, err
	}
	u.ID = fleet.UserID(fleet.NewID(a.Now()))
	u.PasswordHash, err = a.passwords.Hash(ctx, in.Password)
	return u, err
}

func checkEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	local, host, ok := strings.Cut(s, "@")
	if !ok || local == "" || host == "" || strings.ContainsAny(s, " ,<>\"") || strings.Contains(host, "@") {
		return s, fleet.Invalid("email", "must be an e-mail address")
	}
	return s, fleet.CheckText("email", s, 3, 254)
}

// OldestTeam is the team that was made first; "" when there is none.
func (a *App) OldestTeam(ctx context.Context) (id fleet.TeamID, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		id, err = tx.OldestTeam()
		return err
	})
	return id, err
}

// AddTeam makes another team; it has no members yet.
func (a *App) AddTeam(ctx context.Context, name string) (t fleet.Team, err error) {
	now := a.Now()
	t = fleet.Team{ID: fleet.TeamID(fleet.NewID(now)), CreatedAt: now}
	if t.Name, err = fleet.CheckName("name", name); err != nil {
		return t, err
	}
	return t, a.store.Write(ctx, func(tx *store.Tx) error { return tx.InsertTeam(t) })
}

// RenameTeam gives the actor's team another name.
func (a *App) RenameTeam(ctx context.Context, by fleet.Actor, name string) (TeamState, error) {
	what := act{by: by, need: fleet.ScopeAdmin, action: "team.rename"}
	if err := a.allowed(what); err != nil {
		return TeamState{}, a.refused(ctx, what, err)
	}
	name, err := fleet.CheckName("name", name)
	if err != nil {
		return TeamState{}, err
	}
	now := a.Now()
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if err := tx.SetTeamName(by.TeamID, name); err != nil {
			return err
		}
		if err := tx.AddAudit(entry(what, now, "done")); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: by.TeamID, Type: fleet.EventTeamChanged, At: now})
	})
	if err != nil {
		return TeamState{}, err
	}
	return a.Team(ctx, by)
}
