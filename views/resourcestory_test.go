package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

func sampleResource(typ fleet.ResourceType, state fleet.ResourceState, failed string) Resource {
	r := Resource{AgentName: "Ada Lindqvist", Now: testNow, VendorState: fleet.VendorOK, Resource: fleet.Resource{
		ID: "018f3c1e-7a2b-7c3d-8e4f-0000000000e1", AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000001", Incarnation: 2, Type: typ, Vendor: "gologin", Label: "GoLogin",
		State: state, CreatedAt: ago(time.Hour), StateAt: ago(50 * time.Minute), LastError: failed,
	}}
	switch typ {
	case fleet.ResourceProxy:
		r.Vendor, r.Label, r.Country, r.VendorState = fleet.VendorPool, "decodo-gb-1", "GB", ""
	case fleet.ResourceAgent:
		r.Vendor, r.Label, r.VendorState = "eliza", "", ""
	}
	switch state {
	case fleet.ResourceHeld, fleet.ResourceReleasing, fleet.ResourceLeaked, fleet.ResourceReleased:
		r.HeldAt = ago(55 * time.Minute)
		if typ == fleet.ResourceProfile {
			r.ExternalID = "64f0c0ffee64f0c0ffee64f0"
		}
	}
	if state == fleet.ResourceReleased {
		r.ReleasedAt = r.StateAt
	}
	if failed != "" {
		r.Tries, r.NextTry = 4, testNow.Add(12*time.Second)
		r.Deeds = []Deed{{Name: "retry", Label: "Retry", About: " the browser profile", Href: "/resources/e1/retry"}, {Name: "forget", Label: "Forget", Href: "/resources/e1/forget", Ask: true, Why: "Needs an admin; you are an operator"}}
	}
	return r
}

func sampleResources() Resources {
	forgotten := sampleResource(fleet.ResourceProfile, fleet.ResourceLeaked, "")
	forgotten.Forgotten = &fleet.Forgotten{By: "Mara Ruiz", Reason: "Deleted by hand <b>there</b>", At: ago(40 * time.Minute)}
	gone := sampleResource(fleet.ResourceProfile, fleet.ResourceReleasing, "GoLogin does not answer: no answer within 30 s")
	gone.AgentName, gone.VendorState, gone.NextTry = "", fleet.VendorDown, time.Time{}
	parked := sampleResource(fleet.ResourceProxy, fleet.ResourceReleasing, "")
	return Resources{
		Shell: sampleShell("Resources", "resources"), CanAdd: true,
		Tabs: []ui.Tab{{Href: "/resources", Label: "Ledger", Current: true}, {Href: "/resources/proxies", Label: "Proxy pool", Count: 6}},
		Vendors: []Vendor{
			{Vendor: fleet.Vendor{Name: "gologin", Label: "GoLogin", StandIn: true, State: fleet.VendorDown, Since: ago(12 * time.Minute), Message: "no answer within 30 s"}, Now: testNow, Check: &Deed{Name: "check-vendor", Label: "Check again", Href: "/resources/vendors/gologin/check"}},
			{Vendor: fleet.Vendor{Name: "other", Label: "Other", State: fleet.VendorStopped, Since: ago(time.Hour), Message: "the token is not accepted", Checking: true}, Now: testNow},
			{Vendor: fleet.Vendor{Name: "third", Label: "Third", State: fleet.VendorOK}, Now: testNow},
		},
		Chips: []Chip{{Label: "All", Count: 63, Href: "/resources", Current: true}, {Status: "attention", Label: "Needs attention", Count: 3, Href: "/resources?state=attention"}},
		Groups: []ResourceGroup{
			{Name: "attention", Title: "Needs attention", Total: 34, MoreHref: "/resources?state=attention", Rows: []Resource{sampleResource(fleet.ResourceProfile, fleet.ResourceLeaked, "You do not have permission"), gone}},
			{Name: "underway", Title: "Under way", Rows: []Resource{sampleResource(fleet.ResourceProfile, fleet.ResourceAcquiring, ""), sampleResource(fleet.ResourceProxy, fleet.ResourceWanted, ""), parked}},
			{Name: "held", Title: "Held", Rows: []Resource{sampleResource(fleet.ResourceProxy, fleet.ResourceHeld, ""), sampleResource(fleet.ResourceAgent, fleet.ResourceHeld, "")}},
			{Name: "forgotten", Title: "Given up", Rows: []Resource{forgotten}},
			{Name: "released", Title: "Released", Rows: []Resource{sampleResource(fleet.ResourceProfile, fleet.ResourceReleased, "")}},
		},
	}
}

