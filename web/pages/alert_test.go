package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// An alert of the team alone stands with the agents', names no agent, and is
// acted on without a script.
func TestAlertOfTheTeam(t *testing.T) {
	w := newWorld(t)
	id := w.running()
	spec, _, _, err := w.app.BeginRun(t.Context(), id)
	must(t, err)
	_, err = w.app.RunEvents(t.Context(), spec.Run, []app.RunEvent{{ID: "a", Type: "alert", Body: map[string]any{"message": "odd"}}})
	must(t, err)
	now := w.app.Now()
	raise := func(team fleet.TeamID, id, message string) {
		al := fleet.Alert{ID: id, Type: "vendor", SubType: "stopped", Message: message, Severity: fleet.SeverityError, State: fleet.AlertOpen, Count: 1, CreatedAt: now, UpdatedAt: now}
		must(t, w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertAlert(team, al) }))
	}
	ours := fleet.NewID(now)
	raise(w.team, ours, "GoLogin does not accept the token.")
	raise(w.other, fleet.NewID(now), "Theirs.")
	operator := w.as(fleet.RoleOperator)
	page := operator.get("/alerts")
	if got := page.words("#alert-" + ours); !strings.HasPrefix(got, "errorTeam vendor / stopped") || page.Find("#alert-"+ours+" a").Length() != 0 {
		t.Errorf("it reads %q", got)
	}
	if page.Find("[data-testid=alert]").Length() != 2 || strings.Contains(page.body, "Theirs.") || page.Find(`[data-testid=alert] a[href="/fleet/`+string(id)+`"]`).Length() != 1 {
		t.Errorf("the page: %s", page.words("main"))
	}
	if got := operator.script("nav-alerts").get("/alerts").words("#nav-alerts"); !strings.Contains(got, "2") {
		t.Errorf("the header says %q", got)
	}
	if a := operator.get("/fleet/" + string(id) + "?tab=alerts"); a.Find("[data-testid=alert]").Length() != 1 || strings.Contains(a.body, "GoLogin") {
		t.Errorf("the agent has %q", a.words("[data-testid=alert]"))
	}
	for _, step := range []struct{ verb, list string }{{"ack", "acknowledged"}, {"snooze", "snoozed"}, {"resolve", "resolved"}} {
		if a := operator.post("/alerts/"+ours+"/"+step.verb, "for", "1h"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/alerts" {
			t.Errorf("%s: %d to %s", step.verb, a.status, a.header.Get("Location"))
		}
		if got := operator.get("/alerts?state=" + step.list).words("#alert-" + ours); !strings.Contains(got, step.list+" by operator") {
			t.Errorf("after %s: %q", step.verb, got)
		}
	}
}
