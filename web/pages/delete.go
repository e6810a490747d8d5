package pages

import (
	"net/http"
	"time"

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
	in := app.DeleteInput{Reason: field(c, "reason"), ConfirmName: &name}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	d, err := p.app.Delete(c.UserContext(), who.Actor, id, in)
	return lead(c, err, "/deletions/"+d.ID)
}

// Deletion answers GET /deletions/{id}: the certificate.
func (p *Pages) Deletion(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Deletion certificate", "fleet")
	if err != nil {
		return err
	}
	d, err := p.app.Deletion(c.UserContext(), who.Actor, c.Params("deletionId"))
	if err != nil {
		return err
	}
	return send(c, views.CertificatePage(shell, certificate(d, shell.Now)))
}

func certificate(d fleet.Deletion, now time.Time) views.Certificate {
	return views.Certificate{
		ID: d.ID, AgentID: string(d.AgentID), At: d.At, Now: now, By: d.By, Reason: d.Reason, Incarnation: d.Incarnation,
		Removed: views.RemovedLines(d.Removed), Released: views.CertifiedLines(d.Resources, d.MoreResources, now), ExportSHA256: d.ExportSHA256,
	}
}

// tombstone stands where an agent was, with its certificate, or never was.
func (p *Pages) tombstone(c *fiber.Ctx, who Viewer, id string) error {
	shell, err := p.shell(c, who, "No agent here", "fleet")
	if err != nil {
		return err
	}
	m := views.Tombstone{AgentID: id}
	c.Status(http.StatusNotFound)
	d, err := p.app.DeletionOfAgent(c.UserContext(), who.Actor, fleet.AgentID(id))
	switch {
	case err == nil:
		cert := certificate(d, shell.Now)
		m.Certificate, shell.Title = &cert, "Deleted agent"
		c.Status(http.StatusGone)
	case fleet.CodeOf(err) != fleet.CodeNotFound:
		return err
	}
	return send(c, views.TombstonePage(shell, m))
}
