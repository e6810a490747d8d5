package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"agentry/internal/fault"
	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

const (
	// settleMake is how long after an unclear create the vendor's list must
	// have stayed without the profile before it is created again; settleGone
	// is the same before it counts as never made.
	settleMake = 5 * time.Second
	settleGone = 20 * time.Second
	// settleLook is how often it is looked for meanwhile.
	settleLook = 4 * time.Second
	// refusals of a deletion by the vendor after which it counts as leaked.
	leakedAfter = 10
)

// settling says that the outcome of an earlier question may not show yet.
type settling struct{ left time.Duration }

func (s *settling) Error() string { return "waiting for what an unanswered request may have made" }

// makeProfile sees that the profile exists, once, and uses the agent's proxy.
func (e *errand) makeProfile(ctx context.Context) error {
	g, err := e.vendor()
	if err != nil {
		return err
	}
	proxy, wait, err := e.proxyOf(ctx)
	if err != nil {
		return err
	}
	if wait {
		e.r.NextTry = time.Time{}
		return e.save(ctx, nil)
	}
	if e.r.State == fleet.ResourceWanted {
		if err := e.step(ctx, fleet.StepAsk, func(*store.Tx, time.Time) error { return nil }); err != nil {
			return err
		}
	}
	if e.r.ExternalID == "" {
		if err := e.createProfile(ctx, g); err != nil {
			return err
		}
	}
	err = e.app.ask(ctx, g, func() error { return g.profiles.SetProxy(ctx, e.r.ExternalID, proxy) })
	if err != nil {
		if resource.ReasonOf(err) == resource.Missing {
			// Somebody deleted it there: another one is made.
			e.r.ExternalID, e.r.AskedAt = "", time.Time{}
		}
		return err
	}
	return e.held(ctx)
}

// vendor returns the row's.
func (e *errand) vendor() (*vendor, error) {
	if g := e.app.vendorNamed(e.r.Vendor); g != nil {
		return g, nil
	}
	return nil, &absent{"This server is not set up for " + e.r.Vendor + " any more, and only that vendor can be asked for this"}
}

// proxyOf returns what the profile is to use; wait says that the agent's proxy
// is not ready, which goes on with the profile when it is.
func (e *errand) proxyOf(ctx context.Context) (*resource.Endpoint, bool, error) {
	var live []fleet.Resource
	err := e.app.store.Read(ctx, func(tx *store.Tx) (err error) {
		live, err = tx.LiveResources(e.r.TeamID, e.r.AgentID)
		return err
	})
	for _, r := range live {
		switch {
		case r.Type != fleet.ResourceProxy:
		case r.Pending():
			return nil, true, err
		default:
			endpoint, err := e.app.endpoint(ctx, r)
			return &endpoint, false, err
		}
	}
	return nil, false, err
}

// createProfile makes the profile unless an earlier try has.
func (e *errand) createProfile(ctx context.Context, g *vendor) error {
	if !e.r.AskedAt.IsZero() && !fault.On(fault.BlindCreate) {
		found, err := e.findProfile(ctx, g, settleMake)
		if err != nil {
			return err
		}
		if found {
			return nil
		}
	}
	if err := e.asking(ctx); err != nil {
		return err
	}
	var made resource.Profile
	err := e.app.ask(ctx, g, func() (err error) {
		made, err = g.profiles.Create(ctx, e.r.Name())
		return err
	})
	if err != nil {
		if !resource.IsUnclear(err) || errors.Is(err, errParked) {
			e.r.AskedAt = time.Time{}
		}
		return err
	}
	return e.note(ctx, made.ID)
}

// findProfile looks for what an unclear create made, and adopts the oldest; the
// sweep deletes others of the name. false is that there is none for sure.
func (e *errand) findProfile(ctx context.Context, g *vendor, settle time.Duration) (bool, error) {
	var list []resource.Profile
	err := e.app.ask(ctx, g, func() (err error) {
		list, err = g.profiles.Find(ctx, e.r.Name())
		return err
	})
	if err != nil {
		return false, err
	}
	var anothers error
	for _, p := range list {
		if anothers = e.note(ctx, p.ID); resource.ReasonOf(anothers) != resource.Refused {
			return true, anothers
		}
	}
	if anothers != nil {
		return false, anothers
	}
	now := e.app.Now()
	if e.r.AskedAt.After(now) {
		e.r.AskedAt = now // the clock was set back: the whole time again
	}
	if left := settle - now.Sub(e.r.AskedAt); left > 0 {
		return false, &settling{min(left, settleLook)}
	}
	return false, nil
}

