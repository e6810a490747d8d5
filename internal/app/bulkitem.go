package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// This file is what a bulk adds to the acts that it asks for: inside the act's
// own transaction, so that an agent has either both the act and its outcome, or
// neither.

// bulkHalt is that a bulk must not go on; why is "" where it is over already.
type bulkHalt struct{ why string }

func (h *bulkHalt) Error() string { return "the bulk does not go on: " + cmp.Or(h.why, "it is over") }

// errItemTaken is that an item was acted on already.
var errItemTaken = errors.New("the item was acted on already")

// beginItem lets an act for a bulk begin while the bulk runs, the item is
// open, and whoever started the bulk still may do this.
func (a *App) beginItem(c *change, need fleet.Scope) error {
	ref := c.by.Bulk
	if ref == nil {
		return nil
	}
	b, err := c.tx.Bulk(c.by.TeamID, ref.ID)
	if err != nil {
		return err
	}
	if b.State != fleet.BulkRunning {
		return &bulkHalt{}
	}
	item, open, err := c.tx.BulkActAt(c.by.TeamID, ref.ID, ref.N)
	if err != nil {
		return err
	}
	if !open || item.Version > 0 || item.AgentID != c.agent.ID {
		return errItemTaken
	}
	if why, err := bulkRight(c.tx, b, need, c.now); err != nil || why != "" {
		return errors.Join(err, &bulkHalt{why: why})
	}
	if ref.Action != fleet.BulkTag && c.agent.Protected != nil {
		return fleet.ErrBulkProtected()
	}
	return nil
}

// endItem stores the outcome of an act for a bulk. An act that starts a
// program has its outcome when the program was observed.
func (a *App) endItem(c *change) error {
	ref := c.by.Bulk
	if ref == nil {
		return nil
	}
	if ref.Action.Starts() {
		return c.tx.MarkBulkActed(c.by.TeamID, ref.ID, store.BulkAct{N: ref.N, Version: c.agent.Version, Epoch: c.agent.Runtime.Epoch})
	}
	return a.settle(c.tx, c.by.TeamID, fleet.BulkItem{BulkID: ref.ID, N: ref.N, Outcome: fleet.BulkSuccessful, At: c.now})
}

// settle gives an item its outcome, once, and moves the bulk on.
func (a *App) settle(tx *store.Tx, team fleet.TeamID, item fleet.BulkItem) error {
	if ok, err := tx.SettleBulkItem(team, item); err != nil || !ok {
		return err
	}
	failure := ""
	if item.Outcome == fleet.BulkFailed {
		failure = item.Message
	}
	_, err := a.followBulk(tx, team, item.BulkID, failure)
	return err
}

// bulkRight says why whoever started a bulk may not do this any more; "" is
// that it is allowed.
func bulkRight(tx *store.Tx, b fleet.Bulk, need fleet.Scope, now time.Time) (string, error) {
	switch {
	case b.ByKind == fleet.ActorMember:
		m, ok, err := tx.Member(b.TeamID, fleet.UserID(b.ByID))
		switch {
		case err != nil:
			return "", err
		case !ok:
			return b.By + ", who started it, is no member of the team any more", nil
		case !m.Role.Scope().Contains(need):
			return fmt.Sprintf("%s, who started it, may not do this any more as %s", b.By, m.Role), nil
		}
	case b.ByKind == fleet.ActorKey && b.ByID == fleet.NeighbourID:
		if !fleet.ScopeOperate.Contains(need) {
			return "Requests without a key may not do this", nil
		}
	case b.ByKind == fleet.ActorKey:
		k, ok, err := tx.Key(b.TeamID, b.ByID)
		switch {
		case err != nil:
			return "", err
		case !ok || !k.RevokedAt.IsZero():
			return "The API key that started it, " + b.By + ", was revoked", nil
		case k.Expired(now):
			return "The API key that started it, " + b.By + ", has expired", nil
		case !k.Scope.Contains(need):
			return "The API key that started it, " + b.By + ", may not do this any more", nil
		}
	}
	return "", nil
}

