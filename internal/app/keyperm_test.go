package app_test

import (
	"context"
	"slices"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func keying() map[string]useCase {
	return map[string]useCase{
		"Keys": {admin, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, err := b.Keys(ctx, by)
			if slices.ContainsFunc(list, func(k fleet.Key) bool { return k.TeamID != by.TeamID }) {
				b.t.Error("another team lists keys")
			}
			return err
		}},
		"CreateKey": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			k, _, err := b.CreateKey(ctx, by, app.KeyInput{Name: "k", Scope: fleet.ScopeRead})
			if err == nil && k.TeamID != by.TeamID {
				b.t.Error("a key for another team")
			}
			return err
		}},
		"Key": {admin, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			k, _, err := b.AddKey(ctx, b.team, app.KeyInput{Name: "k", Scope: fleet.ScopeRead})
			b.ok(err)
			got, err := b.Key(ctx, by, k.ID)
			if err == nil && got.ID != k.ID {
				b.t.Errorf("asked for key %s, got %+v", k.ID, got)
			}
			return err
		}},
		"RevokeKey": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			k, _, err := b.AddKey(ctx, b.team, app.KeyInput{Name: "k", Scope: fleet.ScopeRead})
			b.ok(err)
			return b.RevokeKey(ctx, by, k.ID)
		}},
	}
}
