package app

import (
	"cmp"
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// signInLimit is how long nothing may be heard about a sign-in: since it
	// began or got its code, since the run read the credentials, or since the
	// program took the code. That a program is alive says nothing about it.
	signInLimit = 10 * time.Minute
	// signInMost is how long a sign-in may take whatever is heard about it, so
	// that a program that dies and begins again does not hold it for ever.
	signInMost = 3 * signInLimit
	// silence is after how long an unheard run counts as lost.
	silence = time.Minute
	// helloLimit is how long a program may take to say its first word before
	// it is ended and started again.
	helloLimit = 2 * time.Minute
	// stopLimit is how long, beyond its grace, a program may take to be gone.
	stopLimit = time.Minute
	// claimLimit is how long a claimed task of a living run may take. It fails
	// then and is not handed out again: it may have been done all the same.
	claimLimit = 24 * time.Hour
	// idempotencyAge and eventAge are how long repeats and replays work.
	idempotencyAge = 24 * time.Hour
	eventAge       = 7 * 24 * time.Hour
	// eventsKept bounds what a flood of changes leaves for replays; a client
	// that missed more asks for everything again.
	eventsKept  = 500_000
	forgetEvery = time.Minute
	tickBatch   = 100
)

// Subtypes of the runtime alerts that go by themselves.
const (
	alertLost        = "lost"
	alertUnstopped   = "not_stopping"
	alertStartFailed = "start_failed"
)

// Tick does what time asks for: agents of teams that were paused or
// resumed, due resumes, limits of everything that is on
// its way, ended snoozes, runs that went silent, and forgetting what is too
// old. Streams hear of what another process wrote. Call it once a second.
func (a *App) Tick(ctx context.Context) error {
	now := a.Now()
	if jump := a.clock.look(now); jump != 0 {
		a.log.Warn("the clock was set; everything on its way gets its full time again", "by", jump.Round(time.Second))
		a.unbegun.Store(true) // jobs for later may have become jobs for much later
	}
	signIn, silent, mute := a.clock.late(now, signInLimit), a.clock.unheard(now, silence), a.clock.late(now, helloLimit)
	unstopped, claimed := a.clock.late(now, stopLimit), a.clock.late(now, claimLimit)
	return errors.Join(
		a.followEvents(ctx),
		a.followTeams(ctx, teamBatches),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.DueResumes(now, tickBatch) }, a.autoResume),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) {
			return tx.LateSignIns(signIn, now.Add(-signInMost), tickBatch)
		}, a.timeOutSignIn),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.SilentRuns(silent, tickBatch) }, a.lose),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) {
			return tx.MuteRuns(mute, fleet.DriverProcess, tickBatch)
		}, a.endMute),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.UnstoppedRuns(unstopped, tickBatch) }, a.reportUnstopped),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.RunsWithLateClaims(claimed, tickBatch) }, a.failLateClaims),
		a.sweep(ctx, func(tx *store.Tx) ([]fleet.Run, error) { return tx.RunsWithReads(now.Add(-readsEvery), now, tickBatch) }, a.auditReads),
		a.wakeSnoozed(ctx, now),
		a.expire(ctx, now),
		a.forget(ctx, now),
		a.forgetRunEvents(ctx, now),
	)
}

// followEvents lets streams know of events that another process wrote, such as a
// command on the local file: those that were there a tick ago and were not
// published since.
func (a *App) followEvents(ctx context.Context) error {
	if seen := a.seen.Load(); seen > 0 {
		a.hub.Missed(seen)
	}
	return a.store.Read(ctx, func(tx *store.Tx) error {
		_, last, err := tx.LastEvent()
		a.seen.Store(last.Seq)
		return err
	})
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
	return c.raise("runtime", alertStartFailed, fleet.SeverityError, "The agent could not be resumed: its kind is not configured on this server")
}

func (a *App) timeOutSignIn(ctx context.Context, run fleet.Run) error {
	return a.onDue(ctx, run, string(fleet.MoveAuthTimeout), func(c *change) error {
		heard, err := c.tx.SignInHeardAt(c.agent.ID)
		if err != nil {
			return err
		}
		late := a.clock.late(c.now, signInLimit)
		if !late.Is(c.agent.StatusAt) || !late.Is(heard) && c.now.Sub(c.agent.StatusAt) <= signInMost {
			return fleet.Errorf(fleet.CodeConflict, "not late any more")
		}
		preparing, err := preparing(c.tx, c.agent.TeamID, []store.AgentRow{c.agent})
		if err != nil {
			return err
		}
		if err := c.move(fleet.MoveAuthTimeout); err != nil {
			return err
		}
		return c.raise("auth", "timeout", fleet.SeverityError, signInTimeout(preparing[c.agent.ID]))
	})
}

// signInTimeout says what the sign-in waited for.
func signInTimeout(preparing []fleet.Resource) string {
	if len(preparing) == 0 {
		return "The sign-in was not answered within 10 minutes"
	}
	r := preparing[0]
	return cutText("The " + r.Type.Word() + " was not ready within 10 minutes: " + cmp.Or(r.LastError, "it is being made") + ". It is tried on; set the agent up again")
}

// onLate runs f on the agent of a run that took too long.
func (a *App) onLate(ctx context.Context, run fleet.Run, f func(c *change) error) error {
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(run.TeamID, run.AgentID)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		c := &change{tx: tx, by: fleet.System(run.TeamID, "clock"), now: now, agent: row}
		c.kind, c.known = a.kinds[row.Kind]
		return f(c)
	})
	a.hub.Notify(runKey(run.AgentID))
	return err
}

