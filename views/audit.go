package views

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// AuditPage is /audit. Its filters are as typed: GET /audit with kind, actor,
// agent, action, outcome, from, to.
type AuditPage struct {
	Shell
	Kind, Actor, Agent, Action, Outcome string
	// From and To are local times of Zone, an IANA name.
	From, To, Zone string
	Actions        []ActionGroup
	Rows           []Audit
	Pager          ui.Pager
	Filtered       bool
	// Back is how far back was looked for what fits, where the search was given
	// up; zero is that it was not.
	Back time.Time
	// Wrong says what is wrong with the filters, "" is nothing.
	Wrong string
	// CSVHref is the same list as a file.
	CSVHref string
	News    AuditNews
}

// AuditNews says how much was written since the page was made. It is a live
// region: GET /audit/new with since and the filters.
type AuditNews struct {
	// Href asks again, PageHref shows the list from the newest on.
	Href, PageHref string
	// N is how many, Most where counting stops. Some is that not all were looked
	// at.
	N, Most int
	Some    bool
}

func (n AuditNews) text() string {
	if n.Some && n.N < n.Most {
		return "Much was written meanwhile: look again"
	}
	if n.N >= n.Most {
		return ui.Number(n.Most) + " or more new entries"
	}
	return ui.Plural(n.N, "new entry", "new entries")
}

// ActionGroup is a part of the choice of actions.
type ActionGroup struct {
	Name    string
	Options []ui.Option
}

// ActionGroups makes the choice of what was ever done in a team; current stays
// in it whatever it is.
func ActionGroups(actions []string, current string) (list []ActionGroup) {
	if current != "" && !strings.HasSuffix(current, ".*") && !slices.Contains(actions, current) {
		actions = append(slices.Clone(actions), current)
	}
	at := map[string]int{}
	for _, action := range actions {
		group := fleet.AuditGroup(action)
		i, ok := at[group]
		if !ok {
			i, at[group] = len(list), len(list)
			words := fleet.AuditGroupWords(group)
			list = append(list, ActionGroup{Name: words, Options: []ui.Option{{Value: group + ".*", Label: words + ": all"}}})
		}
		list[i].Options = append(list[i].Options, ui.Option{Value: action, Label: fleet.ActionWords(action)})
	}
	slices.SortFunc(list, func(a, b ActionGroup) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// History is the tab of an agent's audit, newest first.
type History struct {
	AgentID string
	Items   []Audit
	Pager   ui.Pager
	Now     time.Time
}

// Audit is one row: somebody did something, or tried.
type Audit struct {
	fleet.AuditEntry
	Now time.Time
}

func (a Audit) who() string {
	if a.ActorName == "" {
		return a.ActorKind.Word()
	}
	return a.ActorName
}

// kind says what the actor is where its name does not.
func (a Audit) kind() string {
	if word := a.ActorKind.Word(); a.ActorKind != fleet.ActorMember && word != a.who() {
		return word
	}
	return ""
}

func (a Audit) pill() ui.Pill {
	switch {
	case !a.Refused():
		return ui.Pill{Tone: ui.Mute, Shape: "dot", Word: "done"}
	case a.Outcome == string(fleet.CodeStartFailed):
		return ui.Pill{Tone: ui.Warn, Shape: "triangle", Word: "failed"}
	}
	return ui.Pill{Tone: ui.Bad, Shape: "slash", Word: "refused"}
}

// actorHref leads to all that the actor did.
func (a Audit) actorHref() string {
	if a.ActorID == "" {
		return "/audit?" + url.Values{"kind": {string(a.ActorKind)}}.Encode()
	}
	return "/audit?" + url.Values{"actor": {a.ActorID}}.Encode()
}

// agentWords names the agent; the name of one that is gone went with it.
func (a Audit) agentWords() string {
	if a.AgentName == "" {
		return "deleted agent"
	}
	return a.AgentName
}

// line is the detail in a few words: "running → paused, tasks 3". Ids are left
// to the disclosure.
func (a Audit) line() string {
	var parts []string
	if to, ok := a.Detail["to"].(string); ok {
		part := fleet.Status(to).Word()
		if from, ok := a.Detail["from"].(string); ok {
			part = fleet.Status(from).Word() + " → " + part
		}
		parts = append(parts, part)
	}
	var rest []string
	for name, value := range a.Detail {
		if text := fmt.Sprint(value); name != "to" && name != "from" && !strings.HasSuffix(name, "Id") && text != "" {
			rest = append(rest, name+" "+text)
		}
	}
	slices.Sort(rest)
	return strings.Join(append(parts, rest...), ", ")
}

// facts are what the disclosure has.
func (a Audit) facts() []Fact {
	facts := []Fact{
		{Label: "Entry", Value: fmt.Sprint(a.ID)}, {Label: "At", Value: ui.Absolute(a.At, a.Now)}, {Label: "Action", Value: a.Action},
		{Label: "Outcome", Value: a.Outcome}, {Label: a.ActorKind.Word(), Value: a.ActorID}, {Label: "Agent", Value: string(a.AgentID)}, {Label: "Request", Value: a.RequestID},
	}
	var rest []Fact
	for name, value := range a.Detail {
		rest = append(rest, Fact{Label: name, Value: fmt.Sprint(value)})
	}
	slices.SortFunc(rest, func(a, b Fact) int { return strings.Compare(a.Label, b.Label) })
	return slices.DeleteFunc(append(facts, rest...), func(f Fact) bool { return f.Value == "" })
}

// certificateHref leads from a deletion's entry to its certificate, "" from
// others.
func (a Audit) certificateHref() string {
	if id, ok := a.Detail["deletionId"].(string); ok {
		return "/deletions/" + id
	}
	return ""
}
