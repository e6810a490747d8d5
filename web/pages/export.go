package pages

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/web/stream"
)

// measuredRows is up to how many rows an agent's export is made at once to say
// its size; beyond that a person asks for it.
const measuredRows = 10_000

// Export answers GET /fleet/{id}/export: the zip.
func (p *Pages) Export(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	return stream.Export(p.config.Streams, c, who.Actor, func() (*app.ExportFile, error) { return p.app.TakeExport(c.UserContext(), who.Actor, id) })
}

// exportOffer is what the delete dialog says of the export.
func (p *Pages) exportOffer(c *fiber.Ctx, who Viewer, v fleet.Preview) (*views.ExportOffer, error) {
	rows := v.Removes.Messages + v.Removes.Logs + v.Removes.Tasks + v.Removes.Alerts
	x, err := p.app.Export(c.UserContext(), who.Actor, v.Agent.ID, rows <= measuredRows || query(c, "export") != "")
	return &views.ExportOffer{Export: x, AgentID: string(v.Agent.ID), Rows: rows}, err
}
