package pages

import (
	"github.com/gofiber/fiber/v2"

	"agentry/views"
)

// Storybook answers GET /storybook: the parts of the pages in every state.
func (p *Pages) Storybook(c *fiber.Ctx, who Viewer) error {
	s, err := p.shell(c, who, "Storybook", "")
	if err != nil {
		return err
	}
	return send(c, views.StorybookPage(views.Storybook{Shell: s}))
}
