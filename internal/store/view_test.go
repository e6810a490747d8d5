package store

import (
	"testing"

	"agentry/internal/fleet"
)

func viewOf(id, name string, owner fleet.UserID, shared bool) fleet.View {
	return fleet.View{ID: id, TeamID: teamA, OwnerID: owner, By: "Ann", Name: name, Query: "status=running", Shared: shared, CreatedAt: t0, UpdatedAt: t0}
}

func viewLooks() map[string]look {
	return map[string]look{
		"Views":      {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.Views(team, "ann", 10); return len(l), err }, "", 3},
		"View":       {func(tx *Tx, team fleet.TeamID) (int, error) { v, err := tx.View(team, "1"); return len(v.Name), err }, fleet.CodeNotFound, 1},
		"CountViews": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountViews(team, "ann") }, "", 2},
		"ViewNamed": {func(tx *Tx, team fleet.TeamID) (int, error) {
			v, ok, err := tx.ViewNamed(team, "ann", "b")
			if !ok {
				return 0, err
			}
			return len(v.ID), err
		}, "", 1},
	}
}

// A member sees the own views and the shared ones, by name; another team none.
// What a member has goes when the member leaves.
func TestAnotherTeamSeesNoView(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		for _, user := range []fleet.UserID{"ann", "bob"} {
			if err := tx.InsertUser(fleet.User{ID: user, Email: string(user) + "@x.example"}, t0); err != nil {
				return err
			}
			if err := tx.InsertMember(teamA, user, fleet.RoleViewer, t0); err != nil {
				return err
			}
		}
		for _, v := range []fleet.View{viewOf("1", "c", "ann", false), viewOf("2", "b", "ann", true), viewOf("3", "a", "", true), viewOf("4", "b", "bob", false)} {
			if err := tx.InsertView(v); err != nil {
				return err
			}
		}
		return nil
	})
	for name, look := range viewLooks() {
		mustRead(t, s, func(tx *Tx) error {
			if n, err := look.see(tx, teamA); n != look.own || err != nil {
				t.Errorf("%s: the own team sees %d, want %d, %v", name, n, look.own, err)
			}
			if n, err := look.see(tx, teamB); n != 0 || fleet.CodeOf(err) != look.code {
				t.Errorf("%s: another team sees %d, %v", name, n, err)
			}
			return nil
		})
	}
	order := func(owner fleet.UserID) (ids string) {
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.Views(teamA, owner, 10)
			for _, v := range list {
				ids += v.ID
			}
			return err
		})
		return ids
	}
	for owner, want := range map[fleet.UserID]string{"ann": "321", "bob": "324", "": "32"} {
		if got := order(owner); got != want {
			t.Errorf("%q sees %s, not %s", owner, got, want)
		}
	}
	mustWrite(t, s, func(tx *Tx) error {
		foreign := viewOf("1", "stolen", "ann", true)
		foreign.TeamID = teamB
		if err := tx.SaveView(foreign); err != nil {
			return err
		}
		return tx.DeleteView(teamB, "1")
	})
	if got := order("ann"); got != "321" {
		t.Errorf("another team changed a view: %s", got)
	}
	mustWrite(t, s, func(tx *Tx) error { return tx.run(`DELETE FROM members WHERE user_id = 'ann'`) })
	if got := order("bob"); got != "34" {
		t.Errorf("ann left, and there are %s", got)
	}
}