// note stores the vendor's id of the thing, also when the row was changed by
// others meanwhile: whoever releases it needs to know. An id that another row
// has or had is never taken, whatever the vendor says: releasing it would take
// that agent's thing away.
func (e *errand) note(ctx context.Context, id string) error {
	unknown := e.r
	e.r.ExternalID, e.r.AskedAt = id, time.Time{}
	err := e.save(ctx, func(tx *store.Tx, _ time.Time) error { return e.notAnothers(tx, id) })
	switch {
	case errors.Is(err, errOver):
		return errors.Join(err, e.app.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			if err := e.notAnothers(tx, id); err != nil {
				return err
			}
			return tx.NoteExternal(e.r.TeamID, e.r.ID, id)
		}))
	case err != nil:
		e.r = unknown
	}
	return err
}

func (e *errand) notAnothers(tx *store.Tx, id string) error {
	another, err := tx.ExternalOfAnother(e.r.Vendor, id, e.r.ID)
	if err != nil || !another {
		return err
	}
	return &resource.Error{Reason: resource.Refused, Unclear: true,
		Message: e.r.Label + " gave the id of a profile that another row of the ledger has, which is left alone: look there for " + e.r.Name()}
}

// deleteProfile sees that the profile is gone at the vendor.
func (e *errand) deleteProfile(ctx context.Context) error {
	g, err := e.vendor()
	if err != nil {
		return err
	}
	if e.r.ExternalID == "" {
		if e.r.AskedAt.IsZero() {
			return e.released(ctx) // nobody was asked for it
		}
		found, err := e.findProfile(ctx, g, settleGone)
		if err != nil {
			return err
		}
		if !found {
			return e.released(ctx)
		}
	}
	again := !e.r.AskedAt.IsZero() && !fault.On(fault.BlindDelete)
	bare, err := e.bare(ctx)
	if err != nil {
		return err
	}
	if err := e.asking(ctx); err != nil {
		return err
	}
	err = e.app.ask(ctx, g, func() error {
		return g.profiles.Delete(ctx, e.r.ExternalID, resource.Deletion{Again: again, Bare: bare})
	})
	switch {
	case err == nil:
		return e.released(ctx)
	case errors.Is(err, errParked) && !again:
		e.r.AskedAt = time.Time{}
	case resource.ReasonOf(err) == resource.Invalid, resource.ReasonOf(err) == resource.Refused && e.r.Tries+1 >= leakedAfter:
		return e.leak(ctx, err)
	}
	return err
}

// bare tells whether the profile surely has no proxy: it was seen without one
// when it was ready, and its agent had none in that life.
func (e *errand) bare(ctx context.Context) (bool, error) {
	if e.r.HeldAt.IsZero() {
		return false, nil
	}
	var list []fleet.Resource
	err := e.app.store.Read(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.Resources(e.r.TeamID, ResourceFilter{AgentID: e.r.AgentID, Type: fleet.ResourceProxy}, "", tickBatch)
		return err
	})
	return err == nil && len(list) < tickBatch && !slices.ContainsFunc(list, func(r fleet.Resource) bool { return r.Incarnation == e.r.Incarnation }), err
}

// leak stores that the vendor refuses for good to let go: people have to look.
// It is tried again now and then all the same.
func (e *errand) leak(ctx context.Context, cause error) error {
	tries, news := e.r.Tries+1, e.r.State == fleet.ResourceReleasing
	if news {
		if err := advance(&e.r, fleet.StepRefuse, e.app.Now()); err != nil {
			return err
		}
	}
	e.r.Tries, e.r.LastError = tries, cutText(sentence(cause))
	return e.retryIn(ctx, leakedPause, func(tx *store.Tx, now time.Time) error {
		if news {
			if err := auditResource(tx, e.r, "resource.leaked", now); err != nil {
				return err
			}
		}
		return raiseTeam(tx, e.r.TeamID, alertResource, alertLeaked, fleet.SeverityError,
			cutText("A "+e.r.Type.Word()+" is not wanted any more and cannot be released: "+e.r.LastError+". Look at the page Resources"), now)
	})
}
