package app_test

import (
	"context"
	"slices"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// bulking are the use-cases of bulks, for TestPermissions.
func bulking() map[string]useCase {
	tag := func(id fleet.AgentID) app.BulkInput {
		return app.BulkInput{Action: fleet.BulkTag, IDs: []fleet.AgentID{id}, AddTags: []string{"new"}}
	}
	return map[string]useCase{
		"Bulk": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Bulk(ctx, by, b.bulkOf(id, fleet.BulkRunning)))
		}},
		"Bulks": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			b.bulkOf(id, fleet.BulkRunning)
			list, _, err := b.Bulks(ctx, by, app.PageInput{})
			if slices.ContainsFunc(list, func(x fleet.Bulk) bool { return x.TeamID != by.TeamID }) {
				b.t.Error("another team lists bulks")
			}
			return err
		}},
		"BulkItems": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, _, err := b.BulkItems(ctx, by, b.bulkOf(id, fleet.BulkRunning), "", app.PageInput{})
			return err
		}},
		"PlanBulk": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			plan, err := b.PlanBulk(ctx, by, tag(id))
			if err == nil && (plan.Will > 0) != (by.TeamID == b.team && by.Scope.Contains(operate)) {
				b.t.Errorf("%s plans %+v", by.Scope, plan)
			}
			return err
		}},
		"StartBulk": {operate, true, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			got, err := b.StartBulk(ctx, by, tag(id))
			if err == nil && by.TeamID != b.team && (got.Skipped != 1 || got.State != fleet.BulkDone) {
				b.t.Errorf("another team started %+v", got)
			}
			return err
		}},
		"StopBulk": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.StopBulk(ctx, by, b.bulkOf(id, fleet.BulkRunning)))
		}},
		"PlanRetry": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			_, plan, err := b.PlanRetry(ctx, by, b.bulkOf(id, fleet.BulkDone))
			if err == nil && (plan.Total != 1 || (plan.Will > 0) != by.Scope.Contains(operate)) {
				b.t.Errorf("%s plans %+v", by.Scope, plan)
			}
			return err
		}},
		"RetryBulk": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.RetryBulk(ctx, by, b.bulkOf(id, fleet.BulkDone), nil))
		}},
	}
}

// bulkOf puts a bulk with one failed and one open agent into the file.
func (b *bench) bulkOf(id fleet.AgentID, state fleet.BulkState) string {
	b.t.Helper()
	now := b.Now()
	bulk := fleet.Bulk{
		ID: b.store.NewID(now), TeamID: b.team, Action: fleet.BulkTag, State: state, AddTags: []string{"new"}, PerMinute: 600, Total: 2, Failed: 1,
		CreatedAt: now, StartedAt: now,
	}
	if state.Over() {
		bulk.EndedAt = now
	}
	b.ok(b.store.Write(b.t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertBulk(bulk); err != nil {
			return err
		}
		return tx.InsertBulkItems([]fleet.BulkItem{
			{BulkID: bulk.ID, N: 1, AgentID: id, Outcome: fleet.BulkFailed, Code: "conflict", At: now},
			{BulkID: bulk.ID, N: 2, AgentID: id, Outcome: fleet.BulkPending},
		})
	}))
	return bulk.ID
}
