// Package runtimeapi is the face for the agents' own programs, under
// /runtime/v1. A run token names one run; errors are problem+json (RFC 9457).
package runtimeapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

const (
	maxWait   = 55 // seconds, of the inbox
	maxEvents = 500
)

// API holds the handlers of /runtime/v1. Make it with New.
type API struct {
	app   *app.App
	turns *turns // of those who tell events
}

// New makes the face.
func New(a *app.App) *API { return &API{app: a, turns: newTurns()} }

// Problem answers an error; the HTTP status is set.
func (a *API) Problem(c *fiber.Ctx, e *fleet.Error) error {
	status := c.Response().StatusCode()
	err := render(c, api.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message, Code: string(e.Code),
	})
	c.Set(fiber.HeaderContentType, "application/problem+json")
	return err
}

func render(c *fiber.Ctx, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(raw)
}

func decode(c *fiber.Ctx, into any) error {
	err := api.DecodeLax(c.BodyRaw(), into)
	var field *api.FieldError
	if errors.As(err, &field) {
		return fleet.Invalid(field.Field, "%s", field.Text)
	}
	return err
}

// Self answers GET /runtime/v1/self.
func (a *API) Self(c *fiber.Ctx, run fleet.Run) error {
	self, err := a.app.RunSelf(c.UserContext(), run)
	if err != nil {
		return err
	}
	agent := self.Agent
	settings := map[string]any{}
	if self.Settings != nil {
		settings = self.Settings
	}
	return render(c, api.RunSelf{
		Agent: api.RunAgent{
			ID: string(agent.ID), Name: agent.Name, Kind: agent.Kind, Status: string(agent.Status),
			Country: agent.Country, Incarnation: agent.Incarnation,
		},
		Settings: settings, EnableAutonomy: self.EnableAutonomy,
		Limits: api.Limits(agent.Limits), WorkingHours: api.WorkingHours(agent.Hours),
		MayWork: self.MayWork, Why: self.Why, AskAgainAt: api.At(self.AskAgainAt), Epoch: run.Epoch,
	})
}

// Credentials answers GET /runtime/v1/credentials: login, password, proxyUrl and
// browserProfileId, those that there are; each read is audited.
func (a *API) Credentials(c *fiber.Ctx, run fleet.Run) error {
	credentials, err := a.app.RunCredentials(c.UserContext(), run)
	if err != nil {
		return err
	}
	return render(c, credentials)
}

// Inbox answers GET /runtime/v1/inbox, which holds for up to wait seconds.
// known are ids of commands, separated by commas, that need not come again.
func (a *API) Inbox(c *fiber.Ctx, run fleet.Run) error {
	wait := c.QueryInt("wait", 0)
	if wait < 0 || wait > maxWait {
		return fleet.Invalid("wait", "must be a whole number from 0 to %d", maxWait)
	}
	var known []string
	if ids := c.Query("known"); ids != "" {
		known = strings.Split(ids, ",")
	}
	commands, err := a.app.RunInbox(c.UserContext(), run, time.Duration(wait)*time.Second, known...)
	if err != nil {
		return err
	}
	body := api.RunCommands{Commands: []map[string]any{}}
	for _, command := range commands {
		body.Commands = append(body.Commands, inline(command))
	}
	return render(c, body)
}

// inline lays a command's own fields beside its id, type and time.
func inline(command fleet.Command) map[string]any {
	out := map[string]any{}
	for name, v := range command.Body {
		out[name] = v
	}
	out["id"], out["type"], out["createdAt"] = command.ID, command.Type, api.At(command.CreatedAt)
	return out
}

// ClaimTasks answers POST /runtime/v1/tasks/claim.
func (a *API) ClaimTasks(c *fiber.Ctx, run fleet.Run) error {
	body := api.RunClaim{Max: 1}
	if err := decode(c, &body); err != nil {
		return err
	}
	tasks, why, again, err := a.app.ClaimTasks(c.UserContext(), run, body.Max)
	if err != nil {
		return err
	}
	out := api.RunTasks{Tasks: []api.RunTask{}, Why: why, AskAgainAt: api.At(again)}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, task(t))
	}
	return render(c, out)
}

func task(t fleet.Task) api.RunTask {
	if len(t.Payload) == 0 {
		t.Payload = json.RawMessage("null")
	}
	return api.RunTask{ID: t.ID, Type: t.Type, Payload: t.Payload, DueAt: api.At(t.DueAt)}
}
