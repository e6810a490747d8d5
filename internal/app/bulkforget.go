package app

import (
	"context"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// bulksForgotten is how many bulks one turn forgets, and bulkItemsForgotten how
// many items one transaction: not so many that other writes wait.
const (
	bulksForgotten     = 20
	bulkItemsForgotten = 5_000
)

// forgetBulks drops bulks that are over and too old, or more than are kept, a
// part a transaction. What is left is the next turn's.
func (a *App) forgetBulks(ctx context.Context, late store.Late) error {
	var old []fleet.Bulk
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		old, err = tx.OldBulks(late, fleet.BulkKept, bulksForgotten)
		return err
	})
	for _, b := range old {
		for n := int64(bulkItemsForgotten); n == bulkItemsForgotten && err == nil; {
			err = a.store.Write(ctx, func(tx *store.Tx) (err error) {
				if n, err = tx.DropBulkItems(b.TeamID, b.ID, bulkItemsForgotten); err != nil || n == bulkItemsForgotten {
					return err
				}
				return tx.DropBulk(b.TeamID, b.ID)
			})
		}
	}
	return err
}
