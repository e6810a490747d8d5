package pages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

func (p *Pages) logs(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Logs, error) {
	level := query(c, "level")
	lines, err := p.app.Logs(c.UserContext(), who.Actor, v.ID, app.LogInput{Level: level})
	m := &views.Logs{AgentID: string(v.ID), Now: p.app.Now()}
	for _, o := range []struct{ level, label string }{{"", "All"}, {"info", "Info and up"}, {"warn", "Warnings and errors"}, {"error", "Errors"}} {
		href := agentPath(v.ID, "?tab=logs")
		if o.level != "" {
			href += "&level=" + o.level
		}
		m.Levels = append(m.Levels, ui.Tab{Href: href, Label: o.label, Current: o.level == level})
	}
	for _, l := range slices.Backward(lines) {
		m.Items = append(m.Items, views.LogLine{At: l.At, Level: l.Level, Text: l.Text, Epoch: l.Epoch})
	}
	if len(lines) > 0 {
		m.Pager.Text = "The newest " + ui.Plural(len(lines), "line", "lines") + ", newest first, times in UTC"
	}
	return m, err
}

func (p *Pages) history(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.History, error) {
	items, next, err := p.app.History(c.UserContext(), who.Actor, v.ID, app.PageInput{Cursor: query(c, "cursor")})
	m := &views.History{AgentID: string(v.ID), Pager: tabPager(c, v.ID, "history", len(items), next), Now: p.app.Now()}
	for _, e := range items {
		m.Items = append(m.Items, views.Audit{
			At: e.At, Actor: e.ActorName, ActorKind: string(e.ActorKind), Action: e.Action, Outcome: e.Outcome,
			Detail: detailText(e.Detail), Note: e.Note, RequestID: e.RequestID,
		})
	}
	return m, err
}

// detailText is an audit entry's detail in one line: "running → paused, tasks 3".
// Ids are left to the API.
func detailText(detail map[string]any) string {
	var parts []string
	if to, ok := detail["to"].(string); ok {
		part := fleet.Status(to).Word()
		if from, ok := detail["from"].(string); ok {
			part = fleet.Status(from).Word() + " → " + part
		}
		parts = append(parts, part)
	}
	var rest []string
	for name, value := range detail {
		if text := fmt.Sprint(value); name != "to" && name != "from" && !strings.HasSuffix(name, "Id") && text != "" {
			rest = append(rest, name+" "+text)
		}
	}
	slices.Sort(rest)
	return strings.Join(append(parts, rest...), ", ")
}
