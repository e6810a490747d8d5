package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Vendors returns the vendors of this server and how they are.
func (a *App) Vendors(_ context.Context, by fleet.Actor) ([]fleet.Vendor, error) {
	if err := by.May(fleet.ScopeRead); err != nil || a.vendor == nil {
		return nil, err
	}
	return []fleet.Vendor{a.vendor.snapshot()}, nil
}

// CheckVendor has a vendor asked whether the access works, soon; when it does,
// all that waits goes on.
func (a *App) CheckVendor(ctx context.Context, by fleet.Actor, name string) (fleet.Vendor, error) {
	what := act{by: by, need: fleet.ScopeAdmin, action: "vendor.check"}
	if err := a.allowed(what); err != nil {
		return fleet.Vendor{}, a.refused(ctx, what, err)
	}
	g := a.vendorNamed(name)
	if g == nil {
		return fleet.Vendor{}, fleet.Errorf(fleet.CodeNotFound, "Vendor not found")
	}
	now := a.Now()
	err := a.write(ctx, by, func(tx *store.Tx) error {
		e := entry(what, now, "done")
		e.Detail = map[string]any{"vendor": name}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		if !g.beginCheck("", a.clock.elapsed()) {
			return nil // somebody asked already
		}
		return a.insert(tx, VendorCheckJob{Name: name}, 0)
	})
	if err != nil {
		return fleet.Vendor{}, err
	}
	return g.snapshot(), a.announceVendors(ctx, name)
}

// checkLate is after how long a check that was asked for counts as lost.
const checkLate = 2 * time.Minute

// beginCheck marks that a check is on its way, in the state or in any when it is
// ""; false is that it is so already, or not in that state.
func (g *vendor) beginCheck(in fleet.VendorState, elapsed time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.checking && elapsed-g.asked < checkLate || in != "" && g.state != in {
		return false
	}
	g.checking, g.asked = true, elapsed
	return true
}

// WorkVendorCheck asks a vendor, for somebody who wants to know; for the worker.
func (a *App) WorkVendorCheck(ctx context.Context, name string) error {
	g := a.vendorNamed(name)
	if g == nil {
		return nil
	}
	err := g.profiles.Check(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	g.mu.Lock()
	g.checking = false
	g.mu.Unlock()
	switch {
	case err != nil && (!answered(err) || g.snapshot().State == fleet.VendorStopped):
	case g.snapshot().State == fleet.VendorOK:
		return a.announceVendors(ctx, name)
	default:
		return a.openVendor(ctx, g)
	}
	return errors.Join(a.judge(ctx, g, err), a.announceVendors(ctx, name))
}
