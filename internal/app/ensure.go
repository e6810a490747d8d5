package app

import (
	"context"
	"errors"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// This file has the moves of callers who say how things shall be rather than
// what to do: that it is so already is no failure to them.

// EnsureStarted is Start, but a running agent stays as it is.
func (a *App) EnsureStarted(ctx context.Context, by fleet.Actor, id fleet.AgentID, in StartInput) (fleet.Agent, error) {
	v, err := a.Agent(ctx, by, id)
	if err == nil && v.Status == fleet.Running && by.May(fleet.ScopeOperate) == nil {
		return v.Agent, nil
	}
	agent, err := a.Start(ctx, by, id, in)
	if running(err) {
		v, err := a.Agent(ctx, by, id)
		return v.Agent, err
	}
	return agent, err
}

// running tells that a start was refused because the agent runs.
func running(err error) bool {
	var known *fleet.Error
	return errors.As(err, &known) && known.Code == fleet.CodeInvalidStatus && known.CurrentStatus == fleet.Running
}

// EnsureStopped is Pause, but an agent of which nothing runs stays as it is.
func (a *App) EnsureStopped(ctx context.Context, by fleet.Actor, id fleet.AgentID) (fleet.Agent, error) {
	v, err := a.Agent(ctx, by, id)
	if err == nil && v.Status != fleet.Running && !v.Runtime.Wanted && by.May(fleet.ScopeOperate) == nil {
		return v.Agent, nil
	}
	return a.Pause(ctx, by, id, PauseInput{})
}

// again is the agent that a repeated create means: the one with the id, if it
// has the name, or where no id is given the living one of name and kind.
func (in CreateInput) again(tx *store.Tx, agent fleet.Agent) (row store.AgentRow, found bool, err error) {
	if in.ID == "" {
		return tx.AgentNamed(agent.TeamID, agent.Name, agent.Kind)
	}
	row, err = tx.Agent(agent.TeamID, agent.ID)
	switch fleet.CodeOf(err) {
	case fleet.CodeNotFound, fleet.CodeForbidden:
		return row, false, nil
	}
	return row, err == nil && row.Name == agent.Name, err
}
