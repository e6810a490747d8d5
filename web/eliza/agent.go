package eliza

import (
	"errors"
	"slices"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// defaultPage is how long a list is where the caller does not say.
const (
	defaultPage = 50
	maxPage     = 1000
)

// Agents answers GET /agents, by name.
func (a *API) Agents(c *fiber.Ctx, by fleet.Actor) error {
	in, err := listInput(c)
	if err != nil {
		return err
	}
	skip, err := offset(c)
	if err != nil {
		return err
	}
	limit, err := whole(c, "limit", 1, maxPage, defaultPage)
	if err != nil {
		return err
	}
	views, err := a.some(c, by, in, skip, limit)
	if err != nil {
		return err
	}
	return render(c, api.ElizaList{Success: true, Data: views})
}

// errEnough ends a walk over the agents.
var errEnough = errors.New("eliza: enough")

func (a *API) some(c *fiber.Ctx, by fleet.Actor, in app.ListInput, skip, limit int) ([]api.ElizaSummary, error) {
	list := []api.ElizaSummary{}
	err := a.app.EachAgent(c.UserContext(), by, in, func(v app.AgentView) error {
		if skip > 0 {
			skip--
			return nil
		}
		list = append(list, summary(v))
		if len(list) == limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

func listInput(c *fiber.Ctx) (app.ListInput, error) {
	switch c.Query("status") {
	case "":
		return app.ListInput{}, nil
	case statusActive:
		return app.ListInput{Status: []fleet.Status{fleet.Running}}, nil
	case statusInactive:
		others := slices.DeleteFunc(fleet.Statuses(), func(s fleet.Status) bool { return s == fleet.Running })
		return app.ListInput{Status: others}, nil
	}
	return app.ListInput{}, fleet.Invalid("status", "must be active or inactive")
}

// Agent answers GET /agents/{agentId}.
func (a *API) Agent(c *fiber.Ctx, by fleet.Actor) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	v, err := a.app.Agent(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, api.ElizaOne{Success: true, Data: agent(v)})
}

func summary(v app.AgentView) api.ElizaSummary {
	return api.ElizaSummary{
		AgentID: string(v.ID), Name: v.Name, Status: active(v.Status), Bio: v.Settings.Bio(), Enabled: enabled(v),
		CreatedAt: api.At(v.CreatedAt), UpdatedAt: api.At(v.UpdatedAt),
	}
}

// agent shows the settings that hold for the present run.
func agent(v app.AgentView) api.ElizaAgent {
	out := api.ElizaAgent{
		AgentID: string(v.ID), Name: v.Name, Status: active(v.Status), EnableAutonomy: v.Runtime.EnableAutonomy,
		Settings: map[string]any{}, Lifecycle: string(v.Status), Bio: v.Settings.Bio(), Enabled: enabled(v),
		CreatedAt: api.At(v.CreatedAt), UpdatedAt: api.At(v.UpdatedAt),
	}
	for _, settings := range []fleet.Settings{v.Settings, v.Runtime.Settings} {
		for name, value := range settings {
			out.Settings[name] = value
		}
	}
	if v.Status == fleet.Running && !v.Runtime.StartedAt.IsZero() {
		ms := v.Runtime.StartedAt.UnixMilli()
		out.StartedAt = &ms
	}
	return out
}

func enabled(v app.AgentView) bool { return v.Status != fleet.Disabled && v.Status != fleet.Ended }
