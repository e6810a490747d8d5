package eliza

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// To ElizaOS a run is what an agent does about one message; to the rooms
// behind this one it is an execution of the agent's program.

const (
	standardRuns = 20
	maxRuns      = 100
)

// The states of a run.
const (
	runStarted   = "started"
	runCompleted = "completed"
	runError     = "error"
)

// Runs answers GET /api/agents/{agentId}/runs, newest first: of the newest 200
// messages, or of those of the room roomId, the ones that began between from
// and to and have the status.
func (a *V1) Runs(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	limit, err := whole(c, "limit", 1, maxRuns, standardRuns)
	if err != nil {
		return err
	}
	from, err := moment(c, "from")
	if err != nil {
		return err
	}
	to, err := moment(c, "to")
	if err != nil {
		return err
	}
	status := c.Query("status", "all")
	if !slices.Contains([]string{"all", runStarted, runCompleted, runError, "timeout"}, status) {
		return fleet.Invalid("status", "must be started, completed, timeout, error or all")
	}
	messages, next, err := a.app.Messages(c.UserContext(), by, id, c.Query("roomId"), app.PageInput{Limit: 2 * maxRuns})
	if err != nil {
		return err
	}
	asked := pick{from: from, to: to}
	list := api.Eliza1Runs{Runs: []api.Eliza1Run{}, HasMore: next != ""}
	for _, m := range messages {
		one := run(m)
		if asked.takes(fleet.LogLine{At: m.CreatedAt}) && (status == "all" || status == one.Status) {
			list.Runs = append(list.Runs, one)
		}
	}
	if len(list.Runs) > limit {
		list.Runs, list.HasMore = list.Runs[:limit], true
	}
	list.Total = len(list.Runs)
	return success(c, list)
}

// Run answers GET /api/agents/{agentId}/runs/{runId}, whose id is that of the
// message.
func (a *V1) Run(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	runID, ok := fleet.ParseID(c.Params("runId"))
	if !ok {
		return fleet.Errorf(CodeInvalidID, "Invalid run ID format")
	}
	if _, err := a.app.Agent(c.UserContext(), by, id); err != nil {
		return err
	}
	m, err := a.app.Message(c.UserContext(), by, id, runID)
	if fleet.CodeOf(err) == fleet.CodeNotFound {
		return fleet.Errorf(fleet.CodeNotFound, "Run not found")
	}
	if err != nil {
		return err
	}
	one := run(m)
	events := []api.Eliza1RunEvent{{Type: "RUN_STARTED", Timestamp: one.StartedAt, Data: map[string]string{"source": m.From}}}
	if one.EndedAt != nil {
		events = append(events, api.Eliza1RunEvent{Type: "RUN_ENDED", Timestamp: *one.EndedAt, Data: map[string]string{"status": one.Status}})
	}
	return success(c, api.Eliza1RunDetail{Summary: one, Events: events})
}

func run(m fleet.Message) api.Eliza1Run {
	out := api.Eliza1Run{RunID: m.ID, MessageID: m.ID, RoomID: m.Conversation, Status: runStarted, StartedAt: m.CreatedAt.UnixMilli()}
	switch m.State {
	case fleet.MessageReplied:
		ended, took := m.RepliedAt.UnixMilli(), m.RepliedAt.Sub(m.CreatedAt).Milliseconds()
		out.Status, out.EndedAt, out.DurationMS = runCompleted, &ended, &took
	case fleet.MessageFailed:
		out.Status = runError
	}
	return out
}
