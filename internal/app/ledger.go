package app

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// This file writes the ledger in the transactions that change agents. Nothing
// here asks the outside; the jobs that it inserts do.

const (
	// retryMin and retryMax bound the pause after a try that failed on the way;
	// it doubles.
	retryMin = time.Second
	retryMax = 30 * time.Second
	// refusedMax bounds it where the outside refused, leakedPause where it
	// refuses for good to let go.
	refusedMax  = 10 * time.Minute
	leakedPause = time.Hour
)

// retryPause is how long after the nth failed try the next one is; up to a
// half is taken off at random, so that many do not come at once.
func retryPause(n int, most time.Duration) time.Duration {
	d := min(retryMin<<min(n-1, 20), most)
	return d - rand.N(d/2)
}

// wantResources sees that the agent has, or gets, what its kind needs outside.
// What a former sign-in of the same incarnation left is used again.
func (a *App) wantResources(c *change) error {
	live, err := c.tx.LiveResources(c.agent.TeamID, c.agent.ID)
	if err != nil {
		return err
	}
	changed, err := a.wantProxy(c, live)
	if err != nil {
		return err
	}
	return a.wantProfile(c, live, changed)
}

// wantProfile sees that the agent has a profile, or gets one; changed is that
// it has to use another proxy than before.
func (a *App) wantProfile(c *change, live []fleet.Resource, changed bool) error {
	if c.kind.Profile == fleet.NeedNone {
		return nil
	}
	for _, r := range live {
		if r.Type != fleet.ResourceProfile {
			continue
		}
		turn, known := r.Turn, a.vendorNamed(r.Vendor) != nil
		switch {
		case r.State == fleet.ResourceHeld && !changed && (known || a.vendor == nil):
			return nil
		case !known: // nobody here can change it
			if err := a.drop(c.tx, r, c.now); err != nil {
				return err
			}
			continue
		case r.State == fleet.ResourceHeld:
			if err := advance(&r, fleet.StepReshape, c.now); err != nil {
				return err
			}
		}
		return a.enqueue(c.tx, r, turn, 0, c.now) // also where it failed before: at once
	}
	if a.vendor == nil {
		if c.kind.Profile == fleet.NeedRequired {
			return fleet.Errorf(fleet.CodeConflict, "Agents of kind %s need a browser profile, and this server has no vendor of them: its host sets AGENTRY_GOLOGIN_TOKEN_FILE", c.kind.Name)
		}
		return nil
	}
	r, err := c.want(fleet.Resource{Type: fleet.ResourceProfile, Vendor: a.vendor.profiles.Name(), Label: a.vendor.profiles.Label()})
	if err != nil {
		return err
	}
	return a.enqueue(c.tx, r, r.Turn, 0, c.now)
}

// want writes a row for a thing that the agent is to have.
func (c *change) want(r fleet.Resource) (fleet.Resource, error) {
	r.ID, r.TeamID, r.AgentID, r.Incarnation = c.tx.NewID(c.now), c.agent.TeamID, c.agent.ID, c.agent.Incarnation
	r.State, r.CreatedAt, r.StateAt, r.UpdatedAt = fleet.ResourceWanted, c.now, c.now, c.now
	return r, errors.Join(c.tx.InsertResource(r), c.event(fleet.EventResourceChanged))
}

// dropResources says of what the move takes from the agent outside that it is
// not wanted any more: what was never asked for is gone, the rest is released
// by jobs, the profile before the proxy that it uses.
func (a *App) dropResources(c *change, m fleet.Move) error {
	live, err := droppable(c.tx, c.agent.Agent, m)
	if err != nil || len(live) == 0 {
		return err
	}
	for _, r := range live {
		if err := a.drop(c.tx, r, c.now); err != nil {
			return err
		}
	}
	c.detail("resources", len(live))
	return nil
}

// droppable are what dropResources lets go, in its order: profiles before the
// proxies that they use. A relaunched agent stays the same in another server.
func droppable(tx *store.Tx, agent fleet.Agent, m fleet.Move) ([]fleet.Resource, error) {
	live, err := tx.LiveResources(agent.TeamID, agent.ID)
	if m != fleet.MoveDelete {
		live = slices.DeleteFunc(live, isAgent)
	}
	slices.SortStableFunc(live, func(x, y fleet.Resource) int { return strings.Compare(string(x.Type), string(y.Type)) })
	return live, err
}

// nameResources puts into a preview what the act lets go outside. A delete
// takes the agent away from what former lives left, so that is named too.
func nameResources(tx *store.Tx, p *fleet.Preview) error {
	team, id := p.Agent.TeamID, p.Agent.ID
	list, err := droppable(tx, p.Agent, p.Action)
	if err != nil {
		return err
	}
	if p.Action == fleet.MoveDelete {
		open, err := tx.ResourcesInTransit(team, []fleet.AgentID{id})
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(open[id], fleet.Resource.Live)
		list = append(list, left...)
	}
	n := min(len(list), fleet.MaxNamedResources)
	p.Resources, p.MoreResources = list[:n], len(list)-n
	return nil
}

