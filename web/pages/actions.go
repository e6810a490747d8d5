package pages

import (
	"slices"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// actions are what this member may do with an agent now, with the reason where
// it stands in the list but cannot be done. A viewer has none.
func (p *Pages) actions(who Viewer, v app.AgentView) []views.Action {
	kind, _ := p.app.Kind(v.Kind)
	list := views.ActionsFor(views.Facts{
		AgentID: string(v.ID), Status: string(v.Status), Observed: string(v.Runtime.State),
		NeedsSetup: kind.NeedsSetup(), Challenged: challenged(v), TeamPaused: v.TeamPaused, Protected: v.Protected != nil,
		Why: func(verb string) string { return whyNot(who, v, verb) },
	})
	if who.may(fleet.ScopeOperate) {
		return list
	}
	return slices.DeleteFunc(list, func(a views.Action) bool { return a.Href == "" })
}

// whyNot is the reason for which a member cannot do what the status allows.
func whyNot(who Viewer, v app.AgentView, verb string) string {
	switch need := needed(verb); {
	case !who.may(need):
		return "Needs an admin; you are " + article(string(who.Member.Role))
	case v.Today.TeamPause != nil && (verb == string(fleet.MoveStart) || verb == string(fleet.MoveResume)):
		return "The team is paused; resume the team first"
	case verb == string(fleet.MoveDelete) && v.Protected != nil:
		return "It is protected; remove the protection first"
	}
	return ""
}

// needed is the scope of an action on an agent; the routes say the same.
func needed(verb string) fleet.Scope {
	switch verb {
	case "delete":
		return fleet.ScopeDelete
	case "disable", "enable", "unprotect":
		return fleet.ScopeAdmin
	}
	return fleet.ScopeOperate
}

func article(noun string) string {
	if noun != "" && slices.Contains([]byte("aeiou"), noun[0]) {
		return "an " + noun
	}
	return "a " + noun
}

// challenged tells whether a sign-in waits for a code.
func challenged(v app.AgentView) bool {
	return v.Status == fleet.AuthNeeded && slices.ContainsFunc(v.Alerts, fleet.Alert.AsksCode)
}
