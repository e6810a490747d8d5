package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// A refusal is told in the words of the pages: no status of the API, no scope.
func TestRefusalsAreInWords(t *testing.T) {
	w := newWorld(t)
	id := string(w.agent("Ada", "rehearsal"))
	a := w.as(fleet.RoleViewer).get("/fleet/new")
	if text := a.words("[data-testid=problem]"); a.status != http.StatusForbidden || !strings.Contains(text, "Your role is not enough for this: it takes an operator.") || strings.Contains(text, "scope") {
		t.Errorf("%d %s", a.status, text)
	}
	a = w.as(fleet.RoleOperator).post("/fleet/"+id+"/verify", "code", "123456")
	if text := a.words("main"); !strings.Contains(text, "while sign-in is needed") || strings.Contains(text, "auth_needed") {
		t.Errorf("%d %s", a.status, text)
	}
}