// lose records that a run was not heard for too long; it may live all the same.
func (a *App) lose(ctx context.Context, run fleet.Run) error {
	return a.onLate(ctx, run, func(c *change) error {
		rt, late := c.agent.Runtime, a.clock.unheard(c.now, silence)
		if !rt.Wanted || !late.Is(rt.LastHeardAt) || !late.Is(rt.StartedAt) || !late.Is(c.agent.StatusAt) {
			return nil
		}
		if err := observed(c.tx, run, fleet.ObservedLost, c.now); err != nil || c.agent.Status != fleet.Running {
			return err
		}
		message := "The program has not been heard for a minute"
		if rt.LastHeardAt.IsZero() {
			message = "The program has not said hello within a minute"
		}
		return c.raise("runtime", alertLost, fleet.SeverityWarning, message)
	})
}

// endMute has a run ended whose program never said a word: that a process is
// there is no sign that the agent works. An agent that lives in another server
// is not ended for it: it may wait for that server, which its driver tells.
func (a *App) endMute(ctx context.Context, run fleet.Run) error {
	err := a.onLate(ctx, run, func(c *change) error {
		rt := c.agent.Runtime
		if !rt.Wanted || !rt.LastHeardAt.IsZero() || !a.clock.late(c.now, helloLimit).Is(rt.StartedAt) {
			return nil
		}
		return c.tx.EndOverdue(run.AgentID, "saying nothing for "+short(helloLimit))
	})
	a.wakeRunner(run.AgentID)
	return err
}

// reportUnstopped says that a program which was to stop is still there.
func (a *App) reportUnstopped(ctx context.Context, run fleet.Run) error {
	return a.onLate(ctx, run, func(c *change) error {
		late := a.clock.late(c.now, stopLimit+c.kind.Grace)
		if c.agent.Runtime.State != fleet.ObservedStopping || !late.Is(c.agent.StatusAt) {
			return nil
		}
		if at, err := c.tx.StoppingAt(run.AgentID); err != nil || !late.Is(at) {
			return err
		}
		if err := observed(c.tx, run, fleet.ObservedLost, c.now); err != nil {
			return err
		}
		return c.raise("runtime", alertUnstopped, fleet.SeverityError, "The program was told to stop and is still there")
	})
}

func (a *App) failLateClaims(ctx context.Context, run fleet.Run) error {
	return a.onLate(ctx, run, func(c *change) error {
		late := a.clock.late(c.now, claimLimit)
		tasks, err := c.tx.Tasks(run.TeamID, run.AgentID, fleet.TaskClaimed, "", tickBatch)
		if err != nil || !c.agent.Runtime.Wanted {
			return err
		}
		failed := false
		for _, t := range tasks {
			if !late.Is(t.UpdatedAt) {
				continue
			}
			failed = true
			if _, err := c.tx.SetTaskState(run.TeamID, t, fleet.TaskFailed, "Claimed and not heard of for 24 hours", t.DueAt, c.now); err != nil {
				return err
			}
		}
		if !failed {
			return nil
		}
		return c.event(fleet.EventTaskChanged)
	})
}

func (a *App) wakeSnoozed(ctx context.Context, now time.Time) error {
	var due []store.DueAlert
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueSnoozes(now, tickBatch)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		for _, d := range due {
			al, err := tx.Alert(d.Team, d.AlertID)
			if fleet.CodeOf(err) == fleet.CodeNotFound {
				continue
			}
			if err != nil {
				return err
			}
			next, ok := al.Wake(now)
			if !ok {
				continue
			}
			if err := tx.SaveAlert(d.Team, next); err != nil {
				return err
			}
			if err := tx.AddEvent(fleet.Event{TeamID: d.Team, AgentID: al.AgentID, Type: fleet.EventAlertChanged, At: now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// expire ends for good what its time has run out for: a clock that goes back
// later brings nothing back.
func (a *App) expire(ctx context.Context, now time.Time) error {
	due := false
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.HasExpired(now)
		return err
	})
	if err != nil || !due {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.DropExpiredSessions(now), tx.MarkExpiredKeys(now), tx.MarkExpiredInvitations(now))
	})
}

// forget drops what nobody asks for any more, once a minute.
func (a *App) forget(ctx context.Context, now time.Time) error {
	if !a.clock.due(forgetEvery) {
		return nil
	}
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.DropChatsBefore(now.Add(-chatAge)), tx.DropIdempotent(a.clock.late(now, idempotencyAge)),
			tx.DropInvitations(a.clock.late(now, fleet.InvitationKept), maxForget))
	})
	err = errors.Join(err, a.forgetBulks(ctx, a.clock.late(now, fleet.BulkAge)))
	for n := int64(maxForget); n == maxForget && err == nil; {
		err = a.store.Write(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DropEvents(now.Add(-eventAge), eventsKept, maxForget)
			return err
		})
	}
	return err
}

// maxForget is how many rows one transaction forgets: not so many that other
// writes wait.
const maxForget = 20_000

func (a *App) forgetRunEvents(ctx context.Context, now time.Time) error {
	old, due := a.clock.late(now, idempotencyAge), false
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.HasOldRunEvents(old)
		return err
	})
	if err != nil || !due {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error { return tx.DropOldRunEvents(old, maxForget) })
}
