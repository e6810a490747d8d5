package store

import (
	"fmt"
	"testing"

	"agentry/internal/fleet"
)

// teamAlert is an alert of a team alone.
func teamAlert(id, subType string, state fleet.AlertState) fleet.Alert {
	return fleet.Alert{ID: id, Type: "vendor", SubType: subType, Message: "m", Severity: fleet.SeverityError, State: state, Count: 1, CreatedAt: t0, UpdatedAt: t0}
}

// What concerns a team and no agent is an alert of that team alone.
func TestTeamAlerts(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	wealth(t, s, a, "text")
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertAlert(teamA, teamAlert("1", "stopped", fleet.AlertOpen)); err != nil {
			return err
		}
		return tx.InsertAlert(teamB, teamAlert("2", "stopped", fleet.AlertOpen))
	})
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertAlert(teamA, teamAlert("3", "stopped", fleet.AlertOpen)) }); err == nil {
		t.Error("one team has the same alert twice")
	}
	mustWrite(t, s, func(tx *Tx) error {
		al, ok, err := tx.NewestAlert(teamA, "", "vendor", "stopped")
		if al.ID != "1" || al.AgentID != "" || al.AgentName != "" || !ok || err != nil {
			t.Errorf("%+v, %v", al, err)
		}
		if _, ok, err := tx.NewestAlert(teamA, a.ID, "vendor", "stopped"); ok || err != nil {
			t.Error("an agent has the team's alert", err)
		}
		if _, ok, err := tx.NewestAlert(teamA, "", "auth", "rejected"); ok || err != nil {
			t.Error("the team has an agent's alert", err)
		}
		if list, err := tx.LiveAlertsOf(teamB, "", "vendor", ""); len(list) != 1 || list[0].ID != "2" || err != nil {
			t.Errorf("%+v, %v", list, err)
		}
		list, err := tx.TeamAlerts(teamA, AlertFilter{State: fleet.AlertOpen}, "", 10)
		if len(list) != 2 || list[0].AgentName != "x" || list[1].ID != "1" || err != nil {
			t.Errorf("%+v, %v", list, err)
		}
		if n, err := tx.CountOpenAlerts(teamA); n != 2 || err != nil {
			t.Error(n, err)
		}
		if n, _, err := tx.CountAgents(teamA, AgentFilter{OpenAlerts: true}); n != 1 || err != nil {
			t.Error("agents with open alerts:", n, err)
		}
		if _, err := tx.Alert(teamB, "1"); fleet.CodeOf(err) != fleet.CodeNotFound {
			t.Error("another team sees it", err)
		}
		al.State = fleet.AlertResolved
		if err := tx.SaveAlert(teamB, al); err != nil {
			return err
		}
		if kept, err := tx.Alert(teamA, "1"); kept.State != fleet.AlertOpen || err != nil {
			t.Error("another team changed it", err)
		}
		if err := tx.SaveAlert(teamA, al); err != nil {
			return err
		}
		if row, err := tx.Agent(teamA, a.ID); row.OpenAlerts != 1 || err != nil {
			t.Errorf("the agent has %d open alerts, %v", row.OpenAlerts, err)
		}
		// A resolved one is no obstacle.
		return tx.InsertAlert(teamA, teamAlert("4", "stopped", fleet.AlertOpen))
	})
}

func TestResolvedTeamAlertsAreBounded(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	wealth(t, s, a, "text")
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertAlert(teamB, teamAlert("theirs", "x", fleet.AlertResolved)); err != nil {
			return err
		}
		for i := range MaxAlerts + 5 {
			al := teamAlert(fmt.Sprintf("%04d", i), "x", fleet.AlertResolved)
			if i == 0 {
				al.State = fleet.AlertOpen
			}
			if err := tx.InsertAlert(teamA, al); err != nil {
				return err
			}
		}
		kept, err := column(tx, `SELECT id FROM alerts WHERE agent_id IS NULL ORDER BY id`)
		if len(kept) != MaxAlerts+2 || kept[0] != "0000" || kept[1] != "0005" || kept[MaxAlerts+1] != "theirs" {
			t.Errorf("%d kept: %v", len(kept), kept)
		}
		if list, err := tx.AgentAlerts(teamA, a.ID, "", 10); len(list) != 1 || err != nil {
			t.Error("an agent's alert went too", err)
		}
		return err
	})
}
