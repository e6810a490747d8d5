package views

import (
	"slices"

	"agentry/views/ui"
)

// Zone is the choice of the time zone that times are written in: POST /zone
// with zone, name and from.
type Zone struct {
	Form
	// Zone is "" (the browser's own), utc, agent or an IANA name; Name is one
	// that was typed.
	Zone, Name string
	// From is the page to go back to.
	From string
}

// zoneChoices are the first choices of a zone, the present one among them.
func zoneChoices(current string) []ui.Option {
	list := []ui.Option{{Value: "", Label: "This browser's"}, {Value: "utc", Label: "UTC"}, {Value: "agent", Label: "Each agent's"}}
	if !slices.ContainsFunc(list, func(o ui.Option) bool { return o.Value == current }) {
		list = append(list, ui.Option{Value: current, Label: current})
	}
	return list
}

// zoneList is zoneChoices with places all over the world.
func zoneList(current string) []ui.Option {
	list := zoneChoices(current)
	for _, name := range []string{
		"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Anchorage", "America/Argentina/Buenos_Aires",
		"America/Bogota", "America/Chicago", "America/Denver", "America/Halifax", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
		"America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem",
		"Asia/Karachi", "Asia/Kolkata", "Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo",
		"Australia/Perth", "Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Helsinki", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Paris", "Europe/Rome", "Europe/Stockholm",
		"Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu",
	} {
		if name != current {
			list = append(list, ui.Option{Value: name, Label: name})
		}
	}
	return list
}
