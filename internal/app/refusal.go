package app

import (
	"context"

	"agentry/internal/fleet"
)

// Refused records that somebody was kept from an act before a use-case saw it,
// and returns the cause. id is "" where the act is not about one agent.
func (a *App) Refused(ctx context.Context, by fleet.Actor, action string, id fleet.AgentID, cause error) error {
	return a.refused(ctx, act{by: by, action: action, id: id}, cause)
}
