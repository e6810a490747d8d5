package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// running makes an agent that has signed in.
func (w *world) running() fleet.AgentID {
	w.t.Helper()
	id, ctx := w.agent("Ada", "rehearsal"), w.t.Context()
	_, err := w.app.Setup(ctx, fleet.System(w.team, "test"), id, app.SetupInput{Login: "ada@example.com", Password: "secret", Country: "FR"})
	must(w.t, err)
	spec, _, _, err := w.app.BeginRun(ctx, id)
	must(w.t, err)
	_, err = w.app.RunEvents(ctx, spec.Run, []app.RunEvent{{ID: "in", Type: "signed_in"}})
	must(w.t, err)
	return id
}

// An admin pauses the team without a script; every page says so until it is
// resumed, and who may not do it sees why nothing works.
func TestTeamPauseOnPages(t *testing.T) {
	w := newWorld(t)
	id := w.running()
	owner, operator, path := w.as(fleet.RoleOwner), w.as(fleet.RoleOperator), "/fleet/"+string(id)
	if a := operator.get("/settings"); a.Find("[data-testid=team-pause] form").Length() != 0 || !strings.Contains(a.words("[data-testid=team-pause]"), "An admin can pause") {
		t.Errorf("an operator sees %q", a.words("[data-testid=team-pause]"))
	}
	if a := owner.post("/settings/team/pause", "note", "a\x00b"); a.status != http.StatusUnprocessableEntity || a.words("#f-team-note-error") == "" {
		t.Errorf("a bad note: %d %q", a.status, a.words("[data-testid=team-pause]"))
	}
	if a := owner.post("/settings/team/pause", "note", "<i>holidays</i>"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/settings#team" {
		t.Fatalf("pause: %d %s", a.status, a.body)
	}
	why := "The team is paused by owner: <i>holidays</i>"
	for _, page := range []string{"/fleet", "/alerts", "/settings", path, path + "?tab=tasks", "/fleet/new"} {
		if got := operator.get(page).words("[data-testid=team-paused]"); !strings.HasPrefix(got, why) {
			t.Errorf("%s says %q", page, got)
		}
	}
	if got := operator.script("team-state").get("/settings"); !strings.HasPrefix(got.words("#team-state"), why) || got.Find("main").Length() != 0 {
		t.Errorf("the live banner: %s", got.body)
	}
	page := owner.get(path)
	if got := page.words("[data-testid=why]"); got != why {
		t.Errorf("the agent says %q", got)
	}
	if got := page.words("#agent-top"); !strings.Contains(got, "The team is paused; resume the team first") || !strings.Contains(got, "Keep paused") {
		t.Errorf("actions: %q", got)
	}
	if a := owner.post(path + "/resume"); a.status != http.StatusConflict {
		t.Errorf("resume: %d", a.status)
	}
	if a := owner.post("/settings/team/pause"); a.status != http.StatusConflict || !strings.Contains(a.words("[data-testid=team-pause]"), why) {
		t.Errorf("pause twice: %d %s", a.status, a.words("main"))
	}
	settings := owner.get("/settings")
	if got := settings.words("[data-testid=team-pause]"); !strings.Contains(got, "1 agent was taken from running") {
		t.Error(got)
	}
	action, _ := settings.Find("[data-testid=team-pause] form").Attr("action")
	if a := owner.post(action); a.status != http.StatusSeeOther {
		t.Fatalf("resume %s: %d", action, a.status)
	}
	if a := operator.get(path); a.Find("[data-testid=team-paused]").Length() != 0 || strings.Contains(a.words("#agent-top"), "The team") {
		t.Errorf("after the resume: %q", a.words("#agent-top"))
	}
}

// The page of an agent shows the plan of its day.
func TestPlanOfTheDay(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for _, tab := range []string{"", "?tab=tasks"} {
		got := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + tab).words("[data-testid=plan]")
		// It is an hour of any day, also of a Sunday.
		if got = strings.ReplaceAll(strings.ReplaceAll(got, "0 of 25", "-"), "0 of 20", "-"); strings.ReplaceAll(got, "no working hours today", "-") != "Messages- 10–25 a day Invitations- 5–20 a day" {
			t.Errorf("%s: %q", tab, got)
		}
	}
}
