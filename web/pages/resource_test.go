package pages_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// resource puts a row into the ledger, made some time ago.
func (w *world) resource(id fleet.AgentID, typ fleet.ResourceType, state fleet.ResourceState, change ...func(*fleet.Resource)) fleet.Resource {
	w.t.Helper()
	at := w.app.Now().Add(-time.Hour)
	r := fleet.Resource{
		ID: fleet.NewID(w.app.Now()), TeamID: w.team, AgentID: id, Incarnation: 1, Type: typ, Vendor: "gologin", Label: "GoLogin", State: state,
		CreatedAt: at, StateAt: at, UpdatedAt: at,
	}
	if typ == fleet.ResourceProxy {
		r.Vendor, r.Label, r.Country = fleet.VendorPool, "decodo-gb-1", "GB"
	}
	for _, c := range change {
		c(&r)
	}
	must(w.t, w.store.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertResource(r) }))
	return r
}

func failed(sentence string) func(*fleet.Resource) {
	return func(r *fleet.Resource) {
		r.Tries, r.LastError, r.NextTry = 3, sentence, r.CreatedAt.Add(2*time.Hour)
	}
}

func TestLedgerPutsWhatNeedsPeopleFirst(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	if a := owner.get("/resources"); a.Find("[data-testid=empty] li").Length() != 2 || a.Find("nav.main [aria-current]").Text() != "Resources" {
		t.Errorf("empty: %s", a.words("[data-testid=empty]"))
	}
	ada := w.agent("Ada <Lovelace>", "rehearsal")
	stuck := w.resource(ada, fleet.ResourceProfile, fleet.ResourceReleasing, failed(`It said "no"`), func(r *fleet.Resource) { r.ExternalID = "64f0c0ffee64f0c0ffee64f0" })
	w.resource(ada, fleet.ResourceProfile, fleet.ResourceAcquiring)
	w.resource(ada, fleet.ResourceProxy, fleet.ResourceHeld)
	w.resource(ada, fleet.ResourceProfile, fleet.ResourceLeaked, func(r *fleet.Resource) {
		r.Forgotten = &fleet.Forgotten{By: "Mara", Reason: "gone by hand", At: r.StateAt}
	})
	gone := fleet.AgentID(fleet.NewID(w.app.Now()))
	w.resource(gone, fleet.ResourceProfile, fleet.ResourceReleased)
	foreign := stuck
	foreign.ID, foreign.TeamID = fleet.NewID(w.app.Now()), w.other
	must(t, w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertResource(foreign) }))

	a := owner.get("/resources")
	var groups []string
	for _, s := range a.Find("section[data-testid^=group-] h2").EachIter() {
		groups = append(groups, s.Text())
	}
	if got := strings.Join(groups, ", "); got != "Needs attention, Under way, Held, Given up, Released" {
		t.Errorf("groups: %s", got)
	}
	first := a.words("[data-testid=group-attention]")
	for _, want := range []string{"Browser profile GoLogin 64f0c0ffee64f0c0ffee64f0 Copy", "Ada <Lovelace>incarnation 1", "releasing 1 h ago", "failed 3 times · next try in", `It said "no"`, "Retry", "Forget"} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q in %s", want, first)
		}
	}
	if n := a.Find("[data-testid=resource]").Length(); n != 5 {
		t.Errorf("%d rows, want 5: another team's are there, or one is missing", n)
	}
	if href := a.Find("[data-testid=group-released] a.name").AttrOr("href", ""); href != "/fleet/"+string(gone) || a.words("[data-testid=group-released] a.name") != "deleted agent" {
		t.Errorf("a deleted agent leads to %s", href)
	}
	if got := a.words("[data-testid=forgotten]"); got != "by Mara 1 h ago: gone by hand" {
		t.Errorf("given up: %s", got)
	}
	for state, want := range map[string]int{"attention": 1, "wanted": 0, "acquiring": 1, "held": 1, "releasing": 1, "released": 1, "leaked": 1} {
		if n := owner.get("/resources?state=" + state).Find("[data-testid=resource]").Length(); n != want {
			t.Errorf("%s: %d rows, want %d", state, n, want)
		}
		chip := a.Find("[data-testid=chip-" + state + "] b").Text()
		if chip != map[int]string{0: "0", 1: "1"}[want] {
			t.Errorf("the chip %s says %s", state, chip)
		}
	}
	if a := owner.get("/resources?state=odd"); a.status != http.StatusBadRequest {
		t.Errorf("an odd state: %d", a.status)
	}
}

