package pages

import (
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// Deletions answers GET /deletions: the certificates, newest first.
func (p *Pages) Deletions(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Deletions", "audit")
	if err != nil {
		return err
	}
	list, next, err := p.app.Deletions(c.UserContext(), who.Actor, app.PageInput{Cursor: query(c, "cursor")})
	if err != nil {
		return err
	}
	m := views.Deletions{Shell: shell}
	for _, d := range list {
		m.Rows = append(m.Rows, certificate(who, d, shell.Now))
	}
	if len(list) > 0 {
		m.Pager.Text = ui.Number(len(list)) + " shown, newest first"
	}
	if query(c, "cursor") != "" {
		m.Pager.PrevHref, m.Pager.PrevLabel = "/deletions", "Newest"
	}
	if next != "" {
		m.Pager.NextHref, m.Pager.NextLabel = "/deletions?cursor="+next, "Older"
	}
	return send(c, views.DeletionsPage(m))
}

// Deletion answers GET /deletions/{id}: the certificate.
func (p *Pages) Deletion(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Deletion certificate", "audit")
	if err != nil {
		return err
	}
	d, err := p.app.Deletion(c.UserContext(), who.Actor, c.Params("deletionId"))
	if err != nil {
		return err
	}
	return send(c, views.CertificatePage(shell, certificate(who, d, shell.Now)))
}

func certificate(who Viewer, d fleet.Deletion, now time.Time) views.Certificate {
	return views.Certificate{Deletion: d, Team: who.Member.TeamName, Now: now}
}

// tombstone stands where an agent was, with its certificate, or never was.
func (p *Pages) tombstone(c *fiber.Ctx, who Viewer, id string) error {
	shell, err := p.shell(c, who, "No agent here", "fleet")
	if err != nil {
		return err
	}
	if told, err := p.elsewhere(c, who); told || err != nil {
		return err
	}
	m := views.Tombstone{AgentID: id}
	c.Status(http.StatusNotFound)
	d, err := p.app.DeletionOfAgent(c.UserContext(), who.Actor, fleet.AgentID(id))
	switch {
	case err == nil:
		cert := certificate(who, d, shell.Now)
		m.Certificate, shell.Title = &cert, "Deleted agent"
		c.Status(http.StatusGone)
	case fleet.CodeOf(err) != fleet.CodeNotFound:
		return err
	}
	return send(c, views.TombstonePage(shell, m))
}
