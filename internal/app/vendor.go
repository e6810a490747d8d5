package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

const (
	// downAfter calls in a row that do not reach the vendor it is asked whether
	// it is there; when not, only one now and then asks whether it is back.
	downAfter = 5
	// alertDownAfter is how long a vendor may be away before people are told.
	alertDownAfter = 2 * time.Minute
	// alertResource is the type of the alerts about outside things; those of a
	// team alone have these subtypes.
	alertResource = "resource"
	alertStopped  = "vendor_stopped"
	alertDown     = "vendor_down"
	alertLeaked   = "leaked"
)

// errParked says that the vendor is not asked now; its gate goes on with what
// waits.
var errParked = errors.New("the vendor is not asked now")

// vendor stands before somebody outside: it stops the calls when the vendor is
// away or must not be asked.
type vendor struct {
	profiles resource.Profiles

	mu       sync.Mutex
	state    fleet.VendorState
	since    time.Time
	elapsed  time.Duration // App.clock's, when the state began
	message  string
	failures int
	told     bool // people know of the absence
	checking bool
	asked    time.Duration // App.clock's, when the check was asked for
}

// vendorNamed returns a vendor, or nil when this server knows none of the name.
func (a *App) vendorNamed(name string) *vendor {
	if a.vendor == nil || a.vendor.profiles.Name() != name {
		return nil
	}
	return a.vendor
}

func (g *vendor) snapshot() fleet.Vendor {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fleet.Vendor{
		Name: g.profiles.Name(), Label: g.profiles.Label(), StandIn: g.profiles.StandIn(),
		State: g.state, Since: g.since, Message: g.message, Checking: g.checking,
	}
}

// ask calls the vendor unless its gate is shut, and shuts it by what is met.
func (a *App) ask(ctx context.Context, g *vendor, f func() error) error {
	if g.snapshot().State != fleet.VendorOK {
		return errParked
	}
	mark := g.profiles.Mark()
	err := f()
	if ctx.Err() != nil {
		return err // the server stops: that says nothing of the vendor
	}
	if err != nil && !answered(err) && g.profiles.Mark() != mark {
		return err // another access is in place by now: that says nothing of it
	}
	return errors.Join(err, a.judge(ctx, g, err))
}

// judge learns from an answer of the vendor how it is; err is nil when the
// vendor did what it was asked for.
func (a *App) judge(ctx context.Context, g *vendor, err error) error {
	reason := resource.Reason("")
	if err != nil {
		reason = resource.ReasonOf(err)
	}
	if reason == resource.Unreachable && g.doubted() {
		// One that answers some of the time is not away: what fails is tried
		// again, and the rest goes on.
		probed := g.profiles.Check(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case probed == nil || answered(probed):
			reason = ""
		default:
			reason, err = resource.ReasonOf(probed), probed
		}
	}
	switch state := g.learn(reason, err, a.Now(), a.clock.elapsed()); state {
	case fleet.VendorStopped:
		return a.stopVendor(ctx, g, sentence(err))
	case fleet.VendorDown:
		a.log.Warn("a vendor does not answer; it is asked now and then", "vendor", g.profiles.Name(), "error", err)
		return a.announceVendors(ctx, g.profiles.Name())
	}
	return nil
}

// doubted tells whether the next call that fails makes the vendor count as away.
func (g *vendor) doubted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == fleet.VendorOK && g.failures+1 >= downAfter
}

// learn counts an answer and returns the state that the gate came into by it,
// "" when it is as it was.
func (g *vendor) learn(reason resource.Reason, err error, now time.Time, elapsed time.Duration) fleet.VendorState {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch reason {
	case resource.Unauthorized, resource.Revoked:
		g.become(fleet.VendorStopped, sentence(err), now, elapsed)
		return fleet.VendorStopped
	case resource.Unreachable:
		if g.failures++; g.failures >= downAfter && g.state == fleet.VendorOK {
			g.become(fleet.VendorDown, sentence(err), now, elapsed)
			return fleet.VendorDown
		}
	default:
		g.failures = 0
	}
	return ""
}

