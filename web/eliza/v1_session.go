package eliza

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// What ElizaOS calls a session is a chat in the rooms behind this one, where
// sessions are people's.

// OpenSession answers POST /api/messaging/sessions.
func (a *V1) OpenSession(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Eliza1Open
	if err := lax(c, &body); err != nil {
		return err
	}
	if body.AgentID == "" || body.UserID == "" {
		return fleet.Errorf(fleet.CodeValidation, "Missing required fields: agentId, userId")
	}
	id, ok := fleet.ParseID(body.AgentID)
	if !ok {
		return fleet.Errorf(fleet.CodeValidation, "Invalid UUID format for field 'agentId'")
	}
	if _, ok := fleet.ParseID(body.UserID); !ok {
		return fleet.Errorf(fleet.CodeValidation, "Invalid UUID format for field 'userId'")
	}
	chat, err := a.app.OpenChat(c.UserContext(), by, fleet.AgentID(id), app.ChatInput{
		UserID: body.UserID, Metadata: orNone(body.Metadata), Timeout: retime(body.TimeoutConfig),
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusCreated)
	return render(c, session(chat))
}

// Session answers GET /api/messaging/sessions/{sessionId}.
func (a *V1) Session(c *fiber.Ctx, by fleet.Actor) error {
	chat, err := a.app.Chat(c.UserContext(), by, c.Params("sessionId"))
	return a.info(c, chat, err)
}

// Heartbeat answers POST …/heartbeat.
func (a *V1) Heartbeat(c *fiber.Ctx, by fleet.Actor) error {
	chat, err := a.app.TouchChat(c.UserContext(), by, c.Params("sessionId"))
	return a.info(c, chat, err)
}

// Renew answers POST …/renew.
func (a *V1) Renew(c *fiber.Ctx, by fleet.Actor) error {
	chat, err := a.app.RenewChat(c.UserContext(), by, c.Params("sessionId"))
	return a.info(c, chat, err)
}

// Retime answers PATCH …/timeout.
func (a *V1) Retime(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Eliza1Retime
	if err := lax(c, &body); err != nil {
		return err
	}
	chat, err := a.app.RetimeChat(c.UserContext(), by, c.Params("sessionId"), retime(body))
	return a.info(c, chat, err)
}

func (a *V1) info(c *fiber.Ctx, chat fleet.Chat, err error) error {
	if err != nil {
		return err
	}
	return render(c, a.sessionInfo(chat))
}

// CloseSession answers DELETE …/{sessionId}.
func (a *V1) CloseSession(c *fiber.Ctx, by fleet.Actor) error {
	chat, err := a.app.CloseChat(c.UserContext(), by, c.Params("sessionId"))
	if err != nil {
		return err
	}
	return render(c, api.Eliza1Closed{
		Success: true, Message: "Session " + chat.ID + " deleted successfully", Data: &api.Eliza1Success{Success: true},
	})
}

// Sessions answers GET /api/messaging/sessions.
func (a *V1) Sessions(c *fiber.Ctx, by fleet.Actor) error {
	list, err := a.app.Chats(c.UserContext(), by)
	if err != nil {
		return err
	}
	out := api.Eliza1Sessions{
		Sessions: []api.Eliza1SessionInfo{}, Total: list.Open,
		Stats: api.Eliza1SessionStats{TotalSessions: list.Kept, ActiveSessions: list.Open, ExpiredSessions: list.Kept - list.Open},
	}
	for _, chat := range list.Chats {
		out.Sessions = append(out.Sessions, a.sessionInfo(chat))
	}
	return render(c, out)
}

// SessionsHealth answers GET /api/messaging/sessions/health.
func (a *V1) SessionsHealth(c *fiber.Ctx, by fleet.Actor) error {
	list, err := a.app.Chats(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, api.Eliza1SessionsHealth{Status: "healthy", ActiveSessions: list.Open, Timestamp: api.At(a.app.Now())})
}

func session(chat fleet.Chat) api.Eliza1Session {
	metadata := chat.Metadata
	if len(metadata) == 0 {
		metadata = json.RawMessage(`{}`)
	}
	t := chat.Timeout
	return api.Eliza1Session{
		SessionID: chat.ID, ChannelID: chat.Conversation, AgentID: string(chat.AgentID), UserID: chat.UserID,
		CreatedAt: api.At(chat.CreatedAt), Metadata: metadata, ExpiresAt: api.At(chat.ExpiresAt),
		TimeoutConfig: api.Eliza1Timeout{
			TimeoutMinutes: t.Minutes, AutoRenew: t.AutoRenew, MaxDurationMinutes: t.MaxMinutes, WarningThresholdMinutes: t.WarnMinutes,
		},
	}
}

func (a *V1) sessionInfo(chat fleet.Chat) api.Eliza1SessionInfo {
	now := a.app.Now()
	return api.Eliza1SessionInfo{
		Eliza1Session: session(chat), LastActivity: api.At(chat.ActiveAt), RenewalCount: chat.Renewals,
		TimeRemaining: chat.Left(now).Milliseconds(), IsNearExpiration: chat.NearEnd(now),
	}
}

// orNone is metadata that was left out, or null, as none.
func orNone(metadata json.RawMessage) json.RawMessage {
	if string(metadata) == "null" {
		return nil
	}
	return metadata
}

func retime(body api.Eliza1Retime) fleet.ChatTimeoutChange {
	return fleet.ChatTimeoutChange{
		Minutes: number(body.TimeoutMinutes), MaxMinutes: number(body.MaxDurationMinutes), WarnMinutes: number(body.WarningThresholdMinutes),
		AutoRenew: body.AutoRenew,
	}
}

// number reads a number that may have come as a text; what is none is NaN.
func number(v any) *float64 {
	n := math.NaN()
	switch v := v.(type) {
	case nil:
		return nil
	case float64:
		n = v
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !math.IsInf(f, 0) {
			n = f
		}
	}
	return &n
}
