package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// groupRows is how many rows of each group the unfiltered ledger shows.
const groupRows = 10

// Resources answers GET /resources: the vendors, and the ledger with what
// needs people first, or one state of it in pages.
func (p *Pages) Resources(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Resources", "resources")
	if err != nil {
		return err
	}
	m, err := p.ledger(c, who)
	if err != nil {
		return err
	}
	m.Shell = shell
	return send(c, views.ResourcesPage(m))
}

func (p *Pages) ledger(c *fiber.Ctx, who Viewer) (m views.Resources, err error) {
	ctx, state := c.UserContext(), query(c, "state")
	if state != "" && state != "attention" && !slices.Contains(fleet.ResourceStates(), fleet.ResourceState(state)) {
		return m, fleet.Invalid("state", "must be one of the states of the ledger, or attention")
	}
	counts, err := p.app.CountResources(ctx, who.Actor)
	if err != nil {
		return m, err
	}
	vendors, err := p.app.Vendors(ctx, who.Actor)
	if err != nil {
		return m, err
	}
	for _, v := range vendors {
		m.Vendors = append(m.Vendors, p.vendor(who, v))
	}
	proxies, err := p.app.CountProxies(ctx, who.Actor)
	if err != nil {
		return m, err
	}
	m.Chips, m.CanAdd, m.Filtered = ledgerChips(counts, state), who.may(fleet.ScopeAdmin), state != ""
	m.Tabs, m.Never = resourceTabs("ledger", proxies), m.Chips[0].Count == 0 && !m.Filtered
	if m.Filtered {
		err = p.oneState(c, who, state, vendors, &m)
	} else {
		err = p.allStates(c, who, counts, vendors, &m)
	}
	return m, err
}

func resourceTabs(current string, proxies map[fleet.ProxyHealth]int) []ui.Tab {
	n := 0
	for _, count := range proxies {
		n += count
	}
	return []ui.Tab{
		{Href: "/resources", Label: "Ledger", Current: current == "ledger"},
		{Href: poolPath, Label: "Proxy pool", Count: n, Current: current == "proxies"},
	}
}

func ledgerChips(n app.ResourceCounts, current string) []views.Chip {
	all := 0
	for _, count := range n.ByState {
		all += count
	}
	chips := []views.Chip{{Label: "All", Count: all, Href: "/resources"}, {Status: "attention", Label: "Needs attention", Count: n.Stuck, Href: "/resources?state=attention"}}
	for _, s := range fleet.ResourceStates() {
		word := string(s)
		chips = append(chips, views.Chip{Status: word, Label: strings.ToUpper(word[:1]) + word[1:], Count: n.ByState[s], Href: "/resources?state=" + word})
	}
	for i := range chips {
		chips[i].Current = chips[i].Status == current
	}
	return chips
}

// oneState fills a page of the rows in one state.
func (p *Pages) oneState(c *fiber.Ctx, who Viewer, state string, vendors []fleet.Vendor, m *views.Resources) error {
	f := app.ResourceFilter{Stuck: state == "attention"}
	if !f.Stuck {
		f.States = []fleet.ResourceState{fleet.ResourceState(state)}
	}
	list, next, err := p.app.Resources(c.UserContext(), who.Actor, f, app.PageInput{Cursor: query(c, "cursor")})
	if err != nil {
		return err
	}
	rows, err := p.resources(c, who, list, vendors)
	m.Groups = []views.ResourceGroup{{Name: "found", Title: "Resources", Rows: rows}}
	href := "/resources?state=" + state
	if len(list) > 0 {
		m.Pager.Text = ui.Number(len(list)) + " shown, newest first"
	}
	if next != "" {
		m.Pager.NextHref = href + "&cursor=" + next
	}
	if query(c, "cursor") != "" {
		m.Pager.PrevHref = href
	}
	return err
}

