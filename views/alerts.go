package views

import "agentry/views/ui"

// Alerts is /alerts: sign-in challenges first, then open ones, then the rest.
type Alerts struct {
	Shell Shell
	// Tabs are the links of the state filter.
	Tabs []ui.Tab
	// Challenges wait for a code; they are not in Items again.
	Challenges []Alert
	Items      []Alert
	Pager      ui.Pager
	// AllOpen: the present filter shows open alerts only.
	AllOpen bool
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

func (a Alert) kind() string {
	if a.SubType == "" {
		return a.Type
	}
	return a.Type + " / " + a.SubType
}
