package store

import (
	"testing"
	"time"

	"agentry/internal/fleet"
)

// Writes that take a team leave what is another's alone.
func TestAnotherTeamChangesNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	wealth(t, s, a, "text")
	var task fleet.Task
	set := func(team fleet.TeamID, to fleet.TaskState, want bool) {
		t.Helper()
		mustWrite(t, s, func(tx *Tx) (err error) {
			if task, err = tx.Task(teamA, a.ID, "task "+string(a.ID)); err != nil {
				return err
			}
			ok, err := tx.SetTaskState(team, task, to, "", t0, t0.Add(time.Minute))
			if err != nil || ok != want {
				t.Errorf("%s sets %s: %v, %v", team, to, ok, err)
			}
			if task, err = tx.Task(teamA, a.ID, task.ID); want != (task.State == to) {
				t.Errorf("%s sets %s: %+v", team, to, task)
			}
			return err
		})
	}
	set(teamB, fleet.TaskClaimed, false)
	set(teamA, fleet.TaskClaimed, true)
	if !task.ClaimedAt.Equal(t0.Add(time.Minute)) {
		t.Errorf("claimed at %s", task.ClaimedAt)
	}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.ReleaseClaims(teamB, a.ID, t0); err != nil {
			return err
		}
		n, err := tx.DeleteOpenTasks(teamB, a.ID)
		if task, _ := tx.Task(teamA, a.ID, task.ID); n != 0 || task.State != fleet.TaskClaimed {
			t.Errorf("another team deleted %d, left %+v", n, task)
		}
		return err
	})
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.ReleaseClaims(teamA, a.ID, t0); err != nil {
			return err
		}
		task, err := tx.Task(teamA, a.ID, task.ID)
		if task.State != fleet.TaskPending || !task.ClaimedAt.Equal(t0.Add(time.Minute)) {
			t.Errorf("released: %+v", task)
		}
		return err
	})
	mustWrite(t, s, func(tx *Tx) error {
		n, err := tx.DeleteOpenTasks(teamA, a.ID)
		if n != 1 {
			t.Errorf("deleted %d", n)
		}
		return err
	})
}
