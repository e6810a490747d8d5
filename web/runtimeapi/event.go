package runtimeapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Events answers POST /runtime/v1/events: what the program did, stored when
// this answers, each with its own result.
func (a *API) Events(c *fiber.Ctx, run fleet.Run) error {
	done, err := a.turns.take(c.UserContext(), run.AgentID)
	if err != nil {
		return err
	}
	defer done()
	var body api.RunEvents
	if err := decode(c, &body); err != nil {
		return err
	}
	if len(body.Events) > maxEvents {
		return fleet.Invalid("events", "at most %d at once", maxEvents)
	}
	events := make([]app.RunEvent, len(body.Events))
	for i, fields := range body.Events {
		events[i] = event(fields, a.app.Now())
	}
	results, err := a.app.RunEvents(c.UserContext(), run, events)
	if err != nil {
		return err
	}
	out := api.RunResults{Results: []api.RunResult{}}
	for _, r := range results {
		out.Results = append(out.Results, api.RunResult(r))
	}
	return render(c, out)
}

// event takes id, type and time out of an event's fields; what of them is
// missing or no text is empty, for the use-case to refuse. An event without a
// readable time happened now.
func event(fields map[string]any, now time.Time) app.RunEvent {
	e := app.RunEvent{Body: map[string]any{}, At: now}
	for name, v := range fields {
		text, _ := v.(string)
		switch name {
		case "id":
			e.ID = text
		case "type":
			e.Type = text
		case "at":
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				e.At = at.UTC()
			}
		default:
			e.Body[name] = v
		}
	}
	return e
}
