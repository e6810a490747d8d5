package app

import (
	"context"
	"strings"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Find returns up to limit of the team's agents whose name, login, tag or id
// has q in it, by name, the ended ones too. Unlike Agents it counts nothing, so
// that it can be asked at every key. A q of blanks finds nothing.
func (a *App) Find(ctx context.Context, by fleet.Actor, q string, limit int) (list []AgentView, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	in := ListInput{Q: q}
	if strings.TrimSpace(q) == "" {
		return nil, nil
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Agents(by.TeamID, in.filter(), store.AgentOrder{By: "name"}, nil, clampLimit(limit, standardPage, maxPage))
		if err != nil {
			return err
		}
		list, err = a.views(tx, by.TeamID, rows)
		return err
	})
	return list, err
}
