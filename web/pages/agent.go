package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// Agent answers GET /fleet/{id}: the tab that the address names, or what
// remains of an agent that is gone.
func (p *Pages) Agent(c *fiber.Ctx, who Viewer) error {
	id, ok := fleet.ParseID(c.Params("agentId"))
	if !ok {
		return p.tombstone(c, who, c.Params("agentId"))
	}
	m, err := p.agentPage(c, who, fleet.AgentID(id), query(c, "tab"))
	if notHere(err) {
		return p.tombstone(c, who, id)
	}
	if err != nil {
		return err
	}
	switch target(c) {
	case "agent-top":
		return send(c, views.AgentHead(m.Top))
	case "tab-live":
		return send(c, views.AgentTab(m))
	}
	return send(c, views.AgentShow(m))
}

// agentPage makes the page with one tab; an unknown tab is the overview.
func (p *Pages) agentPage(c *fiber.Ctx, who Viewer, id fleet.AgentID, tab string) (m views.AgentPage, err error) {
	if m.Shell, err = p.shell(c, who, "", "fleet"); err != nil {
		return m, err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return m, err
	}
	open, err := p.app.OpenTasks(c.UserContext(), who.Actor, id)
	if err != nil {
		return m, err
	}
	m.Shell.Title, m.Top = v.Name, p.top(who, v, open)
	m.Top.Tab = tab
	switch tab {
	case "usage":
		m.Usage, err = p.usage(c, who, v)
	case "tasks":
		m.Tasks, err = p.tasks(c, who, v)
	case "alerts":
		m.Alerts, err = p.agentAlerts(c, who, v)
	case "messages":
		m.Messages, err = p.messages(c, who, v)
	case "history":
		m.History, err = p.history(c, who, v)
	case "resources":
		m.Resources, err = p.agentResources(c, who, v)
	case "logs":
		m.Logs, err = p.logs(c, who, v)
	default:
		m.Top.Tab = "overview"
		m.Overview, err = p.overview(c, who, v)
	}
	return m, err
}

// agentAgain is the page of an agent with a notice on top, for acts that have
// no form of their own.
func (p *Pages) agentAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID, tab string) {
	remember(c, sent{again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.agentPage(c, who, id, tab)
		return nil, func(s views.Shell) templ.Component {
			s.Title, s.Notice = m.Top.Name, f.Problem
			m.Shell = s
			return views.AgentShow(m)
		}, err
	}})
}

func (p *Pages) top(who Viewer, v app.AgentView, open int) views.AgentTop {
	kind, _ := p.app.Kind(v.Kind)
	t := views.AgentTop{
		ID: string(v.ID), Name: v.Name, Login: v.Login, Country: v.Country, Kind: v.Kind, Status: string(v.Status), Observed: string(v.Runtime.State),
		LastHeard: v.Runtime.LastHeardAt, Since: v.StatusAt, Why: v.Why, Incarnation: v.Incarnation, OpenAlerts: v.OpenAlerts,
		OpenTasks: open, NeedsSetup: kind.NeedsSetup(), Actions: p.actions(who, v), Now: p.nowAt(who, v.Hours),
	}
	if pr := v.Protected; pr != nil {
		t.Protection = "Protected by " + pr.By + ": " + pr.Reason
	}
	return t
}

func (p *Pages) overview(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Overview, error) {
	messages, invitations := meters(v)
	all := fmt.Sprintf("%s and %s in all", ui.Plural(int(v.Usage.Messages), "message", "messages"), ui.Plural(int(v.Usage.Invitations), "invitation", "invitations"))
	now := p.nowAt(who, v.Hours)
	var err error
	m := &views.Overview{
		AgentID: string(v.ID), Alerts: p.open(who, v), Meters: []ui.Meter{messages, invitations, {Label: all}},
		Spark: ints(v.Spark), SparkLabel: "messages and invitations, 14 days", Facts: runFacts(v.Agent, now),
		Hours: hoursText(v.Hours), ViewerHours: hoursIn(v.Hours, now), Tags: v.Tags, NextTaskAt: v.NextTask, Plans: p.plans(who, v), Now: now,
	}
	if m.Resources, err = p.liveResources(c, who, v.Agent); err != nil {
		return nil, err
	}
	if m.LastOutput, err = p.lastOutput(c, who, v.Agent); err != nil {
		return nil, err
	}
	if m.NextTask = v.NextType; m.NextTask == "" && !v.NextTask.IsZero() {
		m.NextTask = "task"
	}
	if who.may(fleet.ScopeOperate) {
		m.Settings = settingsForm(v.Agent)
	}
	return m, nil
}