// actForBulk asks for the act on one agent of a bulk, as if the actor did.
func (a *App) actForBulk(ctx context.Context, b fleet.Bulk, item store.BulkAct) (err error) {
	by := fleet.Actor{
		Kind: b.ByKind, ID: b.ByID, Name: b.By, TeamID: b.TeamID, Scope: b.Action.Need(), // what is really allowed, beginItem asks
		Bulk: &fleet.BulkRef{ID: b.ID, N: item.N, Action: b.Action},
	}
	id, why := item.AgentID, ReasonInput{Reason: b.Reason}
	switch b.Action {
	case fleet.BulkStart:
		_, err = a.Start(ctx, by, id, StartInput{EnableAutonomy: true})
	case fleet.BulkResume:
		_, err = a.Resume(ctx, by, id, why)
	case fleet.BulkPause:
		_, err = a.Pause(ctx, by, id, PauseInput{Note: b.Reason})
	case fleet.BulkEnd:
		_, err = a.End(ctx, by, id, why)
	case fleet.BulkRelaunch:
		_, err = a.Relaunch(ctx, by, id, why)
	case fleet.BulkDelete:
		_, err = a.Delete(ctx, by, id, DeleteInput{Reason: b.Reason})
	case fleet.BulkTag:
		_, err = a.Update(ctx, by, id, UpdateInput{plus: b.AddTags, minus: b.RemoveTags})
	}
	return err
}

// observeAct waits for what became of a start that a former try asked for.
func (a *App) observeAct(ctx context.Context, b fleet.Bulk, item store.BulkAct) error {
	wake, cancel := a.hub.Listen(runKey(item.AgentID))
	defer cancel()
	agent := fleet.Agent{ID: item.AgentID, TeamID: b.TeamID, Version: item.Version}
	agent.Runtime.Epoch = item.Epoch
	_, err := a.awaitStart(ctx, agent, wake)
	return err
}

// canaryWait is how long a program of a canary may take to say hello.
const canaryWait = 30 * time.Second

// awaitUp waits until an agent's program is up: a start whose program says
// nothing is good enough alone, but not for others to follow.
func (a *App) awaitUp(ctx context.Context, b fleet.Bulk, item store.BulkAct) error {
	wake, cancel := a.hub.Listen(runKey(item.AgentID))
	defer cancel()
	late := time.NewTimer(canaryWait)
	defer late.Stop()
	for {
		now, err := a.reread(fleet.Agent{ID: item.AgentID, TeamID: b.TeamID})
		switch {
		case err != nil:
			return err
		case now.Status != fleet.Running:
			return fleet.Errorf(fleet.CodeConflict, "The start was overtaken: the agent is %s now", now.Status.Word())
		case now.Runtime.State == fleet.ObservedUp:
			return nil
		case now.Runtime.State == fleet.ObservedBackoff:
			return fleet.Errorf(fleet.CodeStartFailed, "The program ended again; it is started once more after a pause")
		}
		select {
		case _, open := <-wake:
			if !open {
				return context.Canceled
			}
		case <-late.C:
			return fleet.Errorf(fleet.CodeStartFailed, "The program said nothing for %d seconds; it is left as it is", int(canaryWait.Seconds()))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settleError stores what an act on an item that returned err means for it.
// What was not tried, because nothing was to be done, is skipped.
func (a *App) settleError(ctx context.Context, b fleet.Bulk, n int, cause error) error {
	item := fleet.BulkItem{BulkID: b.ID, N: n, Outcome: fleet.BulkSuccessful, At: a.Now()}
	if cause != nil {
		item.Outcome, item.Code, item.Message = fleet.BulkFailed, string(fleet.CodeInternal), "An internal error occurred"
		var known *fleet.Error
		if errors.As(cause, &known) {
			item.Code, item.Message = string(known.Code), cutText(known.Message)
		}
	}
	skips := slices.Contains([]fleet.Code{fleet.CodeInvalidStatus, fleet.CodeProtected, fleet.CodeNotFound, fleet.CodeUnchanged}, fleet.CodeOf(cause))
	return a.store.Write(ctx, func(tx *store.Tx) error {
		b, err := tx.Bulk(b.TeamID, b.ID)
		if err != nil {
			return err
		}
		act, open, err := tx.BulkActAt(b.TeamID, b.ID, n)
		acted := act.Version > 0
		if err != nil || !open || !acted && (b.State != fleet.BulkRunning || cause == nil) {
			return err
		}
		if skips && !acted {
			item.Outcome = fleet.BulkSkipped
		}
		return a.settle(tx, b.TeamID, item)
	})
}
