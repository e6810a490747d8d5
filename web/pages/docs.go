package pages

import (
	"slices"

	"github.com/gofiber/fiber/v2"

	"agentry/static"
	"agentry/views"
)

// Docs answers GET /docs: how programs of one's own speak to this server.
func (p *Pages) Docs(c *fiber.Ctx, who Viewer) error {
	s, err := p.shell(c, who, "API docs", "")
	if err != nil {
		return err
	}
	return send(c, views.DocsPage(views.Docs{Shell: s, Examples: static.Examples()}))
}

// Example answers GET /docs/examples/{name} with the source as it is.
func (p *Pages) Example(c *fiber.Ctx, _ Viewer) error {
	all := static.Examples()
	i := slices.IndexFunc(all, func(e static.Example) bool { return e.Name == c.Params("name") })
	if i < 0 {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString(all[i].Text)
}
