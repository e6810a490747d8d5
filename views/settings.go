package views

import "agentry/views/ui"

// TeamSettings is /settings: the team itself.
type TeamSettings struct {
	Shell Shell
	Name  TeamName
	Pause TeamPause
}

// TeamName is the block that says what the team is called: POST
// /settings/team/name with name.
type TeamName struct {
	Form
	Name string
	// MayRename: the member may give it another name.
	MayRename bool
}

// settingsTabs are the sub-pages of the settings.
func settingsTabs(current string) []ui.Tab {
	tabs := []ui.Tab{{Href: "/settings", Label: "Team"}, {Href: "/settings/members", Label: "Members"}, {Href: "/settings/keys", Label: "API keys"}, {Href: "/settings/security", Label: "My account"}}
	for i := range tabs {
		tabs[i].Current = tabs[i].Href == current
	}
	return tabs
}
