package pages

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// teamPause is what the settings say about the team's pause.
func (p *Pages) teamPause(c *fiber.Ctx, who Viewer) (m views.TeamPause, err error) {
	s, err := p.app.Team(c.UserContext(), who.Actor)
	m = views.TeamPause{MayTurn: who.may(fleet.ScopeAdmin), Taken: s.Paused, Running: s.Running, Now: p.now(who)}
	if s.Pause != nil {
		m.Text, m.Since = s.Pause.String(), s.Pause.At
	}
	return m, err
}

// pauseText is the sentence of the banner; "" while the team works.
func pauseText(p *fleet.TeamPause) string {
	if p == nil {
		return ""
	}
	return p.String()
}

// PauseTeam answers POST /settings/team/pause.
func (p *Pages) PauseTeam(c *fiber.Ctx, who Viewer) error {
	p.teamAgain(c, who)
	_, err := p.app.PauseTeam(c.UserContext(), who.Actor, field(c, "note"))
	return done(c, err, "/settings#team")
}

// ResumeTeam answers POST /settings/team/resume.
func (p *Pages) ResumeTeam(c *fiber.Ctx, who Viewer) error {
	p.teamAgain(c, who)
	_, err := p.app.ResumeTeam(c.UserContext(), who.Actor)
	return done(c, err, "/settings#team")
}

// teamAgain is the page of the team as it is now, with what was typed.
func (p *Pages) teamAgain(c *fiber.Ctx, who Viewer) {
	p.teamSettingsAgain(c, who, "note", func(m *views.TeamSettings, f views.Form) { m.Pause.Form, m.Pause.Note = f, field(c, "note") })
}

// plans are the plans of the day that an agent's page shows.
func (p *Pages) plans(who Viewer, v app.AgentView) []views.DayPlan {
	now := p.nowAt(who, v.Hours)
	var list []views.DayPlan
	for _, counter := range []string{fleet.UsageMessages, fleet.UsageInvitations} {
		plan := fleet.PlanFor(v.Agent, counter, v.Today.Of(counter), now)
		d := views.DayPlan{Counter: "Messages", Done: plan.Done, Target: plan.Target, Min: plan.Min, Max: plan.Max, Next: v.Usage.NextMessage, Now: now}
		if counter == fleet.UsageInvitations {
			d.Counter, d.Next = "Invitations", v.Usage.NextInvitation
		}
		list = append(list, d)
	}
	return list
}
