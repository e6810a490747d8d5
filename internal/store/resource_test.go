package store

import (
	"testing"
	"time"

	"agentry/internal/fleet"
)

func resourceOf(a fleet.Agent, id string) fleet.Resource {
	return fleet.Resource{
		ID: id, TeamID: a.TeamID, AgentID: a.ID, Incarnation: 1, Type: fleet.ResourceProfile, Vendor: "gologin",
		State: fleet.ResourceWanted, Label: "GoLogin", CreatedAt: t0, StateAt: t0, UpdatedAt: t0,
	}
}

// resourceLooks is looksOf for the ledger.
func resourceLooks(a fleet.Agent) map[string]look {
	return map[string]look{
		"Resource": {func(tx *Tx, team fleet.TeamID) (int, error) {
			r, err := tx.Resource(team, "resource "+string(a.ID))
			return r.Incarnation, err
		}, fleet.CodeNotFound, 1},
		"AgentResources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AgentResources(team, a.ID, 10)
			return len(l), err
		}, "", 1},
		"NamedResources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, more, err := tx.NamedResources(team, a.ID)
			return len(l) + more, err
		}, "", 1},
		"LiveResources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.LiveResources(team, a.ID)
			return len(l), err
		}, "", 1},
		"ResourcesInTransit": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.ResourcesInTransit(team, []fleet.AgentID{a.ID})
			return len(l[a.ID]), err
		}, "", 1},
		"Resources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Resources(team, ResourceFilter{AgentID: a.ID}, "", 10)
			return len(l), err
		}, "", 1},
		"TotalResources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, err := tx.TotalResources(team, ResourceFilter{AgentID: a.ID})
			return int(n), err
		}, "", 1},
		"CountResources": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, _, err := tx.CountResources(team)
			return n[fleet.ResourceWanted], err
		}, "", 1},
	}
}

func TestAResourceIsKeptWhole(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	r := resourceOf(newAgent(teamA, "A"), "r")
	r.Country, r.ProxyID, r.Session = "GB", "p", "s"
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertResource(r) })
	r.State, r.ExternalID, r.Tries, r.NextTry, r.LastError = fleet.ResourceLeaked, "ext", 3, t0.Add(time.Hour), "no"
	r.Forgotten = &fleet.Forgotten{By: "Ann", Reason: "gone by hand", At: t0}
	r.AskedAt = t0.Add(time.Second)
	r.StateAt, r.HeldAt, r.ReleasedAt, r.UpdatedAt = t0.Add(time.Minute), t0.Add(2*time.Minute), t0.Add(3*time.Minute), t0.Add(4*time.Minute)
	mustWrite(t, s, func(tx *Tx) error {
		if ok, err := tx.SaveResource(r, 7); ok || err != nil {
			t.Errorf("saved over another turn: %v, %v", ok, err)
		}
		r.Turn = 1
		ok, err := tx.SaveResource(r, 0)
		if !ok {
			t.Error("not saved")
		}
		return err
	})
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Resource(teamA, "r")
		if got.Forgotten == nil || *got.Forgotten != *r.Forgotten {
			t.Errorf("forgotten is %+v", got.Forgotten)
		}
		got.Forgotten, r.Forgotten = nil, nil
		if got != r {
			t.Errorf("got  %+v\nwant %+v", got, r)
		}
		return err
	})
}

func TestAnotherTeamChangesNoResource(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	r := resourceOf(newAgent(teamA, "A"), "r")
	mustWrite(t, s, func(tx *Tx) error {
		foreign := r
		foreign.TeamID, foreign.State = teamB, fleet.ResourceReleased
		if err := tx.InsertResource(r); err != nil {
			return err
		}
		if ok, err := tx.SaveResource(foreign, 0); ok || err != nil {
			t.Errorf("another team saved: %v, %v", ok, err)
		}
		return tx.NoteExternal(teamB, "r", "theirs")
	})
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Resource(teamA, "r")
		if got != r {
			t.Errorf("another team changed it to %+v", got)
		}
		return err
	})
}

// plansOfLedger are for TestPlansOfWhatRunsOften: what is open is looked at,
// not all that was ever released.
func plansOfLedger() (plans map[string]func(tx *Tx) error, index map[string]string) {
	return map[string]func(tx *Tx) error{
			"DueResources":       func(tx *Tx) error { _, err := tx.DueResources(t0, t0, 10); return err },
			"OpenResources":      func(tx *Tx) error { _, err := tx.OpenResources("x", 10); return err },
			"LiveResources":      func(tx *Tx) error { _, err := tx.LiveResources(teamA, "a"); return err },
			"ResourcesInTransit": func(tx *Tx) error { _, err := tx.ResourcesInTransit(teamA, make([]fleet.AgentID, 50)); return err },
			"Resources":          func(tx *Tx) error { _, err := tx.Resources(teamA, ResourceFilter{}, "x", 10); return err },
			"Stuck resources":    func(tx *Tx) error { _, err := tx.Resources(teamA, ResourceFilter{Stuck: true}, "", 10); return err },
			"Calm resources": func(tx *Tx) error {
				_, err := tx.Resources(teamA, ResourceFilter{States: []fleet.ResourceState{fleet.ResourceReleasing}, Calm: true}, "", 10)
				return err
			},
			"Forgotten":      func(tx *Tx) error { _, err := tx.Resources(teamA, ResourceFilter{Forgotten: true}, "", 10); return err },
			"TotalResources": func(tx *Tx) error { _, err := tx.TotalResources(teamA, ResourceFilter{}); return err },
			"NamedResources": func(tx *Tx) error { _, _, err := tx.NamedResources(teamA, "a"); return err },
			"Held resources": func(tx *Tx) error {
				_, err := tx.Resources(teamA, ResourceFilter{States: []fleet.ResourceState{fleet.ResourceHeld}}, "", 10)
				return err
			},
		}, map[string]string{
			"DueResources": "resources_due", "OpenResources": "resources_open", "LiveResources": "resources_agent",
			"ResourcesInTransit": "resources_transit", "Resources": "resources_team", "Stuck resources": "resources_stuck",
			"Held resources": "resources_state", "TotalResources": "resources_state", "NamedResources": "resources_agent", "Calm resources": "resources_state", "Forgotten": "resources_state",
		}
}
