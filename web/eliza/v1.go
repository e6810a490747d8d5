package eliza

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// V1 holds the handlers of /api, in the shapes that servers of ElizaOS 1.x
// answer in, over the same agents as /agents. Make it with NewV1.
type V1 struct {
	app     *app.App
	streams *stream.Streams
	version string
}

// NewV1 makes the face; version is what it says of the server.
func NewV1(a *app.App, streams *stream.Streams, version string) *V1 {
	return &V1{app: a, streams: streams, version: version}
}

// The codes that only this face has.
const (
	CodeInvalidID fleet.Code = "invalid_id"
	CodeNoConfig  fleet.Code = "no_character"
)

// sessionsPath is where the calls on messaging sessions begin.
const sessionsPath = "/api/messaging/sessions"

// Problem answers an error; the HTTP status is set, but lifecycle refusals are
// conflicts here. Routed tells whether the address is one of this face.
func (a *V1) Problem(c *fiber.Ctx, e *fleet.Error, path string, routed bool) error {
	body := api.Eliza1Failure{Error: api.Eliza1Error{Code: strings.ToUpper(string(e.Code)), Message: e.Message}}
	switch e.Code {
	case "missing_api_key", "invalid_api_key_format", "invalid_api_key":
		body.Error.Code = "UNAUTHORIZED"
		body.Error.Message = "Missing or invalid API key: send it as X-API-KEY or as Authorization: Bearer"
	case fleet.CodeNotFound:
		if !routed {
			body.Error.Message = "API endpoint not found"
		}
	case fleet.CodeInvalidStatus:
		c.Status(http.StatusConflict)
	}
	if path == sessionsPath || strings.HasPrefix(path, sessionsPath+"/") {
		now := api.At(time.Now())
		body.Error.Timestamp = &now
		return render(c, body)
	}
	if routed {
		inWordsOf(act(c.Method(), path), e, &body.Error)
	}
	return render(c, body)
}

// act is the word with which ElizaOS names what a call does, "" for a look.
func act(method, path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case method == http.MethodDelete:
		return "DELETE"
	case method == http.MethodPatch:
		return "UPDATE"
	case method == http.MethodPost && last == "agents":
		return "CREATE"
	case method == http.MethodPost && (last == "start" || last == "stop"):
		return strings.ToUpper(last)
	}
	return ""
}

// inWordsOf gives what an act was refused for the code of the act.
func inWordsOf(act string, e *fleet.Error, to *api.Eliza1Error) {
	if act == "" {
		return
	}
	switch e.Code {
	case fleet.CodeInvalidStatus, fleet.CodeConflict, fleet.CodeStartFailed, fleet.CodeValidation, CodeNoConfig:
		to.Code = act + "_ERROR"
	}
	switch {
	case e.Code == fleet.CodeValidation && act == "CREATE" && e.Fields["body"] == "":
		to.Message = "Character validation failed: " + e.Message
	case e.Code == fleet.CodeInvalidStatus && act == "DELETE":
		to.Details = "End it first: on its page, or with POST /v1/agents/{id}/end"
	}
}

// idOf is the id of the agent in the path.
func idOf(c *fiber.Ctx) (fleet.AgentID, error) {
	id, ok := fleet.ParseID(c.Params("agentId"))
	if !ok {
		return "", fleet.Errorf(CodeInvalidID, "Invalid agent ID format")
	}
	return fleet.AgentID(id), nil
}

// lax reads a body and ignores what it does not know.
func lax(c *fiber.Ctx, into any) error {
	err := api.DecodeLax(c.BodyRaw(), into)
	var field *api.FieldError
	if errors.As(err, &field) {
		return fleet.Invalid(field.Field, "%s", field.Text)
	}
	return err
}

func success(c *fiber.Ctx, data any) error {
	return render(c, api.Eliza1Answer{Success: true, Data: data})
}

// NoEndpoint answers an address that looks like one of this face's and is none.
func (a *V1) NoEndpoint(*fiber.Ctx) error {
	return fleet.Errorf(fleet.CodeNotFound, "API endpoint not found")
}

// Ping answers GET /api/server/ping.
func (a *V1) Ping(c *fiber.Ctx, _ fleet.Actor) error {
	return render(c, api.Eliza1Ping{Pong: true, Timestamp: a.app.Now().UnixMilli()})
}

// Health answers GET /api/server/health: 503 when nothing can be written.
func (a *V1) Health(c *fiber.Ctx, by fleet.Actor) error {
	n, err := a.running(c, by)
	if err != nil {
		return err
	}
	health := api.Eliza1Health{
		Status: "OK", Version: a.version, Timestamp: api.At(a.app.Now()), Dependencies: map[string]string{"agents": "healthy", "database": "healthy"},
	}
	if n == 0 {
		health.Dependencies["agents"] = "no_agents"
	}
	if a.app.Ready(c.UserContext()) != nil {
		health.Status, health.Dependencies["database"] = "DEGRADED", "unavailable"
		c.Status(http.StatusServiceUnavailable)
	}
	return render(c, health)
}

// Status answers GET /api/server/status.
func (a *V1) Status(c *fiber.Ctx, by fleet.Actor) error {
	n, err := a.running(c, by)
	if err != nil {
		return err
	}
	return render(c, api.Eliza1Status{Status: "ok", AgentCount: n, Timestamp: api.At(a.app.Now())})
}

func (a *V1) running(c *fiber.Ctx, by fleet.Actor) (int64, error) {
	counts, err := a.app.FleetCounts(c.UserContext(), by)
	return counts.ByStatus[fleet.Running], err
}
