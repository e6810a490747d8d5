package pages

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// DeleteForm answers GET /fleet/{id}/delete: what it would remove.
func (p *Pages) DeleteForm(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	m, err := p.confirm(c, who, id, fleet.MoveDelete)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Delete "+m.Name, "fleet")
	if err != nil {
		return err
	}
	return either(c, views.DeleteDialog(m), views.DeletePage(shell, m))
}

// Delete answers POST /fleet/{id}/delete and leads to the certificate.
func (p *Pages) Delete(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.confirmAgain(c, who, id, fleet.MoveDelete)
	name := field(c, "name")
	in := app.DeleteInput{Reason: field(c, "reason"), ConfirmName: &name, Offered: field(c, "exportSha256")}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	d, err := p.app.Delete(c.UserContext(), who.Actor, id, in)
	return lead(c, err, "/deletions/"+d.ID)
}
