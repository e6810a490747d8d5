package pages

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
	"agentry/web/stream"
)

const rowsPerPage = 50

// listing is what the address of the fleet asks for.
type listing struct {
	status, q, country, kind, tag, alerts, sort, cursor string
	// at is the place of the first row, as the link that led here had it.
	at int
}

func listingOf(c *fiber.Ctx) (listing, error) {
	return listingFrom(func(name string) string { return query(c, name) })
}

// listingFrom reads it from values by name.
func listingFrom(get func(name string) string) (listing, error) {
	l := listing{
		status: get("status"), q: get("q"), country: get("country"), kind: get("kind"),
		tag: get("tag"), alerts: get("alerts"), sort: get("sort"), cursor: get("cursor"), at: 1,
	}
	if n, err := strconv.Atoi(get("at")); err == nil && n > 1 && l.cursor != "" {
		l.at = n
	}
	if l.status != "" && l.status != "attention" && !fleet.Status(l.status).Valid() {
		return l, fleet.Invalid("status", "must be one of the statuses, or attention")
	}
	if l.alerts != "" && l.alerts != "open" {
		return l, fleet.Invalid("alerts", "must be open, or left out")
	}
	return l, nil
}

func (l listing) input() app.ListInput {
	in := app.ListInput{
		Q: l.q, Tag: l.tag, Country: l.country, Kind: l.kind, OpenAlerts: l.alerts == "open", Attention: l.status == "attention", HideEnded: l.status == "",
		Sort: l.sort, Limit: rowsPerPage, Cursor: l.cursor,
	}
	if l.status != "" && l.status != "attention" {
		in.Status = []fleet.Status{fleet.Status(l.status)}
	}
	if in.Sort == "" {
		in.Sort = "attention"
	}
	return in
}

