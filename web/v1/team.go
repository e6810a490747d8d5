package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Team answers GET /v1/team.
func (a *API) Team(c *fiber.Ctx, by fleet.Actor) error {
	s, err := a.app.Team(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, team(s))
}

// RenameTeam answers PUT /v1/team.
func (a *API) RenameTeam(c *fiber.Ctx, by fleet.Actor) error {
	var body api.RenameTeam
	if err := decode(c, &body); err != nil {
		return err
	}
	s, err := a.app.RenameTeam(c.UserContext(), by, body.Name)
	return teamDone(c, s, err, "Team renamed successfully")
}

// PauseTeam answers POST /v1/team/pause.
func (a *API) PauseTeam(c *fiber.Ctx, by fleet.Actor) error {
	var body api.PauseTeam
	if err := decode(c, &body); err != nil {
		return err
	}
	s, err := a.app.PauseTeam(c.UserContext(), by, body.Note)
	return teamDone(c, s, err, "Team paused successfully")
}

// ResumeTeam answers POST /v1/team/resume.
func (a *API) ResumeTeam(c *fiber.Ctx, by fleet.Actor) error {
	if err := decode(c, &struct{}{}); err != nil {
		return err
	}
	s, err := a.app.ResumeTeam(c.UserContext(), by)
	return teamDone(c, s, err, "Team resumed successfully")
}

func teamDone(c *fiber.Ctx, s app.TeamState, err error, message string) error {
	if err != nil {
		return err
	}
	return render(c, api.TeamDone{Message: message, Team: team(s)})
}

func team(s app.TeamState) api.TeamState {
	out := api.TeamState{ID: string(s.ID), Name: s.Name, Agents: api.TeamAgents{Paused: s.Paused, Running: s.Running}}
	if p := s.Pause; p != nil {
		out.Paused = &api.TeamPause{By: p.By, Note: orNull(p.Note), At: api.At(p.At)}
	}
	return out
}
