package pages

import (
	"encoding/json"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// maxShown is how much of a payload a list shows, in runes.
const maxShown = 160

func (p *Pages) tasks(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Tasks, error) {
	items, next, err := p.app.Tasks(c.UserContext(), who.Actor, v.ID, "", app.PageInput{Cursor: query(c, "cursor")})
	m := &views.Tasks{AgentID: string(v.ID), Pager: tabPager(c, v.ID, "tasks", len(items), next), Plans: p.plans(who, v), Now: p.nowAt(who, v.Hours)}
	for _, t := range items {
		m.Items = append(m.Items, views.Task{
			ID: t.ID, Type: t.Type, State: string(t.State), Payload: shorten(string(t.Payload)), Error: t.Error,
			DueAt: t.DueAt, ChangedAt: t.UpdatedAt, Incarnation: t.Incarnation,
			CanCancel: t.State == fleet.TaskPending && who.may(fleet.ScopeOperate),
		})
	}
	if who.may(fleet.ScopeOperate) && v.Status != fleet.Ended {
		m.Add = &views.TaskForm{Form: p.newForm(), AgentID: string(v.ID), Zone: who.Zone.typed(v.Hours)}
	}
	return m, err
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return s
}

// tabPager is the foot of a tab's list that is newest first.
func tabPager(c *fiber.Ctx, id fleet.AgentID, tab string, shown int, next string) ui.Pager {
	first := agentPath(id, "?tab="+tab)
	pager := ui.Pager{Text: ui.Number(shown) + " shown, newest first"}
	if shown == 0 {
		pager.Text = ""
	}
	if next != "" {
		pager.NextHref = first + "&cursor=" + next
	}
	if query(c, "cursor") != "" {
		pager.PrevHref = first
	}
	return pager
}

// AddTask answers POST /fleet/{id}/tasks.
func (p *Pages) AddTask(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	zone := typedZone(c, v.Hours)
	form := views.TaskForm{AgentID: string(id), Type: field(c, "type"), Payload: field(c, "payload"), DueAt: field(c, "dueAt"), Zone: zone.String()}
	p.taskAgain(c, who, id, form)
	due, err := instant(c, "dueAt", zone)
	if err != nil {
		return err
	}
	_, err = p.app.AddTask(c.UserContext(), who.Actor, id, app.TaskInput{
		Type: strings.TrimSpace(form.Type), Payload: json.RawMessage(strings.TrimSpace(form.Payload)), DueAt: due,
	})
	return done(c, err, agentPath(id, "?tab=tasks"))
}

func (p *Pages) taskAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID, form views.TaskForm) {
	remember(c, sent{fields: []string{"type", "payload", "dueAt"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.agentPage(c, who, id, "tasks")
		form.Form = f
		return views.TaskAdd(form), func(s views.Shell) templ.Component {
			s.Title, m.Shell = m.Top.Name, s
			if m.Tasks.Add == nil {
				m.Shell.Notice = f.Problem
			} else {
				m.Tasks.Add = &form
			}
			return views.AgentShow(m)
		}, err
	}})
}

// CancelTask answers POST /fleet/{id}/tasks/{taskId}/cancel.
func (p *Pages) CancelTask(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.agentAgain(c, who, id, "tasks")
	_, err = p.app.CancelTask(c.UserContext(), who.Actor, id, c.Params("taskId"))
	return done(c, err, agentPath(id, "?tab=tasks"))
}