func TestLedgerPages(t *testing.T) {
	w := newWorld(t)
	ada := w.agent("Ada", "rehearsal")
	for range 52 {
		w.resource(ada, fleet.ResourceProfile, fleet.ResourceReleased)
	}
	owner := w.as(fleet.RoleOwner)
	all := owner.get("/resources")
	more := all.Find("[data-testid=group-released] .foot a").AttrOr("href", "")
	if n := all.Find("[data-testid=resource]").Length(); n != 10 || more != "/resources?state=released" {
		t.Errorf("%d rows, more at %q", n, more)
	}
	first := owner.get(more)
	second := owner.get(first.Find("a[rel=next]").AttrOr("href", ""))
	if a, b := first.Find("[data-testid=resource]").Length(), second.Find("[data-testid=resource]").Length(); a != 50 || b != 2 {
		t.Errorf("pages of %d and %d", a, b)
	}
	if second.Find("a[rel=next]").Length() != 0 || second.Find("a[rel=prev]").AttrOr("href", "") != more {
		t.Error("the last page does not lead back alone")
	}
}

func TestRetryAndForget(t *testing.T) {
	w := newWorld(t)
	r := w.resource(w.agent("Ada", "rehearsal"), fleet.ResourceProfile, fleet.ResourceReleasing, failed("refused"))
	path := "/resources/" + r.ID
	now := func() fleet.Resource {
		r, err := w.app.Resource(t.Context(), fleet.System(w.team, "test"), r.ID)
		must(t, err)
		return r
	}
	operator, owner := w.as(fleet.RoleOperator), w.as(fleet.RoleOwner)
	if b := operator.get("/resources").Find("[data-testid=forget]"); b.AttrOr("data-why", "") != "Needs an admin; you are an operator" {
		t.Errorf("an operator's forget: %q", b.AttrOr("data-why", ""))
	}
	if n := w.as(fleet.RoleViewer).get("/resources").Find("main form, main button[disabled]").Length(); n != 0 {
		t.Errorf("a viewer has %d buttons", n)
	}
	if a := operator.post(path + "/retry"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/resources" {
		t.Errorf("retry: %d %s", a.status, a.header.Get("Location"))
	}
	if got := now(); got.Turn != r.Turn+1 || got.NextTry.After(w.app.Now()) {
		t.Errorf("retry left turn %d, next try %s", got.Turn, got.NextTry)
	}
	if a := operator.script("dialog").post(path + "/retry"); a.status != http.StatusNoContent || a.header.Get("HX-Trigger") != "agentry:done" {
		t.Errorf("retry, htmx: %d", a.status)
	}
	form := owner.get(path + "/forget")
	if form.Find("main [data-testid=forget-form]").Length() != 1 || !strings.Contains(form.words("[data-testid=forget-form]"), "may still exist at GoLogin") {
		t.Errorf("form: %d %s", form.status, form.words("main"))
	}
	wrong := owner.script("dialog").post(path+"/forget", "reason", " ")
	if wrong.status != http.StatusUnprocessableEntity || wrong.words("#f-dlg-reason-error") == "" || strings.Contains(wrong.body, "<html lang") {
		t.Errorf("no reason: %d %s", wrong.status, wrong.body)
	}
	if a := owner.post(path+"/forget", "reason", "gone <b>by hand"); a.status != http.StatusSeeOther {
		t.Errorf("forget: %d %s", a.status, a.words("[data-testid=notice]"))
	}
	if f := now().Forgotten; f == nil || f.Reason != "gone <b>by hand" {
		t.Errorf("forgotten: %+v", f)
	}
	twice := owner.post(path+"/forget", "reason", "again")
	if twice.status != http.StatusConflict || twice.Find("[data-testid=notice]").Length() != 1 || twice.Find("textarea").Text() != "again" {
		t.Errorf("twice: %d %s", twice.status, twice.words("[data-testid=notice]"))
	}
	if a := owner.get("/resources/unknown/forget"); a.status != http.StatusNotFound {
		t.Errorf("unknown: %d", a.status)
	}
	if a := owner.post("/resources/vendors/nobody/check"); a.status != http.StatusNotFound {
		t.Errorf("unknown vendor: %d", a.status)
	}
}

func TestResourceAlertsLeadToTheLedger(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "rehearsal")
	must(t, w.store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.InsertAlert(w.team, fleet.Alert{ID: "a", AgentID: id, Type: "resource", SubType: "profile", Message: "No", Severity: fleet.SeverityError, State: fleet.AlertOpen, Count: 1, CreatedAt: w.app.Now(), UpdatedAt: w.app.Now()})
	}))
	for _, path := range []string{"/alerts", "/fleet/" + string(id), "/fleet/" + string(id) + "?tab=alerts"} {
		if to := w.as(fleet.RoleOwner).get(path).Find("[data-testid=alert-resources]").AttrOr("href", ""); to != "/resources" {
			t.Errorf("%s leads to %q", path, to)
		}
	}
}
