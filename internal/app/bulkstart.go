package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// bulkChunk is how many items one transaction writes down: not so many that
	// other writes wait.
	bulkChunk = 500
	// maxOpenBulks is how many bulks of a team may be under way.
	maxOpenBulks = 10
)

// StartBulk freezes the list and begins. What cannot be done to an agent now is
// skipped for good; what is to be done is tried as the actor, with the right
// that the actor then has.
func (a *App) StartBulk(ctx context.Context, by fleet.Actor, in BulkInput) (fleet.Bulk, error) {
	return a.startBulk(ctx, by, in, "")
}

func (a *App) startBulk(ctx context.Context, by fleet.Actor, in BulkInput, retryOf string) (fleet.Bulk, error) {
	what := act{by: by, action: "bulk.start"}
	if retryOf != "" {
		what.action = "bulk.retry"
	}
	var err error
	if retryOf == "" { // else it was checked once, and may be longer than a call
		in, err = in.check()
	}
	if err != nil {
		return fleet.Bulk{}, err
	}
	if err := a.mayBulk(by, in.Action); err != nil {
		return fleet.Bulk{}, a.refused(ctx, what, err)
	}
	plan, items, err := a.planBulk(ctx, by, in)
	if err != nil {
		return fleet.Bulk{}, err
	}
	if was := in.Expect; was != nil && *was != (BulkCounts{plan.Total, plan.Will}) {
		return fleet.Bulk{}, fleet.Errorf(fleet.CodeVersion, "The agents changed meanwhile: it would be %d of %d now, not %d of %d", plan.Will, plan.Total, was.Will, was.Total)
	}
	if in.Confirm != nil && plan.Confirm != "" && *in.Confirm != plan.Confirm {
		return fleet.Bulk{}, fleet.Invalid("confirm", "must be “%s”", plan.Confirm)
	}
	now := a.Now()
	b := fleet.Bulk{
		ID: a.store.NewID(now), TeamID: by.TeamID, Action: in.Action, State: fleet.BulkPreparing, By: by.Name, ByKind: by.Kind, ByID: by.ID,
		Reason: in.Reason, AddTags: in.AddTags, RemoveTags: in.RemoveTags, PerMinute: in.PerMinute, Canary: in.Canary,
		StopAfterFailures: in.StopAfterFailures, Total: plan.Total, Skipped: plan.Total - plan.Will, RetryOf: retryOf, CreatedAt: now,
	}
	for i := range items {
		items[i].BulkID = b.ID
		if items[i].Outcome == fleet.BulkSkipped {
			items[i].At = now
		}
	}
	return a.freeze(ctx, what, b, items)
}

// freeze writes the list down, a part a transaction, and lets the bulk begin
// with the last one. Where that fails the bulk ends, and nothing was done.
func (a *App) freeze(ctx context.Context, what act, b fleet.Bulk, items []fleet.BulkItem) (_ fleet.Bulk, err error) {
	a.bulks.prepare(b.ID, a.clock.elapsed())
	defer func() { a.bulks.end(b.ID, a.clock.elapsed(), err != nil || b.State.Over()) }()
	first := items[:min(len(items), bulkChunk)]
	err = a.write(ctx, what.by, func(tx *store.Tx) error {
		if err := mayBegin(tx, b); err != nil {
			return err
		}
		if err := errors.Join(tx.InsertBulk(b), tx.InsertBulkItems(first)); err != nil {
			return err
		}
		e := entry(what, b.CreatedAt, "done")
		e.Detail = map[string]any{"bulkId": b.ID, "action": b.Action, "total": b.Total, "skipped": b.Skipped, "perMinute": b.PerMinute}
		if b.RetryOf != "" {
			e.Detail["retryOf"] = b.RetryOf
		}
		if err := errors.Join(tx.AddAudit(e), bulkEvent(tx, b, b.CreatedAt)); err != nil || len(first) < len(items) {
			return err
		}
		return a.unfreeze(tx, &b)
	})
	if err != nil || len(first) == len(items) {
		return b, err
	}
	for rest := items[len(first):]; err == nil && len(rest) > 0; {
		part := rest[:min(len(rest), bulkChunk)]
		rest = rest[len(part):]
		err = a.store.Write(ctx, func(tx *store.Tx) error {
			if b, err = tx.Bulk(b.TeamID, b.ID); err != nil || b.State != fleet.BulkPreparing {
				return errors.Join(err, errBulkStopped)
			}
			if err := tx.InsertBulkItems(part); err != nil || len(rest) > 0 {
				return err
			}
			return a.unfreeze(tx, &b)
		})
	}
	if err == nil {
		return b, nil
	}
	why := "The list could not be written down; nothing was done"
	if errors.Is(err, errBulkStopped) {
		why, err = b.Why, nil
	}
	// Where this fails too, the next sweep does it.
	b, dropped := a.dropBulk(context.WithoutCancel(ctx), b, why)
	return b, errors.Join(err, dropped)
}

// errBulkStopped is that somebody stopped a bulk before it began.
var errBulkStopped = errors.New("the bulk was stopped")

