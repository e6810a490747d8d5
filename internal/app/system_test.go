package app_test

import (
	"testing"

	"agentry/internal/fleet"
)

// Only who stands for the whole server learns of it: no other team's owner, no
// admin, no smaller key.
func TestWhoSeesTheSystem(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.create("rehearsal")
	// Both teams are as old here; the id decides.
	home, away := b.admin, b.stranger
	if first := b.column(`SELECT id FROM teams ORDER BY created_at, id`)[0]; first != string(home.TeamID) {
		home, away = away, home
	}
	owner, admin := b.member(home, fleet.RoleOwner), b.member(home, fleet.RoleAdmin)
	key := fleet.Actor{Kind: fleet.ActorKey, ID: "k", TeamID: home.TeamID, Scope: fleet.ScopeAdmin}
	foreignKey, smallKey := key, key
	foreignKey.TeamID, smallKey.Scope = away.TeamID, fleet.ScopeDelete
	for what, by := range map[string]fleet.Actor{
		"another team's owner": b.member(away, fleet.RoleOwner), "an admin": admin, "another team's key": foreignKey, "a smaller key": smallKey, "nobody": {},
	} {
		if yes, err := b.Hosts(t.Context(), by); yes || err != nil {
			t.Errorf("%s hosts: %t %v", what, yes, err)
		}
		_, err := b.System(t.Context(), by)
		wantErr(t, what, err, fleet.CodeForbidden, "")
	}
	for what, by := range map[string]fleet.Actor{"the owner": owner, "the key": key} {
		s, err := b.System(t.Context(), by)
		if err != nil || s.Agents != 1 || s.Teams != 2 || s.Pace.Commits == 0 || !s.StartedAt.Equal(t0) {
			t.Errorf("%s: %+v %v", what, s, err)
		}
	}
}
