package pages

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"agentry/static"
)

// Asset answers GET /static/…: the files on the list and nothing else. A name
// with the hash of the content may be kept for ever.
func (p *Pages) Asset(c *fiber.Ctx) error { return sendAsset(c, c.Params("name")) }

// Icon answers GET /favicon.ico for browsers that ask without being told.
func (p *Pages) Icon(c *fiber.Ctx) error { return sendAsset(c, "icon.svg") }

func sendAsset(c *fiber.Ctx, name string) error {
	asset, ok := static.File(name)
	if !ok {
		return fiber.ErrNotFound
	}
	keep := "no-cache"
	if asset.Immutable {
		keep = "public, max-age=31536000, immutable"
	}
	c.Set(fiber.HeaderCacheControl, keep)
	c.Set(fiber.HeaderContentType, asset.ContentType)
	c.Vary(fiber.HeaderAcceptEncoding)
	c.Status(http.StatusOK)
	if c.Request().Header.HasAcceptEncoding("gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(asset.Gzip)
	}
	return c.Send(asset.Body)
}
