package v1

import (
	"math"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Logs answers GET …/logs, oldest first: lines with an id over after, or the
// newest with an id under before; without either the newest.
func (a *API) Logs(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	after, err := whole(c, "after", 0, math.MaxInt64, 0)
	if err != nil {
		return err
	}
	before, err := whole(c, "before", 0, math.MaxInt64, 0)
	if err != nil {
		return err
	}
	level, err := oneOf(c, "level", "debug", "info", "warn", "error")
	if err != nil {
		return err
	}
	lines, err := a.app.Logs(c.UserContext(), by, id, app.LogInput{After: after, Before: before, Level: level, Limit: p.Limit})
	if err != nil {
		return err
	}
	return render(c, each(lines, logLine))
}

// History answers GET …/history: the agent's audit entries, newest first.
func (a *API) History(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.History(c.UserContext(), by, id, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, history)
}

func logLine(l fleet.LogLine) api.LogLine {
	return api.LogLine{ID: l.ID, At: api.At(l.At), Epoch: l.Epoch, Level: l.Level, Text: l.Text}
}

func history(e fleet.AuditEntry) api.History {
	return api.History{
		ID: e.ID, At: api.At(e.At), ActorKind: string(e.ActorKind), ActorID: e.ActorID, ActorName: e.ActorName,
		Action: e.Action, Outcome: e.Outcome, Detail: e.Detail, Note: orNull(e.Note), RequestID: orNull(e.RequestID),
	}
}
