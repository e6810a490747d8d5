package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

func TestSystemPage(t *testing.T) {
	w := newWorld(t)
	w.agent("Ada", "assistant")
	owner := w.as(fleet.RoleOwner)
	a := owner.get("/system")
	if a.status != http.StatusOK || !strings.Contains(a.words("[data-testid=server]"), "Agents1, of which 0 are to run") || a.words("[data-testid=database] dd") == "" {
		t.Errorf("%d %s", a.status, a.words("main"))
	}
	if got := a.words("[data-testid=commits]"); !strings.Contains(got, "99 of 100 at most") || strings.Contains(got, " 0 commits") {
		t.Errorf("%s", got)
	}
	for _, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator, fleet.RoleAdmin} {
		if a := w.as(role).get("/system"); a.status != http.StatusForbidden || a.Find("[data-testid=server]").Length() != 0 {
			t.Errorf("%s: %d", role, a.status)
		}
		if w.as(role).get("/fleet").Find("a[href='/system']").Length() != 0 {
			t.Errorf("%s is shown the way there", role)
		}
	}
	if owner.get("/fleet").Find("a[href='/system']").Length() != 1 {
		t.Error("the owner is not shown the way there")
	}
}
