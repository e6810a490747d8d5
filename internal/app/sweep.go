package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

const (
	// overdue is how long after its time a row's job must have run; later
	// nobody works at it, and the sweep inserts another. While there is work
	// going on, it may merely wait for its turn, as long as patience.
	overdue  = 20 * time.Second
	patience = 10 * time.Minute
	// latestTry is later than any next try is set: beyond it, the clock was
	// set back since.
	latestTry = leakedPause + time.Minute
	// sweepPages bounds one look at a vendor.
	sweepPages = 1000
	// justNow is how long ago at most a row changed that may have changed since
	// the vendor's list was read: the next sweep looks at it.
	justNow = time.Minute
)

// StartLedger begins with what a former server left undone: which vendors must
// not be asked, and a job for every open row.
func (a *App) StartLedger(ctx context.Context) error {
	if g := a.vendor; g != nil {
		err := a.store.Write(ctx, func(tx *store.Tx) error {
			stop, ok, err := tx.VendorStopped(g.profiles.Name())
			switch {
			case err != nil || !ok:
				return err
			case stop.Mark != g.profiles.Mark(): // another token was put in place
				return tx.AllowVendor(g.profiles.Name())
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			g.become(fleet.VendorStopped, stop.Message, stop.At, a.clock.elapsed())
			return nil
		})
		if err != nil {
			return err
		}
		if g.snapshot().State == fleet.VendorOK {
			if err := errors.Join(a.allowVendor(ctx, g), a.checkAtStart(ctx, g)); err != nil {
				return err
			}
		}
	}
	return a.beginAll(ctx)
}

// checkAtStart has the access tried once, so that a wrong token is known before
// an agent waits for a profile.
func (a *App) checkAtStart(ctx context.Context, g *vendor) error {
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return a.insert(tx, VendorCheckJob{Name: g.profiles.Name()}, 0)
	})
}

// beginAll inserts a job for every open row but leaks that have their time.
// Where that fails, the sweep does it.
func (a *App) beginAll(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			a.unbegun.Store(true)
		}
	}()
	for after := ""; ; {
		var n int
		err := a.store.Write(ctx, func(tx *store.Tx) error {
			list, err := tx.OpenResources(after, tickBatch)
			if err != nil {
				return err
			}
			n = len(list)
			for _, r := range list {
				after = r.ID
				if r.State == fleet.ResourceLeaked && !r.NextTry.IsZero() {
					continue
				}
				if err := a.enqueue(tx, r, r.Turn, 0, a.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < tickBatch {
			return err
		}
	}
}

// SweepLedger inserts jobs for rows and checks of proxies that are due and that
// nobody works at, and asks a vendor that is away whether it is back. Call it
// every few seconds.
func (a *App) SweepLedger(ctx context.Context) error {
	return errors.Join(a.beginOverdue(ctx), a.sweepProxies(ctx), a.probeVendor(ctx))
}

func (a *App) beginOverdue(ctx context.Context) error {
	if a.unbegun.Swap(false) {
		return a.beginAll(ctx)
	}
	now, late := a.Now(), overdue
	if a.busy.idle(a.clock.elapsed()) < overdue {
		late = patience
	}
	var due []fleet.Resource
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueResources(now.Add(-late), now.Add(latestTry), tickBatch)
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		for _, r := range due {
			if a.busy.is(r.ID) {
				continue
			}
			err := a.enqueue(tx, r, r.Turn, 0, now)
			if err != nil && fleet.CodeOf(err) != fleet.CodeConflict {
				return err
			}
		}
		return nil
	})
}

// SweepVendor looks through everything of ours that the vendor has for what is
// provably not wanted: a profile with the name of a row that was released, or
// with the name of a row that holds another profile. A name without a row is
// never touched: another installation may use the same account.
func (a *App) SweepVendor(ctx context.Context) (failed error) {
	g := a.vendor
	if g == nil {
		return nil
	}
	seen := map[string]bool{}
	for page := 1; page <= sweepPages; page++ {
		var list []resource.Profile
		var more bool
		err := a.ask(ctx, g, func() (err error) {
			list, more, err = g.profiles.List(ctx, fleet.ResourcePrefix, page)
			return err
		})
		if errors.Is(err, errParked) {
			return failed
		}
		if err != nil {
			return errors.Join(failed, err)
		}
		news := false
		for _, p := range list {
			if seen[p.ID] {
				continue
			}
			seen[p.ID], news = true, true
			// One that is refused must not hide those behind it.
			if err := a.sweepProfile(ctx, g, p); err != nil && failed == nil {
				failed = err
			}
		}
		if !more || ctx.Err() != nil || len(list) > 0 && !news { // a list that repeats itself would never end
			return failed
		}
	}
	return failed
}

// sweepProfile releases a profile that its row does not want.
func (a *App) sweepProfile(ctx context.Context, g *vendor, p resource.Profile) error {
	id, ok := fleet.ResourceOfName(p.Name)
	if !ok || !a.busy.begin(id, a.clock.elapsed()) {
		return nil
	}
	defer a.busy.end(id)
	var r fleet.Resource
	var anothers bool
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		if r, ok, err = tx.ResourceOfJob(id); err != nil || !ok {
			return err
		}
		anothers, err = tx.ExternalOfAnother(r.Vendor, p.ID, r.ID)
		return err
	})
	if err != nil || !ok || r.Vendor != g.profiles.Name() || a.Now().Sub(r.StateAt).Abs() < justNow {
		return err
	}
	if anothers {
		a.log.Warn("a vendor lists a profile under the name of another row; it is left alone", "resource_id", r.ID, "team_id", r.TeamID, "vendor", r.Vendor)
		return nil
	}
	switch {
	case r.State == fleet.ResourceReleased && r.ExternalID != p.ID,
		r.State == fleet.ResourceHeld && r.ExternalID != p.ID:
		// An earlier create worked after all, behind its row's back.
	case r.State == fleet.ResourceReleased:
		// The vendor confirmed that it is gone, and shows it again.
	default:
		return nil
	}
	// The list may be older than the row: what it shows is looked for first.
	err = a.ask(ctx, g, func() error { return g.profiles.Delete(ctx, p.ID, resource.Deletion{Again: true}) })
	if err != nil {
		return err
	}
	a.log.Warn("deleted a profile that no row wanted", "resource_id", r.ID, "team_id", r.TeamID, "vendor", r.Vendor)
	return a.store.Write(ctx, func(tx *store.Tx) error { return auditResource(tx, r, "resource.swept", a.Now()) })
}
