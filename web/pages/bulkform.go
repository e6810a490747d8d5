package pages

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// bulkAsked is what the bar under the fleet, or the page before a bulk, sent.
type bulkAsked struct {
	action fleet.BulkAction
	ids    []fleet.AgentID
	// list decides instead of ids where all is set.
	all  bool
	list listing
}

func bulkAskedOf(c *fiber.Ctx) (a bulkAsked, err error) {
	if a.list, err = listingFrom(func(name string) string { return strings.ToValidUTF8(field(c, name), "�") }); err != nil {
		return a, err
	}
	// The list of actions comes first, the button that was pressed last.
	for _, raw := range c.Request().PostArgs().PeekMulti("action") {
		a.action = fleet.BulkAction(raw)
	}
	if !a.action.Valid() {
		return a, fleet.Errorf(fleet.CodeValidation, "Choose what to do with the agents")
	}
	if a.all = field(c, "all") != ""; a.all {
		return a, nil
	}
	for _, raw := range c.Request().PostArgs().PeekMulti("ids") {
		id, ok := fleet.ParseID(string(raw))
		if !ok {
			return a, fleet.Invalid("ids", "must be ids of agents")
		}
		a.ids = append(a.ids, fleet.AgentID(id))
	}
	if len(a.ids) == 0 {
		return a, fleet.Errorf(fleet.CodeValidation, "Nothing is chosen: tick agents on the fleet page first")
	}
	return a, nil
}

// input is the whole of it; what is not asked for yet has its default.
func (a bulkAsked) input(c *fiber.Ctx) (in app.BulkInput, err error) {
	in = app.BulkInput{
		Action: a.action, IDs: a.ids, Reason: field(c, "reason"), AddTags: list(field(c, "addTags")), RemoveTags: list(field(c, "removeTags")),
	}
	if a.all {
		filter := a.list.input()
		in.Filter = &filter
	}
	for name, to := range map[string]*int{"perMinute": &in.PerMinute, "canary": &in.Canary, "stopAfterFailures": &in.StopAfterFailures} {
		n, err := whole64(c, name, name)
		if err != nil {
			return in, err
		}
		*to = int(n)
	}
	in.Expect, err = expected(c)
	if field(c, "confirm") != "" || a.action == fleet.BulkDelete {
		typed := strings.TrimSpace(field(c, "confirm"))
		in.Confirm = &typed
	}
	return in, err
}

// expected are the counts that the form was made of; nil where it had none.
func expected(c *fiber.Ctx) (*app.BulkCounts, error) {
	if field(c, "will") == "" {
		return nil, nil
	}
	total, err := whole64(c, "total", "total")
	if err != nil {
		return nil, err
	}
	will, err := whole64(c, "will", "will")
	return &app.BulkCounts{Total: int(total), Will: int(will)}, err
}

// moved tells whether a plan has other counts than the form.
func moved(c *fiber.Ctx, plan fleet.BulkPlan) bool {
	was, err := expected(c)
	return err == nil && was != nil && *was != app.BulkCounts{Total: plan.Total, Will: plan.Will}
}

// bulkForm is the page with what was typed, without the plan.
func (p *Pages) bulkForm(c *fiber.Ctx, a bulkAsked) views.BulkForm {
	m := views.BulkForm{
		Form: p.newForm(), Action: a.action, All: a.all, Filters: a.list.filters(), Back: a.list.href(), Reason: field(c, "reason"), AddTags: field(c, "addTags"), RemoveTags: field(c, "removeTags"),
		PerMinute: field(c, "perMinute"), Canary: field(c, "canary"), StopAfter: field(c, "stopAfterFailures"), Typed: field(c, "confirm"),
	}
	for _, id := range a.ids {
		m.IDs = append(m.IDs, string(id))
	}
	return m
}

