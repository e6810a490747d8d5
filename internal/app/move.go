package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// ReasonInput is a reason of a person, at most 1,000 characters, and the
// version the act is bound to (0 is any).
type ReasonInput struct {
	Reason    string
	IfVersion int64
}

// StartInput is what a start says about the run it wants.
type StartInput struct {
	EnableAutonomy bool
	// Settings last for this run, over the agent's own.
	Settings  map[string]any
	IfVersion int64
}

const (
	// startDeadline is how long Start waits for the first observation.
	startDeadline = 10 * time.Second
	// startAlive is how long a program that says nothing must live to count.
	startAlive = 3 * time.Second
)

// Start wants the agent's program to run and waits until it has said hello,
// is seen to live, or could not be started: then the agent is back where it
// was, with an alert, and the error's code is start_failed.
func (a *App) Start(ctx context.Context, by fleet.Actor, id fleet.AgentID, in StartInput) (fleet.Agent, error) {
	settings, err := startSettings(in.Settings)
	if err != nil {
		return fleet.Agent{}, err
	}
	wake, cancel := a.hub.Listen(runKey(id))
	defer cancel()
	agent, err := a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "start", id: id, ifVersion: in.IfVersion}, func(c *change) error {
		c.agent.Runtime.EnableAutonomy, c.agent.Runtime.Settings = in.EnableAutonomy, settings
		return c.start(fleet.MoveStart)
	})
	if err != nil {
		return agent, err
	}
	return a.awaitStart(ctx, agent, wake)
}

// Resume is Start for a paused agent, as it was started last.
func (a *App) Resume(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	wake, cancel := a.hub.Listen(runKey(id))
	defer cancel()
	agent, err := a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "resume", id: id, ifVersion: in.IfVersion, note: in.Reason}, func(c *change) error {
		return c.start(fleet.MoveResume)
	})
	if err != nil {
		return agent, err
	}
	return a.awaitStart(ctx, agent, wake)
}

func startSettings(raw map[string]any) (fleet.Settings, error) {
	var list []fleet.Setting
	for k, v := range raw {
		list = append(list, fleet.Setting{Key: k, Value: v})
	}
	return fleet.Settings{}.Merge(list)
}

// start makes the move if the agent's team works and its kind is known to this
// server.
func (c *change) start(m fleet.Move) error {
	if p := c.agent.TeamPause; p != nil {
		if _, err := fleet.Next(c.agent.Status, m, c.agent.Facts(c.kind)); err != nil {
			return err
		}
		return fleet.Errorf(fleet.CodeConflict, "%s. Resume the team first", p)
	}
	if !c.known {
		if _, err := fleet.Next(c.agent.Status, m, fleet.Facts{}); err != nil {
			return err
		}
		return fleet.Errorf(fleet.CodeStartFailed, "Failed to start agent runtime").
			Because(errors.New("kind " + c.agent.Kind + " is not configured"))
	}
	return c.move(m)
}

func (a *App) awaitStart(ctx context.Context, agent fleet.Agent, wake <-chan struct{}) (fleet.Agent, error) {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	alive := time.NewTimer(startAlive)
	defer alive.Stop()
	lived := false
	for {
		now, err := a.reread(agent)
		if err != nil {
			return agent, err
		}
		rt := now.Runtime
		switch {
		case now.Version > agent.Version && now.Status != fleet.Running && rt.LastError != "" && rt.Epoch > agent.Runtime.Epoch:
			return now, fleet.Errorf(fleet.CodeStartFailed, "Failed to start agent runtime").Because(errors.New(rt.LastError))
		case now.Status != fleet.Running:
			return now, fleet.Errorf(fleet.CodeConflict, "The start was overtaken: the agent is %s now", now.Status.Word())
		case rt.Epoch > agent.Runtime.Epoch && (rt.State == fleet.ObservedUp || rt.State == fleet.ObservedBackoff):
			return now, nil
		case lived && rt.Epoch > agent.Runtime.Epoch && rt.Handle != "":
			return now, nil
		}
		select {
		case _, open := <-wake:
			if !open {
				return now, nil
			}
		case <-alive.C:
			lived = true
		case <-ctx.Done():
			return now, nil
		}
	}
}

func (a *App) reread(agent fleet.Agent) (now fleet.Agent, err error) {
	err = a.store.Read(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Agent(agent.TeamID, agent.ID)
		now = row.Agent
		return err
	})
	return now, err
}

