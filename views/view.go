package views

import (
	"net/url"
	"strings"
	"time"
)

// ViewMenu are the saved views above the fleet's list.
type ViewMenu struct {
	Items []ViewLink
	// SaveHref is the form that saves the present filter and order.
	SaveHref string
}

// current is the name of the view that the list shows, "" is none.
func (m ViewMenu) current() string {
	for _, v := range m.Items {
		if v.Current {
			return v.Name
		}
	}
	return ""
}

// ViewLink is one view.
type ViewLink struct {
	Name, Href, By  string
	Shared, Current bool
}

// Views is /fleet/views: the views to rename, share and delete.
type Views struct {
	Shell Shell
	Items []SavedView
}

// SavedView is one of them; Filter says in words what it shows.
type SavedView struct {
	ID, Name, Filter, By string
	Shared, CanChange    bool
	UpdatedAt            time.Time
}

// ViewForm names a view: POST /fleet/views with name, shared and query, or
// with an ID /fleet/views/{id}/edit with name and shared.
type ViewForm struct {
	Form
	// Page: it stands alone, not in a dialog; ViewFormPage sets it.
	Page            bool
	ID, Name, Query string
	Shared          bool
	// CanShare: the member may share it with the team.
	CanShare bool
}

func (m ViewForm) alone() ViewForm {
	m.Page = true
	return m
}

func (m ViewForm) action() string {
	if m.ID == "" {
		return "/fleet/views"
	}
	return "/fleet/views/" + m.ID + "/edit"
}

func (m ViewForm) title() string {
	if m.ID == "" {
		return "Save this view"
	}
	return "Change the view"
}

// ViewWords says what a view shows: "status running, tag emea, by name".
func ViewWords(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return query
	}
	var words []string
	for _, f := range []struct{ name, word string }{{"status", "status"}, {"q", "search"}, {"country", "country"}, {"kind", "kind"}, {"tag", "tag"}, {"alerts", "alerts"}} {
		if v := values.Get(f.name); v != "" {
			words = append(words, f.word+" "+v)
		}
	}
	by := map[string]string{"name": "by name", "updatedAt": "oldest change first", "-updatedAt": "last changed first", "-createdAt": "newest first", "createdAt": "oldest first", "-name": "by name, backwards"}
	if s := by[values.Get("sort")]; s != "" {
		words = append(words, s)
	}
	if len(words) == 0 {
		return "all agents"
	}
	return strings.Join(words, ", ")
}