// allStates fills the first rows of each group; empty groups are left out.
func (p *Pages) allStates(c *fiber.Ctx, who Viewer, n app.ResourceCounts, vendors []fleet.Vendor, m *views.Resources) error {
	only := func(f app.ResourceFilter) func() ([]fleet.Resource, error) {
		return func() ([]fleet.Resource, error) {
			list, _, err := p.app.Resources(c.UserContext(), who.Actor, f, app.PageInput{Limit: groupRows})
			return list, err
		}
	}
	in := func(s fleet.ResourceState) app.ResourceFilter {
		return app.ResourceFilter{States: []fleet.ResourceState{s}}
	}
	underWay := func() ([]fleet.Resource, error) {
		return p.app.ResourcesUnderWay(c.UserContext(), who.Actor, groupRows)
	}
	for _, g := range []struct {
		name, title, state string
		total              int
		read               func() ([]fleet.Resource, error)
	}{
		{"attention", "Needs attention", "attention", n.Stuck, only(app.ResourceFilter{Stuck: true})},
		{"underway", "Under way", "", 0, underWay},
		{"held", "Held", "held", n.ByState[fleet.ResourceHeld], only(in(fleet.ResourceHeld))},
		{"forgotten", "Given up", "", 0, only(app.ResourceFilter{Forgotten: true})},
		{"released", "Released", "released", n.ByState[fleet.ResourceReleased], only(in(fleet.ResourceReleased))},
	} {
		list, err := g.read()
		if err != nil {
			return err
		}
		rows, err := p.resources(c, who, list, vendors)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		group := views.ResourceGroup{Name: g.name, Title: g.title, Rows: rows, Total: g.total}
		if g.total > len(rows) {
			group.MoreHref = "/resources?state=" + g.state
		}
		m.Groups = append(m.Groups, group)
	}
	return nil
}

// resources makes the rows, with the names of the agents that still live.
func (p *Pages) resources(c *fiber.Ctx, who Viewer, list []fleet.Resource, vendors []fleet.Vendor) ([]views.Resource, error) {
	ids := make([]fleet.AgentID, 0, len(list))
	for _, r := range list {
		if !slices.Contains(ids, r.AgentID) {
			ids = append(ids, r.AgentID)
		}
	}
	names, err := p.app.AgentNames(c.UserContext(), who.Actor, ids)
	rows := make([]views.Resource, 0, len(list))
	for _, r := range list {
		rows = append(rows, resource(who, r, names[r.AgentID], vendors, p.now(who)))
	}
	return rows, err
}

// agentResources is the tab of one agent's rows.
func (p *Pages) agentResources(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.AgentResources, error) {
	list, next, err := p.app.AgentResources(c.UserContext(), who.Actor, v.ID, app.PageInput{Cursor: query(c, "cursor")})
	if err != nil {
		return nil, err
	}
	vendors, err := p.app.Vendors(c.UserContext(), who.Actor)
	m := &views.AgentResources{AgentID: string(v.ID), Pager: tabPager(c, v.ID, "resources", len(list), next)}
	for _, r := range list {
		m.Rows = append(m.Rows, resource(who, r, v.Name, vendors, p.nowAt(who, v.Hours)))
	}
	return m, err
}

// liveResources are what the agent has outside or gets, its proxy first.
func (p *Pages) liveResources(c *fiber.Ctx, who Viewer, agent fleet.Agent) (rows []views.Resource, err error) {
	list, _, err := p.app.AgentResources(c.UserContext(), who.Actor, agent.ID, app.PageInput{})
	if err != nil {
		return nil, err
	}
	vendors, err := p.app.Vendors(c.UserContext(), who.Actor)
	for _, r := range list {
		if r.Live() {
			rows = append(rows, resource(who, r, agent.Name, vendors, p.nowAt(who, agent.Hours)))
		}
	}
	slices.SortStableFunc(rows, func(x, y views.Resource) int { return -strings.Compare(string(x.Type), string(y.Type)) })
	return rows, err
}