// drop begins the release of one row. A proxy is only a place: it is free at
// once unless a profile still uses it.
func (a *App) drop(tx *store.Tx, r fleet.Resource, now time.Time) error {
	turn := r.Turn
	if r.State == fleet.ResourceWanted && r.AskedAt.IsZero() {
		return a.gone(tx, r, turn, now)
	}
	if err := advance(&r, fleet.StepDrop, now); err != nil {
		return err
	}
	if r.ExternalID != "" {
		// What was asked before was about the thing, not whether it exists.
		r.AskedAt = time.Time{}
	}
	if r.Type != fleet.ResourceProxy {
		return a.enqueue(tx, r, turn, 0, now)
	}
	used, err := profileOpen(tx, r)
	if err != nil {
		return err
	}
	if used {
		return a.park(tx, r, turn, now)
	}
	return a.gone(tx, r, turn, now)
}

// profileOpen tells whether a profile of the row's agent may still exist and
// is not the agent's any more, so that it may still use the proxy.
func profileOpen(tx *store.Tx, r fleet.Resource) (bool, error) {
	open, err := tx.ResourcesInTransit(r.TeamID, []fleet.AgentID{r.AgentID})
	return slices.ContainsFunc(open[r.AgentID], func(o fleet.Resource) bool {
		return o.Type == fleet.ResourceProfile && !o.Pending()
	}), err
}

// gone stores that a row's thing is no more, and lets go what waited for it.
func (a *App) gone(tx *store.Tx, r fleet.Resource, turn int64, now time.Time) error {
	if err := advance(&r, fleet.StepGone, now); err != nil {
		return err
	}
	if err := a.park(tx, r, turn, now); err != nil {
		return err
	}
	if err := auditResource(tx, r, "resource.released", now); err != nil {
		return err
	}
	return a.freeProxies(tx, r, now)
}

// freeProxies goes on with the proxies of an agent whose profile is no more.
func (a *App) freeProxies(tx *store.Tx, r fleet.Resource, now time.Time) error {
	if r.Type != fleet.ResourceProfile {
		return nil
	}
	open, err := tx.ResourcesInTransit(r.TeamID, []fleet.AgentID{r.AgentID})
	for _, o := range open[r.AgentID] {
		if err == nil && o.Type == fleet.ResourceProxy && o.State == fleet.ResourceReleasing {
			err = a.enqueue(tx, o, o.Turn, 0, now)
		}
	}
	return err
}

// auditResource records, in the team's audit, what became of a row by itself.
func auditResource(tx *store.Tx, r fleet.Resource, action string, now time.Time) error {
	e := entry(act{by: fleet.System(r.TeamID, "worker"), action: action, id: r.AgentID}, now, "done")
	e.Detail = map[string]any{"resourceId": r.ID, "type": r.Type, "vendor": r.Vendor}
	return tx.AddAudit(e)
}

// advance makes a step of the ledger on the row; what was tried before belongs
// to the former state.
func advance(r *fleet.Resource, step fleet.ResourceStep, now time.Time) error {
	to, err := fleet.NextResource(r.State, step)
	if err != nil {
		return err
	}
	r.UpdatedAt = now
	if to == r.State {
		return nil
	}
	r.State, r.StateAt = to, now
	r.Tries, r.NextTry, r.LastError = 0, time.Time{}, ""
	switch to {
	case fleet.ResourceHeld:
		r.HeldAt, r.AskedAt = now, time.Time{}
	case fleet.ResourceReleased:
		r.ReleasedAt, r.AskedAt = now, time.Time{}
	}
	return nil
}

// enqueue stores the row with a new turn and its job after the pause.
func (a *App) enqueue(tx *store.Tx, r fleet.Resource, turn int64, after time.Duration, now time.Time) error {
	r.NextTry = now.Add(after)
	if err := a.put(tx, r, turn, now); err != nil {
		return err
	}
	return a.insert(tx, ResourceJob{ID: r.ID, Turn: turn + 1, Queue: queueOf(r)}, after)
}

// park stores the row with a new turn and no job: something else goes on with
// it, or nothing is left to do.
func (a *App) park(tx *store.Tx, r fleet.Resource, turn int64, now time.Time) error {
	r.NextTry = time.Time{}
	return a.put(tx, r, turn, now)
}

// put stores the row as it was changed since the turn, and takes the next.
func (a *App) put(tx *store.Tx, r fleet.Resource, turn int64, now time.Time) error {
	r.Turn, r.UpdatedAt = turn+1, now
	ok, err := tx.SaveResource(r, turn)
	if err == nil && !ok {
		err = fleet.Errorf(fleet.CodeConflict, "The resource was changed by somebody else at the same moment; look again")
	}
	if err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: r.TeamID, AgentID: r.AgentID, Type: fleet.EventResourceChanged, At: now})
}
