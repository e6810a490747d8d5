package views

import (
	"slices"
	"strings"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// PillFor chooses the pill for a status and what is observed of the run. A
// running agent that is not heard is never shown as running.
func PillFor(status, observed string) ui.Pill {
	if status == "running" {
		switch observed {
		case "lost", "backoff":
			return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: "not responding"}
		case "up":
			return ui.Pill{Tone: ui.OK, Shape: "dot", Word: "running"}
		}
		return ui.Pill{Tone: ui.Info, Shape: "half", Word: "starting"}
	}
	word := fleet.Status(status).Word()
	switch status {
	case "paused":
		return ui.Pill{Tone: ui.Info, Shape: "bars", Word: word}
	case "auth_needed":
		return ui.Pill{Tone: ui.Warn, Shape: "triangle", Word: word}
	case "auth_in_progress":
		return ui.Pill{Tone: ui.Info, Shape: "half", Word: word}
	case "setup_needed":
		return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: word}
	case "disabled":
		return ui.Pill{Tone: ui.Mute, Shape: "slash", Word: word}
	case "ended":
		return ui.Pill{Tone: ui.Mute, Shape: "square", Word: word}
	}
	return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: word}
}

// Action is something that may be done with an agent, or why it may not.
type Action struct {
	// Verb is the last part of the path: "pause" is /fleet/{id}/pause.
	Verb, Label string
	// Ask: the verb has a form first (GET); else it is posted at once.
	Ask bool
	// Primary actions are buttons, the others lie in the menu.
	Primary bool
	// Href makes it a plain link to a page instead; "" is a verb.
	Href string
	// Why is the sentence for why it cannot be done now; "" is: it can.
	Why string
}

type actionRule struct {
	move     fleet.Move
	label    string
	ask      bool
	primary  []fleet.Status
	implicit bool // no status decides: protect and unprotect
}

// actionRules are in the order in which people see them.
func actionRules() []actionRule {
	return []actionRule{
		{move: fleet.MoveVerify, label: "Enter code", ask: true, primary: []fleet.Status{fleet.AuthNeeded}},
		{move: fleet.MoveSetup, label: "Set up", ask: true, primary: []fleet.Status{fleet.SetupNeeded}},
		{move: fleet.MoveStart, label: "Start", primary: []fleet.Status{fleet.SetupNeeded}},
		{move: fleet.MoveResume, label: "Resume", primary: []fleet.Status{fleet.Paused}},
		{move: fleet.MovePause, label: "Pause", ask: true, primary: []fleet.Status{fleet.Running}},
		{move: fleet.MoveEnable, label: "Enable", primary: []fleet.Status{fleet.Disabled}},
		{move: fleet.MoveRelaunch, label: "Relaunch", ask: true, primary: []fleet.Status{fleet.Ended}},
		{move: fleet.MoveDelete, label: "Delete", ask: true, primary: []fleet.Status{fleet.Ended}},
		{move: fleet.MoveDisable, label: "Disable", ask: true},
		{move: "protect", label: "Protect", ask: true, implicit: true},
		{move: "unprotect", label: "Remove protection", ask: true, implicit: true},
		{move: fleet.MoveEnd, label: "End", ask: true},
	}
}

// Facts are what decides which actions there are.
type Facts struct {
	AgentID, Status, Observed string
	// NeedsSetup: the kind asks for setup fields. Challenged: a sign-in code
	// is waited for.
	NeedsSetup, Challenged, Protected bool
	// TeamPaused: the team's pause took it from running.
	TeamPaused bool
	// Why, asked with a verb, answers the sentence for why this member may not
	// do it, "" when he may.
	Why func(verb string) string
}

// ActionsFor lists what may be done with an agent, in the order in which
// people see it. Of one that does not respond, the logs come first.
func ActionsFor(f Facts) []Action {
	from := fleet.Status(f.Status)
	facts := fleet.Facts{NeedsSetup: f.NeedsSetup}
	silent := f.Status == "running" && (f.Observed == "lost" || f.Observed == "backoff")
	var out []Action
	if silent {
		out = append(out, Action{Label: "Logs", Primary: true, Href: tabPath(f.AgentID, "logs")})
	}
	for _, r := range actionRules() {
		// A person's pause outlasts the team's.
		keep := r.move == fleet.MovePause && f.TeamPaused && from == fleet.Paused
		if keep {
			r.label = "Keep paused"
		}
		switch {
		case r.implicit && (r.move == "protect") == f.Protected,
			!r.implicit && !keep && !fleet.Allowed(from, r.move, facts),
			r.move == fleet.MoveVerify && !f.Challenged,
			r.move == fleet.MoveSetup && !f.NeedsSetup,
			r.move == fleet.MoveStart && from == fleet.Paused:
			continue
		}
		primary := !silent && slices.Contains(r.primary, from) || r.move == fleet.MoveSetup && from == fleet.AuthNeeded && !f.Challenged
		out = append(out, Action{
			Verb: string(r.move), Label: r.label, Ask: r.ask, Primary: primary, Why: f.Why(string(r.move)),
		})
	}
	return out
}

// Plainly says in the words of the pages what the API says with the names of
// its statuses: "Agent cannot be started while setup is needed".
func Plainly(message string) string {
	head, status, ok := strings.Cut(message, " when status is ")
	if !ok {
		return message
	}
	whiles := map[fleet.Status]string{
		fleet.SetupNeeded: "while setup is needed", fleet.AuthNeeded: "while sign-in is needed", fleet.AuthInProgress: "while it signs in",
		fleet.Running: "while it runs", fleet.Paused: "while it is paused", fleet.Disabled: "while it is disabled", fleet.Ended: "once it has ended",
	}
	var parts []string
	for s := range strings.SplitSeq(status, " or ") {
		words, ok := whiles[fleet.Status(s)]
		if !ok {
			return message
		}
		parts = append(parts, words)
	}
	return head + " " + strings.Join(parts, " or ")
}
