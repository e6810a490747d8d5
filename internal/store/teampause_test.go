package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// Automatic resumes of a paused team do not stand in the way of another's.
func TestDueResumesLeavePausedTeamsOut(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, b := newAgent(teamA, "x"), newAgent(teamB, "y")
	insert(t, s, a, b)
	due := func() (teams []fleet.TeamID) {
		mustRead(t, s, func(tx *Tx) error {
			runs, err := tx.DueResumes(t0, 10)
			for _, r := range runs {
				teams = append(teams, r.TeamID)
			}
			return err
		})
		return teams
	}
	mustWrite(t, s, func(tx *Tx) error {
		for i, agent := range []fleet.Agent{a, b} {
			agent.ResumeAt = t0.Add(time.Duration(i-2) * time.Hour)
			if _, err := tx.MoveStatus(agent, fleet.Paused, t0); err != nil {
				return err
			}
		}
		return nil
	})
	if got := due(); !slices.Equal(got, []fleet.TeamID{teamA, teamB}) {
		t.Error(got)
	}
	set := func(team fleet.TeamID, p *fleet.TeamPause, want bool) {
		mustWrite(t, s, func(tx *Tx) error {
			if ok, err := tx.SetTeamPause(team, p); ok != want || err != nil {
				t.Errorf("%s: %v, %v", team, ok, err)
			}
			return nil
		})
	}
	set(teamA, &fleet.TeamPause{By: "Ann", Note: "n", At: t0}, true)
	set(teamA, &fleet.TeamPause{By: "Bob", Note: "m", At: t0}, false)
	if got := due(); !slices.Equal(got, []fleet.TeamID{teamB}) {
		t.Error(got)
	}
	mustRead(t, s, func(tx *Tx) error {
		row, err := tx.Agent(teamA, a.ID)
		other, err2 := tx.Agents(teamB, AgentFilter{}, AgentOrder{}, nil, 1)
		if p := row.TeamPause; p == nil || *p != (fleet.TeamPause{By: "Ann", Note: "n", At: t0}) || other[0].TeamPause != nil {
			t.Errorf("%+v, %+v", row.TeamPause, other)
		}
		return errors.Join(err, err2)
	})
	set(teamA, nil, true)
	set(teamA, nil, false)
	if got := due(); len(got) != 2 {
		t.Error(got)
	}
}
