package v1

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Resources answers GET /v1/resources: the ledger, newest first, also of agents
// that are gone.
func (a *API) Resources(c *fiber.Ctx, by fleet.Actor) error {
	f, err := resourceFilter(c)
	if err != nil {
		return err
	}
	p, err := page(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.Resources(c.UserContext(), by, f, p)
	if err != nil {
		return err
	}
	return a.ledger(c, by, f, items, next)
}

// AgentResources answers GET …/resources of an agent that lives, newest first.
func (a *API) AgentResources(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.AgentResources(c.UserContext(), by, id, p)
	if err != nil {
		return err
	}
	return a.ledger(c, by, app.ResourceFilter{AgentID: id}, items, next)
}

// ledger answers a page of the ledger with how many rows the whole list has.
func (a *API) ledger(c *fiber.Ctx, by fleet.Actor, f app.ResourceFilter, items []fleet.Resource, next string) error {
	total, err := a.app.TotalResources(c.UserContext(), by, f)
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.FormatInt(total, 10))
	return list(a, c, items, next, resource)
}

func resourceFilter(c *fiber.Ctx) (f app.ResourceFilter, err error) {
	text := map[string]string{}
	for _, name := range []string{"state", "stuck", "agent"} {
		if text[name], err = query(c, name); err != nil {
			return f, err
		}
	}
	if f.States, err = resourceStates(text["state"]); err != nil {
		return f, err
	}
	typ, err := oneOf(c, "type", fleet.ResourceProfile, fleet.ResourceProxy, fleet.ResourceAgent)
	if err != nil {
		return f, err
	}
	f.Type, f.Stuck = fleet.ResourceType(typ), text["stuck"] == "true"
	if text["stuck"] != "" && !f.Stuck {
		return f, fleet.Invalid("stuck", "must be true")
	}
	id, ok := fleet.ParseID(text["agent"])
	if f.AgentID = fleet.AgentID(id); text["agent"] != "" && !ok {
		return f, fleet.Invalid("agent", "must be the id of an agent")
	}
	return f, nil
}

// resourceStates reads a comma list of states.
func resourceStates(text string) (list []fleet.ResourceState, err error) {
	if text == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		s := fleet.ResourceState(strings.TrimSpace(word))
		if !slices.Contains(fleet.ResourceStates(), s) {
			return nil, fleet.Invalid("state", "must be a comma list of %s", joined(fleet.ResourceStates()))
		}
		list = append(list, s)
	}
	return list, nil
}

// RetryResource answers POST /v1/resources/{id}/retry.
func (a *API) RetryResource(c *fiber.Ctx, by fleet.Actor) error {
	id, err := resourceID(c, &struct{}{})
	if err != nil {
		return err
	}
	r, err := a.app.RetryResource(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, resource(r))
}

// ForgetResource answers POST /v1/resources/{id}/forget.
func (a *API) ForgetResource(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Forget
	id, err := resourceID(c, &body)
	if err != nil {
		return err
	}
	r, err := a.app.ForgetResource(c.UserContext(), by, id, app.ReasonInput{Reason: body.Reason})
	if err != nil {
		return err
	}
	return render(c, resource(r))
}

// resourceID is what an act on a resource begins with: its id and the body.
func resourceID(c *fiber.Ctx, body any) (string, error) {
	id, err := pathID(c, "resourceId", "Resource")
	if err != nil {
		return "", err
	}
	return id, decode(c, body)
}

// Vendors answers GET /v1/vendors.
func (a *API) Vendors(c *fiber.Ctx, by fleet.Actor) error {
	vendors, err := a.app.Vendors(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, each(vendors, vendor))
}

// CheckVendor answers POST /v1/vendors/{vendor}/check: the check was asked for;
// the list of vendors says how it went.
func (a *API) CheckVendor(c *fiber.Ctx, by fleet.Actor) error {
	if err := decode(c, &struct{}{}); err != nil {
		return err
	}
	v, err := a.app.CheckVendor(c.UserContext(), by, c.Params("vendor"))
	if err != nil {
		return err
	}
	c.Status(http.StatusAccepted)
	return render(c, vendor(v))
}

func resource(r fleet.Resource) api.Resource {
	return api.Resource{
		ID: r.ID, AgentID: string(r.AgentID), Incarnation: r.Incarnation, Type: string(r.Type), Vendor: r.Vendor,
		State: string(r.State), ExternalID: orNull(r.ExternalID), Country: orNull(r.Country), Label: orNull(r.Label),
		ProxyID: orNull(r.ProxyID), Tries: r.Tries, NextTryAt: api.At(r.NextTry), LastError: orNull(r.LastError),
		Forgotten: forgotten(r.Forgotten), Stuck: r.Stuck(), CreatedAt: api.At(r.CreatedAt), StateAt: api.At(r.StateAt),
		HeldAt: api.At(r.HeldAt), ReleasedAt: api.At(r.ReleasedAt), UpdatedAt: api.At(r.UpdatedAt),
	}
}

func forgotten(f *fleet.Forgotten) *api.Forgotten {
	if f == nil {
		return nil
	}
	return &api.Forgotten{By: f.By, Reason: f.Reason, At: api.At(f.At)}
}

func vendor(v fleet.Vendor) api.Vendor {
	return api.Vendor{
		Name: v.Name, Label: v.Label, StandIn: v.StandIn, State: string(v.State), Since: api.At(v.Since),
		Message: orNull(v.Message), Checking: v.Checking,
	}
}
