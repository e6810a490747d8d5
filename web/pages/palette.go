package pages

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// paletteHits is how many agents the palette offers.
const paletteHits = 10

// Palette answers GET /palette?q=&at=: what can be done with what was typed,
// for the script alone; at is the path of the page it is asked on.
func (p *Pages) Palette(c *fiber.Ctx, who Viewer) error {
	q := strings.TrimSpace(query(c, "q"))
	if !htmx(c) {
		return c.Redirect("/fleet?q="+url.QueryEscape(q), fiber.StatusSeeOther)
	}
	found, err := p.app.Find(c.UserContext(), who.Actor, q, paletteHits)
	if err != nil {
		return err
	}
	host := who.Member.Role == fleet.RoleOwner
	if host {
		if host, err = p.app.Hosts(c.UserContext(), who.Actor); err != nil {
			return err
		}
	}
	var m views.Palette
	add := func(title string, hits []views.Hit) {
		if len(hits) > 0 {
			m.Groups = append(m.Groups, views.PaletteGroup{Title: title, Hits: hits})
		}
	}
	here, name, err := p.hereHits(c, who, query(c, "at"))
	if err != nil {
		return err
	}
	add("Agents", agentHits(found))
	add(name, matching(q, here))
	saved, err := p.viewHits(c, who)
	if err != nil {
		return err
	}
	add("Saved views", matching(q, saved))
	add("Go to", matching(q, placeHits(who, host)))
	add("You", matching(q, ownHits()))
	return send(c, views.PaletteList(m))
}

// offer is a hit with the words that find it beside its label.
type offer struct {
	views.Hit
	words string
}

// matching are the offers that have every word of q at the beginning of one of
// theirs.
func matching(q string, offers []offer) (hits []views.Hit) {
	for _, o := range offers {
		if beginWith(strings.Fields(strings.ToLower(o.Label+" "+o.words)), strings.Fields(strings.ToLower(q))) {
			hits = append(hits, o.Hit)
		}
	}
	return hits
}

func beginWith(words, typed []string) bool {
	for _, t := range typed {
		found := false
		for _, w := range words {
			found = found || strings.HasPrefix(w, t)
		}
		if !found {
			return false
		}
	}
	return true
}

func agentHits(found []app.AgentView) (hits []views.Hit) {
	for _, v := range found {
		hits = append(hits, views.Hit{Label: v.Name, Hint: v.Login, Status: string(v.Status), Observed: string(v.Runtime.State), Href: agentPath(v.ID, "")})
	}
	return hits
}

func placeHits(who Viewer, host bool) (offers []offer) {
	for _, place := range views.Places() {
		if place.Create && !who.may(fleet.ScopeOperate) || place.Host && !host {
			continue
		}
		keys := ""
		if place.Key != "" {
			keys = "g " + place.Key
		}
		offers = append(offers, offer{views.Hit{Label: place.Label, Href: place.Href, Keys: keys}, place.Words})
	}
	return offers
}

func (p *Pages) viewHits(c *fiber.Ctx, who Viewer) (offers []offer, err error) {
	list, err := p.app.Views(c.UserContext(), who.Actor)
	for _, v := range list {
		offers = append(offers, offer{views.Hit{Label: v.Name, Href: "/fleet?view=" + v.ID}, "view saved"})
	}
	return offers, err
}

// ownHits are what concerns the page and who looks at it.
func ownHits() []offer {
	return []offer{
		{views.Hit{Label: "Change the theme", Do: "theme"}, "colour dark light auto mode"},
		{views.Hit{Label: "Keyboard help", Do: "help", Keys: "?"}, "keys shortcuts"},
		{views.Hit{Label: "Sign out", Do: "logout"}, "log out leave"},
	}
}

// hereHits are the tabs and actions of the agent whose page this is; none where
// it is another page or the agent is gone.
func (p *Pages) hereHits(c *fiber.Ctx, who Viewer, at string) (offers []offer, name string, err error) {
	rest, ok := strings.CutPrefix(at, "/fleet/")
	raw, _, _ := strings.Cut(rest, "/")
	id, isID := fleet.ParseID(raw)
	if !ok || !isID {
		return nil, "", nil
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, fleet.AgentID(id))
	if notHere(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, a := range p.actions(who, v) {
		path := agentPath(v.ID, "/"+a.Verb)
		switch {
		case a.Why != "":
		case a.Href != "":
			offers = append(offers, offer{views.Hit{Label: a.Label, Href: a.Href}, ""})
		case a.Ask && a.Verb == "setup":
			offers = append(offers, offer{views.Hit{Label: a.Label, Href: path}, ""})
		case a.Ask:
			offers = append(offers, offer{views.Hit{Label: a.Label + "…", Ask: path}, ""})
		default:
			offers = append(offers, offer{views.Hit{Label: a.Label, Post: path}, ""})
		}
	}
	for _, tab := range []string{"Usage", "Tasks", "Alerts", "Messages", "Logs", "Resources", "History"} {
		offers = append(offers, offer{views.Hit{Label: tab, Href: agentPath(v.ID, "?tab="+strings.ToLower(tab))}, "tab"})
	}
	return offers, v.Name, nil
}
