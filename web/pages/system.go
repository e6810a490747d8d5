package pages

import (
	"github.com/gofiber/fiber/v2"

	"agentry/views"
)

// System answers GET /system: the whole server, for who hosts it.
func (p *Pages) System(c *fiber.Ctx, who Viewer) error {
	s, err := p.app.System(c.UserContext(), who.Actor)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "System", "")
	if err != nil {
		return err
	}
	return send(c, views.SystemPage(shell, s))
}
