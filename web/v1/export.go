package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// Export answers GET …/export: all that the agent has as a zip, without its
// secrets.
func (a *API) Export(c *fiber.Ctx, by fleet.Actor) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	return stream.Export(a.streams, c, by, func() (*app.ExportFile, error) { return a.app.TakeExport(c.UserContext(), by, id) })
}
