package pages

import (
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// Call is the call of /v1 that answers what a page shows.
type Call struct {
	// Page and Route are patterns of the route table.
	Page, Route string
	// param must have the value in the page's address; "" is any address for
	// which there is no other call.
	param, value string
	// query makes the call's query of the page's; nil has none.
	query func(c *fiber.Ctx) url.Values
}

// Calls is the one table of what each page is on /v1. A page that is not here
// shows nothing that /v1 has.
func Calls() []Call {
	const agent, api = "/fleet/:agentId", "/v1/agents/:agentId"
	limit := func(*fiber.Ctx) url.Values { return url.Values{"limit": {"50"}} }
	list := []Call{
		{Page: "/fleet", Route: "/v1/agents", query: fleetQuery},
		{Page: "/fleet/views", Route: "/v1/views"},
		{Page: agent, Route: api},
		{Page: agent + "/setup", Route: api},
		{Page: agent + "/relaunch", Route: api + "/preview", query: func(*fiber.Ctx) url.Values { return url.Values{"action": {"relaunch"}} }},
		{Page: agent + "/delete", Route: api + "/preview", query: func(*fiber.Ctx) url.Values { return url.Values{"action": {"delete"}} }},
		{Page: agent, param: "tab", value: "usage", Route: api + "/usage"},
		{Page: agent, param: "tab", value: "logs", Route: api + "/logs", query: same("level")},
		{Page: "/alerts", Route: "/v1/alerts", query: alertsQuery},
		{Page: "/alerts", param: "group", value: "type", Route: "/v1/alerts/groups", query: groupsQuery},
		{Page: "/alerts", param: "group", value: "agent", Route: "/v1/alerts/groups", query: groupsQuery},
		{Page: "/resources", Route: "/v1/resources", query: ledgerQuery},
		{Page: "/resources/proxies", Route: "/v1/proxies", query: same("health")},
		{Page: "/bulk", Route: "/v1/bulk", query: limit},
		{Page: "/bulk/:bulkId", Route: "/v1/bulk/:bulkId"},
		{Page: "/audit", Route: "/v1/audit", query: auditQuery},
		{Page: "/deletions", Route: "/v1/deletions", query: limit},
		{Page: "/deletions/:deletionId", Route: "/v1/deletions/:deletionId"},
		{Page: "/system", Route: "/v1/system"},
		{Page: "/settings", Route: "/v1/team"},
		{Page: "/settings/keys", Route: "/v1/keys"},
		{Page: "/settings/members", Route: "/v1/members"},
	}
	for _, tab := range []string{"tasks", "alerts", "messages", "resources", "history"} {
		list = append(list, Call{Page: agent, param: "tab", value: tab, Route: api + "/" + tab, query: limit})
	}
	return list
}

// curl is the command for what the page shows, "" where there is none.
func (p *Pages) curl(c *fiber.Ctx) string {
	page := c.Route().Path
	if c.Method() != fiber.MethodGet || strings.ContainsAny(c.BaseURL(), `'\`) {
		return ""
	}
	var found *Call
	for _, call := range Calls() {
		if call.Page == page && (call.param == "" && found == nil || call.param != "" && call.value == query(c, call.param)) {
			found = &call
		}
	}
	if found == nil {
		return ""
	}
	path := found.Route
	for name, value := range c.AllParams() {
		path = strings.ReplaceAll(path, ":"+name, url.PathEscape(value))
	}
	values := url.Values{}
	if found.query != nil {
		values = found.query(c)
	}
	return `curl -H "Authorization: Bearer $AGENTRY_API_KEY" '` + c.BaseURL() + address(path, values) + `'`
}

// same keeps parameters that the call has under the same name.
func same(names ...string) func(c *fiber.Ctx) url.Values {
	return func(c *fiber.Ctx) url.Values {
		values := url.Values{}
		for _, name := range names {
			if v := query(c, name); v != "" {
				values.Set(name, v)
			}
		}
		return values
	}
}

// fleetQuery is the list with its filters and order; the page hides what ended.
func fleetQuery(c *fiber.Ctx) url.Values {
	values := same("status", "q", "country", "kind", "tag", "alerts", "sort")(c)
	values.Set("limit", "50")
	if !values.Has("sort") {
		values.Set("sort", "attention")
	}
	if !values.Has("status") {
		var shown []string
		for _, s := range fleet.Statuses() {
			if s != fleet.Ended {
				shown = append(shown, string(s))
			}
		}
		values.Set("status", strings.Join(shown, ","))
	}
	return values
}

func alertsQuery(c *fiber.Ctx) url.Values {
	values := same("state", "type")(c)
	q, _ := alertsOf(c)
	if q.sub != nil {
		values.Set("subType", *q.sub)
	}
	if q.agent != nil {
		values.Set("agentId", *q.agent) // the team's word is the same
	}
	return values
}

// groupsQuery is alertsQuery for groups of alerts, which the sign-ins above them
// are not in.
func groupsQuery(c *fiber.Ctx) url.Values {
	values := alertsQuery(c)
	if q, _ := alertsOf(c); q.input().NoCodes {
		values.Set("codes", "false")
	}
	values.Set("by", query(c, "group"))
	return values
}

func ledgerQuery(c *fiber.Ctx) url.Values {
	values := same("state")(c)
	if values.Get("state") == "attention" {
		return url.Values{"stuck": {"true"}}
	}
	return values
}

// auditQuery has its times as instants.
func auditQuery(c *fiber.Ctx) url.Values {
	in, values, err := auditAsked(c)
	if err != nil {
		return url.Values{}
	}
	values.Del("zone")
	for name, at := range map[string]time.Time{"from": in.From, "to": in.To} {
		if values.Del(name); !at.IsZero() {
			values.Set(name, at.UTC().Format(time.RFC3339))
		}
	}
	return values
}
