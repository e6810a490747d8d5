package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// signInLimit is how long a sign-in may say nothing.
	signInLimit = 10 * time.Minute
	// silence is after how long an unheard run counts as lost.
	silence = time.Minute
	// idempotencyAge and eventAge are how long repeats and replays work.
	idempotencyAge = 24 * time.Hour
	eventAge       = 7 * 24 * time.Hour
	tickBatch      = 100
)

// Tick does what time asks for: agents of teams that were paused or resumed, due resumes, sign-ins that took too long, ended
// snoozes, runs that went silent, and forgetting what is too old. Call it once
// a second.
func (a *App) Tick(ctx context.Context) error {
	now := a.Now()
	return errors.Join(
		a.followTeams(ctx, teamBatches),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.DueResumes(now, tickBatch) }, a.autoResume),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.LateSignIns(now.Add(-signInLimit), tickBatch) }, a.timeOutSignIn),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.SilentRuns(now.Add(-silence), tickBatch) }, a.lose),
		a.wakeSnoozed(ctx, now),
		a.forget(ctx, now),
		a.forgetRunEvents(ctx, now),
	)
}

func (a *App) sweep(ctx context.Context, find func(tx *store.Tx) ([]fleet.Run, error), f func(ctx context.Context, run fleet.Run) error) error {
	var due []fleet.Run
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = find(tx)
		return err
	})
	for _, run := range due {
		err = errors.Join(err, f(ctx, run))
	}
	return err
}

// onDue runs f on an agent in its own transaction; that somebody was faster is
// no failure.
func (a *App) onDue(ctx context.Context, run fleet.Run, action string, f func(c *change) error) error {
	by := fleet.System(run.TeamID, "clock")
	_, err := a.tryOnAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: action, id: run.AgentID}, f)
	switch fleet.CodeOf(err) {
	case fleet.CodeInvalidStatus, fleet.CodeConflict, fleet.CodeNotFound:
		return nil
	}
	a.wakeRunner(run.AgentID)
	return err
}

func (a *App) autoResume(ctx context.Context, run fleet.Run) error {
	return a.onDue(ctx, run, string(fleet.MoveResume), func(c *change) error {
		if c.agent.ResumeAt.IsZero() || c.agent.ResumeAt.After(c.now) {
			return fleet.Errorf(fleet.CodeConflict, "not due any more")
		}
		if !c.known {
			return c.stayPaused()
		}
		return c.start(fleet.MoveResume)
	})
}

// stayPaused gives up an automatic resume that cannot be: tried again each
// second, it would stand in the way of the others.
func (c *change) stayPaused() (err error) {
	c.agent.ResumeAt, c.agent.TeamPaused = time.Time{}, false
	if c.agent.Agent, err = c.tx.MoveStatus(c.agent.Agent, fleet.Paused, c.now); err != nil {
		return err
	}
	c.audit.Outcome = string(fleet.CodeStartFailed)
	return c.raise("runtime", "start_failed", fleet.SeverityError, "The agent could not be resumed: its kind is not configured on this server")
}

func (a *App) timeOutSignIn(ctx context.Context, run fleet.Run) error {
	return a.onDue(ctx, run, string(fleet.MoveAuthTimeout), func(c *change) error {
		if c.now.Sub(c.agent.StatusAt) < signInLimit {
			return fleet.Errorf(fleet.CodeConflict, "not late any more")
		}
		if err := c.move(fleet.MoveAuthTimeout); err != nil {
			return err
		}
		return c.raise("auth", "timeout", fleet.SeverityError, "The sign-in was not answered within 10 minutes")
	})
}

// lose records that a run was not heard for too long; it may live all the same.
func (a *App) lose(ctx context.Context, run fleet.Run) error {
	return a.store.Write(ctx, func(tx *store.Tx) error {
		now := a.Now()
		row, err := tx.Agent(run.TeamID, run.AgentID)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		rt := row.Runtime
		if err != nil || !rt.Wanted || now.Sub(rt.LastHeardAt) < silence || now.Sub(rt.StartedAt) < silence || now.Sub(row.StatusAt) < silence {
			return err
		}
		c := &change{tx: tx, now: now, agent: row}
		if err := observed(tx, run, fleet.ObservedLost, now); err != nil {
			return err
		}
		if row.Status != fleet.Running {
			return nil
		}
		return c.raise("runtime", "lost", fleet.SeverityWarning, "The program has not been heard for a minute")
	})
}

func (a *App) wakeSnoozed(ctx context.Context, now time.Time) error {
	var due []fleet.Alert
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, _, err = tx.DueSnoozes(now, tickBatch)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		due, teams, err := tx.DueSnoozes(now, tickBatch)
		if err != nil {
			return err
		}
		for i, al := range due {
			al.State, al.UpdatedAt = fleet.AlertOpen, now
			if err := tx.SetAlert(al); err != nil {
				return err
			}
			if err := tx.AddEvent(fleet.Event{TeamID: teams[i], AgentID: al.AgentID, Type: fleet.EventAlertChanged, At: now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// forget drops what nobody asks for any more, once a minute.
func (a *App) forget(ctx context.Context, now time.Time) error {
	if now.Second() != 0 {
		return nil
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(
			tx.DropExpiredSessions(now),
			tx.DropChatsBefore(now.Add(-chatAge)),
			tx.DropIdempotentBefore(now.Add(-idempotencyAge)),
			tx.DropEventsBefore(now.Add(-eventAge)),
		)
	})
}

// maxForget is how many told events a second are forgotten: more than can be
// told in the long run, and not so many that other writes wait.
const maxForget = 20_000

func (a *App) forgetRunEvents(ctx context.Context, now time.Time) error {
	old, due := now.Add(-idempotencyAge), false
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.HasRunEventsBefore(old)
		return err
	})
	if err != nil || !due {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error { return tx.DropRunEventsBefore(old, maxForget) })
}
