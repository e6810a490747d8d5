package v1

import (
	"bufio"
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// Audit answers GET /v1/audit: who did what in the team, newest first, what was
// refused included.
func (a *API) Audit(c *fiber.Ctx, by fleet.Actor) error {
	in, err := auditInput(c)
	if err != nil {
		return err
	}
	p, err := page(c)
	if err != nil {
		return err
	}
	found, err := a.app.Audit(c.UserContext(), by, in, p)
	if err != nil {
		return err
	}
	return list(a, c, found.Entries, found.NextCursor, audit)
}

// ExportAudit answers GET /v1/audit/export: all that passes the same filters,
// as JSON Lines, or as CSV where format or else Accept asks for it.
func (a *API) ExportAudit(c *fiber.Ctx, by fleet.Actor) error {
	in, err := auditInput(c)
	if err != nil {
		return err
	}
	format, err := oneOf(c, "format", "jsonl", "csv")
	if err != nil {
		return err
	}
	if format == "" {
		format = "jsonl"
		if c.Accepts("application/jsonl", "text/csv") == "text/csv" {
			format = "csv"
		}
	}
	c.Vary(fiber.HeaderAccept)
	each := func(ctx context.Context, yield func(fleet.AuditEntry) error) error {
		return a.app.ExportAudit(ctx, by, in, format, yield)
	}
	if format == "csv" {
		return stream.AuditCSV(a.streams, c, by, "audit.csv", each)
	}
	err = stream.Lines(a.streams, c, by, each, func(w *bufio.Writer, e fleet.AuditEntry) error { return writeJSON(w, audit(e)) })
	if err == nil {
		c.Set(fiber.HeaderContentDisposition, stream.Attachment("audit.jsonl"))
	}
	return err
}

func auditInput(c *fiber.Ctx) (in app.AuditInput, err error) {
	var kind string
	for name, to := range map[string]*string{"kind": &kind, "actor": &in.Actor, "agent": &in.Agent, "action": &in.Action, "outcome": &in.Outcome} {
		if *to, err = query(c, name); err != nil {
			return in, err
		}
	}
	in.Kind = fleet.ActorKind(kind)
	if in.From, err = moment(c, "from"); err != nil {
		return in, err
	}
	in.To, err = moment(c, "to")
	return in, err
}

// moment is a query parameter that is absent, an instant, or a day, which is
// its beginning in UTC.
func moment(c *fiber.Ctx, name string) (time.Time, error) {
	text, err := query(c, name)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1970 && at.Year() < 10000 {
			return at, nil
		}
	}
	return time.Time{}, fleet.Invalid(name, "must be an instant such as 2026-01-31T09:00:00Z, or a day")
}

func audit(e fleet.AuditEntry) api.Audit {
	return api.Audit{History: history(e), AgentID: orNull(e.AgentID), AgentName: orNull(e.AgentName)}
}
