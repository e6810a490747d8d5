package app

import (
	"context"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// AlertInput narrows the team's alerts.
type AlertInput struct {
	// State "" is open.
	State, Type string
	// SubType is exact, "" too; nil is any. AgentID "" is the team alone; nil is
	// anybody.
	SubType *string
	AgentID *fleet.AgentID
	// NoCodes leaves out the sign-ins that wait for a code, Codes all others.
	NoCodes, Codes bool
}

func (in AlertInput) filter() (f store.AlertFilter, err error) {
	f = store.AlertFilter{State: fleet.AlertState(in.State), Type: in.Type, SubType: in.SubType, AgentID: in.AgentID, NoCodes: in.NoCodes, Codes: in.Codes}
	switch f.State {
	case "":
		f.State = fleet.AlertOpen
	case fleet.AlertOpen, fleet.AlertAcknowledged, fleet.AlertSnoozed, fleet.AlertResolved:
	default:
		return f, fleet.Invalid("state", "must be open, acknowledged, snoozed or resolved")
	}
	return f, nil
}

// whole tells whether only the state narrows.
func (in AlertInput) whole() bool {
	return in.Type == "" && in.SubType == nil && in.AgentID == nil && !in.NoCodes && !in.Codes
}

// AlertPage is a part of a list of alerts; Total counts all that pass the
// filter.
type AlertPage struct {
	Alerts     []fleet.Alert
	NextCursor string
	Total      int64
}

// TeamAlerts returns the team's alerts, newest first.
func (a *App) TeamAlerts(ctx context.Context, by fleet.Actor, in AlertInput, p PageInput) (out AlertPage, err error) {
	f, err := in.filter()
	if err != nil {
		return out, err
	}
	out.Alerts, out.NextCursor, err = page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) (list []fleet.Alert, err error) {
		if list, err = tx.TeamAlerts(by.TeamID, f, before, limit); err != nil {
			return nil, err
		}
		if in.whole() && f.State == fleet.AlertOpen {
			out.Total, err = tx.CountOpenAlerts(by.TeamID)
		} else {
			out.Total, err = tx.CountTeamAlerts(by.TeamID, f)
		}
		return list, err
	}, alertID)
	return out, err
}

// AlertTypes returns the types of the team's alerts in a state ("" is open).
func (a *App) AlertTypes(ctx context.Context, by fleet.Actor, state string) (list []string, err error) {
	f, err := AlertInput{State: state}.filter()
	if err != nil {
		return nil, err
	}
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.AlertTypes(by.TeamID, f.State)
		return err
	})
	return list, err
}

// AlertGroups returns the team's alerts by type and subtype or, with group
// "agent", by agent; those with the newest alert first.
func (a *App) AlertGroups(ctx context.Context, by fleet.Actor, group string, in AlertInput, p PageInput) (list []fleet.AlertGroup, next string, err error) {
	f, err := in.filter()
	if err != nil {
		return nil, "", err
	}
	if group != "agent" && group != "type" {
		return nil, "", fleet.Invalid("group", "must be agent or type")
	}
	return page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) ([]fleet.AlertGroup, error) {
		return tx.AlertGroups(by.TeamID, f, group == "agent", before, limit)
	}, func(g fleet.AlertGroup) string { return g.Newest.ID })
}

// ackedAtOnce is how many alerts one transaction acknowledges.
const ackedAtOnce = 200

// AckAlerts says that somebody cares for all open alerts of a type or an agent,
// and returns how many those were. What opens meanwhile may stay open.
func (a *App) AckAlerts(ctx context.Context, by fleet.Actor, in AlertInput) (n int, err error) {
	what := act{by: by, need: fleet.ScopeOperate, action: "alert." + string(fleet.AlertAcknowledged)}
	if err := a.allowed(what); err != nil {
		return 0, a.refused(ctx, what, err)
	}
	f, err := in.filter()
	if err != nil {
		return 0, err
	}
	if in.Type == "" && in.AgentID == nil || f.State != fleet.AlertOpen {
		return 0, fleet.Invalid("type", "must not be empty, unless agentId is given: which open alerts are meant")
	}
	now := a.Now()
	before := ""
	for more := true; more; {
		err := a.write(ctx, by, func(tx *store.Tx) error {
			list, err := tx.TeamAlerts(by.TeamID, f, before, ackedAtOnce)
			if more = len(list) == ackedAtOnce; err != nil || len(list) == 0 {
				return err
			}
			n, before = n+len(list), list[len(list)-1].ID
			return a.ackAll(tx, what, list, now)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (a *App) ackAll(tx *store.Tx, what act, list []fleet.Alert, now time.Time) error {
	var told []fleet.AgentID
	for _, al := range list {
		next, err := al.Set(fleet.AlertAcknowledged, what.by.Name, time.Time{}, now)
		if err != nil {
			return err
		}
		if err := saveAlert(tx, what, next, now); err != nil {
			return err
		}
		if slices.Contains(told, al.AgentID) {
			continue
		}
		told = append(told, al.AgentID)
		if err := tx.AddEvent(fleet.Event{TeamID: what.by.TeamID, AgentID: al.AgentID, Type: fleet.EventAlertChanged, At: now}); err != nil {
			return err
		}
	}
	return nil
}

// saveAlert stores what a person made of an alert, with its audit entry.
func saveAlert(tx *store.Tx, what act, al fleet.Alert, now time.Time) error {
	if err := tx.SaveAlert(what.by.TeamID, al); err != nil {
		return err
	}
	what.id = al.AgentID
	e := entry(what, now, "done")
	e.Detail = map[string]any{"alertId": al.ID, "type": al.Type, "subType": al.SubType}
	return tx.AddAudit(e)
}
