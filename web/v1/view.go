package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Views answers GET /v1/views: the saved views that the team shares.
func (a *API) Views(c *fiber.Ctx, by fleet.Actor) error {
	list, err := a.app.Views(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, each(list, a.view))
}

// View answers GET /v1/views/{id}.
func (a *API) View(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "viewId", "View")
	if err != nil {
		return err
	}
	v, err := a.app.View(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, a.view(v))
}

// SaveView answers POST /v1/views: 201 with a new one, 200 with one of the name
// that was overwritten.
func (a *API) SaveView(c *fiber.Ctx, by fleet.Actor) error {
	var body api.SaveView
	if err := decode(c, &body); err != nil {
		return err
	}
	v, made, err := a.app.SaveView(c.UserContext(), by, app.ViewInput{Name: body.Name, Query: body.Query, Shared: body.Shared})
	switch {
	case err != nil:
		return err
	case made:
		return a.created(c, "/v1/views/"+v.ID, a.view(v))
	}
	return render(c, a.view(v))
}

// UpdateView answers PUT /v1/views/{id}.
func (a *API) UpdateView(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "viewId", "View")
	if err != nil {
		return err
	}
	var body api.UpdateView
	if err := decode(c, &body); err != nil {
		return err
	}
	v, err := a.app.UpdateView(c.UserContext(), by, id, app.ViewChange{Name: body.Name, Query: body.Query, Shared: body.Shared})
	if err != nil {
		return err
	}
	return render(c, a.view(v))
}

// DeleteView answers DELETE /v1/views/{id}.
func (a *API) DeleteView(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "viewId", "View")
	if err != nil {
		return err
	}
	if err := a.app.DeleteView(c.UserContext(), by, id); err != nil {
		return err
	}
	return render(c, api.Done{Message: "View deleted successfully"})
}

func (a *API) view(v fleet.View) api.View {
	return api.View{
		ID: v.ID, Name: v.Name, Query: v.Query, Shared: v.Shared, By: v.By, URL: a.base + "/fleet?view=" + v.ID,
		CreatedAt: api.At(v.CreatedAt), UpdatedAt: api.At(v.UpdatedAt),
	}
}
