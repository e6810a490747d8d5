package v1

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
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
// asked for, the team's own among them.
func (a *API) TeamAlerts(c *fiber.Ctx, by fleet.Actor) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	state, err := oneOf(c, "state", fleet.AlertOpen, fleet.AlertAcknowledged, fleet.AlertSnoozed, fleet.AlertResolved)
	if err != nil {
		return err
	}
	items, next, err := a.app.TeamAlerts(c.UserContext(), by, state, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, alert)
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
