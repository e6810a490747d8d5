package pages

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

const poolPath = "/resources/proxies"

// Proxies answers GET /resources/proxies: the team's pool.
func (p *Pages) Proxies(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Proxy pool", "resources")
	if err != nil {
		return err
	}
	shell.Notice = added(c)
	health := fleet.ProxyHealth(query(c, "health"))
	if health != "" && !slices.Contains(proxyHealths(), health) {
		return fleet.Invalid("health", "must be healthy, quarantined or unknown")
	}
	counts, err := p.app.CountProxies(c.UserContext(), who.Actor)
	if err != nil {
		return err
	}
	list, next, err := p.app.Proxies(c.UserContext(), who.Actor, app.ProxyFilter{Health: health}, app.PageInput{Cursor: query(c, "cursor")})
	if err != nil {
		return err
	}
	m := views.Proxies{
		Shell: shell, Tabs: resourceTabs("proxies", counts), Chips: poolChips(counts, health),
		Filtered: health != "", CanAdd: who.may(fleet.ScopeAdmin), Pager: poolPager(c, health, len(list), next),
	}
	for _, entry := range list {
		m.Rows = append(m.Rows, p.proxy(who, entry))
	}
	return send(c, views.ProxiesPage(m))
}

func proxyHealths() []fleet.ProxyHealth {
	return []fleet.ProxyHealth{fleet.ProxyHealthy, fleet.ProxyQuarantined, fleet.ProxyUnknown}
}

// added says what the form that led here has done.
func added(c *fiber.Ctx) *ui.Notice {
	n, err := strconv.Atoi(query(c, "added"))
	if err != nil || n < 0 {
		return nil
	}
	text := ui.Plural(n, "proxy added", "proxies added")
	if there, err := strconv.Atoi(query(c, "there")); err == nil && there > 0 {
		text += ", " + ui.Plural(there, "was", "were") + " there already"
	}
	if n > 0 {
		text += ". Each is checked now by a request through it."
	}
	return &ui.Notice{Tone: ui.OK, Text: text}
}

func poolChips(counts map[fleet.ProxyHealth]int, current fleet.ProxyHealth) []views.Chip {
	chips := []views.Chip{{Label: "All", Href: poolPath, Current: current == ""}}
	for i, label := range []string{"Healthy", "Quarantined", "Not proven"} {
		health := proxyHealths()[i]
		chips = append(chips, views.Chip{Status: string(health), Label: label, Count: counts[health], Href: poolPath + "?health=" + string(health), Current: current == health})
		chips[0].Count += counts[health]
	}
	return chips
}

func poolPager(c *fiber.Ctx, health fleet.ProxyHealth, shown int, next string) (pager ui.Pager) {
	href := poolPath + "?health=" + string(health)
	if shown > 0 {
		pager.Text = ui.Number(shown) + " shown, newest first"
	}
	if next != "" {
		pager.NextHref = href + "&cursor=" + next
	}
	if query(c, "cursor") != "" {
		pager.PrevHref = href
	}
	return pager
}

func (p *Pages) proxy(who Viewer, entry fleet.Proxy) views.Proxy {
	now := p.now(who)
	v := views.Proxy{Proxy: entry, Checking: entry.Enabled && !entry.NextCheckAt.IsZero() && !entry.NextCheckAt.After(now), Now: now}
	if who.may(fleet.ScopeOperate) {
		v.Deeds = proxyDeeds(who, entry)
	}
	return v
}

func proxyDeeds(who Viewer, entry fleet.Proxy) []views.Deed {
	path := poolPath + "/" + entry.ID
	deeds := []views.Deed{
		{Name: "check", Label: "Check", About: " " + entry.Label, Href: path + "/check"},
		{Name: "edit", Label: "Edit", Href: path + "/edit", Ask: true},
		{Name: "disable", Label: "Switch off", Href: path + "/disable"},
		{Name: "delete", Label: "Delete", Href: path + "/delete", Ask: true},
	}
	if !entry.Enabled {
		deeds[2] = views.Deed{Name: "enable", Label: "Switch on", Href: path + "/enable"}
	}
	if entry.InUse > 0 {
		deeds[3].Why = ui.Plural(entry.InUse, "agent uses", "agents use") + " it; switch it off and wait until it is free"
	}
	if !who.may(fleet.ScopeAdmin) {
		for i := range deeds[1:] {
			deeds[i+1].Why = needsAdmin(who)
		}
	}
	return deeds
}

// CheckProxy answers POST /resources/proxies/{id}/check.
func (p *Pages) CheckProxy(c *fiber.Ctx, who Viewer) error {
	_, err := p.app.CheckProxy(c.UserContext(), who.Actor, c.Params("proxyId"))
	return done(c, err, back(c, poolPath))
}

// SwitchProxy answers POST /resources/proxies/{id}/enable and disable.
func (p *Pages) SwitchProxy(on bool) func(c *fiber.Ctx, who Viewer) error {
	return func(c *fiber.Ctx, who Viewer) error {
		_, err := p.app.UpdateProxy(c.UserContext(), who.Actor, c.Params("proxyId"), app.UpdateProxyInput{Enabled: &on})
		return done(c, err, back(c, poolPath))
	}
}

// ProxyDeleteForm answers GET /resources/proxies/{id}/delete.
func (p *Pages) ProxyDeleteForm(c *fiber.Ctx, who Viewer) error {
	m, err := p.proxyDelete(c, who)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Delete "+m.Proxy.Label, "resources")
	if err != nil {
		return err
	}
	return either(c, views.ProxyDeleteDialog(m), views.ProxyDeletePage(shell, m))
}

func (p *Pages) proxyDelete(c *fiber.Ctx, who Viewer) (m views.ProxyDelete, err error) {
	entry, err := p.app.Proxy(c.UserContext(), who.Actor, c.Params("proxyId"))
	m.Proxy = p.proxy(who, entry)
	return m, err
}

// DeleteProxy answers POST /resources/proxies/{id}/delete.
func (p *Pages) DeleteProxy(c *fiber.Ctx, who Viewer) error {
	remember(c, sent{title: "Delete proxy", nav: "resources", again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.proxyDelete(c, who)
		m.Form = f
		return views.ProxyDeleteDialog(m), func(s views.Shell) templ.Component { return views.ProxyDeletePage(s, m) }, err
	}})
	return done(c, p.app.DeleteProxy(c.UserContext(), who.Actor, c.Params("proxyId")), poolPath)
}

// addedPath leads to the pool, which says what came of it.
func addedPath(out app.AddedProxies) string {
	return fmt.Sprintf("%s?added=%d&there=%d", poolPath, len(out.Added), out.There)
}

// trimmed is a field without the blanks around it.
func trimmed(c *fiber.Ctx, name string) string { return strings.TrimSpace(field(c, name)) }
