package pages

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
	"agentry/web/stream"
)

// linesPerPage is how many lines of a log are shown at once.
const linesPerPage = 200

// logHref is an address below the agent with the level and another value.
func logHref(id fleet.AgentID, rest, level, name string, line int64) string {
	to, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		values = url.Values{}
	}
	if level != "" {
		values.Set("level", level)
	}
	if line > 0 {
		values.Set(name, strconv.FormatInt(line, 10))
	}
	return address(agentPath(id, to), values)
}

// line is a line's id in the address; what is none is 0.
func line(c *fiber.Ctx, name string) int64 {
	n, err := strconv.ParseInt(query(c, name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// logs is the part of the log that the address asks for: before or after a
// line, else the newest. The newest part grows.
func (p *Pages) logs(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Logs, error) {
	in := app.LogInput{Level: query(c, "level"), Before: line(c, "before"), Limit: linesPerPage + 1}
	if in.Before == 0 {
		in.After = line(c, "after")
	}
	lines, err := p.app.Logs(c.UserContext(), who.Actor, v.ID, in)
	if err != nil {
		return nil, err
	}
	more := len(lines) > linesPerPage
	if more && in.After > 0 {
		lines = lines[:linesPerPage]
	} else if more {
		lines = lines[1:]
	}
	m := &views.Logs{AgentID: string(v.ID), Now: p.nowAt(who, v.Hours), Lines: logLines(lines, 0), DownloadHref: logHref(v.ID, "/logs.txt", in.Level, "", 0)}
	m.NewestHref = logHref(v.ID, "?tab=logs", in.Level, "", 0)
	atEnd := in.Before == 0 && !(more && in.After > 0)
	if atEnd {
		m.TailHref = logHref(v.ID, "/logs", in.Level, "", 0)
	} else if n := len(lines); n > 0 {
		m.NewerHref = logHref(v.ID, "?tab=logs", in.Level, "after", lines[n-1].ID)
	}
	if len(lines) > 0 && (more || in.After > 0) {
		m.OlderHref = logHref(v.ID, "?tab=logs", in.Level, "before", lines[0].ID)
	}
	for _, o := range []struct{ level, label string }{{"", "All"}, {"info", "Info and up"}, {"warn", "Warnings and errors"}, {"error", "Errors"}} {
		m.Levels = append(m.Levels, ui.Tab{Href: logHref(v.ID, "?tab=logs", o.level, "", 0), Label: o.label, Current: o.level == in.Level})
	}
	return m, nil
}

// logLines are lines behind one of the run epoch; 0 is behind none.
func logLines(lines []fleet.LogLine, epoch int64) []views.LogLine {
	var out []views.LogLine
	for _, l := range lines {
		out = append(out, views.LogLine{ID: l.ID, At: l.At, Level: l.Level, Text: l.Text, Epoch: l.Epoch, Begins: l.Epoch != epoch})
		epoch = l.Epoch
	}
	return out
}

// LogLines answers GET /fleet/{id}/logs, for the script alone: the lines behind
// one, of the run epoch.
func (p *Pages) LogLines(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	if !htmx(c) {
		return c.Redirect(agentPath(id, "?tab=logs"), fiber.StatusSeeOther)
	}
	lines, err := p.app.Logs(c.UserContext(), who.Actor, id, app.LogInput{Level: query(c, "level"), After: line(c, "after"), Limit: linesPerPage})
	if err != nil {
		return err
	}
	now, err := p.logNow(c, who, id)
	if err != nil {
		return err
	}
	return send(c, views.LogLines(logLines(lines, line(c, "epoch")), now))
}

// logNow is the present in the zone of the log's times; the agent is asked for
// only where that is its own.
func (p *Pages) logNow(c *fiber.Ctx, who Viewer, id fleet.AgentID) (time.Time, error) {
	if who.Zone != zoneAgent {
		return p.now(who), nil
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	return p.nowAt(who, v.Hours), err
}

// LogText answers GET /fleet/{id}/logs.txt with every line that is kept.
func (p *Pages) LogText(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	level, zone := query(c, "level"), who.Zone.in(&v.Hours)
	c.Set(fiber.HeaderContentDisposition, stream.Attachment(fileName(v, "log.txt")))
	return stream.Download(p.config.Streams, c, who.Actor, stream.Form{ContentType: fiber.MIMETextPlainCharsetUTF8}, func(ctx context.Context, yield func(fleet.LogLine) error) error {
		return p.app.EachLog(ctx, who.Actor, id, level, yield)
	}, func(w *bufio.Writer, l fleet.LogLine) error { return writeLine(w, l, zone) })
}

// writeLine keeps further lines of a text apart from the log's own by a
// margin, so that no text can pass for a line.
func writeLine(w *bufio.Writer, l fleet.LogLine, zone *time.Location) error {
	text := strings.ReplaceAll(l.Text, "\n", "\n    ")
	_, err := fmt.Fprintf(w, "%s  run %d  %-5s  %s\n", l.At.In(zone).Format("2006-01-02T15:04:05.000Z07:00"), l.Epoch, l.Level, text)
	return err
}
