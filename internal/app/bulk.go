package app

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// BulkInput is one act on many agents: those with the IDs, at most 10,000, or
// those that pass the Filter, at most 100,000; exactly one of the two is set.
type BulkInput struct {
	Action fleet.BulkAction
	// IDs that stand twice count once.
	IDs []fleet.AgentID
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
	// Expect, where it is set, are the counts of the plan that was looked at:
	// with others nothing begins.
	Expect *BulkCounts
}

// BulkCounts are what a plan is bound by.
type BulkCounts struct{ Total, Will int }

// check returns the input with its defaults, or what is wrong with it.
func (in BulkInput) check() (BulkInput, error) {
	if !in.Action.Valid() {
		return in, fleet.Invalid("action", "must be start, pause, resume, end, relaunch, delete or tag")
	}
	if err := fleet.CheckNote("reason", in.Reason); err != nil {
		return in, err
	}
	switch {
	case in.Filter == nil && len(in.IDs) == 0:
		return in, fleet.Invalid("ids", "name agents, or give a filter")
	case in.Filter != nil && in.IDs != nil:
		return in, fleet.Invalid("filter", "goes without ids")
	case len(in.IDs) > fleet.MaxBulkIDs:
		return in, fleet.Invalid("ids", "must be at most %d; use a filter for more", fleet.MaxBulkIDs)
	case in.PerMinute < 0 || in.PerMinute > fleet.MaxBulkRate:
		return in, fleet.Invalid("perMinute", "must be a whole number from 1 to %d", fleet.MaxBulkRate)
	case in.Canary < 0 || in.Canary > fleet.MaxBulk:
		return in, fleet.Invalid("canary", "must be a whole number from 0 to %d", fleet.MaxBulk)
	case in.StopAfterFailures < 0 || in.StopAfterFailures > fleet.MaxBulk:
		return in, fleet.Invalid("stopAfterFailures", "must be a whole number from 0 to %d", fleet.MaxBulk)
	}
	if err := in.Filter.check(); err != nil {
		return in, err
	}
	if in.PerMinute == 0 {
		in.PerMinute = fleet.StandardBulkRate
	}
	in.IDs = once(in.IDs)
	var err error
	in.AddTags, in.RemoveTags, err = fleet.CheckBulkTags(in.Action, in.AddTags, in.RemoveTags)
	return in, err
}

// check refuses what no list is narrowed by; the engine takes no longer patterns.
func (in *ListInput) check() error {
	if in == nil {
		return nil
	}
	for _, text := range []struct{ name, value string }{{"q", in.Q}, {"tag", in.Tag}, {"country", in.Country}, {"kind", in.Kind}} {
		if len(text.value) > fleet.MaxText || strings.ContainsRune(text.value, 0) || !utf8.ValidString(text.value) {
			return fleet.Invalid("filter."+text.name, "is too long, or no text")
		}
	}
	return nil
}

