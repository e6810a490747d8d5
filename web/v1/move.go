package v1

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// done answers an act on an agent with a sentence and the agent's status.
func done(c *fiber.Ctx, agent fleet.Agent, err error, message string) error {
	if err != nil {
		return err
	}
	etag(c, agent.Version)
	return render(c, api.Done{Message: message, Status: string(agent.Status)})
}

// Setup answers POST …/setup.
func (a *API) Setup(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Setup
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Setup(c.UserContext(), by, id, app.SetupInput{
		Login: body.Login, Password: body.Password, Country: body.Country, IfVersion: version,
	})
	return done(c, agent, err, "Agent setup started")
}

// Verify answers POST …/verify.
func (a *API) Verify(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Verify
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Verify(c.UserContext(), by, id, app.VerifyInput{Code: body.Code, IfVersion: version})
	return done(c, agent, err, "Verification code sent")
}

// Start answers POST …/start.
func (a *API) Start(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Start
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Start(c.UserContext(), by, id, app.StartInput{
		EnableAutonomy: body.EnableAutonomy, Settings: body.Settings, IfVersion: version,
	})
	return done(c, agent, err, "Agent started successfully")
}

// Pause answers POST …/pause.
func (a *API) Pause(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Pause
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	agent, err := a.app.Pause(c.UserContext(), by, id, app.PauseInput{Note: body.Note, Until: stamp(body.Until), IfVersion: version})
	return done(c, agent, err, "Agent paused successfully")
}

// Resume answers POST …/resume.
func (a *API) Resume(c *fiber.Ctx, by fleet.Actor) error {
	return a.withReason(c, by, a.app.Resume, "Agent resumed successfully")
}

// End answers POST …/end.
func (a *API) End(c *fiber.Ctx, by fleet.Actor) error {
	return a.withReason(c, by, a.app.End, "Agent ended successfully")
}

// Disable answers POST …/disable.
func (a *API) Disable(c *fiber.Ctx, by fleet.Actor) error {
	return a.withReason(c, by, a.app.Disable, "Agent disabled successfully")
}

// Enable answers POST …/enable.
func (a *API) Enable(c *fiber.Ctx, by fleet.Actor) error {
	return a.withReason(c, by, a.app.Enable, "Agent enabled successfully")
}

// Relaunch answers POST …/relaunch.
func (a *API) Relaunch(c *fiber.Ctx, by fleet.Actor) error {
	return a.withReason(c, by, a.app.Relaunch, "Agent relaunched successfully")
}

// Protect answers POST …/protect.
func (a *API) Protect(c *fiber.Ctx, by fleet.Actor) error {
	return a.flagged(c, by, a.app.Protect, "Agent protected successfully")
}

// Unprotect answers POST …/unprotect.
func (a *API) Unprotect(c *fiber.Ctx, by fleet.Actor) error {
	return a.flagged(c, by, a.app.Unprotect, "Agent unprotected successfully")
}

// act is a use-case on one agent that takes a reason.
type act func(context.Context, fleet.Actor, fleet.AgentID, app.ReasonInput) (fleet.Agent, error)

func reasoned(c *fiber.Ctx, by fleet.Actor, do act) (fleet.Agent, error) {
	var body api.Reason
	id, version, err := input(c, &body)
	if err != nil {
		return fleet.Agent{}, err
	}
	return do(c.UserContext(), by, id, app.ReasonInput{Reason: body.Reason, IfVersion: version})
}

func (a *API) withReason(c *fiber.Ctx, by fleet.Actor, do act, message string) error {
	agent, err := reasoned(c, by, do)
	return done(c, agent, err, message)
}

// flagged is withReason for acts that leave the status alone.
func (a *API) flagged(c *fiber.Ctx, by fleet.Actor, do act, message string) error {
	agent, err := reasoned(c, by, do)
	if err != nil {
		return err
	}
	etag(c, agent.Version)
	return render(c, api.Done{Message: message})
}
