package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Alerts returns an agent's alerts, newest first.
func (a *App) Alerts(ctx context.Context, by fleet.Actor, id fleet.AgentID, p PageInput) ([]fleet.Alert, string, error) {
	return page(ctx, a, by, p, ofAgent(by, id, func(tx *store.Tx, before string, limit int) ([]fleet.Alert, error) {
		return tx.AgentAlerts(by.TeamID, id, before, limit)
	}), alertID)
}

func alertID(al fleet.Alert) string { return al.ID }

// AckAlert says that somebody cares for an alert.
func (a *App) AckAlert(ctx context.Context, by fleet.Actor, id string) (fleet.Alert, error) {
	return a.setAlert(ctx, by, id, fleet.AlertAcknowledged, time.Time{})
}

// ResolveAlert says that an alert's cause is gone.
func (a *App) ResolveAlert(ctx context.Context, by fleet.Actor, id string) (fleet.Alert, error) {
	return a.setAlert(ctx, by, id, fleet.AlertResolved, time.Time{})
}

// SnoozeAlert hides an alert until an instant, when it opens again.
func (a *App) SnoozeAlert(ctx context.Context, by fleet.Actor, id string, until time.Time) (fleet.Alert, error) {
	if !until.After(a.Now()) {
		return fleet.Alert{}, fleet.Invalid("until", "must be in the future")
	}
	return a.setAlert(ctx, by, id, fleet.AlertSnoozed, until.UTC())
}

func (a *App) setAlert(ctx context.Context, by fleet.Actor, id string, to fleet.AlertState, until time.Time) (al fleet.Alert, err error) {
	what := act{by: by, need: fleet.ScopeOperate, action: "alert." + string(to)}
	if err := a.allowed(what); err != nil {
		return al, a.refused(ctx, what, err)
	}
	now := a.Now()
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if al, err = tx.Alert(by.TeamID, id); err != nil {
			return err
		}
		if al, err = al.Set(to, by.Name, until, now); err != nil {
			return err
		}
		if err := saveAlert(tx, what, al, now); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: by.TeamID, AgentID: al.AgentID, Type: fleet.EventAlertChanged, At: now})
	})
	return al, err
}

// raise says that a cause is there: the alert of its type and subtype counts
// it, or a new one opens. A snoozed one stays silent.
func (c *change) raise(typ, subType string, severity fleet.Severity, message string) error {
	news, err := raised(c.tx, c.agent.TeamID, fleet.Alert{
		AgentID: c.agent.ID, Type: typ, SubType: subType, Severity: severity, Message: message,
	}, c.now)
	if err != nil || !news {
		return err
	}
	return c.event(fleet.EventAlertChanged)
}

// resolve says that the agent's causes of a type and subtype ("" is any) are
// gone.
func (c *change) resolve(typ, subType string) error {
	news, err := recovered(c.tx, c.agent.TeamID, c.agent.ID, typ, subType, c.now)
	if err != nil || !news {
		return err
	}
	return c.event(fleet.EventAlertChanged)
}

// raiseTeam is raise for what concerns the team and no agent of it.
func raiseTeam(tx *store.Tx, team fleet.TeamID, typ, subType string, severity fleet.Severity, message string, now time.Time) error {
	news, err := raised(tx, team, fleet.Alert{Type: typ, SubType: subType, Severity: severity, Message: message}, now)
	if err != nil || !news {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: team, Type: fleet.EventAlertChanged, At: now})
}

// resolveTeam is resolve for what concerns the team and no agent of it.
func resolveTeam(tx *store.Tx, team fleet.TeamID, typ, subType string, now time.Time) error {
	news, err := recovered(tx, team, "", typ, subType, now)
	if err != nil || !news {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: team, Type: fleet.EventAlertChanged, At: now})
}

// resolveTeams is resolveTeam for every team that has such an alert.
func resolveTeams(tx *store.Tx, typ, subType string, now time.Time) error {
	teams, err := tx.TeamsAlerted(typ, subType)
	for _, team := range teams {
		err = errors.Join(err, resolveTeam(tx, team, typ, subType, now))
	}
	return err
}

// raised stores that the cause of the alert shows; news is whether to say so.
func raised(tx *store.Tx, team fleet.TeamID, told fleet.Alert, now time.Time) (news bool, err error) {
	have, ok, err := tx.NewestAlert(team, told.AgentID, told.Type, told.SubType)
	if err != nil {
		return false, err
	}
	if ok {
		next, news, same := have.Raised(told, now)
		if same {
			return news, tx.SaveAlert(team, next)
		}
	}
	told.ID, told.State, told.Count, told.CreatedAt, told.UpdatedAt = tx.NewID(now), fleet.AlertOpen, 1, now, now
	return true, tx.InsertAlert(team, told)
}

// recovered stores that causes are gone; news is whether to say so.
func recovered(tx *store.Tx, team fleet.TeamID, id fleet.AgentID, typ, subType string, now time.Time) (news bool, err error) {
	live, err := tx.LiveAlertsOf(team, id, typ, subType)
	if err != nil {
		return false, err
	}
	for _, al := range live {
		next, heard := al.Recover(now)
		if err := tx.SaveAlert(team, next); err != nil {
			return false, err
		}
		news = news || heard
	}
	return news, nil
}
