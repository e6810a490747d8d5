package views

import (
	"net"
	"strconv"
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Proxies is /resources/proxies: the team's pool.
type Proxies struct {
	Shell Shell
	Tabs  []ui.Tab
	Chips []Chip
	Rows  []Proxy
	Pager ui.Pager
	// Filtered: only one health is shown. CanAdd: the member may add entries.
	Filtered, CanAdd bool
}

// Proxy is one entry of the pool, with what may be done with it.
type Proxy struct {
	fleet.Proxy
	Deeds []Deed
	// Checking: a check is due or under way.
	Checking bool
	Now      time.Time
}

// endpoint is where it is; who is let in is nobody's business here.
func (p Proxy) endpoint() string {
	return p.Scheme + "://" + net.JoinHostPort(p.Host, strconv.Itoa(p.Port))
}

func (p Proxy) use() ui.Meter {
	return ui.Meter{Value: p.InUse, Max: p.Capacity, Label: ui.Number(p.InUse) + " of " + ui.Number(p.Capacity)}
}

// exit is what the last good check saw.
func (p Proxy) exit() string {
	if p.LastIP == "" {
		return ""
	}
	if p.LastCountry == "" {
		return "exit " + p.LastIP
	}
	return "exit " + p.LastIP + " in " + p.LastCountry
}

func (p Proxy) latency() string {
	if p.Latency <= 0 {
		return ""
	}
	if p.Latency < time.Millisecond {
		return "under 1 ms"
	}
	return ui.Number(int(p.Latency.Milliseconds())) + " ms"
}

// ProxyPill draws the health of an entry. One that failed just now is not yet
// quarantined, and not shown as healthy either.
func ProxyPill(p fleet.Proxy) ui.Pill {
	switch {
	case p.Health == fleet.ProxyQuarantined:
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: "quarantined"}
	case p.Fails > 0:
		return ui.Pill{Tone: ui.Warn, Shape: "triangle", Word: "failing"}
	case p.Health == fleet.ProxyHealthy:
		return ui.Pill{Tone: ui.OK, Shape: "dot", Word: "healthy"}
	}
	return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: "not checked"}
}

// ProxyForm is one entry: POST /resources/proxies/new or
// /resources/proxies/{id}/edit with version, label, scheme, host, port,
// username, password, country, capacity, ipMode, sessionTtlMin. The password
// never comes back.
type ProxyForm struct {
	Form
	// ID is "" for a new entry.
	ID                                           string
	Version                                      int64
	Label, Scheme, Host, Port, Username, Country string
	Capacity, IPMode, SessionTTL                 string
	HasPassword                                  bool
	InUse                                        int
}

func (m ProxyForm) action() string {
	if m.ID == "" {
		return "/resources/proxies/new"
	}
	return "/resources/proxies/" + m.ID + "/edit"
}

func (m ProxyForm) passwordHint() string {
	if m.HasPassword {
		return "Empty: the present one stays."
	}
	return "Kept sealed and never shown again. It may have placeholders too."
}

func proxySchemes() []ui.Option {
	return []ui.Option{{Value: "http", Label: "http (CONNECT)"}, {Value: "socks5", Label: "socks5"}}
}

func proxyModes() []ui.Option {
	return []ui.Option{
		{Value: "", Label: "As the session says"}, {Value: "sticky", Label: "sticky: stays for a session"},
		{Value: "static", Label: "static: always the same"}, {Value: "rotating", Label: "rotating: another each time"},
	}
}

// ProxyPaste adds many: POST /resources/proxies/paste, multipart, with text,
// file, country and capacity.
type ProxyPaste struct {
	Form
	Text, Country, Capacity string
	// Lines say what is wrong with lines of Text.
	Lines []ProxyLine
	// MoreLines counts wrong ones that are not among Lines.
	MoreLines int
}

// ProxyLine is what is wrong with a line.
type ProxyLine struct {
	Line int
	Text string
}

// ProxyDelete asks before an entry goes: POST /resources/proxies/{id}/delete.
type ProxyDelete struct {
	Form
	Page  bool
	Proxy Proxy
}

func (m ProxyDelete) alone() ProxyDelete {
	m.Page = true
	return m
}
