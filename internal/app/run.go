package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// RunSpec is what is needed to start a run.
type RunSpec struct {
	Run       fleet.Run
	AgentName string
	// Incarnation is the agent's.
	Incarnation int
	Kind        fleet.Kind
	Token       string
	// Settings are the agent's with the start's over them.
	Settings fleet.Settings
	// Restart: nobody asked for this run, it follows one that ended.
	Restart bool
}

// RunExit is how a run ended.
type RunExit struct {
	// Text is one line such as "exit 3" or "killed".
	Text string
	// Output are the last lines the program wrote.
	Output []string
	// Expected: the supervisor stopped it.
	Expected bool
}

// RunHandle is a program that was running when the server last wrote of it.
type RunHandle = store.RunHandle

// WantedRuns returns the agents whose program is wanted, of all teams.
func (a *App) WantedRuns(ctx context.Context) (ids []fleet.AgentID, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		ids, err = tx.WantedRuns()
		return err
	})
	return ids, err
}

// KnownHandles returns the programs that may be left of a former life.
func (a *App) KnownHandles(ctx context.Context) (list []RunHandle, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.Handles()
		return err
	})
	return list, err
}

// Incarnation returns which life the agent of any team is in, from 1; 0 when
// there is no such agent.
func (a *App) Incarnation(ctx context.Context, id fleet.AgentID) (n int, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.AgentOfRun(id)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		n = row.Incarnation
		return err
	})
	return n, err
}

// BeginRun records a new run of the agent, when one is wanted and its back-off
// is over. wait says how long it is not.
func (a *App) BeginRun(ctx context.Context, id fleet.AgentID) (spec RunSpec, wanted bool, wait time.Duration, err error) {
	now := a.Now()
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.AgentOfRun(id)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		if err != nil || !row.Runtime.Wanted {
			return err
		}
		kind, ok := a.kinds[row.Kind]
		if !ok {
			return nil
		}
		wanted = true
		// A wait that is longer than any is of a clock that was set back since.
		if wait = row.Runtime.NextTry.Sub(now); wait > 0 && wait <= kind.Restart.BackoffMax {
			return nil
		}
		if wait, err = prepareWait(tx, row.Agent); err != nil || wait > 0 {
			return err
		}
		marks, err := tx.RunMarks(id)
		if err != nil {
			return err
		}
		spec = RunSpec{
			AgentName: row.Name, Incarnation: row.Incarnation, Kind: kind, Token: a.sealer.NewRunToken(),
			Settings: runSettings(row), Restart: !marks.Fresh,
		}
		spec.Run = fleet.Run{TeamID: row.TeamID, AgentID: id, Epoch: row.Runtime.Epoch + 1}
		if err := tx.BeginRun(id, spec.Run.Epoch, secret.HashToken(spec.Token), kind.Driver, now); err != nil {
			return err
		}
		if err := tx.ReleaseClaims(row.TeamID, id, now); err != nil {
			return err
		}
		if err := errors.Join(beginDay(tx, row.Agent, now), keepRow(tx, row.Agent, kind, now)); err != nil {
			return err
		}
		return observed(tx, spec.Run, fleet.ObservedStarting, now)
	})
	return spec, wanted, wait, err
}

// prepareWait is how long at most to wait for what is made outside for the
// agent; whoever makes it wakes the runner before.
func prepareWait(tx *store.Tx, agent fleet.Agent) (time.Duration, error) {
	live, err := tx.LiveResources(agent.TeamID, agent.ID)
	if slices.ContainsFunc(live, fleet.Resource.Pending) {
		return time.Minute, err
	}
	return 0, err
}

func observed(tx *store.Tx, run fleet.Run, state fleet.Observed, now time.Time) error {
	if err := tx.SetObserved(run.AgentID, state); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: run.TeamID, AgentID: run.AgentID, Type: fleet.EventRunChanged, At: now})
}

// RunSpawned records how the driver calls the run's program.
func (a *App) RunSpawned(ctx context.Context, run fleet.Run, handle string) error {
	err := a.store.Write(ctx, func(tx *store.Tx) error { return tx.SetHandle(run, handle) })
	a.hub.Notify(runKey(run.AgentID))
	return err
}

// RunAlert raises an alert of the run's driver, or with an empty message takes
// it back, with an empty subType too all of them.
func (a *App) RunAlert(ctx context.Context, run fleet.Run, typ, subType, message string) error {
	return a.onRun(ctx, run, func(c *change) error {
		if message == "" {
			return c.resolve(typ, subType)
		}
		return c.raise(typ, subType, fleet.SeverityError, cutText(message))
	})
}

// UnwantedRuns returns those of the agents that exist here, of all teams, and
// whose program is not wanted.
func (a *App) UnwantedRuns(ctx context.Context, ids []fleet.AgentID) (list []fleet.AgentID, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.UnwantedRuns(ids)
		return err
	})
	return list, err
}

// RunWanted tells whether this very run may go on.
func (a *App) RunWanted(ctx context.Context, run fleet.Run) (ok bool, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		ok, err = tx.RunLive(run)
		return err
	})
	return ok, err
}

