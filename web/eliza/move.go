package eliza

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Start answers POST /agents/{agentId}/start.
func (a *API) Start(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Start
	id, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Start(c.UserContext(), by, id, app.StartInput{EnableAutonomy: body.EnableAutonomy, Settings: body.Settings})
	if err != nil {
		return err
	}
	return render(c, api.ElizaStarted{
		Success: true, Message: "Agent started successfully",
		Data: api.ElizaStartedData{
			AgentID: string(agent.ID), Status: statusActive, StartedAt: startedAt(agent), EnableAutonomy: body.EnableAutonomy,
		},
	})
}

// startedAt is when the run began, or when it was wanted where that is not
// known yet, in milliseconds.
func startedAt(agent fleet.Agent) int64 {
	if agent.Runtime.StartedAt.IsZero() {
		return agent.StatusAt.UnixMilli()
	}
	return agent.Runtime.StartedAt.UnixMilli()
}

// Stop answers POST /agents/{agentId}/stop, which is a pause.
func (a *API) Stop(c *fiber.Ctx, by fleet.Actor) error {
	var body api.ElizaStop
	id, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Pause(c.UserContext(), by, id, app.PauseInput{})
	if err != nil {
		return err
	}
	return render(c, api.ElizaStopped{
		Success: true, Message: "Agent stopped successfully",
		Data: api.ElizaStoppedData{AgentID: string(agent.ID), Status: statusInactive, StoppedAt: agent.StatusAt.UnixMilli()},
	})
}

// Message answers POST /agents/{agentId}/message: the replies that came in
// time, which may be none.
func (a *API) Message(c *fiber.Ctx, by fleet.Actor) error {
	var body api.ElizaMessage
	id, err := input(c, &body)
	if err != nil {
		return err
	}
	m, err := a.app.SendMessage(c.UserContext(), by, id, app.MessageInput{
		Text: body.Text, Conversation: room(body), From: sender(body), Wait: replyTime,
	})
	if err != nil {
		return err
	}
	return render(c, api.ElizaReplied{Success: true, Data: replied(m)})
}

// room is the conversation that a message belongs to: the room that is named,
// else the one with the user who is named, so that the agent knows what they
// said before; else it begins its own. A user id that is no name of a room is
// no reason to refuse what was taken before.
func room(body api.ElizaMessage) string {
	if body.RoomID != "" || fleet.CheckText("userId", body.UserID, 0, fleet.MaxName) != nil {
		return body.RoomID
	}
	return body.UserID
}

func sender(body api.ElizaMessage) string {
	if body.UserName != "" {
		return body.UserName
	}
	return body.UserID
}

func replied(m fleet.Message) api.ElizaRepliedData {
	data := api.ElizaRepliedData{
		MessageID: m.ID, RoomID: m.Conversation, AgentResponses: []api.ElizaResponse{}, Timestamp: m.CreatedAt.UnixMilli(),
	}
	if m.State == fleet.MessageReplied {
		data.AgentResponses = append(data.AgentResponses, api.ElizaResponse{Text: m.Reply})
		data.Timestamp = m.RepliedAt.UnixMilli()
	}
	return data
}
