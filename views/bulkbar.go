package views

import "agentry/views/ui"

// BulkBar is what stands under the fleet for who may act on many agents: it
// posts the chosen ones, or all that match, to /bulk/new.
type BulkBar struct {
	// List is the address of the list with its filters: what was chosen
	// belongs to it.
	List string
	// Matching counts what the filters leave, on all pages.
	Matching int
	// Filters are the list's as name and value, for all that match.
	Filters []ui.Option
	Actions []BulkChoice
}

// BulkChoice is an action of many agents.
type BulkChoice struct {
	Action, Label string
	// Why it is not for this member; "" is: it is.
	Why string
}
