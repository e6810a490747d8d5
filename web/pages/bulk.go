package pages

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// failedFirst is how many of what failed stand above a bulk's whole list.
const failedFirst = 10

func bulkID(c *fiber.Ctx) (string, error) {
	id, ok := fleet.ParseID(c.Params("bulkId"))
	if !ok {
		return "", fleet.Errorf(fleet.CodeNotFound, "There is no such bulk action")
	}
	return id, nil
}

func bulkPath(id string) string { return "/bulk/" + id }

// Bulks answers GET /bulk.
func (p *Pages) Bulks(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Bulk actions", "fleet")
	if err != nil {
		return err
	}
	cursor := query(c, "cursor")
	list, next, err := p.app.Bulks(c.UserContext(), who.Actor, app.PageInput{Cursor: cursor, Limit: rowsPerPage})
	if err != nil {
		return err
	}
	m := views.Bulks{Shell: shell}
	for _, b := range list {
		m.Rows = append(m.Rows, views.BulkRow{Bulk: b, Now: p.now(who)})
	}
	if next != "" {
		m.Pager.NextHref = "/bulk?cursor=" + url.QueryEscape(next)
	}
	if cursor != "" {
		m.Pager.PrevHref = "/bulk"
	}
	if target(c) == "tab-live" {
		return send(c, views.BulkList(m))
	}
	return send(c, views.BulksPage(m))
}

// Bulk answers GET /bulk/{id}: how far it is and what became of each agent.
func (p *Pages) Bulk(c *fiber.Ctx, who Viewer) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Bulk action", "fleet")
	if err != nil {
		return err
	}
	b, err := p.app.Bulk(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	m := views.Bulk{Top: p.bulkTop(who, b)}
	if target(c) == "bulk-top" {
		return send(c, views.BulkProgress(m.Top))
	}
	if m.Items, err = p.bulkItems(c, who, b); err != nil {
		return err
	}
	if target(c) == "bulk-items" {
		return send(c, views.BulkOutcomes(m.Items))
	}
	shell.Title = views.BulkTitle(b.Action, b.Total)
	return send(c, views.BulkPage(shell, m))
}

func (p *Pages) bulkTop(who Viewer, b fleet.Bulk) views.BulkTop {
	may := who.may(b.Action.Need())
	return views.BulkTop{
		Bulk: b, Now: p.now(who), MayRetry: may && b.State.Over() && b.Failed > 0,
		MayStop: may && (b.State == fleet.BulkPreparing || b.State == fleet.BulkRunning),
	}
}

// bulkItems is a page of the list. What failed comes first.
func (p *Pages) bulkItems(c *fiber.Ctx, who Viewer, b fleet.Bulk) (m views.BulkItems, err error) {
	show, cursor := query(c, "show"), query(c, "cursor")
	at, _ := strconv.Atoi(query(c, "at"))
	if at < 2 || cursor == "" {
		at = 1
	}
	m = views.BulkItems{ID: b.ID, Now: p.now(who), Over: b.State.Over(), None: noneOf(fleet.BulkOutcome(show), b), Tabs: bulkTabs(b, show)}
	items, next, err := p.app.BulkItems(c.UserContext(), who.Actor, b.ID, show, app.PageInput{Cursor: cursor, Limit: rowsPerPage})
	if err != nil {
		return m, err
	}
	m.Rows = items
	if len(items) > 0 {
		m.Pager.Text = ui.Number(at) + "–" + ui.Number(at+len(items)-1) + " of " + ui.Number(b.Count(fleet.BulkOutcome(show)))
	}
	if next != "" {
		m.Pager.NextHref = showing(b.ID, show, "cursor", next, "at", strconv.Itoa(at+len(items)))
	}
	if cursor != "" {
		m.Pager.PrevHref = showing(b.ID, show)
	}
	if show != "" || cursor != "" || b.Failed == 0 {
		return m, nil
	}
	m.Failed, next, err = p.app.BulkItems(c.UserContext(), who.Actor, b.ID, string(fleet.BulkFailed), app.PageInput{Limit: failedFirst})
	if next != "" {
		m.MoreFailed = showing(b.ID, string(fleet.BulkFailed))
	}
	m.Rows = slices.DeleteFunc(m.Rows, func(i fleet.BulkItem) bool {
		return slices.ContainsFunc(m.Failed, func(f fleet.BulkItem) bool { return f.N == i.N })
	})
	return m, err
}

// showing is the address of a bulk's agents of an outcome, with other values as
// pairs of name and value.
func showing(id, show string, pairs ...string) string {
	values := url.Values{}
	if show != "" {
		values.Set("show", show)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return address(bulkPath(id), values)
}

func bulkTabs(b fleet.Bulk, show string) (tabs []ui.Tab) {
	left := "Waiting"
	if b.State.Over() {
		left = "Not touched"
	}
	for _, t := range []struct {
		outcome fleet.BulkOutcome
		label   string
	}{{"", "All"}, {fleet.BulkFailed, "Failed"}, {fleet.BulkSkipped, "Skipped"}, {fleet.BulkSuccessful, "Done"}, {fleet.BulkPending, left}} {
		tabs = append(tabs, ui.Tab{Href: showing(b.ID, string(t.outcome)), Label: t.label, Count: b.Count(t.outcome), Current: show == string(t.outcome)})
	}
	return tabs
}

func noneOf(show fleet.BulkOutcome, b fleet.Bulk) string {
	switch {
	case b.State == fleet.BulkPreparing:
		return "The list is being written down."
	case show == fleet.BulkFailed:
		return "No agent failed."
	case show == fleet.BulkSkipped:
		return "No agent was skipped."
	case show == fleet.BulkPending && b.State.Over():
		return "No agent was left out."
	case show == fleet.BulkPending:
		return "No agent waits."
	}
	return "No agent yet."
}

// StopBulk answers POST /bulk/{id}/stop.
func (p *Pages) StopBulk(c *fiber.Ctx, who Viewer) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	_, err = p.app.StopBulk(c.UserContext(), who.Actor, id)
	return done(c, err, bulkPath(id))
}
