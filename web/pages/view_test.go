package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A view is saved from the list, leads back to it, is marked there, found in
// the palette, shared, renamed and deleted; all without a script.
func TestSavedViews(t *testing.T) {
	w := newWorld(t)
	w.agent("Ada", "assistant")
	viewer, operator := w.as(fleet.RoleViewer), w.as(fleet.RoleOperator)
	form := viewer.get("/fleet?status=setup_needed&q=ada")
	href := form.Find("[data-testid=save-view]").AttrOr("href", "")
	form = viewer.get(href)
	if form.Find("[name=shared]").Length() != 0 || form.words("main b") != "status setup_needed, search ada" {
		t.Errorf("%s: %s", href, form.words("main"))
	}
	query := form.Find("[name=query]").AttrOr("value", "")
	name := `<b>"مرحبا" & 'x'</b>`
	a := viewer.post("/fleet/views", "name", name, "query", query)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/fleet?"+query {
		t.Fatalf("%d to %q", a.status, a.header.Get("Location"))
	}
	list := viewer.get(a.header.Get("Location"))
	link := list.Find("[data-testid=view][aria-current]")
	if got := list.words("[data-testid=views] summary .what"); got != name || link.Length() != 1 {
		t.Errorf("the list shows %q", got)
	}
	view := link.AttrOr("href", "")
	if a := viewer.get(view); a.status != http.StatusFound || a.header.Get("Location") != "/fleet?"+query {
		t.Errorf("%s: %d to %q", view, a.status, a.header.Get("Location"))
	}
	if a := operator.get(view); a.status != http.StatusNotFound || a.Find("h1").Length() != 1 {
		t.Errorf("another's own view: %d", a.status)
	}
	if got := viewer.hits("saved", "/fleet"); len(got) != 2 || got[0] != name {
		t.Errorf("the palette offers %q", got)
	}
	if a := operator.post("/fleet/views", "name", "Ours", "query", "sort=name", "shared", "1"); a.status != http.StatusSeeOther {
		t.Errorf("shared: %d", a.status)
	}
	page := viewer.get("/fleet/views")
	if page.Find("[data-testid=saved-view]").Length() != 2 || page.Find("[data-testid=edit-view]").Length() != 1 {
		t.Errorf("%s", page.words("main"))
	}
	edit := page.Find("[data-testid=edit-view]").AttrOr("href", "")
	if a := viewer.post(edit, "name", "ok", "shared", "1"); a.status != http.StatusForbidden {
		t.Errorf("a viewer shares: %d", a.status)
	}
	if a := viewer.post(edit, "name", ""); a.status != http.StatusUnprocessableEntity || a.words("#f-dlg-name-error") == "" {
		t.Errorf("no name: %d %s", a.status, a.words("main"))
	}
	if a := viewer.post(edit, "name", "Mine"); a.header.Get("Location") != "/fleet/views" {
		t.Errorf("renamed: %d", a.status)
	}
	if a := viewer.post(strings.Replace(edit, "/edit", "/delete", 1)); a.header.Get("Location") != "/fleet/views" || viewer.get("/fleet/views").Find("[data-testid=saved-view]").Length() != 1 {
		t.Errorf("deleted: %d", a.status)
	}
}

// The page of a member with as many views as there may be stays small.
func TestManySavedViewsKeepTheFleetSmall(t *testing.T) {
	w := newWorld(t)
	for i := range fleet.MaxViews {
		_, _, err := w.app.SaveView(t.Context(), fleet.System(w.team, "test"), app.ViewInput{Name: fmt.Sprint(i, strings.Repeat(" fox", 20)), Shared: true, Query: "status=running"})
		must(t, err)
	}
	a := w.as(fleet.RoleViewer).get("/fleet?status=running")
	if n := a.Find("[data-testid=view]").Length(); n != fleet.MaxViews {
		t.Errorf("%d views", n)
	}
	if a := w.as(fleet.RoleViewer).get("/fleet?view=" + strings.Repeat("0", 300)); a.status != http.StatusNotFound {
		t.Errorf("no such view: %d", a.status)
	}
}
