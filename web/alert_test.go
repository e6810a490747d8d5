package web

import (
	"strings"
	"testing"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// teamAlert opens an alert of a team alone and returns its id.
func (w *world) teamAlert(team fleet.TeamID, message string) string {
	w.t.Helper()
	now := w.app.Now()
	al := fleet.Alert{
		ID: fleet.NewID(now), Type: "vendor", SubType: "stopped", Message: message, Severity: fleet.SeverityError,
		State: fleet.AlertOpen, Count: 1, CreatedAt: now, UpdatedAt: now,
	}
	must(w.t, w.store.Write(w.t.Context(), func(tx *store.Tx) error { return tx.InsertAlert(team, al) }))
	return al.ID
}

// The alerts of the whole team, those of no agent among them, are listed and
// acted on by programs too.
func TestTeamAlertCalls(t *testing.T) {
	w := newWorld(t)
	w.teamAlert(w.other.ID, "theirs")
	id := w.teamAlert(w.team.ID, "revoked")
	one := func(state, by, until string) string {
		return `{"id":"ID","agentId":null,"type":"vendor","subType":"stopped","message":"revoked","severity":"error","state":"` + state +
			`","count":1,"by":` + by + `,"until":` + until + `,"createdAt":"TIME","updatedAt":"TIME"}`
	}
	const path, missing = "/v1/alerts", `{"error":"not_found","message":"Alert not found"}`
	for _, s := range []scenario{
		{name: "guest", method: "GET", path: path, guest: true, status: 401, want: `{"error":"missing_api_key","message":"An API key is needed: send Authorization: Bearer YOUR_API_KEY"}`},
		{name: "open", method: "GET", path: path, key: fleet.ScopeRead, status: 200, want: `[` + one("open", "null", "null") + `]`},
		{name: "another team", method: "POST", path: path + "/" + id + "/ack", foreign: true, status: 404, want: missing},
		{name: "too small a scope", method: "POST", path: path + "/" + id + "/ack", key: fleet.ScopeRead, status: 403,
			want: `{"error":"forbidden","message":"This needs the operate scope; yours is read","requiredScope":"operate"}`},
		{name: "ack", method: "POST", path: path + "/" + id + "/ack", key: fleet.ScopeOperate, status: 200, want: one("acknowledged", `"key operate"`, "null")},
		{name: "acknowledged", method: "GET", path: path + "?state=acknowledged", status: 200, want: `[` + one("acknowledged", `"key operate"`, "null") + `]`},
		{name: "none open", method: "GET", path: path + "?state=open", status: 200, want: `[]`},
		{name: "snooze", method: "POST", path: path + "/" + id + "/snooze", body: `{"until":"2199-01-01T00:00:00Z"}`, status: 200, want: one("snoozed", `"key admin"`, `"TIME"`)},
		{name: "resolve", method: "POST", path: path + "/" + id + "/resolve", status: 200, want: one("resolved", `"key admin"`, "null")},
		{name: "no such state", method: "GET", path: path + "?state=gone", status: 400,
			want: `{"error":"validation_error","message":"state: must be one of open, acknowledged, snoozed, resolved","fields":{"state":"must be one of open, acknowledged, snoozed, resolved"}}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	theirs := scenario{method: "GET", path: path, foreign: true, status: 200}
	theirs.want = `[{"id":"ID","agentId":null,"type":"vendor","subType":"stopped","message":"theirs","severity":"error","state":"open","count":1,"by":null,"until":null,"createdAt":"TIME","updatedAt":"TIME"}]`
	theirs.run(t, w)
}

func TestTeamAlertsArePaged(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		id := w.teamAlert(w.team.ID, "m")
		if a := w.do("POST", "/v1/alerts/"+id+"/resolve", w.keys[fleet.ScopeOperate], ""); a.status != 200 {
			t.Fatal(a.body)
		}
	}
	first := w.do("GET", "/v1/alerts?state=resolved&limit=2", w.keys[fleet.ScopeRead], "")
	next, _, ok := strings.Cut(strings.TrimPrefix(first.header.Get("Link"), "<"), ">; rel=\"next\"")
	second := w.do("GET", next, w.keys[fleet.ScopeRead], "")
	if n, m := strings.Count(first.body, `"agentId":null`), strings.Count(second.body, `"agentId":null`); !ok || n != 2 || m != 1 {
		t.Errorf("%d and %d alerts, next is %s", n, m, next)
	}
}

// A program can do what the page's button for all of an agent's alerts does: it
// leaves the sign-ins that wait for a code; and what it does for the team alone.
func TestAlertsAreAcknowledgedAsOnThePage(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Paused)
	now := w.app.Now()
	open := func(agent fleet.AgentID, typ, subType string) {
		al := fleet.Alert{
			ID: w.store.NewID(now), AgentID: agent, Type: typ, SubType: subType, Message: "m", Severity: fleet.SeverityError,
			State: fleet.AlertOpen, Count: 1, CreatedAt: now, UpdatedAt: now,
		}
		must(t, w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.InsertAlert(w.team.ID, al) }))
	}
	open(id, "auth", "2fa_required")
	open(id, "runtime", "x")
	open("", "vendor", "stopped")
	const path = "/v1/alerts"
	left := func(query string, want string) {
		t.Helper()
		if a := w.do("GET", path+query, w.keys[fleet.ScopeRead], ""); a.header.Get("X-Total-Count") != want {
			t.Errorf("%s: %s are open, want %s: %s", query, a.header.Get("X-Total-Count"), want, a.body)
		}
	}
	left("?codes=true", "1")
	left("?codes=false", "2")
	left("?agentId=team", "1")
	acked := func(n string) string {
		return `{"message":"Alerts acknowledged successfully","acknowledged":` + n + `}`
	}
	for _, s := range []scenario{
		{name: "groups without codes", method: "GET", path: path + "/groups?by=agent&codes=maybe", status: 400,
			want: `{"error":"validation_error","message":"codes: must be one of true, false","fields":{"codes":"must be one of true, false"}}`},
		{name: "all but codes", method: "POST", path: path + "/ack", body: `{"agentId":"` + string(id) + `","codes":false}`, status: 200, want: acked("1")},
		{name: "the team alone", method: "POST", path: path + "/ack", body: `{"agentId":"team"}`, status: 200, want: acked("1")},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	left("", "1")
	left("?codes=true", "1")
	s := scenario{method: "POST", path: path + "/ack", body: `{"agentId":"` + string(id) + `","codes":true}`, status: 200, want: acked("1")}
	s.run(t, w)
}

// Alerts are narrowed, counted, grouped and acknowledged together by programs.
func TestAlertGroupCalls(t *testing.T) {
	w := newWorld(t)
	w.teamAlert(w.team.ID, "revoked")
	w.teamAlert(w.other.ID, "theirs")
	group := `[{"alerts":1,"newest":{"id":"ID","agentId":null,"type":"vendor","subType":"stopped","message":"revoked","severity":"error","state":"open","count":1,"by":null,"until":null,"createdAt":"TIME","updatedAt":"TIME"}}]`
	const path = "/v1/alerts"
	for _, s := range []scenario{
		{name: "by type", method: "GET", path: path + "/groups", key: fleet.ScopeRead, status: 200, want: group},
		{name: "by agent", method: "GET", path: path + "/groups?by=agent", key: fleet.ScopeRead, status: 200, want: group},
		{name: "another type", method: "GET", path: path + "?type=auth", status: 200, want: `[]`},
		{name: "another subtype", method: "GET", path: path + "?type=vendor&subType=", status: 200, want: `[]`},
		{name: "by luck", method: "GET", path: path + "/groups?by=luck", status: 400,
			want: `{"error":"validation_error","message":"by: must be one of type, agent","fields":{"by":"must be one of type, agent"}}`},
		{name: "too small a scope", method: "POST", path: path + "/ack", key: fleet.ScopeRead, body: `{"type":"vendor"}`, status: 403,
			want: `{"error":"forbidden","message":"This needs the operate scope; yours is read","requiredScope":"operate"}`},
		{name: "all", method: "POST", path: path + "/ack", body: `{}`, status: 400,
			want: `{"error":"validation_error","message":"type: must not be empty, unless agentId is given: which open alerts are meant","fields":{"type":"must not be empty, unless agentId is given: which open alerts are meant"}}`},
		{name: "a subtype of any type", method: "POST", path: path + "/ack", body: `{"subType":"stopped"}`, status: 400,
			want: `{"error":"validation_error","message":"type: must not be empty, unless agentId is given: which open alerts are meant","fields":{"type":"must not be empty, unless agentId is given: which open alerts are meant"}}`},
		{name: "a type", method: "POST", path: path + "/ack", key: fleet.ScopeOperate, body: `{"type":"vendor","subType":"stopped"}`, status: 200, want: `{"message":"Alerts acknowledged successfully","acknowledged":1}`},
		{name: "again", method: "POST", path: path + "/ack", body: `{"type":"vendor"}`, status: 200, want: `{"message":"Alerts acknowledged successfully","acknowledged":0}`},
		{name: "theirs are open", method: "POST", path: path + "/ack", foreign: true, body: `{"type":"vendor"}`, status: 200, want: `{"message":"Alerts acknowledged successfully","acknowledged":1}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	if a := w.do("GET", path+"?state=acknowledged&type=vendor", w.keys[fleet.ScopeRead], ""); a.header.Get("X-Total-Count") != "1" {
		t.Errorf("%q of %s", a.header.Get("X-Total-Count"), a.body)
	}
}