func (g *vendor) become(state fleet.VendorState, message string, now time.Time, elapsed time.Duration) {
	if g.state != state {
		g.since, g.elapsed, g.told = now, elapsed, false
	}
	g.state, g.message, g.failures = state, message, 0
}

// stopVendor keeps, over a restart too, that the vendor must not be asked, and
// tells people.
func (a *App) stopVendor(ctx context.Context, g *vendor, message string) error {
	now := a.Now()
	a.log.Error("a vendor is not asked any more until its access is mended", "vendor", g.profiles.Name(), "error", message)
	return a.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		stop := store.VendorStop{Mark: g.profiles.Mark(), Message: message, At: now}
		if err := tx.StopVendor(g.profiles.Name(), stop); err != nil {
			return err
		}
		return a.tellTeams(tx, g.profiles.Name(), now, func(team fleet.TeamID) error {
			return raiseTeam(tx, team, alertResource, alertStopped, fleet.SeverityError, vendorAlert(g.profiles.Label(), message), now)
		})
	})
}

func vendorAlert(label, message string) string {
	return cutText(label + " is not asked any more: " + message + ". Nothing is made or released there until the host has mended the access and somebody checks it on the page Resources")
}

// tellTeams runs f for each team that has anything at the vendor, with an
// event that the vendor changed.
func (a *App) tellTeams(tx *store.Tx, vendor string, now time.Time, f func(team fleet.TeamID) error) error {
	teams, err := tx.TeamsOfVendor(vendor)
	if err != nil {
		return err
	}
	for _, team := range teams {
		if f != nil {
			if err := f(team); err != nil {
				return err
			}
		}
		if err := tx.AddEvent(fleet.Event{TeamID: team, Type: fleet.EventVendorChanged, At: now}); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) announceVendors(ctx context.Context, vendor string) error {
	return a.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return a.tellTeams(tx, vendor, a.Now(), nil) })
}

// openVendor lets the vendor be asked again and begins with all that waited.
func (a *App) openVendor(ctx context.Context, g *vendor) error {
	if err := a.allowVendor(ctx, g); err != nil {
		return err
	}
	return a.beginAll(ctx)
}

func (a *App) allowVendor(ctx context.Context, g *vendor) error {
	now, name := a.Now(), g.profiles.Name()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AllowVendor(name); err != nil {
			return err
		}
		return errors.Join(resolveTeams(tx, alertResource, alertStopped, now), resolveTeams(tx, alertResource, alertDown, now),
			a.tellTeams(tx, name, now, nil))
	})
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.become(fleet.VendorOK, "", now, a.clock.elapsed())
	return nil
}

// probeVendor asks a vendor that is away whether it is back.
func (a *App) probeVendor(ctx context.Context) error {
	g := a.vendor
	if g == nil {
		return nil
	}
	v := g.snapshot()
	if v.State != fleet.VendorDown {
		return nil
	}
	err := g.profiles.Check(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err == nil || answered(err) {
		a.log.Info("a vendor answers again", "vendor", v.Name)
		return a.openVendor(ctx, g)
	}
	if resource.ReasonOf(err) != resource.Unreachable {
		return a.judge(ctx, g, err)
	}
	if !g.tell(a.clock.elapsed()) {
		return nil
	}
	now := a.Now()
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return a.tellTeams(tx, v.Name, now, func(team fleet.TeamID) error {
			return raiseTeam(tx, team, alertResource, alertDown, fleet.SeverityWarning,
				cutText(v.Label+" does not answer: "+v.Message+". What is to be made or released there waits and goes on by itself"), now)
		})
	})
}

// tell is true once in an absence, when it is long enough for people to know.
func (g *vendor) tell(elapsed time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.told || elapsed-g.elapsed < alertDownAfter {
		return false
	}
	g.told = true
	return true
}

// answered tells that an error is the vendor's own, and says nothing against
// the access: it is there.
func answered(err error) bool {
	switch resource.ReasonOf(err) {
	case resource.Unreachable, resource.Unauthorized, resource.Revoked:
		return false
	}
	return true
}
