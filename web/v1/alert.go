package v1

import (
	"cmp"
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Alerts answers GET …/alerts.
func (a *API) Alerts(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.Alerts(c.UserContext(), by, id, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, alert)
}

// TeamAlerts answers GET /v1/alerts: those of one state, open where none is
// asked for, the team's own among them; type, subType, agentId and codes narrow.
func (a *API) TeamAlerts(c *fiber.Ctx, by fleet.Actor) error {
	in, p, err := alertInput(c)
	if err != nil {
		return err
	}
	found, err := a.app.TeamAlerts(c.UserContext(), by, in, p)
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.FormatInt(found.Total, 10))
	return list(a, c, found.Alerts, found.NextCursor, alert)
}

// AlertGroups answers GET /v1/alerts/groups?by=type|agent.
func (a *API) AlertGroups(c *fiber.Ctx, by fleet.Actor) error {
	in, p, err := alertInput(c)
	if err != nil {
		return err
	}
	group, err := oneOf(c, "by", "type", "agent")
	if err != nil {
		return err
	}
	items, next, err := a.app.AlertGroups(c.UserContext(), by, cmp.Or(group, "type"), in, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, func(g fleet.AlertGroup) api.AlertGroup {
		return api.AlertGroup{Alerts: g.Alerts, Newest: alert(g.Newest)}
	})
}

func alertInput(c *fiber.Ctx) (in app.AlertInput, p app.PageInput, err error) {
	if p, err = page(c); err != nil {
		return in, p, err
	}
	if in.State, err = oneOf(c, "state", fleet.AlertOpen, fleet.AlertAcknowledged, fleet.AlertSnoozed, fleet.AlertResolved); err != nil {
		return in, p, err
	}
	if in.Type, err = query(c, "type"); err != nil {
		return in, p, err
	}
	if sub, err := query(c, "subType"); err != nil || c.Context().QueryArgs().Has("subType") {
		if in.SubType = &sub; err != nil {
			return in, p, err
		}
	}
	codes, err := oneOf(c, "codes", "true", "false")
	if err != nil {
		return in, p, err
	}
	in.Codes, in.NoCodes = codes == "true", codes == "false"
	agent, err := query(c, "agentId")
	in.AgentID = alertsOf(agent)
	return in, p, err
}

// alertsOf is whose alerts are meant: nil is anybody's, "team" the team's alone.
func alertsOf(agent string) *fleet.AgentID {
	id := fleet.AgentID(agent)
	switch agent {
	case "":
		return nil
	case "team":
		id = ""
	}
	return &id
}

// AckAlerts answers POST /v1/alerts/ack: all open ones of a type or an agent.
func (a *API) AckAlerts(c *fiber.Ctx, by fleet.Actor) error {
	var body api.AckAlerts
	if err := decode(c, &body); err != nil {
		return err
	}
	in := app.AlertInput{Type: body.Type, SubType: body.SubType, AgentID: alertsOf(body.AgentID)}
	if body.Codes != nil {
		in.Codes, in.NoCodes = *body.Codes, !*body.Codes
	}
	n, err := a.app.AckAlerts(c.UserContext(), by, in)
	if err != nil {
		return err
	}
	return render(c, api.AlertsAcked{Message: "Alerts acknowledged successfully", Acknowledged: n})
}

// AckAlert answers POST /v1/alerts/{id}/ack.
func (a *API) AckAlert(c *fiber.Ctx, by fleet.Actor) error {
	return onAlert(c, by, a.app.AckAlert)
}

// ResolveAlert answers POST /v1/alerts/{id}/resolve.
func (a *API) ResolveAlert(c *fiber.Ctx, by fleet.Actor) error {
	return onAlert(c, by, a.app.ResolveAlert)
}

// SnoozeAlert answers POST /v1/alerts/{id}/snooze.
func (a *API) SnoozeAlert(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Snooze
	if err := decode(c, &body); err != nil {
		return err
	}
	if body.Until == nil {
		return fleet.Invalid("until", "must not be empty")
	}
	return onAlert(c, by, func(ctx context.Context, by fleet.Actor, id string) (fleet.Alert, error) {
		return a.app.SnoozeAlert(ctx, by, id, body.Until.Time)
	})
}

func onAlert(c *fiber.Ctx, by fleet.Actor, do func(context.Context, fleet.Actor, string) (fleet.Alert, error)) error {
	id, err := pathID(c, "alertId", "Alert")
	if err != nil {
		return err
	}
	al, err := do(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, alert(al))
}

func alert(al fleet.Alert) api.Alert {
	return api.Alert{
		ID: al.ID, AgentID: orNull(al.AgentID), Type: al.Type, SubType: al.SubType, Message: al.Message,
		Severity: string(al.Severity), State: string(al.State), Count: al.Count, By: orNull(al.By),
		Until: api.At(al.Until), CreatedAt: api.At(al.CreatedAt), UpdatedAt: api.At(al.UpdatedAt),
	}
}
