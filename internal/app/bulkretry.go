package app

import (
	"context"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// RetryInput is how what failed is tried again.
type RetryInput struct {
	// Reason replaces that of the bulk; nil keeps it.
	Reason *string
	// Confirm and Expect are those of BulkInput.
	Confirm *string
	Expect  *BulkCounts
}

// PlanRetry says what RetryBulk would do and skip, and changes nothing. See
// PlanBulk.
func (a *App) PlanRetry(ctx context.Context, by fleet.Actor, id string) (fleet.Bulk, fleet.BulkPlan, error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return fleet.Bulk{}, fleet.BulkPlan{}, err
	}
	b, in, err := a.failedAgain(ctx, by, id)
	if err != nil {
		return b, fleet.BulkPlan{}, err
	}
	plan, _, err := a.planBulk(ctx, by, in)
	return b, plan, err
}

// RetryBulk starts a new bulk of only those agents that failed in one that is
// over; in nil does it as before.
func (a *App) RetryBulk(ctx context.Context, by fleet.Actor, id string, in *RetryInput) (fleet.Bulk, error) {
	if err := by.May(fleet.ScopeOperate); err != nil {
		return fleet.Bulk{}, a.refused(ctx, act{by: by, action: "bulk.retry"}, err)
	}
	b, again, err := a.failedAgain(ctx, by, id)
	if err != nil {
		return b, err
	}
	if in != nil {
		again.Confirm, again.Expect = in.Confirm, in.Expect
		if in.Reason != nil {
			again.Reason = *in.Reason
		}
		if err := fleet.CheckNote("reason", again.Reason); err != nil {
			return b, err
		}
	}
	return a.startBulk(ctx, by, again, id)
}

// failedAgain is a bulk that is over and the input that does it again to what
// failed.
func (a *App) failedAgain(ctx context.Context, by fleet.Actor, id string) (b fleet.Bulk, in BulkInput, err error) {
	var ids []fleet.AgentID
	err = a.store.Read(ctx, func(tx *store.Tx) (err error) {
		if b, err = tx.Bulk(by.TeamID, id); err != nil {
			return err
		}
		ids, err = tx.FailedOfBulk(by.TeamID, id)
		return err
	})
	switch {
	case err != nil:
		return b, in, err
	case !b.State.Over():
		return b, in, fleet.Errorf(fleet.CodeConflict, "The bulk is not over: wait for its end, or stop it")
	case len(ids) == 0:
		return b, in, fleet.Errorf(fleet.CodeConflict, "Nothing failed: there is nothing to retry")
	}
	return b, BulkInput{
		Action: b.Action, IDs: ids, Reason: b.Reason, AddTags: b.AddTags, RemoveTags: b.RemoveTags,
		PerMinute: b.PerMinute, Canary: b.Canary, StopAfterFailures: b.StopAfterFailures,
	}, nil
}