func filteredResources() Resources {
	m := sampleResources()
	m.Vendors, m.Filtered = nil, true
	m.Groups = []ResourceGroup{{Name: "found", Title: "Resources"}}
	return m
}

func sampleProxies() Proxies {
	entry := func(id, label string, health fleet.ProxyHealth, change func(*Proxy)) Proxy {
		p := Proxy{Now: testNow, Proxy: fleet.Proxy{
			ID: id, Label: label, Scheme: "http", Host: "gate.example", Port: 7000, Username: "not to be shown", HasPassword: true, Country: "GB", IPMode: fleet.ProxySticky,
			Capacity: 5, InUse: 2, Enabled: true, Health: health, LastCheckAt: ago(3 * time.Minute), LastIP: "192.0.2.7", LastCountry: "GB", Latency: 212 * time.Millisecond,
			NextCheckAt: testNow.Add(9 * time.Minute),
		}, Deeds: []Deed{
			{Name: "check", Label: "Check", About: " " + label, Href: "/resources/proxies/" + id + "/check"}, {Name: "edit", Label: "Edit", Href: "/resources/proxies/" + id + "/edit", Ask: true},
			{Name: "delete", Label: "Delete", Href: "/resources/proxies/" + id + "/delete", Ask: true, Why: "2 agents use it"},
		}}
		change(&p)
		return p
	}
	return Proxies{
		Shell: sampleShell("Proxy pool", "resources"), CanAdd: true, Pager: ui.Pager{Text: "4 shown, newest first"},
		Tabs:  []ui.Tab{{Href: "/resources", Label: "Ledger"}, {Href: "/resources/proxies", Label: "Proxy pool", Count: 4, Current: true}},
		Chips: []Chip{{Label: "All", Count: 4, Href: "/resources/proxies", Current: true}, {Status: "healthy", Label: "Healthy", Count: 2, Href: "/resources/proxies?health=healthy"}},
		Rows: []Proxy{
			entry("p1", "decodo-gb-1", fleet.ProxyHealthy, func(*Proxy) {}),
			entry("p2", "لندن 🧪", fleet.ProxyQuarantined, func(p *Proxy) { p.Fails, p.LastError, p.Enabled = 4, "The exit is in FR, not in GB", false }),
			entry("p3", "new", fleet.ProxyUnknown, func(p *Proxy) {
				p.LastCheckAt, p.LastIP, p.Latency, p.Checking, p.InUse, p.Deeds = time.Time{}, "", 0, true, 0, nil
			}),
			entry("p4", "failing", fleet.ProxyHealthy, func(p *Proxy) { p.Fails, p.LastError = 1, "No answer within 10 s" }),
		},
	}
}

// outsideProgress waits for what fails outside.
func outsideProgress() Progress {
	m := sampleProgress()
	m.Code, m.Status, m.MayEnd, m.Preparing = nil, "auth_in_progress", true, true
	m.Problem = &ui.Notice{Tone: ui.Warn, Title: "It cannot sign in yet", Text: "What failed below is tried again by itself.", Todo: "Retry it now, or end the agent."}
	retry := &Deed{Name: "retry", Label: "Retry", About: " the proxy", Href: "/resources/e1/retry"}
	m.Steps = []Step{
		m.Steps[0],
		{Label: "Proxy in GB", Detail: "The exit is in FR, not in GB.", State: "failed", NextTry: testNow.Add(12 * time.Second), Now: testNow, Retry: retry},
		{Label: "Browser profile", Detail: "GoLogin", State: "now", Word: "being made", Now: testNow},
		{Label: "Program started", State: "todo"}, {Label: "Signed in", State: "todo"}, {Label: "Running", State: "todo"},
	}
	return m
}
