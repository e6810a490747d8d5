package app

import (
	"context"

	"agentry/internal/fleet"
)

// BulkInput is one act on many agents: those with the IDs, at most 10,000, or
// those that pass the Filter, at most 100,000; exactly one of the two is set.
type BulkInput struct {
	Action fleet.BulkAction
	IDs    []fleet.AgentID
	// Filter's order is the list's; its Limit and Cursor are ignored.
	Filter *ListInput
	// Reason is a person's, at most 1,000 characters.
	Reason              string
	AddTags, RemoveTags []string
	// PerMinute is 1 to 6,000; 0 is 600.
	PerMinute int
	// Canary is how many go first; the others follow when those succeeded.
	Canary int
	// StopAfterFailures is how many failures stop it; 0 is any number.
	StopAfterFailures int
	// Confirm must equal the plan's where it is set.
	Confirm *string
}

// PlanBulk says what StartBulk would do and skip, and changes nothing. Who may
// not do it gets a plan in which all are skipped for that.
func (a *App) PlanBulk(ctx context.Context, by fleet.Actor, in BulkInput) (fleet.BulkPlan, error) {
	return fleet.BulkPlan{}, errBulk()
}

// StartBulk freezes the list and begins.
func (a *App) StartBulk(ctx context.Context, by fleet.Actor, in BulkInput) (fleet.Bulk, error) {
	return fleet.Bulk{}, errBulk()
}

// Bulk returns one of the team's bulks.
func (a *App) Bulk(ctx context.Context, by fleet.Actor, id string) (fleet.Bulk, error) {
	return fleet.Bulk{}, errBulk()
}

// Bulks returns the team's bulks, newest first.
func (a *App) Bulks(ctx context.Context, by fleet.Actor, p PageInput) ([]fleet.Bulk, string, error) {
	return nil, "", errBulk()
}

// BulkItems returns a bulk's agents in the order of the list; outcome narrows
// them, "" does not. How many there are says Bulk.Count.
func (a *App) BulkItems(ctx context.Context, by fleet.Actor, id, outcome string, p PageInput) ([]fleet.BulkItem, string, error) {
	return nil, "", errBulk()
}

// StopBulk begins nothing more of a bulk; what is under way ends.
func (a *App) StopBulk(ctx context.Context, by fleet.Actor, id string) (fleet.Bulk, error) {
	return fleet.Bulk{}, errBulk()
}

// RetryBulk starts a new bulk of only those agents that failed in one that is
// over. confirm, where it is set, must be what the plan of a delete asks for.
func (a *App) RetryBulk(ctx context.Context, by fleet.Actor, id string, confirm *string) (fleet.Bulk, error) {
	return fleet.Bulk{}, errBulk()
}

func errBulk() error { return fleet.Errorf(fleet.CodeUnavailable, "Bulks come with the next commit") }