// open are the alerts that the overview puts first.
func (p *Pages) open(who Viewer, v app.AgentView) (list []views.Alert) {
	for _, al := range v.Alerts {
		if al.State == fleet.AlertOpen {
			list = append(list, p.alert(who, al, "", &v.Hours))
		}
	}
	return list
}

// runFacts are what is known of an agent's program.
func runFacts(agent fleet.Agent, now time.Time) []views.Fact {
	rt := agent.Runtime
	facts := []views.Fact{{Label: "Observed", Value: observedWord(rt.State)}}
	if !rt.LastHeardAt.IsZero() {
		facts = append(facts, views.Fact{Label: "Last heard", At: rt.LastHeardAt})
	}
	if rt.Epoch > 0 {
		facts = append(facts, views.Fact{Label: "Run", Value: fmt.Sprintf("number %d, started", rt.Epoch), At: rt.StartedAt})
	}
	if rt.Restarts > 0 {
		facts = append(facts, views.Fact{Label: "Restarts", Value: fmt.Sprint(rt.Restarts)})
	}
	if rt.NextTry.After(now) {
		facts = append(facts, views.Fact{Label: "Next try", At: rt.NextTry})
	}
	if rt.LastError != "" {
		facts = append(facts, views.Fact{Label: "Last error", Value: rt.LastError})
	}
	return append(facts, views.Fact{Label: "Created", At: agent.CreatedAt})
}

// lastOutput are the last lines of a program that failed, while that is what
// there is to know about the agent.
func (p *Pages) lastOutput(c *fiber.Ctx, who Viewer, agent fleet.Agent) ([]string, error) {
	if agent.Runtime.LastError == "" || agent.Runtime.State == fleet.ObservedUp {
		return nil, nil
	}
	return p.app.LastOutput(c.UserContext(), who.Actor, agent.ID)
}

func observedWord(state fleet.Observed) string {
	switch state {
	case fleet.ObservedNone:
		return "no program"
	case fleet.ObservedBackoff:
		return "waiting to start again"
	case fleet.ObservedLost:
		return "not heard"
	}
	return string(state)
}

// hoursText writes working hours: "Mon–Fri 09:00–17:00 Europe/Paris".
func hoursText(w fleet.WorkingHours) string {
	if !strings.Contains(w.Days, "1") {
		return "No day is switched on"
	}
	if w.Start == w.Stop && w.Start == "00:00" {
		return daysText(w.Days) + " all day " + w.Timezone
	}
	return daysText(w.Days) + " " + w.Start + "–" + w.Stop + " " + w.Timezone
}

// daysText joins neighbouring days: "Mon–Fri", "Mon, Wed–Thu".
func daysText(flags string) string {
	names := []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	on := strings.Split(flags, ":")
	var parts []string
	for i := 0; i < len(on) && i < len(names); i++ {
		if on[i] != "1" {
			continue
		}
		first := i
		for i+1 < len(on) && i+1 < len(names) && on[i+1] == "1" {
			i++
		}
		if parts = append(parts, names[first]); i > first {
			parts[len(parts)-1] += "–" + names[i]
		}
	}
	return strings.Join(parts, ", ")
}

// hoursIn writes the same hours in the zone of now as they are today, "" where
// the zone is that already.
func hoursIn(w fleet.WorkingHours, now time.Time) string {
	if w.Timezone == now.Location().String() {
		return ""
	}
	at := func(clock string) string {
		t, err := time.ParseInLocation("2006-01-02 15:04", w.Day(now)+" "+clock, w.Location())
		if err != nil {
			return clock
		}
		return t.In(now.Location()).Format("15:04")
	}
	return at(w.Start) + "–" + at(w.Stop) + " " + now.Location().String() + " today"
}
