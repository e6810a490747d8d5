package app

import (
	"context"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// LogInput asks for up to Limit lines (0 is 200, at most 1,000): those behind
// the line After, oldest first, or the newest before the line Before; 0 is
// none, and without either it is the newest. Level is the lowest that is
// shown, "" for all.
type LogInput struct {
	After, Before int64
	Level         string
	Limit         int
}

// levels are those from a level on, nil for all.
func levels(lowest string) ([]string, error) {
	shown, ok := map[string][]string{
		"": nil, "debug": nil, "info": {"info", "warn", "error"}, "warn": {"warn", "error"}, "error": {"error"},
	}[lowest]
	if !ok {
		return nil, fleet.Invalid("level", "must be debug, info, warn or error")
	}
	return shown, nil
}

// Logs returns what an agent's program wrote, oldest first.
func (a *App) Logs(ctx context.Context, by fleet.Actor, id fleet.AgentID, in LogInput) (list []fleet.LogLine, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	shown, err := levels(in.Level)
	switch {
	case err != nil:
		return nil, err
	case in.After < 0:
		return nil, fleet.Invalid("after", "must not be negative")
	case in.Before < 0:
		return nil, fleet.Invalid("before", "must not be negative")
	}
	part := store.LogRange{After: in.After, Before: in.Before, Levels: shown, Limit: clampLimit(in.Limit, 200, 1000)}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		list, err = tx.Logs(id, part)
		return err
	})
	return list, err
}

// logBatch is how many lines are read at once.
const logBatch = 500

// EachLog yields every kept line of an agent from a level on, oldest first, up
// to the newest there was when it began.
func (a *App) EachLog(ctx context.Context, by fleet.Actor, id fleet.AgentID, level string, yield func(fleet.LogLine) error) error {
	newest, err := a.Logs(ctx, by, id, LogInput{Level: level, Limit: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	shown, err := levels(level)
	if err != nil {
		return err
	}
	part := store.LogRange{FromStart: true, Before: newest[0].ID + 1, Levels: shown, Limit: logBatch}
	for {
		var list []fleet.LogLine
		err := a.store.Read(ctx, func(tx *store.Tx) error {
			if _, err := tx.Agent(by.TeamID, id); err != nil {
				return err
			}
			var err error
			list, err = tx.Logs(id, part)
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range list {
			if err := yield(l); err != nil {
				return err
			}
		}
		if len(list) < logBatch {
			return nil
		}
		part.After = list[len(list)-1].ID
	}
}
