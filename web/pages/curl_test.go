package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/pages"
)

// called is what the command of a page answers when it is run with the key.
func (a answer) called(w *world, key string) (command string, status int, body string) {
	w.t.Helper()
	command = a.words("[data-testid=curl] code")
	before, rest, ok := strings.Cut(command, `curl -H "Authorization: Bearer $AGENTRY_API_KEY" '`+w.url)
	path, after, closed := strings.Cut(rest, "'")
	if !ok || !closed || before+after != "" {
		w.t.Errorf("the command is %q", command)
	}
	answered := w.as("").do("GET", path, "", "Authorization", "Bearer "+key)
	return command, answered.status, answered.body
}

// Every page that has a call shows it, and what it shows answers a key, with
// the filters of the page.
func TestEveryPageShowsItsCurl(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "rehearsal")
	w.agent("Grace's & <b>'s", "assistant")
	gone := w.agent("Gone", "assistant")
	w.end(gone)
	d, err := w.app.Delete(t.Context(), fleet.System(w.team, "test"), gone, app.DeleteInput{})
	must(t, err)
	bulk, err := w.app.StartBulk(t.Context(), fleet.System(w.team, "test"), app.BulkInput{Action: fleet.BulkEnd, IDs: []fleet.AgentID{id}})
	must(t, err)
	_, key, err := w.app.AddKey(t.Context(), w.team, app.KeyInput{Name: "k", Scope: fleet.ScopeAdmin})
	must(t, err)
	agent := "/fleet/" + string(id)
	seen := map[string]bool{}
	for path, want := range map[string]string{
		"/fleet":                                       "status=running%2Cpaused",
		"/fleet?q=grace's+%26&sort=-updatedAt":         "q=grace%27s+%26&sort=-updatedAt",
		"/fleet?status=attention":                      "status=attention",
		"/fleet/views":                                 "/v1/views",
		agent:                                          "/v1/agents/" + string(id),
		agent + "?tab=nothing":                         "/v1/agents/" + string(id) + "'",
		agent + "?tab=usage":                           "/usage",
		agent + "?tab=tasks":                           "/tasks",
		agent + "?tab=alerts":                          "/alerts",
		agent + "?tab=messages":                        "/messages",
		agent + "?tab=logs&level=warn":                 "/logs?level=warn",
		agent + "?tab=resources":                       "/resources",
		agent + "?tab=history":                         "/history",
		agent + "/delete":                              "/preview?action=delete",
		agent + "/relaunch":                            "/preview?action=relaunch",
		agent + "/setup":                               "/v1/agents/" + string(id),
		"/alerts?state=snoozed&type=odd&sub=":          "/v1/alerts?state=snoozed&subType=&type=odd",
		"/alerts?agent=" + string(id):                  "agentId=" + string(id),
		"/alerts?group=agent&state=resolved":           "/v1/alerts/groups?by=agent&state=resolved",
		"/alerts?group=agent":                          "/v1/alerts/groups?by=agent&codes=false",
		"/alerts?agent=team":                           "/v1/alerts?agentId=team",
		"/resources?state=attention":                   "/v1/resources?stuck=true",
		"/resources?state=held":                        "/v1/resources?state=held",
		"/resources/proxies?health=healthy":            "/v1/proxies?health=healthy",
		"/bulk":                                        "/v1/bulk",
		"/bulk/" + bulk.ID:                             "/v1/bulk/" + bulk.ID,
		"/audit?from=2026-01-01T09:00&zone=Asia/Tokyo": "/v1/audit?from=2026-01-01T00%3A00%3A00Z",
		"/deletions":                                   "/v1/deletions",
		"/deletions/" + d.ID:                           "/v1/deletions/" + d.ID,
		"/system":                                      "/v1/system",
		"/settings":                                    "/v1/team",
		"/settings/keys":                               "/v1/keys",
		"/settings/members":                            "/v1/members",
	} {
		page := w.as(fleet.RoleOwner).get(path)
		command, status, body := page.called(w, key)
		if status != http.StatusOK || !strings.Contains(command, want) {
			t.Errorf("%s: %s answers %d %.200s", path, command, status, body)
		}
		for _, call := range pages.Calls() {
			place, _, _ := strings.Cut(path, "?")
			place = strings.NewReplacer(string(id), ":agentId", bulk.ID, ":bulkId", d.ID, ":deletionId").Replace(place)
			seen[call.Page] = seen[call.Page] || place == call.Page
		}
	}
	for _, call := range pages.Calls() {
		if !seen[call.Page] {
			t.Errorf("the command of %s is not tried", call.Page)
		}
	}
	if a := w.as(fleet.RoleOwner).get("/zone"); a.Find("[data-testid=curl]").Length() != 0 {
		t.Error("a page without a call shows one")
	}
	if a := w.as(fleet.RoleOwner).do("GET", "/fleet", "", "Host", "x'y"); strings.Contains(a.words("[data-testid=curl]"), "x'y") {
		t.Error("a quote of the host stands in the command")
	}
}
