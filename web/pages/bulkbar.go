package pages

import (
	"strings"

	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// bulkBar is for who may act on what the list has; nil for a viewer.
func (l listing) bulkBar(who Viewer, matching int) *views.BulkBar {
	if !who.may(fleet.ScopeOperate) {
		return nil
	}
	return &views.BulkBar{List: l.href(), Matching: matching, Filters: l.filters(), Actions: bulkChoices(who)}
}

// filters are the values that narrow the list, by their names in the address.
func (l listing) filters() (list []ui.Option) {
	for _, f := range []ui.Option{
		{Label: "status", Value: l.status}, {Label: "q", Value: l.q}, {Label: "country", Value: l.country},
		{Label: "kind", Value: l.kind}, {Label: "tag", Value: l.tag}, {Label: "alerts", Value: l.alerts}, {Label: "sort", Value: l.sort},
	} {
		if f.Value != "" {
			list = append(list, f)
		}
	}
	return list
}

// bulkChoices are the actions, with the reason where the member may not.
func bulkChoices(who Viewer) (list []views.BulkChoice) {
	for _, action := range fleet.BulkActions() {
		word := string(action)
		choice := views.BulkChoice{Action: word, Label: strings.ToUpper(word[:1]) + word[1:]}
		if !who.may(action.Need()) {
			choice.Why = "needs an admin; you are " + article(string(who.Member.Role))
		}
		list = append(list, choice)
	}
	return list
}
