package app

import (
	"context"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// UsageInput narrows usage to days "2006-01-02", both included, "" for open,
// and to an incarnation, 0 for all.
type UsageInput struct {
	From, To    string
	Incarnation int
}

// Usage returns an agent's counters per day of its zone, oldest first.
func (a *App) Usage(ctx context.Context, by fleet.Actor, id fleet.AgentID, in UsageInput) (list []fleet.Usage, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	for name, day := range map[string]string{"from": in.From, "to": in.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return nil, fleet.Invalid(name, "must be a day such as 2026-01-31")
		}
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		list, err = tx.Usage(id, in.From, in.To, in.Incarnation)
		return err
	})
	return list, err
}

// LogInput asks for up to Limit lines (0 is 200, at most 1,000) behind an id;
// After 0 is the newest ones. Level is the lowest that is shown, "" for all.
type LogInput struct {
	After int64
	Level string
	Limit int
}

// Logs returns what an agent's program wrote, oldest first.
func (a *App) Logs(ctx context.Context, by fleet.Actor, id fleet.AgentID, in LogInput) (list []fleet.LogLine, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	levels := map[string][]string{
		"": nil, "debug": nil, "info": {"info", "warn", "error"}, "warn": {"warn", "error"}, "error": {"error"},
	}
	shown, ok := levels[in.Level]
	if !ok {
		return nil, fleet.Invalid("level", "must be debug, info, warn or error")
	}
	if in.After < 0 {
		return nil, fleet.Invalid("after", "must not be negative")
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		list, err = tx.Logs(id, in.After, shown, clampLimit(in.Limit, 200, 1000))
		return err
	})
	return list, err
}