// href is the address of the list with other values: pairs of name and value.
func (l listing) href(pairs ...string) string {
	values := url.Values{}
	for name, v := range map[string]string{"status": l.status, "q": l.q, "country": l.country, "kind": l.kind, "tag": l.tag, "alerts": l.alerts, "sort": l.sort} {
		values.Set(name, v)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	for name, v := range values {
		if v[0] == "" {
			values.Del(name)
		}
	}
	if len(values) == 0 {
		return "/fleet"
	}
	return "/fleet?" + values.Encode()
}

// Home answers GET /.
func (p *Pages) Home(c *fiber.Ctx, _ Viewer) error { return c.Redirect("/fleet", fiber.StatusSeeOther) }

// Fleet answers GET /fleet.
func (p *Pages) Fleet(c *fiber.Ctx, who Viewer) error {
	if id := query(c, "view"); id != "" {
		return p.savedView(c, who, id)
	}
	l, err := listingOf(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Fleet", "fleet")
	if err != nil {
		return err
	}
	counts, err := p.app.FleetCounts(c.UserContext(), who.Actor)
	if err != nil {
		return err
	}
	m := views.FleetList{Total: int(counts.All), Chips: l.chips(counts), CanCreate: who.may(fleet.ScopeOperate)}
	if target(c) == "chips" {
		return send(c, views.FleetChips(m))
	}
	if err := p.fill(c, who, l, counts, &m); err != nil {
		return err
	}
	return send(c, views.FleetPage(views.Fleet{Shell: shell, List: m}))
}

// FleetCSV answers GET /fleet.csv: every agent that the same filters leave in
// the list, without its pages.
func (p *Pages) FleetCSV(c *fiber.Ctx, who Viewer) error {
	l, err := listingOf(c)
	if err != nil {
		return err
	}
	in := l.input()
	return stream.AgentsCSV(p.config.Streams, c, who.Actor, "fleet-"+p.app.Now().UTC().Format(time.DateOnly)+".csv", func(ctx context.Context, yield func(app.AgentView) error) error {
		return p.app.EachAgent(ctx, who.Actor, in, yield)
	})
}

func (l listing) chips(counts app.FleetCounts) []views.Chip {
	by := map[string]int{"": int(counts.All), "attention": int(counts.Attention)}
	for status, n := range counts.ByStatus {
		by[string(status)] = int(n)
	}
	return views.Chips(by, l.status, func(status string) string { return l.href("status", status) })
}

// fill adds the rows and the filters.
func (p *Pages) fill(c *fiber.Ctx, who Viewer, l listing, counts app.FleetCounts, m *views.FleetList) error {
	page, err := p.app.Agents(c.UserContext(), who.Actor, l.input())
	if err != nil {
		return err
	}
	raw := strings.TrimPrefix(strings.TrimPrefix(l.href(), "/fleet"), "?")
	if m.Views, err = p.viewMenu(c, who, raw); err != nil {
		return err
	}
	m.CSVHref = strings.Replace(l.href(), "/fleet", "/fleet.csv", 1)
	m.Query, m.Status, m.Country, m.Kind, m.Tag, m.Alerts, m.Sort = l.q, l.status, l.country, l.kind, l.tag, l.alerts, l.sort
	m.Countries = choices("Country", counts.Countries, l.country)
	m.Tags = choices("Tag", counts.Tags, l.tag)
	m.Kinds = choices("Kind", p.kindNames(), l.kind)
	m.AlertChoices = []ui.Option{{Label: "Alerts"}, {Value: "open", Label: "Open alerts"}}
	m.Sorts = []ui.Option{
		{Value: "", Label: "Sort: attention"}, {Value: "name", Label: "Sort: name"}, {Value: "-name", Label: "Sort: name, Z to A"},
		{Value: "-updatedAt", Label: "Sort: last changed"}, {Value: "updatedAt", Label: "Sort: longest unchanged"},
		{Value: "-createdAt", Label: "Sort: newest"}, {Value: "createdAt", Label: "Sort: oldest"},
	}
	m.Bulk = l.bulkBar(who, int(page.Total))
	m.Rows = p.rows(who, page.Agents)
	m.Pager = l.pager(page)
	return nil
}

func (l listing) pager(page app.Page) ui.Pager {
	n := len(page.Agents)
	var text []string
	if n > 0 {
		text = append(text, fmt.Sprintf("%s–%s of %s", ui.Number(l.at), ui.Number(l.at+n-1), ui.Number(int(page.Total))))
	}
	if page.Hidden > 0 {
		text = append(text, ui.Number(int(page.Hidden))+" ended hidden")
	}
	out := ui.Pager{Text: strings.Join(text, " · ")}
	if page.NextCursor != "" {
		out.NextHref = l.href("cursor", page.NextCursor, "at", strconv.Itoa(l.at+n))
	}
	if page.PrevCursor != "" {
		out.PrevHref = l.href("cursor", page.PrevCursor, "at", strconv.Itoa(max(1, l.at-rowsPerPage)))
	}
	return out
}

// choices are the options of a filter; one that is asked for and not there any
// more stays visible.
func choices(word string, values []string, current string) []ui.Option {
	if current != "" && !slices.Contains(values, current) {
		values = append(slices.Clone(values), current)
	}
	out := []ui.Option{{Label: word}}
	for _, v := range values {
		out = append(out, ui.Option{Value: v, Label: v})
	}
	return out
}

func (p *Pages) kindNames() []string {
	var names []string
	for _, k := range p.app.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// Row answers GET /fleet/{id}/row: one agent of the list again, for the script
// alone.
func (p *Pages) Row(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	if !htmx(c) {
		return c.Redirect(agentPath(id, ""), fiber.StatusSeeOther)
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if notHere(err) {
		return send(c, views.GoneRow(string(id)))
	}
	if err != nil {
		return err
	}
	return send(c, views.AgentRow(p.row(who, v)))
}

// rows is nil where there are none.
func (p *Pages) rows(who Viewer, agents []app.AgentView) templ.Component {
	if len(agents) == 0 {
		return nil
	}
	return p.drawn.once(look{&agents[0], len(agents), who.Member.Role, who.Zone}, func() templ.Component {
		rows := make([]views.Row, len(agents))
		for i, v := range agents {
			rows[i] = p.row(who, v)
		}
		return views.FleetRows(rows)
	})
}

func (p *Pages) row(who Viewer, v app.AgentView) views.Row {
	return views.Row{
		ID: string(v.ID), Name: v.Name, Login: v.Login, Country: v.Country, Status: string(v.Status), Observed: string(v.Runtime.State),
		LastHeard: v.Runtime.LastHeardAt, Since: v.StatusAt, Why: v.Why, OpenAlerts: v.OpenAlerts, Protected: v.Protected != nil,
		Tags: v.Tags, Pick: who.may(fleet.ScopeOperate), Use: nearest(v), Spark: ints(v.Spark), NextTaskAt: v.NextTask, Actions: p.actions(who, v), Now: p.nowAt(who, v.Hours),
	}
}

// nearest is today's counter that is nearest to its limit.
func nearest(v app.AgentView) ui.Meter {
	messages, invitations := meters(v)
	if invitations.Value*messages.Max > messages.Value*invitations.Max {
		return invitations
	}
	return messages
}

func meters(v app.AgentView) (messages, invitations ui.Meter) {
	of := func(n int64, least, top int, noun string) ui.Meter {
		return ui.Meter{Value: int(n), Min: least, Max: top, Label: ui.Number(int(n)) + " of " + ui.Number(top) + " " + noun}
	}
	return of(v.Usage.MessagesDaily, v.Limits.MessagesMin, v.Limits.MessagesMax, "messages"), of(v.Usage.InvitationsDaily, v.Limits.InvitationsMin, v.Limits.InvitationsMax, "invitations")
}

func ints(values []int64) []int {
	out := make([]int, len(values))
	for i, v := range values {
		out[i] = int(v)
	}
	return out
}
