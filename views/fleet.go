package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Fleet is the list of agents.
type Fleet struct {
	Shell Shell
	List  FleetList
}

// FleetList is the part of the fleet page that its filters decide.
type FleetList struct {
	Total int
	Chips []Chip
	// Query, Status and the rest are the present filters as they stand in the
	// URL: q, status, country, kind, tag, alerts, sort.
	Query, Status, Country, Kind, Tag, Alerts, Sort string
	// Countries, Kinds, Tags, AlertChoices and Sorts are the choices, each with
	// "" first.
	Countries, Kinds, Tags, AlertChoices, Sorts []ui.Option
	// Rows are FleetRows; nil is: there are none.
	Rows  templ.Component
	Pager ui.Pager
	// Views are the saved ones.
	Views ViewMenu
	// CSVHref is the download of the whole list with its filters.
	CSVHref string
	// Bulk acts on chosen rows; nil is: the member may not.
	Bulk *BulkBar
	// CanCreate: the member may create agents.
	CanCreate bool
}

// filtered tells whether anything but the sort narrows the list.
func (l FleetList) filtered() bool {
	return l.Query != "" || l.Status != "" || l.Country != "" || l.Kind != "" || l.Tag != "" || l.Alerts != ""
}

// Chip is one status with its count.
type Chip struct {
	// Status is the value in the URL: "" is all, "attention" needs attention.
	Status, Label string
	Count         int
	Href          string
	Current       bool
}

// Chips makes the chips in their order: all, needs attention, each status.
// counts are by Status; href makes the link for one, keeping the other filters.
func Chips(counts map[string]int, current string, href func(status string) string) []Chip {
	chips := []Chip{{Label: "All"}, {Status: "attention", Label: "Needs attention"}}
	for _, s := range fleet.Statuses() {
		word := s.Word()
		chips = append(chips, Chip{Status: string(s), Label: strings.ToUpper(word[:1]) + word[1:]})
	}
	for i, c := range chips {
		chips[i].Count, chips[i].Href, chips[i].Current = counts[c.Status], href(c.Status), c.Status == current
	}
	return chips
}

// Row is one agent in the list.
type Row struct {
	ID, Name, Login, Country string
	Status, Observed         string
	// LastHeard is zero where nothing was heard; Since is when the status began.
	LastHeard, Since time.Time
	// Why is the one sentence that says why it is not working now; "" is: it works.
	Why        string
	OpenAlerts int
	Protected  bool
	Tags       []string
	// Pick: it can be chosen for a bulk action.
	Pick bool
	// Use is today's usage against the limit that is nearest: "18 of 25 today".
	Use ui.Meter
	// Spark are 14 daily counts, oldest first.
	Spark []int
	// NextTask is the type, NextTaskAt when it is due; zero is none.
	NextTask   string
	NextTaskAt time.Time
	Actions    []Action
	Now        time.Time
}

func (r Row) sub() string {
	switch {
	case r.Login == "":
		return orDash(r.Country)
	case r.Country == "":
		return r.Login
	}
	return r.Login + " ·\u00a0" + r.Country
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// heardWord says what the time beside a pill means.
func heardWord(observed string, lastHeard time.Time) string {
	switch {
	case lastHeard.IsZero():
		return ""
	case observed == "none", observed == "":
		return ""
	}
	return "last heard"
}

func observedWord(observed string) string {
	switch observed {
	case "starting":
		return "starting"
	case "backoff":
		return "restarting"
	case "stopping":
		return "stopping"
	}
	return ""
}

func primary(actions []Action) (out []Action) {
	for _, a := range actions {
		if a.Primary {
			out = append(out, a)
		}
	}
	return out
}

func secondary(actions []Action) (out []Action) {
	for _, a := range actions {
		if !a.Primary {
			out = append(out, a)
		}
	}
	return out
}

// someTags are as many as a row shows; the agent's page shows all.
const someTags = 6
