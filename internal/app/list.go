package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// ListInput narrows and orders a list of agents.
type ListInput struct {
	Status                []fleet.Status
	Q, Tag, Country, Kind string
	OpenAlerts            bool
	Attention             bool
	HideEnded             bool
	// Sort is "name", "createdAt", "updatedAt", each with "-" before it for the
	// other way round, or "attention"; "" is "name".
	Sort   string
	Limit  int
	Cursor string
}

// Page is a part of a list.
type Page struct {
	Agents []AgentView
	// NextCursor and PrevCursor are "" where there is no more.
	NextCursor, PrevCursor string
	// Total counts all that pass the filter. Hidden counts the ended ones that
	// would pass it too if they were not hidden.
	Total, Hidden int64
}

// Agents returns a page of the team's agents, which others may hold too.
func (a *App) Agents(ctx context.Context, by fleet.Actor, in ListInput) (p Page, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return p, err
	}
	order, err := parseSort(in.Sort)
	if err != nil {
		return p, err
	}
	place, err := openCursor[*store.Place](in.Cursor)
	if err != nil {
		return p, err
	}
	limit := clampLimit(in.Limit, standardPage, maxPage)
	return together(ctx, a, fmt.Sprintf("%s agents %#v", by.TeamID, in), func(tx *store.Tx) (p Page, err error) {
		rows, err := tx.Agents(by.TeamID, in.filter(), order, place, limit+1)
		if err != nil {
			return p, err
		}
		rows = p.cut(rows, order, place, limit)
		if p.Total, p.Hidden, err = tx.CountAgents(by.TeamID, in.filter()); err != nil {
			return p, err
		}
		p.Agents, err = a.views(tx, by.TeamID, rows)
		return p, err
	})
}

// cut drops the row that was read too much and sets the cursors.
func (p *Page) cut(rows []store.AgentRow, order store.AgentOrder, place *store.Place, limit int) []store.AgentRow {
	more := len(rows) > limit
	back := place != nil && place.Back
	if more && back {
		rows = rows[len(rows)-limit:]
	} else if more {
		rows = rows[:limit]
	}
	if len(rows) == 0 {
		return rows
	}
	if more || back {
		p.NextCursor = sealCursor(store.PlaceOf(rows[len(rows)-1], order))
	}
	if more && back || place != nil && !back {
		first := store.PlaceOf(rows[0], order)
		first.Back = true
		p.PrevCursor = sealCursor(first)
	}
	return rows
}

// EachAgent yields every agent that passes the filter, in order, in pages of
// its own; Limit and Cursor are ignored.
func (a *App) EachAgent(ctx context.Context, by fleet.Actor, in ListInput, yield func(AgentView) error) error {
	if err := by.May(fleet.ScopeRead); err != nil {
		return err
	}
	order, err := parseSort(in.Sort)
	if err != nil {
		return err
	}
	var place *store.Place
	for {
		var views []AgentView
		err := a.store.Read(ctx, func(tx *store.Tx) error {
			rows, err := tx.Agents(by.TeamID, in.filter(), order, place, maxPage)
			if err != nil || len(rows) == 0 {
				return err
			}
			next := store.PlaceOf(rows[len(rows)-1], order)
			place = &next
			views, err = a.views(tx, by.TeamID, rows)
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range views {
			if err := yield(v); err != nil {
				return err
			}
		}
		if len(views) < maxPage {
			return nil
		}
	}
}

func (in ListInput) filter() store.AgentFilter {
	return store.AgentFilter{
		Status: in.Status, Q: strings.TrimSpace(in.Q), Tag: in.Tag, Country: strings.ToUpper(in.Country), Kind: in.Kind,
		OpenAlerts: in.OpenAlerts, Attention: in.Attention, HideEnded: in.HideEnded,
	}
}

func parseSort(s string) (store.AgentOrder, error) {
	by, desc := strings.CutPrefix(s, "-")
	switch {
	case s == "":
		return store.AgentOrder{By: "name"}, nil
	case slices.Contains([]string{"name", "createdAt", "updatedAt"}, by), s == "attention":
		return store.AgentOrder{By: by, Desc: desc}, nil
	}
	return store.AgentOrder{}, fleet.Invalid("sort", "must be name, createdAt or updatedAt, with - before it for the other way round, or attention")
}

// FleetCounts are the numbers above a fleet.
type FleetCounts struct {
	ByStatus        map[fleet.Status]int64
	All             int64
	Attention       int64
	Countries, Tags []string
}

// FleetCounts counts the team's agents by status and says by what else they
// can be narrowed.
func (a *App) FleetCounts(ctx context.Context, by fleet.Actor) (c FleetCounts, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return c, err
	}
	return together(ctx, a, string(by.TeamID)+" counts", func(tx *store.Tx) (c FleetCounts, err error) {
		if c.ByStatus, err = tx.StatusCounts(by.TeamID); err != nil {
			return c, err
		}
		for _, n := range c.ByStatus {
			c.All += n
		}
		if c.Attention, _, err = tx.CountAgents(by.TeamID, store.AgentFilter{Attention: true}); err != nil {
			return c, err
		}
		if c.Countries, err = tx.TeamCountries(by.TeamID); err != nil {
			return c, err
		}
		c.Tags, err = tx.TeamTags(by.TeamID)
		return c, err
	})
}

// Around is what stands around every page of a team.
type Around struct {
	// Last is the place of the newest event, whichever team's.
	Last       fleet.EventMark
	OpenAlerts int64
	// Pause is set while the team is paused.
	Pause *fleet.TeamPause
}

// Around returns what stands around a page, all of one moment.
func (a *App) Around(ctx context.Context, by fleet.Actor) (out Around, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return out, err
	}
	return together(ctx, a, string(by.TeamID)+" around", func(tx *store.Tx) (out Around, err error) {
		if _, out.Last, err = tx.LastEvent(); err != nil {
			return out, err
		}
		t, err := tx.Team(by.TeamID)
		if err != nil {
			return out, err
		}
		out.Pause = t.Pause
		out.OpenAlerts, err = tx.CountOpenAlerts(by.TeamID)
		return out, err
	})
}
