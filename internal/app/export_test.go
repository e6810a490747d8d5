package app

import (
	"context"
	"io"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// SetToldBound makes the bound of told events small enough for a test.
func (a *App) SetToldBound(step, kept int) { a.told.step, a.told.kept = step, kept }

// NoBulkPause lets bulks act without a pause between two agents.
func (a *App) NoBulkPause() { a.bulks.instant = true }

// KnownBulks is of how many bulks something is remembered.
func (a *App) KnownBulks() int {
	a.bulks.mu.Lock()
	defer a.bulks.mu.Unlock()
	return len(a.bulks.known)
}

// RaiseTeam is raiseTeam in a transaction of its own.
func (a *App) RaiseTeam(ctx context.Context, team fleet.TeamID, typ, subType, message string) error {
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return raiseTeam(tx, team, typ, subType, fleet.SeverityError, message, a.Now())
	})
}

// ResolveTeam is resolveTeam in a transaction of its own.
func (a *App) ResolveTeam(ctx context.Context, team fleet.TeamID, typ, subType string) error {
	return a.store.Write(ctx, func(tx *store.Tx) error { return resolveTeam(tx, team, typ, subType, a.Now()) })
}

// DropBulk is dropBulk of a bulk that is thought to be preparing.
func (a *App) DropBulk(ctx context.Context, b fleet.Bulk) (fleet.Bulk, error) {
	b.State, b.StartedAt = fleet.BulkPreparing, time.Time{}
	return a.dropBulk(ctx, b, "lost")
}

// Together is together.
func Together[T any](ctx context.Context, a *App, key string, read func(tx *store.Tx) (T, error)) (T, error) {
	return together(ctx, a, key, read)
}

// MakeExport is makeExport into any writer.
func MakeExport(ctx context.Context, a *App, by fleet.Actor, id fleet.AgentID, w io.Writer) error {
	_, err := a.makeExport(ctx, by, id, w, new(fleet.Export))
	return err
}