func resource(who Viewer, r fleet.Resource, agentName string, vendors []fleet.Vendor, now time.Time) views.Resource {
	v := views.Resource{Resource: r, AgentName: agentName, Deeds: resourceDeeds(who, r), Now: now}
	if i := slices.IndexFunc(vendors, func(v fleet.Vendor) bool { return v.Name == r.Vendor }); i >= 0 {
		v.VendorState = vendors[i].State
	}
	return v
}

// resourceDeeds are what may be done with a row that people should look at, or
// that they gave up. A viewer has none.
func resourceDeeds(who Viewer, r fleet.Resource) []views.Deed {
	if !who.may(fleet.ScopeOperate) || !r.Stuck() && r.Forgotten == nil {
		return nil
	}
	about := " the " + r.Type.Word()
	path := "/resources/" + r.ID
	deeds := []views.Deed{{Name: "retry", Label: "Retry", About: about, Href: path + "/retry"}}
	if _, err := fleet.NextResource(r.State, fleet.StepForget); err != nil || r.Forgotten != nil {
		return deeds
	}
	forget := views.Deed{Name: "forget", Label: "Forget", About: about, Href: path + "/forget", Ask: true}
	if !who.may(fleet.ScopeAdmin) {
		forget.Why = needsAdmin(who)
	}
	return append(deeds, forget)
}

// needsAdmin is the sentence for who may not do what admins may.
func needsAdmin(who Viewer) string {
	return "Needs an admin; you are " + article(string(who.Member.Role))
}

func (p *Pages) vendor(who Viewer, v fleet.Vendor) views.Vendor {
	m := views.Vendor{Vendor: v, Now: p.now(who)}
	if who.may(fleet.ScopeOperate) {
		m.Check = &views.Deed{Name: "check-vendor", Label: "Check again", About: " " + v.Label, Href: "/resources/vendors/" + v.Name + "/check"}
		switch {
		case !who.may(fleet.ScopeAdmin):
			m.Check.Why = needsAdmin(who)
		case v.Checking:
			m.Check.Why = "It is being asked"
		}
	}
	return m
}

// CheckVendor answers POST /resources/vendors/{vendor}/check.
func (p *Pages) CheckVendor(c *fiber.Ctx, who Viewer) error {
	_, err := p.app.CheckVendor(c.UserContext(), who.Actor, c.Params("vendor"))
	return done(c, err, "/resources")
}

// RetryResource answers POST /resources/{id}/retry.
func (p *Pages) RetryResource(c *fiber.Ctx, who Viewer) error {
	r, err := p.app.RetryResource(c.UserContext(), who.Actor, c.Params("resourceId"))
	return done(c, err, back(c, "/resources", agentPath(r.AgentID, ""), agentPath(r.AgentID, "/setup")))
}

// ForgetForm answers GET /resources/{id}/forget.
func (p *Pages) ForgetForm(c *fiber.Ctx, who Viewer) error {
	m, err := p.forget(c, who)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Give up", "resources")
	if err != nil {
		return err
	}
	return either(c, views.ForgetDialog(m), views.ForgetPage(shell, m))
}

func (p *Pages) forget(c *fiber.Ctx, who Viewer) (m views.Forget, err error) {
	r, err := p.app.Resource(c.UserContext(), who.Actor, c.Params("resourceId"))
	m.Resource = resource(who, r, "", nil, p.now(who))
	return m, err
}

// Forget answers POST /resources/{id}/forget.
func (p *Pages) Forget(c *fiber.Ctx, who Viewer) error {
	remember(c, sent{title: "Give up", nav: "resources", fields: []string{"reason"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.forget(c, who)
		m.Form, m.Reason = f, field(c, "reason")
		return views.ForgetDialog(m), func(s views.Shell) templ.Component { return views.ForgetPage(s, m) }, err
	}})
	_, err := p.app.ForgetResource(c.UserContext(), who.Actor, c.Params("resourceId"), app.ReasonInput{Reason: field(c, "reason")})
	return done(c, err, "/resources")
}
