package pages

import (
	"slices"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

func (p *Pages) agentAlerts(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.AgentAlerts, error) {
	items, next, err := p.app.Alerts(c.UserContext(), who.Actor, v.ID, app.PageInput{Cursor: query(c, "cursor")})
	m := &views.AgentAlerts{AgentID: string(v.ID), Pager: tabPager(c, v.ID, "alerts", len(items), next), Now: p.nowAt(who, v.Hours)}
	for _, al := range items {
		m.Items = append(m.Items, p.alert(who, al, "", &v.Hours))
	}
	return m, err
}

func (p *Pages) alert(who Viewer, al fleet.Alert, agentName string, hours *fleet.WorkingHours) views.Alert {
	if hours == nil {
		hours = &fleet.WorkingHours{Timezone: al.AgentZone}
	}
	now := p.app.Now().In(who.Zone.in(hours))
	a := views.Alert{
		ID: al.ID, AgentID: string(al.AgentID), AgentName: agentName, Type: al.Type, SubType: al.SubType, Message: al.Message,
		Severity: string(al.Severity), State: string(al.State), Count: al.Count, By: al.By, Until: al.Until, CreatedAt: al.CreatedAt,
		SeenAt: al.UpdatedAt, CanAct: who.may(fleet.ScopeOperate), Now: now,
	}
	if al.AsksCode() && a.CanAct {
		a.Code = codeForm(al.AgentID, nil, now)
	}
	return a
}

// codeForm is the box for a code; it asks in the words of the alert where that
// does not stand beside it.
func codeForm(id fleet.AgentID, alerts []fleet.Alert, now time.Time) *views.CodeForm {
	f := &views.CodeForm{AgentID: string(id), Ask: "Code", Now: now}
	if i := slices.IndexFunc(alerts, fleet.Alert.AsksCode); i >= 0 {
		f.Ask = alerts[i].Message
	}
	return f
}

func (p *Pages) navAlerts(c *fiber.Ctx, who Viewer) error {
	around, err := p.app.Around(c.UserContext(), who.Actor)
	if err != nil {
		return err
	}
	return send(c, views.NavAlerts(int(around.OpenAlerts), c.Get("HX-Current-URL") == c.BaseURL()+"/alerts"))
}

// AckAlert answers POST /alerts/{id}/ack.
func (p *Pages) AckAlert(c *fiber.Ctx, who Viewer) error {
	al, err := p.app.AckAlert(c.UserContext(), who.Actor, c.Params("alertId"))
	return p.alertDone(c, al, err)
}

// ResolveAlert answers POST /alerts/{id}/resolve.
func (p *Pages) ResolveAlert(c *fiber.Ctx, who Viewer) error {
	al, err := p.app.ResolveAlert(c.UserContext(), who.Actor, c.Params("alertId"))
	return p.alertDone(c, al, err)
}

// SnoozeAlert answers POST /alerts/{id}/snooze.
func (p *Pages) SnoozeAlert(c *fiber.Ctx, who Viewer) error {
	until, err := p.snoozeUntil(c)
	if err != nil {
		return err
	}
	al, err := p.app.SnoozeAlert(c.UserContext(), who.Actor, c.Params("alertId"), until)
	return p.alertDone(c, al, err)
}

func (p *Pages) alertDone(c *fiber.Ctx, al fleet.Alert, err error) error {
	if err != nil {
		return err
	}
	page := "/alerts"
	if al.AgentID != "" {
		page = agentPath(al.AgentID, "?tab=alerts")
	}
	return done(c, nil, back(c, page))
}

// codeAgain is the box for a code with what is wrong.
func (p *Pages) codeAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID) {
	remember(c, sent{fields: []string{"code"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		v, err := p.app.Agent(c.UserContext(), who.Actor, id)
		if err != nil {
			return nil, nil, err
		}
		m, err := p.progress(c, who, v)
		form := codeForm(id, v.Alerts, p.nowAt(who, v.Hours))
		form.Form = f
		return views.CodeBox(*form), func(s views.Shell) templ.Component {
			m.Code = form
			s.Title = v.Name
			return views.SetupProgressPage(s, m)
		}, err
	}})
}
