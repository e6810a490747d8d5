package pages

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

func (p *Pages) history(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.History, error) {
	items, next, err := p.app.History(c.UserContext(), who.Actor, v.ID, app.PageInput{Cursor: query(c, "cursor")})
	m := &views.History{AgentID: string(v.ID), Pager: tabPager(c, v.ID, "history", len(items), next), Now: p.nowAt(who, v.Hours)}
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
