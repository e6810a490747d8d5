package stream

import (
	"bufio"
	"context"
	"io"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

const (
	// maxDownloads is how many files a person or a key may be sent at once: each
	// is made while it is sent, or lies on the disk until then.
	maxDownloads = 4
	// downloadWait is what who has more is asked to wait, in seconds.
	downloadWait = 5
)

// download takes one of the actor's places; leave gives it back, once or more
// often.
func (s *Streams) download(c *fiber.Ctx, by fleet.Actor) (leave func(), err error) {
	leave, ok := s.downloads.admit(string(by.TeamID)+" "+by.ID, maxDownloads)
	if !ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(downloadWait))
		return nil, fleet.Errorf(fleet.CodeRateLimited, "%d downloads are under way, which is the most at once: wait until one is done", maxDownloads)
	}
	return leave, nil
}

// Download is Elements for a file that the actor takes: of more than four at
// once the next is refused with a rate-limit error.
func Download[T any](s *Streams, c *fiber.Ctx, by fleet.Actor, form Form, each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	leave, err := s.download(c, by)
	if err != nil {
		return err
	}
	return elements(s, c, form, leave, each, write)
}

// Export answers with an agent's export, which take makes; it is closed when it
// was sent. It counts as a download.
func Export(s *Streams, c *fiber.Ctx, by fleet.Actor, take func() (*app.ExportFile, error)) error {
	leave, err := s.download(c, by)
	if err != nil {
		return err
	}
	file, err := take()
	if err != nil {
		leave()
		return err
	}
	c.Set(fiber.HeaderContentType, "application/zip")
	c.Set(fiber.HeaderContentDisposition, Attachment(file.Name))
	c.Set("X-Export-Sha256", file.SHA256)
	c.Context().SetBodyStream(&sent{file, leave}, int(file.Size))
	return nil
}

// sent is a body that says when it is over.
type sent struct {
	io.ReadCloser
	leave func()
}

func (b *sent) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
