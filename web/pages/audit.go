package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
	"agentry/web/stream"
)

// newsCounted is where the count of new entries stops.
const newsCounted = 100

// auditNames are the filters in the address of the audit.
func auditNames() []string {
	return []string{"kind", "actor", "agent", "action", "outcome", "from", "to"}
}

// auditAsked is what the address of the audit asks for. Its times are those of
// the zone that it names, so that it says the same to everybody.
func auditAsked(c *fiber.Ctx) (in app.AuditInput, values url.Values, err error) {
	values = url.Values{}
	zone, err := fleet.LoadZone(cmp.Or(query(c, "zone"), "UTC"))
	if err != nil {
		return in, values, fleet.Invalid("zone", "must be the name of a time zone")
	}
	for _, name := range auditNames() {
		if v := query(c, name); v != "" {
			values.Set(name, v)
		}
	}
	in = app.AuditInput{
		Kind: fleet.ActorKind(values.Get("kind")), Actor: values.Get("actor"), Agent: values.Get("agent"), Action: values.Get("action"), Outcome: values.Get("outcome"),
	}
	if (values.Has("from") || values.Has("to")) && zone != time.UTC {
		values.Set("zone", zone.String())
	}
	if in.From, err = localTime("from", values.Get("from"), zone); err != nil {
		return in, values, err
	}
	in.To, err = localTime("to", values.Get("to"), zone)
	return in, values, err
}

// Audit answers GET /audit.
func (p *Pages) Audit(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Audit", "audit")
	if err != nil {
		return err
	}
	in, values, err := auditAsked(c)
	var found app.AuditPage
	if err == nil {
		found, err = p.app.Audit(c.UserContext(), who.Actor, in, app.PageInput{Cursor: query(c, "cursor")})
	}
	if err != nil && fleet.CodeOf(err) != fleet.CodeValidation {
		return err
	}
	m := views.AuditPage{
		Shell: shell, Kind: values.Get("kind"), Actor: in.Actor, Agent: in.Agent, Action: in.Action, Outcome: in.Outcome, From: values.Get("from"), To: values.Get("to"),
		Actions: views.ActionGroups(found.Actions, in.Action), Rows: auditRows(found.Entries, shell.Now), Filtered: len(values) > 0,
		Zone: cmp.Or(values.Get("zone"), shell.Now.Location().String()), CSVHref: address("/audit.csv", values), News: auditNews(values, found.Last, 0),
	}
	if values.Get("zone") == "" && (m.From != "" || m.To != "") {
		m.Zone = "UTC"
	}
	m.Pager = auditPager(c, values, len(found.Entries), found.NextCursor)
	if m.Back = found.Back; !m.Back.IsZero() {
		m.Pager.NextLabel = "Look further back"
	}
	if wrong := known(err); wrong != nil {
		m.Wrong = sentence(wrong.Message)
		c.Status(http.StatusBadRequest)
	}
	return send(c, views.AuditShow(m))
}

// AuditNews answers GET /audit/new: how much was written since an entry, for
// the script alone.
func (p *Pages) AuditNews(c *fiber.Ctx, who Viewer) error {
	in, values, err := auditAsked(c)
	if err != nil {
		return err
	}
	if !htmx(c) {
		return c.Redirect(address("/audit", values), http.StatusSeeOther)
	}
	since, err := strconv.ParseInt("0"+query(c, "since"), 10, 64)
	if err != nil {
		return fleet.Invalid("since", "must be the number of an entry")
	}
	n, all, err := p.app.AuditNews(c.UserContext(), who.Actor, in, since, newsCounted)
	if err != nil {
		return err
	}
	m := auditNews(values, since, n)
	m.Some = !all
	return send(c, views.AuditNewsLink(m))
}

// AuditCSV answers GET /audit.csv: all that passes the filters.
func (p *Pages) AuditCSV(c *fiber.Ctx, who Viewer) error {
	in, _, err := auditAsked(c)
	if err != nil {
		return err
	}
	return stream.AuditCSV(p.config.Streams, c, who.Actor, "audit-"+p.app.Now().Format(time.DateOnly)+".csv", func(ctx context.Context, yield func(fleet.AuditEntry) error) error {
		return p.app.ExportAudit(ctx, who.Actor, in, "csv", yield)
	})
}

func auditNews(values url.Values, since int64, n int) views.AuditNews {
	ask := url.Values{"since": {strconv.FormatInt(since, 10)}}
	for name := range values {
		ask.Set(name, values.Get(name))
	}
	return views.AuditNews{Href: address("/audit/new", ask), PageHref: address("/audit", values), N: n, Most: newsCounted}
}

func auditRows(list []fleet.AuditEntry, now time.Time) (rows []views.Audit) {
	for _, e := range list {
		rows = append(rows, views.Audit{AuditEntry: e, Now: now})
	}
	return rows
}

func auditPager(c *fiber.Ctx, values url.Values, shown int, next string) ui.Pager {
	pager := ui.Pager{}
	if shown > 0 {
		pager.Text = ui.Number(shown) + " shown, newest first"
	}
	if query(c, "cursor") != "" {
		pager.PrevHref, pager.PrevLabel = address("/audit", values), "Newest"
	}
	if next != "" {
		to := url.Values{"cursor": {next}}
		for name := range values {
			to.Set(name, values.Get(name))
		}
		pager.NextHref, pager.NextLabel = address("/audit", to), "Older"
	}
	return pager
}

// history is the tab of what was done with an agent.
func (p *Pages) history(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.History, error) {
	items, next, err := p.app.History(c.UserContext(), who.Actor, v.ID, app.PageInput{Cursor: query(c, "cursor")})
	now := p.nowAt(who, v.Hours)
	return &views.History{AgentID: string(v.ID), Items: auditRows(items, now), Pager: tabPager(c, v.ID, "history", len(items), next), Now: now}, err
}