// once returns the ids in their order, each once.
func once(ids []fleet.AgentID) (out []fleet.AgentID) {
	seen := make(map[fleet.AgentID]bool, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// PlanBulk says what StartBulk would do and skip, and changes nothing. Who may
// not do it gets a plan in which all are skipped for that.
func (a *App) PlanBulk(ctx context.Context, by fleet.Actor, in BulkInput) (fleet.BulkPlan, error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return fleet.BulkPlan{}, err
	}
	in, err := in.check()
	if err != nil {
		return fleet.BulkPlan{}, err
	}
	plan, _, err := a.planBulk(ctx, by, in)
	return plan, err
}

// planBulk looks at the agents over one snapshot; the items are the list as it
// is to be frozen, without the bulk's id.
func (a *App) planBulk(ctx context.Context, by fleet.Actor, in BulkInput) (plan fleet.BulkPlan, items []fleet.BulkItem, err error) {
	var list []fleet.BulkCandidate
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = bulkCandidates(tx, by.TeamID, in)
		return err
	})
	switch {
	case err != nil:
		return plan, nil, err
	case len(list) == 0:
		return plan, nil, fleet.Invalid("filter", "finds no agent")
	case len(list) > fleet.MaxBulk:
		return plan, nil, fleet.Invalid("filter", "finds more than %d agents; narrow it", fleet.MaxBulk)
	}
	plan.Action = in.Action
	denied, _ := a.mayBulk(by, in.Action).(*fleet.Error)
	items = make([]fleet.BulkItem, len(list))
	for i, c := range list {
		skip := denied
		if skip == nil {
			skip = a.skipBulk(in, c)
		}
		plan.Add(c, skip)
		items[i] = fleet.BulkItem{N: i + 1, AgentID: c.ID, Outcome: fleet.BulkPending}
		if skip != nil {
			items[i].Outcome, items[i].Code, items[i].Message = fleet.BulkSkipped, string(skip.Code), skip.Message
		}
	}
	if in.Action == fleet.BulkDelete && plan.Will > 0 {
		plan.Confirm = fleet.BulkConfirm(plan.Will)
	}
	return plan, items, nil
}

func bulkCandidates(tx *store.Tx, team fleet.TeamID, in BulkInput) ([]fleet.BulkCandidate, error) {
	withTags := in.Action == fleet.BulkTag
	if in.Filter == nil {
		return tx.BulkCandidatesOf(team, in.IDs, withTags)
	}
	order, err := parseSort(in.Filter.Sort)
	if err != nil {
		return nil, err
	}
	return tx.BulkCandidates(team, in.Filter.filter(), order, fleet.MaxBulk+1, withTags)
}

func (a *App) skipBulk(in BulkInput, c fleet.BulkCandidate) *fleet.Error {
	if skip := in.Action.SkipBulk(c, a.kinds[c.Kind].NeedsSetup()); skip != nil || in.Action != fleet.BulkTag {
		return skip
	}
	if _, changed := fleet.WithTags(c.Tags, in.AddTags, in.RemoveTags); !changed {
		return fleet.ErrUnchanged()
	}
	return nil
}

// mayBulk returns nil when the actor may do this to one agent.
func (a *App) mayBulk(by fleet.Actor, action fleet.BulkAction) error {
	name := string(action)
	if action == fleet.BulkTag {
		name = "update"
	}
	return a.allowed(act{by: by, need: action.Need(), action: name})
}

// Bulk returns one of the team's bulks.
func (a *App) Bulk(ctx context.Context, by fleet.Actor, id string) (b fleet.Bulk, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return b, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		b, err = tx.Bulk(by.TeamID, id)
		return err
	})
	return b, err
}

// Bulks returns the team's bulks, newest first.
func (a *App) Bulks(ctx context.Context, by fleet.Actor, p PageInput) ([]fleet.Bulk, string, error) {
	return page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) ([]fleet.Bulk, error) {
		return tx.Bulks(by.TeamID, before, limit)
	}, func(b fleet.Bulk) string { return b.ID })
}

// BulkItems returns a bulk's agents in the order of the list; outcome narrows
// them, "" does not. How many there are says Bulk.Count.
func (a *App) BulkItems(ctx context.Context, by fleet.Actor, id, outcome string, p PageInput) (list []fleet.BulkItem, next string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, "", err
	}
	o := fleet.BulkOutcome(outcome)
	if o != "" && !slices.Contains(fleet.BulkOutcomes(), o) {
		return nil, "", fleet.Invalid("outcome", "must be pending, done, failed or skipped")
	}
	after, err := openCursor[int](p.Cursor)
	if err != nil {
		return nil, "", err
	}
	limit := clampLimit(p.Limit, standardPage, maxPage)
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Bulk(by.TeamID, id); err != nil {
			return err
		}
		list, err = tx.BulkItems(by.TeamID, id, o, after, limit+1)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		next = sealCursor(list[limit-1].N)
	}
	return list, next, err
}
