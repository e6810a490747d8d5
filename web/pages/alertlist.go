package pages

import (
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// codesShown is how many sign-ins that wait for a code stand above the list.
const codesShown = 20

// alertsAsked is what the address of the alerts asks for; sub and agent are
// nil where they are not in it.
type alertsAsked struct {
	state, kind, group, cursor string
	sub, agent                 *string
}

// teamAlone stands for the team as the agent in the address.
const teamAlone = "team"

func alertsOf(c *fiber.Ctx) (alertsAsked, error) {
	q := alertsAsked{state: query(c, "state"), kind: query(c, "type"), group: query(c, "group"), cursor: query(c, "cursor")}
	if q.state == string(fleet.AlertOpen) {
		q.state = ""
	}
	if sub := query(c, "sub"); c.Context().QueryArgs().Has("sub") {
		q.sub = &sub
	}
	if agent := query(c, "agent"); agent != "" {
		q.agent = &agent
	}
	if q.group != "" && q.group != "agent" && q.group != "type" {
		return q, fleet.Invalid("group", "must be agent or type, or left out")
	}
	return q, nil
}

// narrowed tells whether more than the state narrows.
func (q alertsAsked) narrowed() bool { return q.kind != "" || q.sub != nil || q.agent != nil }

func (q alertsAsked) input() app.AlertInput {
	in := app.AlertInput{State: q.state, Type: q.kind, SubType: q.sub, AgentID: agentOf(q.agent)}
	in.NoCodes = q.state == "" && !q.narrowed()
	return in
}

func agentOf(text *string) *fleet.AgentID {
	if text == nil {
		return nil
	}
	id := fleet.AgentID(*text)
	if *text == teamAlone {
		id = ""
	}
	return &id
}

func (q alertsAsked) href() string {
	values := url.Values{}
	for name, v := range map[string]string{"state": q.state, "type": q.kind, "group": q.group, "cursor": q.cursor} {
		if v != "" {
			values.Set(name, v)
		}
	}
	if q.sub != nil {
		values.Set("sub", *q.sub)
	}
	if q.agent != nil {
		values.Set("agent", *q.agent)
	}
	return address("/alerts", values)
}

// Alerts answers GET /alerts.
func (p *Pages) Alerts(c *fiber.Ctx, who Viewer) error {
	if target(c) == "nav-alerts" {
		return p.navAlerts(c, who)
	}
	q, err := alertsOf(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Alerts", "alerts")
	if err != nil {
		return err
	}
	m := views.Alerts{Shell: shell, State: q.state, Type: q.kind, Group: q.group, Narrowed: q.narrowed(), MayAck: who.may(fleet.ScopeOperate)}
	types, err := p.app.AlertTypes(c.UserContext(), who.Actor, q.state)
	if err != nil {
		return err
	}
	m.Types = choices("All types", types, q.kind)
	if err := p.codes(c, who, q, &m); err != nil {
		return err
	}
	if q.group != "" {
		err = p.alertGroups(c, who, q, &m)
	} else {
		err = p.alertItems(c, who, q, &m)
	}
	if err != nil {
		return err
	}
	m.Tabs = alertTabs(q, shell.OpenAlerts)
	return send(c, views.AlertsPage(m))
}

// codes puts the sign-ins that wait for a code above the first page of what is
// open.
func (p *Pages) codes(c *fiber.Ctx, who Viewer, q alertsAsked, m *views.Alerts) error {
	if !q.input().NoCodes || q.cursor != "" {
		return nil
	}
	found, err := p.app.TeamAlerts(c.UserContext(), who.Actor, app.AlertInput{Codes: true}, app.PageInput{Limit: codesShown})
	if err != nil {
		return err
	}
	for _, al := range found.Alerts {
		a := p.alert(who, al, al.AgentName, nil)
		if a.Code != nil {
			if a.Code.Deadline, err = p.app.SignInDeadline(c.UserContext(), who.Actor, al.AgentID); err != nil {
				return err
			}
		}
		m.Challenges = append(m.Challenges, a)
	}
	m.MoreCodes = int(found.Total) - len(found.Alerts)
	return nil
}

func (p *Pages) alertItems(c *fiber.Ctx, who Viewer, q alertsAsked, m *views.Alerts) error {
	found, err := p.app.TeamAlerts(c.UserContext(), who.Actor, q.input(), app.PageInput{Cursor: q.cursor})
	if err != nil {
		return err
	}
	for _, al := range found.Alerts {
		m.Items = append(m.Items, p.alert(who, al, al.AgentName, nil))
	}
	m.Pager = alertPager(q, len(found.Alerts), int(found.Total), found.NextCursor)
	if q.state == "" && q.narrowed() && found.Total > 1 && m.MayAck {
		m.AckAll = &views.AlertGroup{Type: q.kind, Sub: q.sub, Agent: q.agent, Alerts: int(found.Total)}
	}
	return nil
}

func (p *Pages) alertGroups(c *fiber.Ctx, who Viewer, q alertsAsked, m *views.Alerts) error {
	list, next, err := p.app.AlertGroups(c.UserContext(), who.Actor, q.group, q.input(), app.PageInput{Cursor: q.cursor})
	if err != nil {
		return err
	}
	for _, g := range list {
		one := views.AlertGroup{Alerts: g.Alerts, Newest: p.alert(who, g.Newest, g.Newest.AgentName, nil), Type: q.kind, Sub: q.sub, Agent: q.agent, NoCodes: q.input().NoCodes}
		to := q
		to.group, to.cursor = "", ""
		if q.group == "agent" {
			agent := string(g.Newest.AgentID)
			if agent == "" {
				agent = teamAlone
			}
			to.agent, one.Agent, one.ByAgent = &agent, &agent, true
		} else {
			to.kind, to.sub = g.Newest.Type, &g.Newest.SubType
			one.Type, one.Sub = to.kind, to.sub
		}
		one.Href = to.href()
		m.Groups = append(m.Groups, one)
	}
	m.Pager = alertPager(q, len(list), 0, next)
	return nil
}

func alertTabs(q alertsAsked, open int) (tabs []ui.Tab) {
	for _, t := range []struct{ state, label string }{{"", "Open"}, {"acknowledged", "Acknowledged"}, {"snoozed", "Snoozed"}, {"resolved", "Resolved"}} {
		tab := ui.Tab{Href: alertsAsked{state: t.state, group: q.group}.href(), Label: t.label, Current: t.state == q.state}
		if t.state == "" {
			tab.Count = open
		}
		tabs = append(tabs, tab)
	}
	return tabs
}

func alertPager(q alertsAsked, shown, total int, next string) ui.Pager {
	var pager ui.Pager
	switch {
	case shown > 0 && total > 0:
		pager.Text = ui.Number(shown) + " of " + ui.Number(total) + ", newest first"
	case shown > 0:
		pager.Text = ui.Plural(shown, "group", "groups") + ", newest first"
	}
	first := q.cursor
	if next != "" {
		q.cursor = next
		pager.NextHref = q.href()
	}
	if first != "" {
		q.cursor = ""
		pager.PrevHref, pager.PrevLabel = q.href(), "First"
	}
	return pager
}

// AckAlerts answers POST /alerts/ack: all open ones of a type or an agent; with
// codes=0 but the sign-ins that wait for a code.
func (p *Pages) AckAlerts(c *fiber.Ctx, who Viewer) error {
	in := app.AlertInput{Type: field(c, "type"), NoCodes: field(c, "codes") == "0"}
	if sub := field(c, "sub"); c.Request().PostArgs().Has("sub") {
		in.SubType = &sub
	}
	if agent := field(c, "agent"); agent != "" {
		in.AgentID = agentOf(&agent)
	}
	_, err := p.app.AckAlerts(c.UserContext(), who.Actor, in)
	return done(c, err, back(c, "/alerts"))
}

// snoozeUntil is the end that the form asked for: a span from now, or a date
// and time of the zone that it names.
func (p *Pages) snoozeUntil(c *fiber.Ctx) (time.Time, error) {
	if field(c, "for") == "" {
		zone, err := fleet.LoadZone(field(c, "zone"))
		if err != nil {
			zone = time.UTC
		}
		at, err := instant(c, "until", zone)
		if err == nil && at.IsZero() {
			err = fleet.Invalid("until", "must be a date and time, or choose a span")
		}
		return at, err
	}
	span, err := time.ParseDuration(field(c, "for"))
	if err != nil {
		return time.Time{}, fleet.Invalid("for", "must be a span such as 4h")
	}
	return p.app.Now().Add(span), nil
}
