package app_test

import (
	"context"
	"slices"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// ledgering are the use-cases of the ledger, for TestPermissions.
func ledgering() map[string]useCase {
	return map[string]useCase{
		"Resources": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			list, _, err := b.Resources(ctx, by, app.ResourceFilter{}, app.PageInput{})
			if slices.ContainsFunc(list, func(r fleet.Resource) bool { return r.TeamID != by.TeamID }) {
				b.t.Error("another team lists resources")
			}
			return err
		}},
		"AgentResources": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.AgentResources(ctx, by, id, app.PageInput{})
			return err
		}},
		"TotalResources": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.resource(id, fleet.ResourceHeld)
			n, err := b.TotalResources(ctx, by, app.ResourceFilter{})
			if by.TeamID != b.team && n > 0 {
				b.t.Errorf("another team counts %d", n)
			}
			return err
		}},
		"ResourcesUnderWay": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.resource(id, fleet.ResourceReleasing)
			list, err := b.ResourcesUnderWay(ctx, by, 10)
			if err == nil && (len(list) > 0) != (by.TeamID == b.team) {
				b.t.Errorf("%d under way", len(list))
			}
			return err
		}},
		"Resource": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Resource(ctx, by, b.resource(id, fleet.ResourceHeld).ID))
		}},
		"AgentNames": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			names, err := b.AgentNames(ctx, by, []fleet.AgentID{id, "gone"})
			if want := map[bool]int{true: 1}[by.TeamID == b.team]; err == nil && len(names) != want {
				b.t.Errorf("names: %v, want %d", names, want)
			}
			return err
		}},
		"SignInDeadline": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.SignInDeadline(ctx, by, id))
		}},
		"CountResources": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.resource(id, fleet.ResourceHeld)
			n, err := b.CountResources(ctx, by)
			if by.TeamID != b.team && len(n.ByState) > 0 {
				b.t.Errorf("another team counts %+v", n)
			}
			return err
		}},
		"RetryResource": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.RetryResource(ctx, by, b.resource(id, fleet.ResourceReleasing).ID))
		}},
		"ForgetResource": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.ForgetResource(ctx, by, b.resource(id, fleet.ResourceReleasing).ID, app.ReasonInput{Reason: "gone by hand"}))
		}},
		"Vendors": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Vendors(ctx, by))
		}},
		"CheckVendor": {admin, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			// The vendor is the host's, for all teams.
			return ignore(fleet.CodeNotFound, second(b.CheckVendor(ctx, by, "nobody")))
		}},
	}
}

// resource puts a row of our agent into the ledger.
func (b *bench) resource(id fleet.AgentID, state fleet.ResourceState) fleet.Resource {
	b.t.Helper()
	r := fleet.Resource{
		ID: fleet.NewID(b.Now()), TeamID: b.team, AgentID: id, Incarnation: 1, Type: fleet.ResourceProfile, Vendor: "vendor",
		State: state, CreatedAt: b.Now(), StateAt: b.Now(), UpdatedAt: b.Now(),
	}
	b.ok(b.store.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertResource(r) }))
	return r
}