// BulkForm answers POST /bulk/new: what a bulk would do. It changes nothing.
func (p *Pages) BulkForm(c *fiber.Ctx, who Viewer) error {
	asked, err := bulkAskedOf(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Bulk action", "fleet")
	if err != nil {
		return err
	}
	m := p.bulkForm(c, asked)
	if asked.action != fleet.BulkTag || m.AddTags+m.RemoveTags != "" {
		p.bulkAgain(c, who, asked)
		in, err := asked.input(c)
		if err != nil {
			return err
		}
		plan, err := p.app.PlanBulk(c.UserContext(), who.Actor, in)
		if err != nil {
			return err
		}
		m.Plan = &plan
		m.PerMinute, m.Canary, m.StopAfter = usualTerms(plan)
	}
	shell.Title = m.Title()
	return send(c, views.BulkFormPage(shell, m))
}

// usualTerms are what a bulk is begun with unless somebody says otherwise. Acts
// that take something away go to one agent first.
func usualTerms(plan fleet.BulkPlan) (rate, canary, stop string) {
	first := 0
	if plan.Will >= 10 && (plan.Action == fleet.BulkEnd || plan.Action == fleet.BulkRelaunch || plan.Action == fleet.BulkDelete) {
		first = 1
	}
	return strconv.Itoa(fleet.StandardBulkRate), strconv.Itoa(first), strconv.Itoa(max(5, plan.Will/10))
}

// bulkAgain is the page with what was typed and the counts as they are now.
func (p *Pages) bulkAgain(c *fiber.Ctx, who Viewer, asked bulkAsked) {
	remember(c, sent{
		fields: []string{"perMinute", "canary", "stopAfterFailures", "reason", "addTags", "removeTags", "confirm"},
		again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
			m := p.bulkForm(c, asked)
			m.Form = f
			in, _ := asked.input(c)
			plan, err := p.app.PlanBulk(c.UserContext(), who.Actor, app.BulkInput{Action: in.Action, IDs: in.IDs, Filter: in.Filter, AddTags: in.AddTags, RemoveTags: in.RemoveTags})
			if err != nil && asked.action != fleet.BulkTag {
				return nil, nil, err
			}
			if err == nil {
				m.Plan = &plan
				if m.Moved = moved(c, plan); m.Moved {
					m.Problem = nil
				}
			}
			return nil, func(s views.Shell) templ.Component {
				s.Title = m.Title()
				return views.BulkFormPage(s, m)
			}, nil
		},
	})
}

// StartBulk answers POST /bulk and leads to the bulk's page.
func (p *Pages) StartBulk(c *fiber.Ctx, who Viewer) error {
	asked, err := bulkAskedOf(c)
	if err != nil {
		return err
	}
	p.bulkAgain(c, who, asked)
	in, err := asked.input(c)
	if err != nil {
		return err
	}
	b, err := p.app.StartBulk(c.UserContext(), who.Actor, in)
	return lead(c, err, bulkPath(b.ID))
}

// retryForm is the page before what failed in a bulk is tried again.
func (p *Pages) retryForm(c *fiber.Ctx, who Viewer, id string) (views.BulkForm, error) {
	b, plan, err := p.app.PlanRetry(c.UserContext(), who.Actor, id)
	return views.BulkForm{Form: p.newForm(), Action: b.Action, RetryOf: id, Back: bulkPath(id), Plan: &plan, Reason: b.Reason}, err
}

// RetryForm answers GET /bulk/{id}/retry.
func (p *Pages) RetryForm(c *fiber.Ctx, who Viewer) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Retry", "fleet")
	if err != nil {
		return err
	}
	m, err := p.retryForm(c, who, id)
	if err != nil {
		return err
	}
	shell.Title = m.Title()
	return send(c, views.BulkFormPage(shell, m))
}

// RetryBulk answers POST /bulk/{id}/retry and leads to the new bulk.
func (p *Pages) RetryBulk(c *fiber.Ctx, who Viewer) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	reason, typed := field(c, "reason"), strings.TrimSpace(field(c, "confirm"))
	remember(c, sent{fields: []string{"reason", "confirm"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.retryForm(c, who, id)
		if m.Form, m.Reason, m.Typed = f, reason, typed; err == nil && moved(c, *m.Plan) {
			m.Moved, m.Problem = true, nil
		}
		return nil, func(s views.Shell) templ.Component {
			s.Title = m.Title()
			return views.BulkFormPage(s, m)
		}, err
	}})
	in := app.RetryInput{Reason: &reason, Confirm: &typed}
	if in.Expect, err = expected(c); err != nil {
		return err
	}
	b, err := p.app.RetryBulk(c.UserContext(), who.Actor, id, &in)
	return lead(c, err, bulkPath(b.ID))
}
