package v1

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/fleet"
)

// System answers GET /v1/system, to keys of the server's first team.
func (a *API) System(c *fiber.Ctx, by fleet.Actor) error {
	s, err := a.app.System(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, system(s))
}

func system(s fleet.SystemState) api.System {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return api.System{
		Version: s.Version, Go: s.Go, StartedAt: api.At(s.StartedAt), Teams: s.Teams, Agents: s.Agents, Running: s.Running,
		Database: api.SystemDatabase{Bytes: s.FileBytes, LogBytes: s.LogBytes, FreeBytes: s.FreeBytes, Schema: s.Schema},
		Jobs: each(s.Jobs, func(j fleet.JobCount) api.SystemJobs {
			return api.SystemJobs{Kind: j.Kind, Waiting: j.Waiting, Oldest: api.At(j.Oldest)}
		}),
		Commits: api.SystemCommits{
			Count: s.Pace.Commits, P50: ms(s.Pace.P50), P99: ms(s.Pace.P99), Most: ms(s.Pace.Most),
			Slow: each(s.Pace.Slow, func(one fleet.SlowCommit) api.SystemSlow {
				return api.SystemSlow{At: api.At(one.At), Took: ms(one.Took), Writes: one.Writes}
			}),
		},
		Vendors: each(s.Vendors, func(v fleet.Vendor) api.SystemVendor { return api.SystemVendor{Name: v.Name, State: string(v.State)} }),
	}
}
