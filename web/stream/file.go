package stream

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
)

// ExportHeader is the response header with an export's hash.
const ExportHeader = "X-Export-Sha256"

// Export answers with an agent's export; the file is closed when it was sent.
func Export(c *fiber.Ctx, file *app.ExportFile) error {
	c.Set(fiber.HeaderContentType, "application/zip")
	c.Set(fiber.HeaderContentDisposition, Attachment(file.Name))
	c.Set(ExportHeader, file.SHA256)
	c.Context().SetBodyStream(file, int(file.Size))
	return nil
}
