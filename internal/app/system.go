package app

import (
	"context"
	"runtime"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// System returns what the whole server is like. It is the host's business, not
// a team's: an owner of the server's first team sees it, and a key of that team
// with the scope admin. Nobody else learns how many agents other teams have.
func (a *App) System(ctx context.Context, by fleet.Actor) (s fleet.SystemState, err error) {
	host, err := a.Hosts(ctx, by)
	if err == nil && !host {
		err = fleet.Errorf(fleet.CodeForbidden, "Only an owner of the first team of this server sees how the whole server is")
	}
	if err != nil {
		return s, err
	}
	if s, err = a.store.System(ctx); err != nil {
		return s, err
	}
	s.Version, s.Go, s.StartedAt = a.version, runtime.Version(), a.started
	s.Vendors, err = a.Vendors(ctx, by)
	return s, err
}

// Hosts tells whether the actor stands for the whole server; see System.
func (a *App) Hosts(ctx context.Context, by fleet.Actor) (yes bool, err error) {
	if by.May(fleet.ScopeAdmin) != nil {
		return false, nil
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		first, err := tx.OldestTeam()
		if err != nil || first != by.TeamID {
			return err
		}
		if by.Kind != fleet.ActorMember {
			yes = by.Kind == fleet.ActorKey
			return nil
		}
		m, ok, err := tx.Member(by.TeamID, fleet.UserID(by.ID))
		yes = ok && m.Role == fleet.RoleOwner
		return err
	})
	return yes, err
}