// mayBegin bounds what is under way.
func mayBegin(tx *store.Tx, b fleet.Bulk) error {
	if b.RetryOf != "" {
		n, err := tx.CountOpenBulks(b.TeamID, b.RetryOf)
		if err != nil {
			return err
		}
		if n > 0 {
			return fleet.Errorf(fleet.CodeConflict, "A retry of this bulk is under way")
		}
	}
	n, err := tx.CountOpenBulks(b.TeamID, "")
	if err != nil {
		return err
	}
	if n >= maxOpenBulks {
		return fleet.Errorf(fleet.CodeConflict, "%d bulks of this team are under way: wait for one, or stop one", n)
	}
	listed, first, err := tx.BulkLoad(b.TeamID, b.CreatedAt.Add(-time.Hour), b.CreatedAt)
	if err == nil && listed+max(b.Total, fleet.BulkWeight) > fleet.MaxBulkHour {
		wait := first.Add(time.Hour).Sub(b.CreatedAt)
		return fleet.Errorf(fleet.CodeRateLimited, "The bulks of this team listed %d agents within an hour, of at most %d; try again in %d minutes",
			listed, fleet.MaxBulkHour, int(math.Ceil(wait.Minutes()))).Later(wait)
	}
	return err
}

// unfreeze lets a bulk begin whose list is whole.
func (a *App) unfreeze(tx *store.Tx, b *fleet.Bulk) (err error) {
	b.State, b.StartedAt = fleet.BulkRunning, a.Now()
	if err := tx.SaveBulk(*b); err != nil {
		return err
	}
	if *b, err = a.followBulk(tx, b.TeamID, b.ID, ""); err != nil || b.State.Over() {
		return err
	}
	return errors.Join(bulkEvent(tx, *b, b.StartedAt), a.insert(tx, BulkJob{ID: b.ID}, 0))
}

// dropBulk ends a bulk that never began, and its list.
func (a *App) dropBulk(ctx context.Context, b fleet.Bulk, why string) (fleet.Bulk, error) {
	for n := int64(bulkChunk); n == bulkChunk; {
		err := a.store.Write(ctx, func(tx *store.Tx) (err error) {
			if b, err = tx.Bulk(b.TeamID, b.ID); err != nil || !b.StartedAt.IsZero() {
				n = 0
				return err
			}
			n, err = tx.DropBulkItems(b.TeamID, b.ID, bulkChunk)
			return err
		})
		if err != nil {
			return b, err
		}
	}
	err := a.store.Write(ctx, func(tx *store.Tx) (err error) {
		if b, err = tx.Bulk(b.TeamID, b.ID); err != nil || b.State.Over() || !b.StartedAt.IsZero() {
			return err
		}
		b.State, b.Why, b.EndedAt = fleet.BulkStopped, why, a.Now()
		b.Total, b.Skipped = 0, 0
		return errors.Join(tx.EmptyBulk(b.TeamID, b.ID), a.saveBulk(tx, b))
	})
	return b, err
}

// StopBulk begins nothing more of a bulk; what is under way ends.
func (a *App) StopBulk(ctx context.Context, by fleet.Actor, id string) (b fleet.Bulk, err error) {
	what := act{by: by, action: "bulk.stop"}
	if err := by.May(fleet.ScopeOperate); err != nil {
		return b, a.refused(ctx, what, err)
	}
	now := a.Now()
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if b, err = tx.Bulk(by.TeamID, id); err != nil {
			return err
		}
		if b.State.Over() || b.State == fleet.BulkStopping {
			return fleet.Errorf(fleet.CodeConflict, "The bulk is %s already", b.State)
		}
		e := entry(what, now, "done")
		e.Detail = map[string]any{"bulkId": id}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		b.StoppedBy = by.Name
		b, err = a.haltBulk(tx, b, "Stopped by "+by.Name)
		return err
	})
	a.hub.Notify(bulkKey(id))
	return b, err
}

// haltBulk lets a bulk begin nothing more.
func (a *App) haltBulk(tx *store.Tx, b fleet.Bulk, why string) (fleet.Bulk, error) {
	if b.State != fleet.BulkRunning && b.State != fleet.BulkPreparing {
		return b, nil
	}
	b.State, b.Why = fleet.BulkStopping, why
	if err := a.saveBulk(tx, b); err != nil || b.StartedAt.IsZero() {
		return b, err // whoever writes the list down ends it
	}
	return a.followBulk(tx, b.TeamID, b.ID, "")
}

// followBulk moves a bulk to the state that its counts say, and announces it.
func (a *App) followBulk(tx *store.Tx, team fleet.TeamID, id, failure string) (fleet.Bulk, error) {
	b, err := tx.Bulk(team, id)
	if err != nil {
		return b, err
	}
	state, why := b.Next(failure)
	if state == b.State {
		if !a.bulks.mayTell(id, a.clock.elapsed()) {
			return b, nil
		}
		return b, bulkEvent(tx, b, a.Now())
	}
	b.State, b.Why = state, why
	if state.Over() {
		b.EndedAt = a.Now()
	}
	return b, a.saveBulk(tx, b)
}

// saveBulk stores a bulk whose state moved; its end is in the audit.
func (a *App) saveBulk(tx *store.Tx, b fleet.Bulk) error {
	now := a.Now()
	if err := errors.Join(tx.SaveBulk(b), bulkEvent(tx, b, now)); err != nil || !b.State.Over() {
		return err
	}
	e := entry(act{by: fleet.System(b.TeamID, "bulk"), action: "bulk.end"}, now, "done")
	e.Detail = map[string]any{"bulkId": b.ID, "action": b.Action, "state": b.State, "done": b.Done, "failed": b.Failed, "skipped": b.Skipped, "left": b.Left()}
	return tx.AddAudit(e)
}

func bulkEvent(tx *store.Tx, b fleet.Bulk, at time.Time) error {
	return tx.AddEvent(fleet.Event{TeamID: b.TeamID, Type: fleet.EventBulkChanged, At: at})
}

func bulkKey(id string) string { return "bulk:" + id }

// lostServer says why a bulk ended that a former server was preparing.
func lostServer(b fleet.Bulk) string {
	return fmt.Sprintf("The server stopped while the list of %d agents was written down; nothing was done", b.Total)
}
