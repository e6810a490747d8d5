package pages

import (
	"context"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// Ask answers GET /fleet/{id}/{verb}: the small form before a move, as a
// dialog or a page.
func (p *Pages) Ask(verb string) func(c *fiber.Ctx, who Viewer) error {
	return func(c *fiber.Ctx, who Viewer) error {
		id, err := agentID(c)
		if err != nil {
			return err
		}
		v, err := p.app.Agent(c.UserContext(), who.Actor, id)
		if err != nil {
			return err
		}
		shell, err := p.shell(c, who, v.Name, "fleet")
		if err != nil {
			return err
		}
		m := askForm(v.Agent, verb, who.Zone.typed(v.Hours))
		return either(c, views.AskDialog(m), views.AskPage(shell, m))
	}
}

func askForm(agent fleet.Agent, verb, zone string) views.Ask {
	return views.Ask{Verb: verb, AgentID: string(agent.ID), Name: agent.Name, Version: agent.Version, Zone: zone}
}

// askAgain is that form with what was typed, made of the agent as it is now.
func (p *Pages) askAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID, verb string) {
	remember(c, sent{fields: []string{"note", "reason", "until"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		v, err := p.app.Agent(c.UserContext(), who.Actor, id)
		m := askForm(v.Agent, verb, typedZone(c, v.Hours).String())
		m.Form, m.Note, m.Until = f, field(c, "note")+field(c, "reason"), field(c, "until")
		return views.AskDialog(m), func(s views.Shell) templ.Component {
			s.Title = v.Name
			return views.AskPage(s, m)
		}, err
	}})
}

// Pause answers POST /fleet/{id}/pause.
func (p *Pages) Pause(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.askAgain(c, who, id, "pause")
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	in := app.PauseInput{Note: field(c, "note")}
	if in.Until, err = instant(c, "until", typedZone(c, v.Hours)); err != nil {
		return err
	}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	_, err = p.app.Pause(c.UserContext(), who.Actor, id, in)
	return done(c, err, agentPath(id, ""))
}

// act is a use-case on one agent that takes a reason.
type act func(context.Context, fleet.Actor, fleet.AgentID, app.ReasonInput) (fleet.Agent, error)

// reasoned answers POST /fleet/{id}/{verb} for verbs that ask for a reason.
func (p *Pages) reasoned(c *fiber.Ctx, who Viewer, verb string, do act) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.askAgain(c, who, id, verb)
	in := app.ReasonInput{Reason: field(c, "reason")}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	_, err = do(c.UserContext(), who.Actor, id, in)
	return done(c, err, agentPath(id, ""))
}

// End answers POST /fleet/{id}/end.
func (p *Pages) End(c *fiber.Ctx, who Viewer) error { return p.reasoned(c, who, "end", p.app.End) }

// Disable answers POST /fleet/{id}/disable.
func (p *Pages) Disable(c *fiber.Ctx, who Viewer) error {
	return p.reasoned(c, who, "disable", p.app.Disable)
}

// Protect answers POST /fleet/{id}/protect.
func (p *Pages) Protect(c *fiber.Ctx, who Viewer) error {
	return p.reasoned(c, who, "protect", p.app.Protect)
}

// Unprotect answers POST /fleet/{id}/unprotect.
func (p *Pages) Unprotect(c *fiber.Ctx, who Viewer) error {
	return p.reasoned(c, who, "unprotect", p.app.Unprotect)
}

// at once answers POST /fleet/{id}/{verb} for verbs without a form.
func (p *Pages) atOnce(c *fiber.Ctx, who Viewer, do act) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.agentAgain(c, who, id, "")
	_, err = do(c.UserContext(), who.Actor, id, app.ReasonInput{})
	return done(c, err, back(c, agentPath(id, "")))
}

// Enable answers POST /fleet/{id}/enable.
func (p *Pages) Enable(c *fiber.Ctx, who Viewer) error { return p.atOnce(c, who, p.app.Enable) }

// Resume answers POST /fleet/{id}/resume.
func (p *Pages) Resume(c *fiber.Ctx, who Viewer) error { return p.atOnce(c, who, p.app.Resume) }

// Start answers POST /fleet/{id}/start. Who starts an agent here wants it to
// work, so it acts by itself.
func (p *Pages) Start(c *fiber.Ctx, who Viewer) error {
	return p.atOnce(c, who, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, _ app.ReasonInput) (fleet.Agent, error) {
		return p.app.Start(ctx, by, id, app.StartInput{EnableAutonomy: true})
	})
}
