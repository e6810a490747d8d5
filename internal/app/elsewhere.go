package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/runtime"
	"agentry/internal/store"
)

// Agents of some drivers also exist in another server, under their own id. The
// ledger has a row for each of them: it is written with the first run, before
// anybody asks that server for the agent, and it stays with the agent through
// relaunches, because the agent there is changed and not made again. It is
// dropped when the agent is deleted.

// removeTime bounds one try to delete an agent in another server.
const removeTime = 20 * time.Second

// SetRemovers names, by driver, who deletes agents in other servers. Until then
// none is deleted there.
func (a *App) SetRemovers(byDriver map[string]runtime.Remover) { a.removers.Store(&byDriver) }

func (a *App) remover(driver string) runtime.Remover {
	if all := a.removers.Load(); all != nil {
		return (*all)[driver]
	}
	return nil
}

// keepRow sees that an agent whose kind's driver keeps agents has its row of
// the ledger.
func keepRow(tx *store.Tx, agent fleet.Agent, kind fleet.Kind, now time.Time) error {
	if !fleet.KeepsAgents(kind.Driver) {
		return nil
	}
	live, err := tx.LiveResources(agent.TeamID, agent.ID)
	if err != nil || slices.ContainsFunc(live, isAgent) {
		return err
	}
	r := fleet.Resource{
		ID: tx.NewID(now), TeamID: agent.TeamID, AgentID: agent.ID, Incarnation: agent.Incarnation, Type: fleet.ResourceAgent,
		Vendor: kind.Name, Label: kind.Name, State: fleet.ResourceAcquiring, ExternalID: strings.ToLower(string(agent.ID)),
		CreatedAt: now, StateAt: now, UpdatedAt: now,
	}
	if err := tx.InsertResource(r); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: agent.TeamID, AgentID: agent.ID, Type: fleet.EventResourceChanged, At: now})
}

func isAgent(r fleet.Resource) bool { return r.Type == fleet.ResourceAgent }

// holdRow records that an agent is there: its run has spoken.
func (a *App) holdRow(tx *store.Tx, agent fleet.Agent, now time.Time) error {
	if !fleet.KeepsAgents(a.kinds[agent.Kind].Driver) {
		return nil
	}
	live, err := tx.LiveResources(agent.TeamID, agent.ID)
	for _, r := range live {
		if err != nil || !isAgent(r) || r.State != fleet.ResourceAcquiring {
			continue
		}
		turn := r.Turn
		if err = advance(&r, fleet.StepHold, now); err != nil {
			return err
		}
		if err = a.park(tx, r, turn, now); err != nil {
			return err
		}
		err = auditResource(tx, r, "resource.held", now)
	}
	return err
}

// deleteAgent sees that the agent is gone in the other server.
func (e *errand) deleteAgent(ctx context.Context) error {
	kind, known := e.app.kinds[e.r.Vendor]
	if !known {
		return &absent{"Kind " + e.r.Vendor + " is not configured on this server, so its agent cannot be deleted there"}
	}
	r := e.app.remover(kind.Driver)
	if r == nil {
		return &absent{"Kind " + e.r.Vendor + " has another driver now, so its agent cannot be deleted there"}
	}
	try, cancel := context.WithTimeout(ctx, removeTime)
	defer cancel()
	if err := r.Remove(try, kind, e.r.AgentID); err != nil {
		return &resource.Error{Reason: resource.Unreachable, Message: err.Error(), Cause: err}
	}
	return e.released(ctx)
}