// RunStopping records that the run's program is being stopped.
func (a *App) RunStopping(ctx context.Context, run fleet.Run) error {
	return a.onRun(ctx, run, func(c *change) error {
		if err := c.tx.Stopping(run, c.now); err != nil {
			return err
		}
		return observed(c.tx, run, fleet.ObservedStopping, c.now)
	})
}

// onRun runs f on the agent of its newest run; for an older run or an agent
// that is gone it does nothing.
func (a *App) onRun(ctx context.Context, run fleet.Run, f func(c *change) error) error {
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.AgentOfRun(run.AgentID)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		if err != nil || row.Runtime.Epoch != run.Epoch {
			return err
		}
		c := &change{tx: tx, by: fleet.System(run.TeamID, "supervisor"), now: now, agent: row}
		c.kind, c.known = a.kinds[row.Kind]
		return f(c)
	})
	a.hub.Notify(runKey(run.AgentID))
	return err
}

// systemMove makes a move of the program or supervisor, with its audit entry.
func (c *change) systemMove(m fleet.Move) error {
	c.audit = entry(act{by: c.by, action: string(m), id: c.agent.ID}, c.now, "done")
	c.detail("epoch", c.agent.Runtime.Epoch)
	if err := c.move(m); err != nil {
		return err
	}
	return c.tx.AddAudit(c.audit)
}

// RunNotSpawned records that the program could not be started. The first start
// is taken back, with an alert; a restart counts as an exit.
func (a *App) RunNotSpawned(ctx context.Context, run fleet.Run, cause error) error {
	return a.onRun(ctx, run, func(c *change) error {
		if !c.agent.Runtime.Wanted {
			return observed(c.tx, run, fleet.ObservedNone, c.now)
		}
		// Another start was asked for meanwhile: it has its own try.
		marks, err := c.tx.RunMarks(run.AgentID)
		if err != nil || marks.Fresh {
			return err
		}
		rt := c.agent.Runtime
		if rt.Restarts > 0 {
			return c.exited(run, "could not be started", []string{cause.Error()}, marks.Exits, c.kind.Restart.Within)
		}
		rt.LastError = "the program could not be started"
		if err := c.tx.RunFailed(run.AgentID, rt, nil, []string{cause.Error()}); err != nil {
			return err
		}
		if err := c.raise("runtime", alertStartFailed, fleet.SeverityError, "The program could not be started: "+cause.Error()); err != nil {
			return err
		}
		c.agent.Runtime.LastError, c.agent.Runtime.Handle = rt.LastError, ""
		if c.agent.Status == fleet.Running {
			return c.systemMove(fleet.MoveStartFailed)
		}
		return c.failSignIn()
	})
}

// failSignIn ends a sign-in whose program is no more.
func (c *change) failSignIn() error {
	if c.agent.Status == fleet.AuthInProgress {
		return c.systemMove(fleet.MoveAuthTimeout)
	}
	if err := c.tx.UnwantRun(c.agent.ID); err != nil {
		return err
	}
	return c.observe(fleet.ObservedNone)
}

// RunExited records that a run's program is gone and decides what follows:
// nothing when it was stopped, a restart after a back-off, or giving up. A run
// that was ended by rule failed, whoever stopped it.
func (a *App) RunExited(ctx context.Context, run fleet.Run, exit RunExit) error {
	return a.onRun(ctx, run, func(c *change) error {
		if err := c.tx.RunGone(run); err != nil {
			return err
		}
		if err := c.resolve("runtime", alertUnstopped); err != nil {
			return err
		}
		c.agent.Runtime.Handle = ""
		marks, err := c.tx.RunMarks(run.AgentID)
		switch {
		case err != nil:
			return err
		case !c.agent.Runtime.Wanted:
			return observed(c.tx, run, fleet.ObservedNone, c.now)
		case marks.Fresh:
			return observed(c.tx, run, fleet.ObservedStarting, c.now)
		case marks.Overdue != "":
			return c.exited(run, marks.Overdue, exit.Output, marks.Exits, overdueWindow(c.kind))
		case exit.Expected:
			return observed(c.tx, run, fleet.ObservedStarting, c.now)
		}
		return c.exited(run, exit.Text, exit.Output, marks.Exits, c.kind.Restart.Within)
	})
}

// LastOutput returns the last lines, at most 20, that the agent's run that
// failed last wrote; a start by a person and a relaunch forget them.
func (a *App) LastOutput(ctx context.Context, by fleet.Actor, id fleet.AgentID) (lines []string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		lines, err = tx.LastOutput(by.TeamID, id)
		return err
	})
	return lines, err
}

// AppendLogs stores what a run's program wrote.
func (a *App) AppendLogs(ctx context.Context, run fleet.Run, lines []fleet.LogLine) error {
	if len(lines) == 0 {
		return nil
	}
	return a.onRun(ctx, run, func(c *change) error {
		for i := range lines {
			lines[i].Epoch = run.Epoch
		}
		if err := c.tx.AddLogs(run.AgentID, lines); err != nil {
			return err
		}
		return c.event(fleet.EventLog)
	})
}
