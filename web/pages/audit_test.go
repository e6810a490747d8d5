package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The audit shows what was done and refused, narrows by its form, offers new
// entries without moving, and is the same for every member.
func TestAuditPage(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada Lindqvist", "assistant")
	w.end(id)
	refused := w.as(fleet.RoleOperator).post("/fleet/"+string(id)+"/delete", "name", "Ada Lindqvist")
	if refused.status != http.StatusForbidden {
		t.Fatal(refused.status)
	}
	a := w.as(fleet.RoleViewer).get("/audit")
	rows := a.Find("[data-testid=audit]")
	if a.status != 200 || rows.Length() < 3 || rows.First().AttrOr("data-outcome", "") != "forbidden" {
		t.Fatalf("%d, %d rows: %s", a.status, rows.Length(), a.words("table"))
	}
	if text := a.words("[data-testid=audit]:first-child"); !strings.Contains(text, "refused") || !strings.Contains(text, "no right") || !strings.Contains(text, "Ada Lindqvist") || !strings.Contains(text, "operator") {
		t.Errorf("the refusal: %s", text)
	}
	if a.Find(`header nav.main a[href="/audit"][aria-current]`).Length() != 1 {
		t.Error("the navigation does not say where one is")
	}
	for filter, want := range map[string]string{
		"outcome=refused": "forbidden", "action=end": "done", "agent=Ada+Lindqvist&outcome=done&action=agent.*": "done", "actor=operator%40northwind.example&outcome=refused": "forbidden", "agent=nobody": "",
	} {
		a := w.as(fleet.RoleViewer).get("/audit?" + filter)
		if got := a.Find("[data-testid=audit]").First().AttrOr("data-outcome", ""); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
		if a.Find(`[data-testid=audit-csv]`).AttrOr("href", "") == "/audit.csv" {
			t.Errorf("%s: the export is of everything", filter)
		}
		if want == "" && !strings.Contains(a.words("[data-testid=empty]"), "Nothing matches") {
			t.Errorf("%s: %s", filter, a.words("main"))
		}
	}
	if a := w.as(fleet.RoleViewer).get("/audit?from=2026-01-02T00:00&to=2026-01-01T00:00"); a.status != 400 || !strings.Contains(a.words("[data-testid=notice]"), "to: must not be before from") || a.Find("[name=from]").AttrOr("value", "") != "2026-01-02T00:00" {
		t.Errorf("%d %s", a.status, a.words("main"))
	}
}

func TestAuditNews(t *testing.T) {
	w := newWorld(t)
	a := w.as(fleet.RoleViewer).get("/audit?action=create")
	news := a.Find("#audit-new").AttrOr("data-live", "")
	if news == "" || a.Find("[data-testid=audit-news]").Length() != 0 {
		t.Fatal(a.words("main"))
	}
	w.agent("Ada", "assistant")
	w.agent("Bruno", "assistant")
	again := w.as(fleet.RoleViewer).script("audit-new").get(news)
	if text := again.words("[data-testid=audit-news]"); text != "2 new entries" || again.Find("[data-testid=audit-news]").AttrOr("href", "") != "/audit?action=create" {
		t.Errorf("%d %q", again.status, text)
	}
	if a := w.as(fleet.RoleViewer).script("audit-new").get("/audit/new?since=x"); a.status != 400 {
		t.Error(a.status)
	}
}

// Older entries follow without a gap or a double.
func TestAuditPagesOfThePage(t *testing.T) {
	w := newWorld(t)
	for range 60 {
		w.agent("Ada", "assistant")
	}
	a := w.as(fleet.RoleViewer).get("/audit?action=create")
	older := a.Find("a[rel=next]").AttrOr("href", "")
	b := w.as(fleet.RoleViewer).get(older)
	if n, m := a.Find("[data-testid=audit]").Length(), b.Find("[data-testid=audit]").Length(); n != 50 || m != 10 || b.Find("a[rel=prev]").AttrOr("href", "") != "/audit?action=create" || b.words("a[rel=prev]") != "Newest" {
		t.Errorf("%d and %d rows, %s", n, m, b.words(".foot"))
	}
}

// The file has what the page has, and is an entry.
func TestAuditCSV(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	_, err := w.app.End(t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{Reason: "=1+1"})
	must(t, err)
	a := w.as(fleet.RoleViewer).get("/audit.csv?action=end")
	if lines := strings.Split(strings.TrimSpace(a.body), "\r\n"); a.status != 200 || len(lines) != 2 || !strings.Contains(lines[1], ",'=1+1,") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a := w.as(fleet.RoleViewer).get("/audit"); !strings.Contains(a.words("[data-testid=audit]:first-child"), "Export audit") {
		t.Error(a.words("[data-testid=audit]:first-child"))
	}
}

