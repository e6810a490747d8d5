package views

import "agentry/views/ui"

// Alerts is /alerts: one state, the sign-ins that wait for a code first.
type Alerts struct {
	Shell Shell
	// Tabs are the links of the state filter.
	Tabs []ui.Tab
	// State ("" is open), Type and Group are the present choices; Types are those
	// of Type, with "" first. Narrowed: more than the state narrows.
	State, Type, Group string
	Types              []ui.Option
	Narrowed           bool
	// Challenges wait for a code; they are not in Items again. MoreCodes counts
	// those beyond.
	Challenges []Alert
	MoreCodes  int
	// Items are shown, or with a Group the Groups.
	Items  []Alert
	Groups []AlertGroup
	// AckAll acknowledges the whole list; nil offers it not.
	AckAll *AlertGroup
	Pager  ui.Pager
	// MayAck: the member may acknowledge.
	MayAck bool
}

// AlertGroup are alerts of one type or agent, with the newest of them. POST
// /alerts/ack with type, sub and agent acknowledges the open ones; Sub and Agent
// are nil where they do not count.
type AlertGroup struct {
	Newest     Alert
	Alerts     int
	Href       string
	ByAgent    bool
	Type       string
	Sub, Agent *string
	// NoCodes: without the sign-ins that wait for a code.
	NoCodes bool
}

// name is what the group is of.
func (g AlertGroup) name() string {
	switch {
	case !g.ByAgent:
		return g.Newest.kind()
	case g.Newest.AgentID == "":
		return "Team"
	}
	return g.Newest.AgentName
}

// groupings are the choices of group in the address.
func groupings() []ui.Option {
	return []ui.Option{{Value: "", Label: "One by one"}, {Value: "type", Label: "By type"}, {Value: "agent", Label: "By agent"}}
}

func severityPill(severity string) ui.Pill {
	switch severity {
	case "error":
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: "error"}
	case "warning":
		return ui.Pill{Tone: ui.Warn, Shape: "triangle", Word: "warning"}
	}
	return ui.Pill{Tone: ui.Info, Shape: "dot", Word: severity}
}

// snoozes are the choices of POST /alerts/{id}/snooze, field for, a Go duration.
func snoozes() []ui.Option {
	return []ui.Option{{Value: "1h", Label: "1 hour"}, {Value: "4h", Label: "4 hours"}, {Value: "24h", Label: "1 day"}, {Value: "168h", Label: "1 week"}}
}

// zone is that in which a date and time is typed; the script puts the
// browser's own there where that was chosen.
func (a Alert) zone() string { return a.Now.Location().String() }

func (a Alert) kind() string {
	if a.SubType == "" {
		return a.Type
	}
	return a.Type + " / " + a.SubType
}
