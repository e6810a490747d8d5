package stream

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// UsageCSV answers with counters as CSV (RFC 4180) under a file name: day,
// kind, incarnation, count. See Download for errors.
func UsageCSV(s *Streams, c *fiber.Ctx, by fleet.Actor, name string, each func(ctx context.Context, yield func(fleet.Usage) error) error) error {
	return table(s, c, by, name, []string{"day", "kind", "incarnation", "count"}, each, func(u fleet.Usage) []string {
		return []string{u.Day, fleet.Cell(u.Kind), strconv.Itoa(u.Incarnation), strconv.FormatInt(u.Count, 10)}
	})
}

// AgentsCSV answers with agents as CSV under a file name, a row an agent, in
// the words of /v1: times in UTC, tags parted by semicolons, protected the
// reason of the protection. See Download for errors.
func AgentsCSV(s *Streams, c *fiber.Ctx, by fleet.Actor, name string, each func(ctx context.Context, yield func(app.AgentView) error) error) error {
	head := []string{
		"id", "name", "kind", "status", "runtime", "lastHeardAt", "why", "login", "country", "tags", "openAlerts", "protected",
		"messagesDaily", "messagesMax", "invitationsDaily", "invitationsMax", "nextTask", "incarnation", "endReason", "endedAt", "createdAt", "updatedAt",
	}
	return table(s, c, by, name, head, each, func(v app.AgentView) []string {
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		protected := ""
		if v.Protected != nil {
			protected = v.Protected.Reason
		}
		return []string{
			string(v.ID), fleet.Cell(v.Name), v.Kind, string(v.Status), string(v.Runtime.State), instant(v.Runtime.LastHeardAt),
			fleet.Cell(v.Why), fleet.Cell(v.Login), v.Country, fleet.Cell(strings.Join(v.Tags, "; ")), strconv.Itoa(v.OpenAlerts), fleet.Cell(protected),
			number(v.Usage.MessagesDaily), strconv.Itoa(v.Limits.MessagesMax), number(v.Usage.InvitationsDaily), strconv.Itoa(v.Limits.InvitationsMax),
			instant(v.NextTask), strconv.Itoa(v.Incarnation), fleet.Cell(string(v.EndReason)), instant(v.EndedAt), instant(v.CreatedAt), instant(v.UpdatedAt),
		}
	})
}

// table answers with a header and a line an element; the texts of row are
// harmless already.
func table[T any](s *Streams, c *fiber.Ctx, by fleet.Actor, name string, head []string, each func(ctx context.Context, yield func(T) error) error, row func(T) []string) error {
	form := Form{ContentType: "text/csv; charset=utf-8; header=present", Open: strings.Join(head, ",") + "\r\n"}
	err := Download(s, c, by, form, each, func(w *bufio.Writer, v T) error {
		out := csv.NewWriter(w)
		out.UseCRLF = true
		if err := out.Write(row(v)); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
	if err == nil {
		c.Set(fiber.HeaderContentDisposition, Attachment(name))
	}
	return err
}

// instant is a time as the API writes it, "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
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

// AuditCSV answers with audit entries as CSV under a file name, in the words of
// /v1, the detail as JSON. See Download for errors.
func AuditCSV(s *Streams, c *fiber.Ctx, by fleet.Actor, name string, each func(ctx context.Context, yield func(fleet.AuditEntry) error) error) error {
	head := []string{"id", "at", "actorKind", "actorId", "actorName", "action", "agentId", "agentName", "outcome", "note", "detail", "requestId"}
	return table(s, c, by, name, head, each, func(e fleet.AuditEntry) []string {
		detail := ""
		if len(e.Detail) > 0 {
			raw, _ := json.Marshal(e.Detail) // it was read from JSON
			detail = string(raw)
		}
		row := []string{
			strconv.FormatInt(e.ID, 10), instant(e.At), string(e.ActorKind), e.ActorID, e.ActorName, e.Action,
			string(e.AgentID), e.AgentName, e.Outcome, e.Note, detail, e.RequestID,
		}
		for i := range row {
			row[i] = fleet.Cell(row[i])
		}
		return row
	})
}
