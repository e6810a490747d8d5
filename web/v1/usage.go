package v1

import (
	"bufio"
	"context"
	"math"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// Usage answers GET …/usage: counters per day between two days, of one
// incarnation where asked, as JSON, or as CSV where format or else Accept
// asks for it.
func (a *API) Usage(c *fiber.Ctx, by fleet.Actor) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	in, err := usageInput(c)
	if err != nil {
		return err
	}
	table, err := asCSV(c)
	if err != nil {
		return err
	}
	each := func(ctx context.Context, yield func(fleet.Usage) error) error {
		return a.app.EachUsage(ctx, by, id, in, yield)
	}
	if table {
		return stream.UsageCSV(a.streams, c, by, "usage-"+string(id)+".csv", each)
	}
	return stream.List(a.streams, c, each, func(w *bufio.Writer, u fleet.Usage) error { return writeJSON(w, usage(u)) })
}

// asCSV tells whether a list is asked for as CSV: by format, else by Accept.
func asCSV(c *fiber.Ctx) (bool, error) {
	format, err := oneOf(c, "format", "json", "csv")
	c.Vary(fiber.HeaderAccept)
	return format == "csv" || format == "" && c.Accepts(fiber.MIMEApplicationJSON, "text/csv") == "text/csv", err
}

func usageInput(c *fiber.Ctx) (in app.UsageInput, err error) {
	if in.From, err = day(c, "from"); err != nil {
		return in, err
	}
	if in.To, err = day(c, "to"); err != nil {
		return in, err
	}
	n, err := whole(c, "incarnation", 1, math.MaxInt32, 0)
	in.Incarnation = int(n)
	return in, err
}

// day is a query parameter that is absent or a calendar day.
func day(c *fiber.Ctx, name string) (string, error) {
	text, err := query(c, name)
	if err != nil || text == "" {
		return "", err
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "", fleet.Invalid(name, "must be a day such as 2026-01-31")
	}
	return text, nil
}

func usage(u fleet.Usage) api.Usage {
	return api.Usage{Day: u.Day, Kind: u.Kind, Incarnation: u.Incarnation, Count: u.Count}
}
