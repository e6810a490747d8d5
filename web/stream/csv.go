package stream

import (
	"bufio"
	"context"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// UsageCSV answers with counters as CSV (RFC 4180) under a file name: day,
// kind, incarnation, count. See Elements for errors.
func UsageCSV(s *Streams, c *fiber.Ctx, name string, each func(ctx context.Context, yield func(fleet.Usage) error) error) error {
	c.Set(fiber.HeaderContentDisposition, Attachment(name))
	form := Form{ContentType: "text/csv; charset=utf-8; header=present", Open: "day,kind,incarnation,count\r\n"}
	return Elements(s, c, form, each, func(w *bufio.Writer, u fleet.Usage) error {
		out := csv.NewWriter(w)
		out.UseCRLF = true
		if err := out.Write([]string{u.Day, Cell(u.Kind), strconv.Itoa(u.Incarnation), strconv.FormatInt(u.Count, 10)}); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
}

// Cell makes text harmless to a spreadsheet: what would begin a formula there
// gets an apostrophe before it.
func Cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r\n") {
		return "'" + text
	}
	return text
}

// Attachment is the Content-Disposition of a download. What is not a plain
// letter, digit, dot or hyphen of the name becomes a hyphen.
func Attachment(name string) string {
	var b strings.Builder
	for _, r := range name {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.'
		switch {
		case plain:
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return `attachment; filename="` + strings.Trim(b.String(), "-.") + `"`
}
