package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// ResourceFilter narrows a list of the ledger; zero is everything.
type ResourceFilter = store.ResourceFilter

// ResourceCounts are a team's rows of the ledger by state, and how many of
// them people should look at.
type ResourceCounts struct {
	ByState map[fleet.ResourceState]int
	Stuck   int
}

// Resources returns the team's rows of the ledger, newest first, also those of
// agents that are gone.
func (a *App) Resources(ctx context.Context, by fleet.Actor, f ResourceFilter, p PageInput) ([]fleet.Resource, string, error) {
	return page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) ([]fleet.Resource, error) {
		return tx.Resources(by.TeamID, f, before, limit)
	}, func(r fleet.Resource) string { return r.ID })
}

// ResourcesUnderWay returns the newest of the team's rows that are being made
// or released without trouble, newest first.
func (a *App) ResourcesUnderWay(ctx context.Context, by fleet.Actor, limit int) (list []fleet.Resource, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		// One state at a time: each is in order in its index.
		for _, state := range []fleet.ResourceState{fleet.ResourceWanted, fleet.ResourceAcquiring, fleet.ResourceReleasing} {
			some, err := tx.Resources(by.TeamID, ResourceFilter{States: []fleet.ResourceState{state}, Calm: true}, "", limit)
			if err != nil {
				return err
			}
			list = append(list, some...)
		}
		return nil
	})
	slices.SortFunc(list, func(x, y fleet.Resource) int { return strings.Compare(y.ID, x.ID) })
	return list[:min(len(list), limit)], err
}

// AgentResources returns the rows of an agent that lives, newest first.
func (a *App) AgentResources(ctx context.Context, by fleet.Actor, id fleet.AgentID, p PageInput) ([]fleet.Resource, string, error) {
	return page(ctx, a, by, p, ofAgent(by, id, func(tx *store.Tx, before string, limit int) ([]fleet.Resource, error) {
		return tx.Resources(by.TeamID, ResourceFilter{AgentID: id}, before, limit)
	}), func(r fleet.Resource) string { return r.ID })
}

// TotalResources counts the rows that pass a filter.
func (a *App) TotalResources(ctx context.Context, by fleet.Actor, f ResourceFilter) (n int64, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return 0, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		n, err = tx.TotalResources(by.TeamID, f)
		return err
	})
	return n, err
}

// Resource returns one of the team's rows.
func (a *App) Resource(ctx context.Context, by fleet.Actor, id string) (r fleet.Resource, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return r, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		r, err = tx.Resource(by.TeamID, id)
		return err
	})
	return r, err
}

// CountResources counts the team's rows.
func (a *App) CountResources(ctx context.Context, by fleet.Actor) (n ResourceCounts, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return n, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		n.ByState, n.Stuck, err = tx.CountResources(by.TeamID)
		return err
	})
	return n, err
}

// RetryResource has a row tried now instead of later. Where its vendor must
// not be asked, the vendor is asked first whether the access works again.
func (a *App) RetryResource(ctx context.Context, by fleet.Actor, id string) (fleet.Resource, error) {
	what := act{by: by, need: fleet.ScopeOperate, action: "resource.retry"}
	return a.onResource(ctx, what, id, func(tx *store.Tx, r *fleet.Resource) error {
		turn := r.Turn
		if err := advance(r, fleet.StepRetry, a.Now()); err != nil {
			return err
		}
		r.Forgotten = nil
		if g := a.vendorNamed(r.Vendor); g != nil && g.beginCheck(fleet.VendorStopped, a.clock.elapsed()) {
			if err := a.insert(tx, VendorCheckJob{Name: r.Vendor}, 0); err != nil {
				return err
			}
		}
		return a.enqueue(tx, *r, turn, 0, a.Now())
	})
}

// ForgetResource gives a thing up that is to be released, with a reason: nobody
// asks the outside for it any more.
func (a *App) ForgetResource(ctx context.Context, by fleet.Actor, id string, in ReasonInput) (fleet.Resource, error) {
	if strings.TrimSpace(in.Reason) == "" {
		return fleet.Resource{}, fleet.Invalid("reason", "must say why")
	}
	if err := fleet.CheckNote("reason", in.Reason); err != nil {
		return fleet.Resource{}, err
	}
	what := act{by: by, need: fleet.ScopeAdmin, action: "resource.forget"}
	return a.onResource(ctx, what, id, func(tx *store.Tx, r *fleet.Resource) error {
		turn, now := r.Turn, a.Now()
		if r.Forgotten != nil {
			return fleet.Errorf(fleet.CodeConflict, "The resource was forgotten by %s", r.Forgotten.By)
		}
		tries, said := r.Tries, r.LastError
		if err := advance(r, fleet.StepForget, now); err != nil {
			return err
		}
		r.Tries, r.LastError = tries, said // why it was given up
		r.Forgotten = &fleet.Forgotten{By: by.Name, Reason: in.Reason, At: now}
		if err := a.park(tx, *r, turn, now); err != nil {
			return err
		}
		return errors.Join(leakOver(tx, r.TeamID, now), a.freeProxies(tx, *r, now))
	})
}

// leakOver takes the alert back once nothing of the team is leaked.
func leakOver(tx *store.Tx, team fleet.TeamID, now time.Time) error {
	left, err := tx.Resources(team, ResourceFilter{States: []fleet.ResourceState{fleet.ResourceLeaked}, Stuck: true}, "", 1)
	if err != nil || len(left) > 0 {
		return err
	}
	return resolveTeam(tx, team, alertResource, alertLeaked, now)
}

// onResource runs f on one of the team's rows, with the audit entry.
func (a *App) onResource(ctx context.Context, what act, id string, f func(tx *store.Tx, r *fleet.Resource) error) (r fleet.Resource, err error) {
	if err := a.allowed(what); err != nil {
		return r, a.refused(ctx, what, err)
	}
	err = a.write(ctx, what.by, func(tx *store.Tx) error {
		if r, err = tx.Resource(what.by.TeamID, id); err != nil {
			return err
		}
		what.id = r.AgentID
		if err := f(tx, &r); err != nil {
			return err
		}
		e := entry(what, a.Now(), "done")
		e.Detail = map[string]any{"resourceId": r.ID, "type": r.Type, "vendor": r.Vendor}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		r, err = tx.Resource(what.by.TeamID, id)
		return err
	})
	if err != nil {
		return r, a.refused(ctx, what, err)
	}
	return r, nil
}
