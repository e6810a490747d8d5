package v1

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// StartBulk answers POST /v1/bulk: a bulk that begins, or with dryRun its plan.
func (a *API) StartBulk(c *fiber.Ctx, by fleet.Actor) error {
	// Who writes dryRun in the wrong place must not start anything.
	if asked := c.Context().QueryArgs(); asked.Len() > 0 {
		return fleet.Invalid(firstName(asked), "belongs in the body, with everything else of a bulk")
	}
	var body api.StartBulk
	if err := decode(c, &body); err != nil {
		return err
	}
	in, err := bulkInput(body)
	if err != nil {
		return err
	}
	if body.DryRun {
		plan, err := a.app.PlanBulk(c.UserContext(), by, in)
		if err != nil {
			return err
		}
		return render(c, bulkPlan(plan))
	}
	b, err := a.app.StartBulk(c.UserContext(), by, in)
	return a.bulkStarted(c, b, err)
}

// firstName is the name of the first parameter, "" where there is none.
func firstName(asked *fasthttp.Args) string {
	for name := range asked.All() {
		return strings.ToValidUTF8(string(name), "\uFFFD")
	}
	return ""
}

// Bulks answers GET /v1/bulk, newest first.
func (a *API) Bulks(c *fiber.Ctx, by fleet.Actor) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.Bulks(c.UserContext(), by, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, bulk)
}

// Bulk answers GET /v1/bulk/{id}.
func (a *API) Bulk(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "bulkId", "Bulk")
	if err != nil {
		return err
	}
	b, err := a.app.Bulk(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, bulk(b))
}

// BulkItems answers GET /v1/bulk/{id}/items, in the order of the list.
func (a *API) BulkItems(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "bulkId", "Bulk")
	if err != nil {
		return err
	}
	p, err := page(c)
	if err != nil {
		return err
	}
	outcome, err := oneOf(c, "outcome", fleet.BulkOutcomes()...)
	if err != nil {
		return err
	}
	items, next, err := a.app.BulkItems(c.UserContext(), by, id, outcome, p)
	if err != nil {
		return err
	}
	b, err := a.app.Bulk(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.Itoa(b.Count(fleet.BulkOutcome(outcome))))
	return list(a, c, items, next, bulkItem)
}

// StopBulk answers POST /v1/bulk/{id}/stop.
func (a *API) StopBulk(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "bulkId", "Bulk")
	if err != nil {
		return err
	}
	if err := decode(c, &struct{}{}); err != nil {
		return err
	}
	b, err := a.app.StopBulk(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, bulk(b))
}

// RetryBulk answers POST /v1/bulk/{id}/retry: a new bulk of what failed.
func (a *API) RetryBulk(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "bulkId", "Bulk")
	if err != nil {
		return err
	}
	var body api.RetryBulk
	if err := decode(c, &body); err != nil {
		return err
	}
	b, err := a.app.RetryBulk(c.UserContext(), by, id, &app.RetryInput{Reason: body.Reason, Confirm: body.Confirm, Expect: (*app.BulkCounts)(body.Expect)})
	return a.bulkStarted(c, b, err)
}

func (a *API) bulkStarted(c *fiber.Ctx, b fleet.Bulk, err error) error {
	if err != nil {
		return err
	}
	url := a.base + "/v1/bulk/" + b.ID
	c.Location(url)
	c.Status(http.StatusAccepted)
	return render(c, api.BulkStarted{ID: b.ID, State: string(b.State), Total: b.Total, URL: url})
}

func bulkInput(body api.StartBulk) (app.BulkInput, error) {
	in := app.BulkInput{
		Action: fleet.BulkAction(body.Action), Reason: body.Reason, AddTags: body.AddTags, RemoveTags: body.RemoveTags,
		PerMinute: body.PerMinute, Canary: body.Canary, StopAfterFailures: body.StopAfterFailures, Confirm: body.Confirm,
		Expect: (*app.BulkCounts)(body.Expect),
	}
	if body.IDs != nil {
		in.IDs = []fleet.AgentID{} // an empty list is a list too: it must not go with a filter
	}
	for i, text := range body.IDs {
		id, ok := fleet.ParseID(text)
		if !ok {
			return in, fleet.Invalid("ids", "must be ids of agents; number %d is none", i+1)
		}
		in.IDs = append(in.IDs, fleet.AgentID(id))
	}
	if body.Filter == nil {
		return in, nil
	}
	f, err := bulkFilter(*body.Filter)
	in.Filter = &f
	return in, err
}

func bulkFilter(f api.BulkFilter) (in app.ListInput, err error) {
	if f.Alerts != "" && f.Alerts != "open" {
		return in, fleet.Invalid("filter.alerts", "must be open")
	}
	in = app.ListInput{Q: f.Q, Tag: f.Tag, Country: f.Country, Kind: f.Kind, OpenAlerts: f.Alerts == "open", Sort: f.Sort}
	err = withStatus(&in, f.Status)
	return in, err
}

func bulkPlan(p fleet.BulkPlan) api.BulkPlan {
	return api.BulkPlan{Action: string(p.Action), Total: p.Total, Will: p.Will, Confirm: orNull(p.Confirm), Skips: each(p.Skips, bulkSkip)}
}

func bulkSkip(s fleet.BulkSkip) api.BulkSkip {
	return api.BulkSkip{Error: string(s.Code), Message: s.Message, Count: s.N, Names: append([]string{}, s.Names...)}
}

func bulk(b fleet.Bulk) api.Bulk {
	return api.Bulk{
		ID: b.ID, Action: string(b.Action), State: string(b.State), Why: orNull(b.Why), By: b.By, ByKind: string(b.ByKind), Reason: orNull(b.Reason),
		AddTags: append([]string{}, b.AddTags...), RemoveTags: append([]string{}, b.RemoveTags...), PerMinute: b.PerMinute, Canary: b.Canary,
		StopAfterFailures: b.StopAfterFailures, Total: b.Total, Done: b.Done, Failed: b.Failed, Skipped: b.Skipped, Left: b.Left(),
		Partial: b.Partial(), RetryOf: orNull(b.RetryOf), StoppedBy: orNull(b.StoppedBy),
		CreatedAt: api.At(b.CreatedAt), StartedAt: api.At(b.StartedAt), EndedAt: api.At(b.EndedAt),
	}
}

func bulkItem(i fleet.BulkItem) api.BulkItem {
	return api.BulkItem{
		N: i.N, AgentID: string(i.AgentID), Name: orNull(i.Name), Outcome: string(i.Outcome), Error: orNull(i.Code), Message: orNull(i.Message), At: api.At(i.At),
	}
}
