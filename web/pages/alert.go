package pages

import (
	"slices"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
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
	now := p.app.Now().In(who.Zone.in(hours))
	a := views.Alert{
		ID: al.ID, AgentID: string(al.AgentID), AgentName: agentName, Type: al.Type, SubType: al.SubType, Message: al.Message,
		Severity: string(al.Severity), State: string(al.State), Count: al.Count, By: al.By, Until: al.Until, CreatedAt: al.CreatedAt,
		SeenAt: al.UpdatedAt, CanAct: who.may(fleet.ScopeOperate), Now: now,
	}
	if asksCode(al) && a.CanAct {
		a.Code = codeForm(al.AgentID, nil, now)
	}
	return a
}

// codeForm is the box for a code; it asks in the words of the alert where that
// does not stand beside it.
func codeForm(id fleet.AgentID, alerts []fleet.Alert, now time.Time) *views.CodeForm {
	f := &views.CodeForm{AgentID: string(id), Ask: "Code", Now: now}
	if i := slices.IndexFunc(alerts, asksCode); i >= 0 {
		f.Ask = alerts[i].Message
	}
	return f
}

// Alerts answers GET /alerts.
func (p *Pages) Alerts(c *fiber.Ctx, who Viewer) error {
	if target(c) == "nav-alerts" {
		return p.navAlerts(c, who)
	}
	shell, err := p.shell(c, who, "Alerts", "alerts")
	if err != nil {
		return err
	}
	state := query(c, "state")
	items, next, err := p.app.TeamAlerts(c.UserContext(), who.Actor, state, app.PageInput{Cursor: query(c, "cursor")})
	if err != nil {
		return err
	}
	m := views.Alerts{Shell: shell, Tabs: alertTabs(state, shell.OpenAlerts), AllOpen: state == "", Pager: alertPager(c, state, len(items), next)}
	for _, al := range items {
		m.Items = append(m.Items, p.alert(who, al, al.AgentName, nil))
	}
	waits := func(a views.Alert) bool { return a.Code != nil && a.State == string(fleet.AlertOpen) }
	for _, a := range m.Items {
		if waits(a) {
			m.Challenges = append(m.Challenges, a)
		}
	}
	m.Items = slices.DeleteFunc(m.Items, waits)
	return send(c, views.AlertsPage(m))
}

func (p *Pages) navAlerts(c *fiber.Ctx, who Viewer) error {
	around, err := p.app.Around(c.UserContext(), who.Actor)
	if err != nil {
		return err
	}
	return send(c, views.NavAlerts(int(around.OpenAlerts), c.Get("HX-Current-URL") == c.BaseURL()+"/alerts"))
}

func alertTabs(current string, open int) []ui.Tab {
	tabs := []ui.Tab{
		{Href: "/alerts", Label: "Open", Count: open}, {Href: "/alerts?state=acknowledged", Label: "Acknowledged"},
		{Href: "/alerts?state=snoozed", Label: "Snoozed"}, {Href: "/alerts?state=resolved", Label: "Resolved"},
	}
	for i, state := range []string{"", "acknowledged", "snoozed", "resolved"} {
		tabs[i].Current = state == current
	}
	return tabs
}

func alertPager(c *fiber.Ctx, state string, shown int, next string) ui.Pager {
	href := "/alerts?state=" + state
	var pager ui.Pager
	if shown > 0 {
		pager.Text = ui.Number(shown) + " shown, newest first"
	}
	if next != "" {
		pager.NextHref = href + "&cursor=" + next
	}
	if query(c, "cursor") != "" {
		pager.PrevHref = href
	}
	return pager
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
	span, err := time.ParseDuration(field(c, "for"))
	if err != nil {
		return fleet.Invalid("for", "must be a span such as 4h")
	}
	al, err := p.app.SnoozeAlert(c.UserContext(), who.Actor, c.Params("alertId"), p.app.Now().Add(span))
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
