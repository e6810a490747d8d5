package main

import (
	"context"
	"slices"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// demoPatience bounds how long the demo waits for what is done outside; what
// lasts longer is left as it is.
const demoPatience = time.Minute

// useLedger shows what becomes of things outside when agents go: one gives
// its own back by a relaunch, one by its deletion, and the stand-in refuses to
// delete the profile of a third.
func (d *demoTeam) useLedger(ctx context.Context, a *app.App) error {
	again, err := d.equipped(ctx, a, "Ivo Brandt", "DE")
	if err != nil {
		return err
	}
	gone, err := d.equipped(ctx, a, "Petra Nowak", "DE")
	if err != nil {
		return err
	}
	kept, err := d.equipped(ctx, a, "Liam Byrne", "GB")
	if err != nil {
		return err
	}
	if err := d.waitFor(ctx, a, []fleet.AgentID{again, gone, kept}, fleet.ResourceHeld); err != nil {
		return err
	}
	rows, err := d.profiles(ctx, a, kept)
	if err != nil {
		return err
	}
	for _, r := range rows {
		d.vendors.gologin.Protect(r.ExternalID, true)
	}
	if _, err := a.End(ctx, d.by, again, app.ReasonInput{Reason: "campaign is over"}); err != nil {
		return err
	}
	if _, err := a.Relaunch(ctx, d.by, again, app.ReasonInput{Reason: "new campaign with another account"}); err != nil {
		return err
	}
	for _, id := range []fleet.AgentID{gone, kept} {
		if _, err := a.End(ctx, d.by, id, app.ReasonInput{Reason: "account handed back"}); err != nil {
			return err
		}
		if _, err := a.Delete(ctx, d.by, id, app.DeleteInput{Reason: "the account was handed back"}); err != nil {
			return err
		}
	}
	return d.pressRetry(ctx, a, rows)
}

// equipped makes an agent and sets it up.
func (d *demoTeam) equipped(ctx context.Context, a *app.App, name, country string) (fleet.AgentID, error) {
	made, err := a.Create(ctx, d.by, app.CreateInput{Name: name, Kind: "rehearsal", Country: country, Tags: []string{"demo"}})
	if err != nil {
		return "", err
	}
	_, err = a.Setup(ctx, d.by, made.ID, app.SetupInput{Login: "someone@northwind.example", Password: "rehearsal only", Country: country})
	return made.ID, err
}

// profiles returns the agent's rows of browser profiles.
func (d *demoTeam) profiles(ctx context.Context, a *app.App, id fleet.AgentID) ([]fleet.Resource, error) {
	list, _, err := a.Resources(ctx, d.by, app.ResourceFilter{AgentID: id, Type: fleet.ResourceProfile}, app.PageInput{Limit: 10})
	return list, err
}

// waitFor waits until the agents' profiles are in the state.
func (d *demoTeam) waitFor(ctx context.Context, a *app.App, ids []fleet.AgentID, state fleet.ResourceState) error {
	return until(ctx, func() (bool, error) {
		for _, id := range ids {
			list, err := d.profiles(ctx, a, id)
			if err != nil || slices.ContainsFunc(list, func(r fleet.Resource) bool { return r.State != state }) {
				return false, err
			}
		}
		return true, nil
	})
}

// pressRetry tries what the stand-in refuses again and again, as an impatient
// person does, until it counts as leaked.
func (d *demoTeam) pressRetry(ctx context.Context, a *app.App, rows []fleet.Resource) error {
	tries := map[string]int{}
	return until(ctx, func() (bool, error) {
		waits := false
		for _, row := range rows {
			list, err := d.profiles(ctx, a, row.AgentID)
			if err != nil {
				return false, err
			}
			for _, r := range list {
				if r.State != fleet.ResourceReleasing {
					continue
				}
				waits = true
				if r.LastError == "" || r.Tries <= tries[r.ID] {
					continue
				}
				tries[r.ID] = r.Tries
				if _, err := a.RetryResource(ctx, d.by, r.ID); err != nil && fleet.CodeOf(err) != fleet.CodeConflict {
					return false, err
				}
			}
		}
		return !waits, nil
	})
}

// until asks every now and then until it is so, the demo stops or its patience
// is over.
func until(ctx context.Context, so func() (bool, error)) error {
	end, tick := time.NewTimer(demoPatience), time.NewTicker(100*time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for {
		if ok, err := so(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
