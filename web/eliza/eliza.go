// Package eliza has the JSON faces in the shapes of ElizaOS, whose clients
// expect unknown fields to be ignored: API in those of the agent-start
// documents, under /agents, V1 in those of servers of version 1, under /api.
package eliza

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The two statuses that this face knows.
const (
	statusActive   = "active"
	statusInactive = "inactive"
)

// replyTime is how long a message waits for its reply.
const replyTime = 30 * time.Second

// API holds the handlers of /agents. Make it with New.
type API struct{ app *app.App }

// New makes the face.
func New(a *app.App) *API { return &API{app: a} }

// Problem answers an error; the HTTP status is set.
func (a *API) Problem(c *fiber.Ctx, e *fleet.Error) error {
	text := e.Message
	switch e.Code {
	case "missing_api_key", "invalid_api_key_format", "invalid_api_key":
		text = "Missing or invalid API key"
	}
	return render(c, api.ElizaFailure{Error: text})
}

func render(c *fiber.Ctx, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(raw)
}

// input is what every act begins with: the agent's id, then the body.
func input(c *fiber.Ctx, body any) (fleet.AgentID, error) {
	id, err := agentID(c)
	if err != nil {
		return "", err
	}
	err = api.DecodeLax(c.BodyRaw(), body)
	var field *api.FieldError
	if errors.As(err, &field) {
		return "", fleet.Invalid(field.Field, "%s", field.Text)
	}
	return id, err
}

func agentID(c *fiber.Ctx) (fleet.AgentID, error) {
	id, ok := fleet.ParseID(c.Params("agentId"))
	if !ok {
		return "", &fleet.Error{Code: fleet.CodeValidation, Message: "Invalid agent ID format"}
	}
	return fleet.AgentID(id), nil
}

// whole is a query parameter that is a whole number, or fallback when absent.
func whole(c *fiber.Ctx, name string, low, high, fallback int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fleet.Invalid(name, "must be a whole number from %d to %d", low, high)
	}
	return n, nil
}

func offset(c *fiber.Ctx) (int, error) { return whole(c, "offset", 0, math.MaxInt32, 0) }

// active is the status of this face.
func active(s fleet.Status) string {
	if s == fleet.Running {
		return statusActive
	}
	return statusInactive
}
