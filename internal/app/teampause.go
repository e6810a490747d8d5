package app

import (
	"context"
	"errors"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// A team's pause shuts the gate of all its agents at once. Those that run are
// then taken from running, marked, and given back when the team resumes: the
// first in the call, the others by Tick, so that a large team needs no large
// transaction and a restart in the middle goes on where it was.

const (
	// teamBatch is how many agents one transaction pauses or resumes.
	teamBatch = 100
	// teamBatches bounds what one Tick does.
	teamBatches = 5
)

// TeamState is a team as its members see it.
type TeamState struct {
	fleet.Team
	// Paused are the agents that the team's pause took from running and its
	// resume gives back. Running are those that run: in a paused team they are
	// about to be paused, and are given no tasks.
	Paused, Running int64
}

// Team returns the actor's team.
func (a *App) Team(ctx context.Context, by fleet.Actor) (s TeamState, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return s, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		s, err = teamState(tx, by.TeamID)
		return err
	})
	return s, err
}

func teamState(tx *store.Tx, team fleet.TeamID) (s TeamState, err error) {
	if s.Team, err = tx.Team(team); err != nil {
		return s, err
	}
	s.Paused, s.Running, err = tx.CountTeamPaused(team)
	return s, err
}

// PauseTeam pauses the whole team: from now on no agent is given tasks or can
// be started, and those that run are paused until ResumeTeam.
func (a *App) PauseTeam(ctx context.Context, by fleet.Actor, note string) (TeamState, error) {
	if err := fleet.CheckNote("note", note); err != nil {
		return TeamState{}, err
	}
	return a.turnTeam(ctx, by, "team.pause", func(tx *store.Tx, e *fleet.AuditEntry) error {
		ok, err := tx.SetTeamPause(by.TeamID, &fleet.TeamPause{By: by.Name, Note: note, At: e.At})
		if err != nil || ok {
			return err
		}
		t, err := tx.Team(by.TeamID)
		if err == nil {
			err = fleet.Errorf(fleet.CodeConflict, "%s, since %s", t.Pause, t.Pause.At.Format("2 Jan 15:04 MST"))
		}
		return err
	})
}

// ResumeTeam lets the team work again: exactly the agents that its pause took
// from running, and that nobody paused, ended or disabled since, are resumed.
func (a *App) ResumeTeam(ctx context.Context, by fleet.Actor) (TeamState, error) {
	return a.turnTeam(ctx, by, "team.resume", func(tx *store.Tx, e *fleet.AuditEntry) error {
		ok, err := tx.SetTeamPause(by.TeamID, nil)
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeConflict, "The team is not paused")
		}
		return err
	})
}

// turnTeam pauses or resumes the actor's team and the first of its agents.
func (a *App) turnTeam(ctx context.Context, by fleet.Actor, action string, turn func(tx *store.Tx, e *fleet.AuditEntry) error) (s TeamState, err error) {
	what := act{by: by, need: fleet.ScopeAdmin, action: action}
	if err := a.allowed(what); err != nil {
		return s, a.refused(ctx, what, err)
	}
	now := a.Now()
	err = a.write(ctx, by, func(tx *store.Tx) error {
		e := entry(what, now, "done")
		if err := turn(tx, &e); err != nil {
			return err
		}
		paused, running, err := tx.CountTeamPaused(by.TeamID)
		if err != nil {
			return err
		}
		e.Detail = map[string]any{"paused": paused, "running": running}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: by.TeamID, Type: fleet.EventTeamChanged, At: now})
	})
	if err != nil {
		return s, a.refused(ctx, what, err)
	}
	if err := a.followTeams(ctx, 1); err != nil {
		// The team is turned; Tick goes on with its agents.
		a.log.Warn("team pause goes on later", "team_id", by.TeamID, "error", err)
	}
	return a.Team(ctx, by)
}

// followTeams pauses what runs in paused teams, such as agents whose sign-in
// has finished, and resumes what the pauses of working teams have left.
func (a *App) followTeams(ctx context.Context, batches int) error {
	return errors.Join(
		a.teamBatches(ctx, batches, func(tx *store.Tx) ([]fleet.Run, error) { return tx.RunningInPause(teamBatch) }, (*change).teamPause),
		a.teamBatches(ctx, batches, func(tx *store.Tx) ([]fleet.Run, error) { return tx.LeftPaused(teamBatch) }, (*change).teamResume),
	)
}

func (a *App) teamBatches(ctx context.Context, batches int, find func(tx *store.Tx) ([]fleet.Run, error), f func(c *change) error) error {
	for range batches {
		var runs []fleet.Run
		err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
			runs, err = find(tx)
			return err
		})
		if err != nil || len(runs) == 0 {
			return err
		}
		err = a.store.Write(ctx, func(tx *store.Tx) error {
			// Somebody may have been faster: look again.
			if runs, err = find(tx); err != nil {
				return err
			}
			for _, run := range runs {
				if err := a.follow(tx, run, f); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, run := range runs {
			a.wakeRunner(run.AgentID)
			a.hub.Notify(inboxKey(run.AgentID))
		}
	}
	return nil
}

func (a *App) follow(tx *store.Tx, run fleet.Run, f func(c *change) error) error {
	row, err := tx.Agent(run.TeamID, run.AgentID)
	if err != nil {
		return err
	}
	c := &change{tx: tx, by: fleet.System(run.TeamID, "team pause"), now: a.Now(), agent: row}
	c.kind, c.known = a.kinds[row.Kind]
	c.audit = entry(act{by: c.by, id: run.AgentID}, c.now, "done")
	c.detail("team", true)
	if err := f(c); err != nil {
		return err
	}
	return tx.AddAudit(c.audit)
}

func (c *change) teamPause() error {
	c.audit.Action, c.audit.Note = string(fleet.MovePause), c.agent.TeamPause.Note
	c.agent.TeamPaused = true
	return c.move(fleet.MovePause)
}

func (c *change) teamResume() error {
	c.audit.Action = string(fleet.MoveResume)
	if !c.known {
		return c.stayPaused()
	}
	return c.start(fleet.MoveResume)
}
