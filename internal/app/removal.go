package app

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Removal is something to delete outside. Kind is zero when this server does
// not know it any more.
type Removal struct {
	fleet.Removal
	Kind fleet.Kind
}

const (
	// removalBatch is how many removals are worked on at once.
	removalBatch = 20
	// The bounds of the pause before a removal is tried again; it doubles.
	removalMin = 2 * time.Second
	removalMax = time.Hour
)

// planRemoval records with a deletion that the agent is to be deleted outside
// too, where it may ever have been there.
func (c *change) planRemoval() error {
	driver, err := c.tx.RunDriver(c.agent.ID)
	if err != nil || !fleet.KeepsAgents(driver) {
		return err
	}
	return c.tx.AddRemoval(fleet.Removal{
		TeamID: c.agent.TeamID, AgentID: c.agent.ID, Kind: c.agent.Kind, CreatedAt: c.now, NextTry: c.now,
	})
}

// DueRemovals returns what is to be deleted outside now, of all teams.
func (a *App) DueRemovals(ctx context.Context) (list []Removal, err error) {
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		now := a.Now()
		due, err := tx.DueRemovals(now, now.Add(removalMax), removalBatch)
		for _, r := range due {
			list = append(list, Removal{Removal: r, Kind: a.kinds[r.Kind]})
		}
		return err
	})
	return list, err
}

// RemovalTried records how a removal went: a nil cause is the other side's
// confirmation, anything else is tried again later.
func (a *App) RemovalTried(ctx context.Context, r fleet.Removal, cause error) error {
	now := a.Now()
	if cause != nil {
		r.Tries++
		r.NextTry, r.LastError = now.Add(removalPause(r.Tries)), cutText(strings.ToValidUTF8(cause.Error(), "�"))
		return a.store.Write(ctx, func(tx *store.Tx) error { return tx.SetRemoval(r) })
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		was, err := tx.DropRemoval(r.TeamID, r.AgentID)
		if err != nil || !was {
			return err
		}
		e := entry(act{by: fleet.System(r.TeamID, "supervisor"), action: "removed_outside", id: r.AgentID}, now, "done")
		e.Detail = map[string]any{"kind": r.Kind, "tries": r.Tries + 1}
		return tx.AddAudit(e)
	})
}

// removalPause is how long after the nth try the next one is; up to a half is
// taken off at random, so that many do not come at once.
func removalPause(n int) time.Duration {
	d := min(removalMin<<min(n-1, 20), removalMax)
	return d - rand.N(d/2)
}