// A deleted agent leads from the audit to its tombstone, from there to the
// certificate and back.
func TestAuditOfADeletedAgent(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada Lindqvist", "assistant")
	w.end(id)
	led := w.as(fleet.RoleOwner).post("/fleet/"+string(id)+"/delete", "name", "Ada Lindqvist", "reason", "Customer left")
	a := w.as(fleet.RoleViewer).get("/audit?agent=" + string(id))
	if text := a.words("[data-testid=audit-list]"); strings.Contains(text, "Ada") || !strings.Contains(text, "deleted agent") || a.Find(`a[href="/fleet/`+string(id)+`"]`).Length() < 3 {
		t.Errorf("%s", text)
	}
	if a.Find(`a[href="`+led.header.Get("Location")+`"]`).Length() != 1 {
		t.Error("the entry of the deletion does not lead to its certificate")
	}
	stone := w.as(fleet.RoleViewer).get("/fleet/" + string(id))
	if stone.status != http.StatusGone || stone.Find(`a[href="/audit?agent=`+string(id)+`"]`).Length() != 1 || stone.Find(`a[href="/deletions"]`).Length() != 1 {
		t.Errorf("%d %s", stone.status, stone.words("main"))
	}
	list := w.as(fleet.RoleViewer).get("/deletions")
	if text := list.words("[data-testid=deletion]"); !strings.Contains(text, "Customer left") || !strings.Contains(text, string(id)) || strings.Contains(text, "Ada") || strings.Contains(text, "export taken") {
		t.Error(text)
	}
	if a := w.as(fleet.RoleViewer).get("/deletions?cursor=x"); a.status != 400 {
		t.Error(a.status)
	}
}

// exportLink is where the delete page offers the export, and the hash it posts.
func exportLink(a answer) (href, hash string) {
	return a.Find("[data-testid=export]").AttrOr("href", ""), a.Find("[name=exportSha256]").AttrOr("value", "")
}

// The delete page shows what the export is before and after it is taken; its
// hash is in the certificate only when it was, and nothing changed since.
func TestExportBeforeDelete(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada Lindqvist", "assistant")
	w.end(id)
	path, owner := "/fleet/"+string(id), w.as(fleet.RoleOwner)
	page := owner.get(path + "/delete")
	href, hash := exportLink(page)
	if text := page.words("[data-testid=export-offer]"); href != path+"/export" || len(hash) != 64 || !strings.Contains(text, "Download export first") || !strings.Contains(text, hash) || !strings.Contains(text, "agent-"+string(id)+".zip") {
		t.Fatalf("%q %s", href, text)
	}
	zip := owner.get(href)
	if zip.status != 200 || zip.header.Get("X-Export-Sha256") != hash || zip.header.Get("Content-Type") != "application/zip" {
		t.Fatal(zip.status, zip.header)
	}
	if page := owner.get(path + "/delete"); page.Find("[data-taken=true]").Length() != 1 || !strings.Contains(page.words("[data-testid=export-offer]"), "It was downloaded") {
		t.Error(page.words("[data-testid=export-offer]"))
	}
	// A refused attempt is in its audit, and so in another export: the facts are
	// shown anew.
	_, err := w.app.Delete(t.Context(), fleet.Actor{Kind: fleet.ActorMember, ID: "x", Name: "X", TeamID: w.team, Scope: fleet.ScopeRead}, id, app.DeleteInput{})
	if err == nil {
		t.Fatal("a viewer may delete")
	}
	again := owner.post(path+"/delete", "name", "Ada Lindqvist", "exportSha256", hash)
	if again.status != http.StatusUnprocessableEntity || !strings.Contains(again.words("[data-testid=export-offer]"), "changed since the export was taken") {
		t.Errorf("%d %s", again.status, again.words("main"))
	}
	_, hash = exportLink(again)
	if zip := owner.get(href); zip.header.Get("X-Export-Sha256") != hash {
		t.Errorf("%s is offered, %s is taken", hash, zip.header.Get("X-Export-Sha256"))
	}
	done := owner.post(path+"/delete", "name", "Ada Lindqvist", "exportSha256", hash)
	cert := owner.get(done.header.Get("Location"))
	if text := cert.words("[data-testid=export-hash]"); done.status != http.StatusSeeOther || !strings.Contains(text, hash) {
		t.Errorf("%d %s", done.status, text)
	}
	other := w.agent("Bruno", "assistant")
	w.end(other)
	_, offered := exportLink(owner.get("/fleet/" + string(other) + "/delete"))
	done = owner.post("/fleet/"+string(other)+"/delete", "name", "Bruno", "exportSha256", offered)
	if text := owner.get(done.header.Get("Location")).words("[data-testid=export-hash]"); text != "none was taken" {
		t.Errorf("an export that was only offered: %s", text)
	}
	if a := owner.get("/fleet/" + url.PathEscape(string(other)) + "/export"); a.status != http.StatusGone {
		t.Error(a.status)
	}
}
