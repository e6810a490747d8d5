package pages

import (
	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

const viewsPath = "/fleet/views"

// savedView leads the address of a view to the list that it names.
func (p *Pages) savedView(c *fiber.Ctx, who Viewer, id string) error {
	v, err := p.app.View(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	return c.Redirect(listPath(v.Query), fiber.StatusFound)
}

func listPath(query string) string {
	if query == "" {
		return "/fleet"
	}
	return "/fleet?" + query
}

// viewMenu are the views above the list that has the query.
func (p *Pages) viewMenu(c *fiber.Ctx, who Viewer, raw string) (m views.ViewMenu, err error) {
	list, err := p.app.Views(c.UserContext(), who.Actor)
	if err != nil {
		return m, err
	}
	// What the address has that no view may have belongs to none.
	query, _ := fleet.ViewQuery(raw)
	m.SaveHref = viewsPath + "/new"
	if query != "" {
		m.SaveHref += "?" + query
	}
	for _, v := range list {
		m.Items = append(m.Items, views.ViewLink{Name: v.Name, Href: "/fleet?view=" + v.ID, Shared: v.Shared, By: v.By, Current: query == v.Query && raw != ""})
	}
	return m, nil
}

// Views answers GET /fleet/views: all views that the member sees.
func (p *Pages) Views(c *fiber.Ctx, who Viewer) error {
	m, err := p.savedViews(c, who)
	if err != nil {
		return err
	}
	return send(c, views.ViewsPage(m))
}

func (p *Pages) savedViews(c *fiber.Ctx, who Viewer) (m views.Views, err error) {
	if m.Shell, err = p.shell(c, who, "Saved views", "fleet"); err != nil {
		return m, err
	}
	list, err := p.app.Views(c.UserContext(), who.Actor)
	for _, v := range list {
		m.Items = append(m.Items, views.SavedView{
			ID: v.ID, Name: v.Name, Filter: views.ViewWords(v.Query), Shared: v.Shared, By: v.By, UpdatedAt: v.UpdatedAt, CanChange: v.ChangedBy(who.Actor) == nil,
		})
	}
	return m, err
}

// NewView answers GET /fleet/views/new with the filter in the address: the form
// that names it.
func (p *Pages) NewView(c *fiber.Ctx, who Viewer) error {
	query, err := fleet.ViewQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Save this view", "fleet")
	if err != nil {
		return err
	}
	m := views.ViewForm{Query: query, CanShare: who.may(fleet.ScopeOperate)}
	return either(c, views.ViewDialog(m), views.ViewFormPage(shell, m))
}

// SaveView answers POST /fleet/views and leads to the view.
func (p *Pages) SaveView(c *fiber.Ctx, who Viewer) error {
	p.viewAgain(c, who, "")
	v, _, err := p.app.SaveView(c.UserContext(), who.Actor, app.ViewInput{Name: field(c, "name"), Query: field(c, "query"), Shared: field(c, "shared") != ""})
	return lead(c, err, listPath(v.Query))
}

// EditView answers GET /fleet/views/{id}/edit.
func (p *Pages) EditView(c *fiber.Ctx, who Viewer) error {
	v, err := p.app.View(c.UserContext(), who.Actor, c.Params("viewId"))
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Change the view", "fleet")
	if err != nil {
		return err
	}
	m := views.ViewForm{ID: v.ID, Name: v.Name, Query: v.Query, Shared: v.Shared, CanShare: who.may(fleet.ScopeOperate)}
	return either(c, views.ViewDialog(m), views.ViewFormPage(shell, m))
}

// UpdateView answers POST /fleet/views/{id}/edit.
func (p *Pages) UpdateView(c *fiber.Ctx, who Viewer) error {
	id := c.Params("viewId")
	p.viewAgain(c, who, id)
	name, shared := field(c, "name"), field(c, "shared") != ""
	_, err := p.app.UpdateView(c.UserContext(), who.Actor, id, app.ViewChange{Name: &name, Shared: &shared})
	return lead(c, err, viewsPath)
}

// DeleteView answers POST /fleet/views/{id}/delete.
func (p *Pages) DeleteView(c *fiber.Ctx, who Viewer) error {
	return lead(c, p.app.DeleteView(c.UserContext(), who.Actor, c.Params("viewId")), viewsPath)
}

// viewAgain is the form with what was typed.
func (p *Pages) viewAgain(c *fiber.Ctx, who Viewer, id string) {
	m := views.ViewForm{ID: id, Name: field(c, "name"), Query: field(c, "query"), Shared: field(c, "shared") != "", CanShare: who.may(fleet.ScopeOperate)}
	remember(c, sent{title: "Save this view", fields: []string{"name", "shared", "query"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m.Form = f
		return views.ViewDialog(m), func(s views.Shell) templ.Component { return views.ViewFormPage(s, m) }, nil
	}})
}
