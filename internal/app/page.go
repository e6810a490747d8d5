package app

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// PageInput asks for a page of a list: Limit 1 to 200 (0 is 50), behind an
// opaque cursor ("" is the start).
type PageInput struct {
	Limit  int
	Cursor string
}

const (
	standardPage = 50
	maxPage      = 200
)

// page reads one item more than asked for, to know whether there are more; the
// cursor of a list that is newest first is the last item's id.
func page[T any](ctx context.Context, a *App, by fleet.Actor, p PageInput, read func(tx *store.Tx, before string, limit int) ([]T, error), id func(T) string) (list []T, next string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, "", err
	}
	before, err := openCursor[string](p.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := clampLimit(p.Limit, standardPage, maxPage)
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = read(tx, before, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = sealCursor(id(list[limit-1]))
	}
	return list, next, err
}

// ofAgent lets a page read only an agent of the actor's team.
func ofAgent[T any](by fleet.Actor, id fleet.AgentID, read func(tx *store.Tx, before string, limit int) ([]T, error)) func(*store.Tx, string, int) ([]T, error) {
	return func(tx *store.Tx, before string, limit int) ([]T, error) {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return nil, err
		}
		return read(tx, before, limit)
	}
}

func sealCursor(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // cursors are strings and plain structs
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func openCursor[T any](s string) (v T, err error) {
	if s == "" {
		return v, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		return v, fleet.Invalid("cursor", "is not one of this list")
	}
	return v, nil
}
