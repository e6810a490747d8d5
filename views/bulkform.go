package views

import (
	"strings"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// BulkForm is the page before a bulk: what it will do, what it skips and why,
// and how. It posts to /bulk; while tags are still to be named, to /bulk/new.
type BulkForm struct {
	Form
	Action fleet.BulkAction
	// IDs are the chosen agents; All is that Filters decide instead.
	IDs     []string
	All     bool
	Filters []ui.Option
	// Back is the list that led here.
	Back string
	// Plan is nil while tags are still to be named.
	Plan *fleet.BulkPlan
	// RetryOf makes it the retry of what failed in that bulk; "" is none. It
	// posts to /bulk/{id}/retry then.
	RetryOf string
	// What was typed.
	PerMinute, Canary, StopAfter       string
	Reason, AddTags, RemoveTags, Typed string
	// Moved: other agents fit than on the page that was confirmed; these are
	// shown.
	Moved bool
}

func (m BulkForm) action() string {
	switch {
	case m.RetryOf != "":
		return bulkPath(m.RetryOf, "retry")
	case m.Plan == nil:
		return "/bulk/new"
	}
	return "/bulk"
}

// Title asks: "Relaunch 37 agents?"
func (m BulkForm) Title() string {
	switch {
	case m.Plan == nil:
		return "Which tags?"
	case m.Plan.Will == 0 && m.Plan.Total == 1:
		return "The agent cannot be " + bulkWords(m.Action).done
	case m.Plan.Will == 0:
		return "None of them can be " + bulkWords(m.Action).done
	}
	return BulkTitle(m.Action, m.Plan.Will) + "?"
}

// counts say how many of the chosen it concerns.
func (m BulkForm) counts() string {
	p := m.Plan
	if p.Will == p.Total {
		return "All " + ui.Plural(p.Total, "chosen agent", "chosen agents")
	}
	return ui.Number(p.Will) + " of " + ui.Plural(p.Total, "chosen agent", "chosen agents")
}

// fewNames is how many names a sentence has.
const fewNames = 10

// some names a few: "Ada, Bruno and 35 more".
func some(names []string, n int) string {
	if len(names) == 0 {
		return ""
	}
	names = names[:min(len(names), fewNames)]
	text := everyName(names)
	if more := n - len(names); more > 0 {
		text += " and " + ui.Number(more) + " more"
	}
	return text
}

// everyName parts names by commas, each with a direction of its own.
func everyName(names []string) string {
	return "\u2068" + strings.Join(names, "\u2069, \u2068") + "\u2069"
}

// listed says how many of n a list of names has.
func listed(names []string, n int) string {
	if len(names) < n {
		return "The first " + ui.Number(len(names))
	}
	return "All " + ui.Number(n)
}

// skipWhy is a reason in a few words; the sentence is beside it.
func skipWhy(s fleet.BulkSkip) string {
	switch s.Code {
	case fleet.CodeProtected:
		return "protected"
	case fleet.CodeForbidden:
		return "no right"
	case fleet.CodeInvalidStatus:
		return "status"
	case fleet.CodeNotFound:
		return "not found"
	case fleet.CodeUnchanged:
		return "so already"
	}
	return "other"
}