// PauseInput is why and until when; a zero Until is until somebody resumes.
type PauseInput struct {
	Note      string
	Until     time.Time
	IfVersion int64
}

// Pause stops a running agent's program and keeps everything. An agent that the
// team's pause has stopped already stays paused when the team resumes.
func (a *App) Pause(ctx context.Context, by fleet.Actor, id fleet.AgentID, in PauseInput) (fleet.Agent, error) {
	if err := fleet.CheckNote("note", in.Note); err != nil {
		return fleet.Agent{}, err
	}
	if !in.Until.IsZero() && !in.Until.After(a.Now()) {
		return fleet.Agent{}, fleet.Invalid("until", "must be in the future")
	}
	return a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "pause", id: id, ifVersion: in.IfVersion, note: in.Note}, func(c *change) error {
		c.agent.PauseNote, c.agent.PausedBy, c.agent.ResumeAt = in.Note, by.Name, in.Until.UTC()
		if c.agent.Status == fleet.Paused && c.agent.TeamPaused {
			return c.keepPaused()
		}
		return c.move(fleet.MovePause)
	})
}

// keepPaused makes a person's pause of the team's.
func (c *change) keepPaused() (err error) {
	c.agent.TeamPaused = false
	if c.agent.Agent, err = c.tx.MoveStatus(c.agent.Agent, fleet.Paused, c.now); err != nil {
		return err
	}
	c.detail("team", false)
	return c.event(fleet.EventAgentStatus)
}

// End ends an agent's life; relaunch can begin another.
func (a *App) End(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	return a.reasoned(ctx, by, fleet.ScopeOperate, fleet.MoveEnd, id, in, func(c *change) error {
		c.agent.EndReason, c.agent.EndedAt = in.Reason, c.now
		if err := c.tx.FailPendingMessages(id); err != nil {
			return err
		}
		return c.move(fleet.MoveEnd)
	})
}

// Disable is an admin's block; Enable lifts it.
func (a *App) Disable(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	return a.reasoned(ctx, by, fleet.ScopeAdmin, fleet.MoveDisable, id, in, func(c *change) error { return c.move(fleet.MoveDisable) })
}

// Enable lifts an admin's block; the agent does not run before it is resumed.
func (a *App) Enable(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	return a.reasoned(ctx, by, fleet.ScopeAdmin, fleet.MoveEnable, id, in, func(c *change) error { return c.move(fleet.MoveEnable) })
}

func (a *App) reasoned(ctx context.Context, by fleet.Actor, need fleet.Scope, m fleet.Move, id fleet.AgentID, in ReasonInput, f func(c *change) error) (fleet.Agent, error) {
	if err := fleet.CheckNote("reason", in.Reason); err != nil {
		return fleet.Agent{}, err
	}
	return a.onAgent(ctx, act{by: by, need: need, action: string(m), id: id, ifVersion: in.IfVersion, note: in.Reason}, f)
}

// Protect sets the flag that delete refuses and bulk skips; it needs a reason.
func (a *App) Protect(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	return a.protect(ctx, by, fleet.ScopeOperate, "protect", id, in, func(now time.Time) *fleet.Protection {
		return &fleet.Protection{By: by.Name, Reason: in.Reason, At: now}
	})
}

// Unprotect clears the flag; only an admin may, and with a reason.
func (a *App) Unprotect(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	return a.protect(ctx, by, fleet.ScopeAdmin, "unprotect", id, in, func(time.Time) *fleet.Protection { return nil })
}

func (a *App) protect(ctx context.Context, by fleet.Actor, need fleet.Scope, action string, id fleet.AgentID, in ReasonInput, to func(now time.Time) *fleet.Protection) (fleet.Agent, error) {
	if in.Reason == "" {
		return fleet.Agent{}, fleet.Invalid("reason", "must say why")
	}
	if err := fleet.CheckNote("reason", in.Reason); err != nil {
		return fleet.Agent{}, err
	}
	return a.onAgent(ctx, act{by: by, need: need, action: action, id: id, ifVersion: in.IfVersion, note: in.Reason}, func(c *change) error {
		c.agent.Protected = to(c.now)
		return c.save()
	})
}

// save stores what people may edit and announces it.
func (c *change) save() (err error) {
	if c.agent.Agent, err = c.tx.UpdateAgent(c.agent.Agent, c.now); err != nil {
		return err
	}
	return c.event(fleet.EventAgentUpdated)
}
