package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// This file leads an agent's place at an entry of the pool through the ledger.

// wantProxy sees that the agent has a place in its country where its kind takes
// one, and says whether what its profile uses changes by it.
func (a *App) wantProxy(c *change, live []fleet.Resource) (changed bool, err error) {
	if c.kind.Proxy == fleet.NeedNone {
		return false, nil
	}
	if c.agent.Country == "" && c.kind.Proxy == fleet.NeedRequired {
		return false, fleet.Invalid("country", "is needed for the proxy")
	}
	kept := false
	for _, r := range live {
		if r.Type != fleet.ResourceProxy {
			continue
		}
		changed = true
		if kept, err = a.keepProxy(c, r); err != nil {
			return true, err
		}
	}
	if kept || c.agent.Country == "" {
		return changed, nil
	}
	r, err := c.assignProxy(c.agent.Country)
	if fleet.CodeOf(err) == fleet.CodeConflict && c.kind.Proxy == fleet.NeedOptional {
		return changed, nil
	}
	if err != nil {
		return true, err
	}
	if r, err = c.want(r); err != nil {
		return true, err
	}
	return true, a.enqueue(c.tx, r, r.Turn, 0, c.now)
}

// keepProxy has a place that the agent has tried again before it is used, or
// gives it back where it is of another country or its entry is out of use.
func (a *App) keepProxy(c *change, r fleet.Resource) (bool, error) {
	entry, err := c.tx.Proxy(r.TeamID, r.ProxyID)
	if err != nil && fleet.CodeOf(err) != fleet.CodeNotFound {
		return false, err
	}
	if err != nil || r.Country != c.agent.Country || !entry.Enabled || entry.Health == fleet.ProxyQuarantined {
		return false, a.drop(c.tx, r, c.now)
	}
	turn := r.Turn
	if r.State == fleet.ResourceHeld {
		if err := advance(&r, fleet.StepReshape, c.now); err != nil {
			return true, err
		}
	}
	return true, a.enqueue(c.tx, r, turn, 0, c.now)
}

// tryProxy makes a real request through the place before anything uses it. One
// that fails is given back for another place in the country, where there is one.
func (e *errand) tryProxy(ctx context.Context) error {
	if e.r.State == fleet.ResourceWanted {
		if err := e.step(ctx, fleet.StepAsk, func(*store.Tx, time.Time) error { return nil }); err != nil {
			return err
		}
	}
	cause := e.app.proveProxy(ctx, e.r)
	if cause == nil {
		return e.held(ctx)
	}
	var known *resource.Error
	if ctx.Err() != nil || !errors.As(cause, &known) || known.Unclear {
		return cause // which says nothing of the place
	}
	moved, err := e.moveProxy(ctx)
	if err != nil || moved {
		return err
	}
	return cause
}

// moveProxy takes a place at another entry instead.
func (e *errand) moveProxy(ctx context.Context) (moved bool, err error) {
	now := e.app.Now()
	err = e.app.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return e.onAgent(tx, now, func(c *change) error {
			other, err := c.assignProxy(e.r.Country)
			if fleet.CodeOf(err) == fleet.CodeConflict || err == nil && other.ProxyID == e.r.ProxyID {
				return nil
			}
			if err != nil {
				return err
			}
			moved = true
			old := e.r
			if err := advance(&old, fleet.StepDrop, now); err != nil {
				return err
			}
			if err := e.app.gone(tx, old, old.Turn, now); err != nil {
				return err
			}
			if other, err = c.want(other); err != nil {
				return err
			}
			return e.app.enqueue(tx, other, other.Turn, 0, now)
		})
	})
	if fleet.CodeOf(err) == fleet.CodeConflict {
		return false, errOver
	}
	return moved, err
}

// freeProxy gives the place back once no profile can use it any more.
func (e *errand) freeProxy(ctx context.Context) error {
	var used bool
	err := e.app.store.Read(ctx, func(tx *store.Tx) (err error) {
		used, err = profileOpen(tx, e.r)
		return err
	})
	switch {
	case err != nil:
		return err
	case used:
		e.r.NextTry = time.Time{}
		return e.save(ctx, nil)
	}
	return e.released(ctx)
}
