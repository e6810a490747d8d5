package app

import (
	"context"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// KeyInput describes an API key; a zero ExpiresAt is never.
type KeyInput struct {
	Name      string
	Scope     fleet.Scope
	ExpiresAt time.Time
}

// CheckAPIKey refuses a text that cannot be an API key, by its form and
// checksum, without touching the database.
func CheckAPIKey(apiKey string) error { return secret.CheckAPIKey(apiKey) }

// ActorForKey says who a well-formed API key is.
func (a *App) ActorForKey(ctx context.Context, apiKey string) (by fleet.Actor, k fleet.Key, team fleet.Team, err error) {
	now := a.Now()
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		var ok bool
		if k, ok, err = tx.KeyByHash(secret.HashToken(apiKey)); err != nil {
			return err
		}
		if !ok || !k.RevokedAt.IsZero() || k.Expired(now) {
			return fleet.Errorf(fleet.CodeUnauthorized, "The API key is not valid: unknown, revoked or expired")
		}
		team, err = tx.Team(k.TeamID)
		return err
	})
	if k.ExpiredAt.IsZero() && k.Expired(now) {
		if err := a.store.Write(ctx, func(tx *store.Tx) error { return tx.MarkExpiredKeys(now) }); err != nil {
			a.log.Debug("expired keys not marked", "error", err)
		}
	}
	if err != nil {
		return by, k, team, err
	}
	by = fleet.Actor{Kind: fleet.ActorKey, ID: k.ID, Name: k.Name, TeamID: k.TeamID, Scope: k.Scope}
	if now.Sub(k.LastUsedAt).Abs() >= time.Minute {
		// Reading must work while nothing can be written; the time is a courtesy.
		if err := a.store.Write(ctx, func(tx *store.Tx) error { return tx.TouchKey(k.ID, now.Truncate(time.Minute)) }); err != nil {
			a.log.Debug("key use not recorded", "key_id", k.ID, "error", err)
		}
	}
	return by, k, team, nil
}

// Keys lists the team's API keys, newest first.
func (a *App) Keys(ctx context.Context, by fleet.Actor) (list []fleet.Key, err error) {
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.Keys(by.TeamID)
		return err
	})
	return list, err
}

// Key returns one of the team's API keys.
func (a *App) Key(ctx context.Context, by fleet.Actor, id string) (k fleet.Key, err error) {
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return k, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		var ok bool
		if k, ok, err = tx.Key(by.TeamID, id); err == nil && !ok {
			err = errKeyNotFound()
		}
		return err
	})
	return k, err
}

func errKeyNotFound() error { return fleet.Errorf(fleet.CodeNotFound, "API key not found") }

// CreateKey makes an API key, which is returned once and never again.
func (a *App) CreateKey(ctx context.Context, by fleet.Actor, in KeyInput) (fleet.Key, string, error) {
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return fleet.Key{}, "", a.refused(ctx, act{by: by, action: "key.create"}, err)
	}
	return a.addKey(ctx, by, in)
}

// AddKey is CreateKey for the person who has the data folder.
func (a *App) AddKey(ctx context.Context, team fleet.TeamID, in KeyInput) (fleet.Key, string, error) {
	err := a.store.Read(ctx, func(tx *store.Tx) error {
		_, err := tx.Team(team)
		return err
	})
	if err != nil {
		return fleet.Key{}, "", err
	}
	return a.addKey(ctx, fleet.System(team, "admin command"), in)
}

func (a *App) addKey(ctx context.Context, by fleet.Actor, in KeyInput) (k fleet.Key, apiKey string, err error) {
	now := a.Now()
	if in.Name, err = fleet.CheckName("name", in.Name); err != nil {
		return k, "", err
	}
	if !in.Scope.Valid() {
		return k, "", fleet.Invalid("scope", "must be read, operate, delete or admin")
	}
	if !in.ExpiresAt.IsZero() && !in.ExpiresAt.After(now) {
		return k, "", fleet.Invalid("expiresAt", "must be in the future")
	}
	apiKey = secret.NewAPIKey()
	k = fleet.Key{ID: a.store.NewID(now), TeamID: by.TeamID, Name: in.Name, Prefix: secret.Prefix(apiKey), Scope: in.Scope, CreatedBy: by.Name, CreatorID: by.ID, CreatedAt: now, ExpiresAt: in.ExpiresAt.UTC()}
	if in.ExpiresAt.IsZero() {
		k.ExpiresAt = time.Time{}
	}
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if err := tx.InsertKey(k, secret.HashToken(apiKey)); err != nil {
			return err
		}
		return keyAudit(tx, by, "key.create", k.ID, now)
	})
	return k, apiKey, err
}

// RevokeKey voids an API key at once.
func (a *App) RevokeKey(ctx context.Context, by fleet.Actor, id string) error {
	if err := by.May(fleet.ScopeAdmin); err != nil {
		return a.refused(ctx, act{by: by, action: "key.revoke"}, err)
	}
	now := a.Now()
	return a.write(ctx, by, func(tx *store.Tx) error {
		ok, err := tx.RevokeKey(by.TeamID, id, now)
		if err == nil && !ok {
			err = errKeyNotFound()
		}
		if err != nil {
			return err
		}
		return keyAudit(tx, by, "key.revoke", id, now)
	})
}

func keyAudit(tx *store.Tx, by fleet.Actor, action, keyID string, now time.Time) error {
	e := entry(act{by: by, action: action}, now, "done")
	e.Detail = map[string]any{"keyId": keyID}
	if err := tx.AddAudit(e); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: by.TeamID, Type: fleet.EventKeyChanged, At: now})
}
