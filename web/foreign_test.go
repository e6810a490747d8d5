package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// possessions are ids of one of each of our team's things, by the name that a
// route's path has for it.
func (w *world) possessions() map[string]string {
	w.t.Helper()
	ctx, by := w.t.Context(), w.actor()
	agent := w.agent("assistant", fleet.Running)
	gone := w.agent("assistant", fleet.Ended)
	task, err := w.app.AddTask(ctx, by, agent, app.TaskInput{Type: "canary"})
	must(w.t, err)
	deletion, err := w.app.Delete(ctx, by, gone, app.DeleteInput{Reason: "canary"})
	must(w.t, err)
	apiKey, _, err := w.app.CreateKey(ctx, by, app.KeyInput{Name: "canary", Scope: fleet.ScopeRead})
	must(w.t, err)
	invitation, _, err := w.app.Invite(ctx, by, app.InviteInput{Email: "canary@example.com", Role: fleet.RoleViewer})
	must(w.t, err)
	pool, err := w.app.AddProxies(ctx, by, app.AddProxiesInput{Entry: fleet.ProxyEntry{Label: "canary", Host: "canary.example.com", Port: 8000, Country: "FR"}})
	must(w.t, err)
	bulk, err := w.app.StartBulk(ctx, by, app.BulkInput{Action: fleet.BulkTag, AddTags: []string{"canary"}, IDs: []fleet.AgentID{agent}})
	must(w.t, err)
	made := w.do("POST", "/v1/views", w.keys[fleet.ScopeOperate], `{"name":"canary","query":"status=ended","shared":true}`)
	session, err := w.app.Sessions(ctx, fleet.Actor{Kind: fleet.ActorMember, ID: w.memberID(fleet.RoleViewer), TeamID: w.team.ID, Scope: fleet.ScopeRead})
	must(w.t, err)
	return map[string]string{
		":agentId": string(agent), ":taskId": task.ID, ":alertId": w.teamAlert(w.team.ID, "canary"), ":deletionId": deletion.ID, ":keyId": apiKey.ID,
		":memberId": w.memberID(fleet.RoleViewer), ":invitationId": invitation.ID, ":resourceId": w.row(w.team.ID, agent, fleet.ResourceLeaked),
		":proxyId": pool.Added[0].ID, ":bulkId": bulk.ID, ":viewId": fmt.Sprint(made.json(w.t)["id"]), ":sessionId": session[0].ID,
		":chatId": strings.TrimPrefix(w.openSession(agent), sessionsURL+"/"),
	}
}

// On every route that takes an id, whoever has all rights in another team, with
// a key or in a browser, is told of ours what is told of one that never was, and
// changes nothing; beside an agent of their own, too.
func TestIdsOfAnotherTeamAreUnknown(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	ours := w.possessions()
	theirAgent := string(w.agentOf(fleet.System(w.other.ID, "test"), "assistant", fleet.Running))
	before := w.everything()
	tried := map[string]bool{}
	for _, r := range w.server.routes() {
		if r.access.kind != bySession && r.access.kind != byKey {
			continue
		}
		path := r.path
		if strings.HasPrefix(path, sessionsURL) {
			path = strings.ReplaceAll(path, ":sessionId", ":chatId")
		}
		for name, id := range ours {
			if !strings.Contains(path+"/", name+"/") {
				continue
			}
			tried[name] = true
			ask := func(id string, headers ...string) answer {
				at := fill(strings.ReplaceAll(strings.ReplaceAll(path, name, id), ":agentId", theirAgent), unknownID)
				return w.asStranger(r, at, headers...)
			}
			// Programs are told that an agent, and what was said to it, is another's.
			if r.access.kind == byKey && (name == ":agentId" || name == ":chatId") {
				refused(t, ask(id), 403, "access to this agent")
				continue
			}
			alike := func(headers ...string) {
				t.Helper()
				theirs, nobodys := ask(id, headers...), ask(unknownID, headers...)
				if theirs.status != nobodys.status || theirs.status < 300 && r.method != "GET" || pageWords(theirs.body) != pageWords(nobodys.body) || strings.Contains(theirs.body, "canary") {
					t.Errorf("%s %s: another team got %d, and %d of what is not there:\n%.600s\n%.600s", r.method, path, theirs.status, nobodys.status, pageWords(theirs.body), pageWords(nobodys.body))
				}
			}
			alike()
			for _, part := range []string{"dialog", "agent-top", "tab-live", "bulk-top", "bulk-items"} {
				if r.access.kind == bySession {
					alike("HX-Request: true", "HX-Target: "+part)
				}
			}
		}
	}
	for name := range ours {
		if !tried[name] {
			t.Errorf("no route takes %s", name)
		}
	}
	if after := w.everything(); after != before {
		t.Errorf("something of ours changed:\n%s\n%s", before, after)
	}
}

// The same holds for ids in forms, bodies and queries.
func TestIdsOfAnotherTeamInFormsAreUnknown(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	ours := w.possessions()
	before := w.everything()
	agent, view := ours[":agentId"], ours[":viewId"]
	for _, c := range []struct{ method, path, body, id string }{
		{"POST", "/bulk/new", "action=pause&ids=ID", agent},
		{"POST", "/bulk", "action=pause&ids=ID&expect=1", agent},
		{"POST", "/bulk", "action=tag&addTags=x&ids=ID", agent},
		{"POST", "/alerts/ack", "agent=ID", agent},
		{"POST", "/team/switch", "team=ID", string(w.team.ID)},
		{"GET", "/fleet?view=ID", "", view},
		{"GET", "/fleet?q=ID", "", agent},
		{"GET", "/alerts?agent=ID", "", agent},
		{"GET", "/resources?agent=ID", "", agent},
		{"GET", "/audit?agent=ID", "", agent},
		{"GET", "/palette?q=ID", "", agent},
		{"GET", "/palette?q=canary", "", ""},
		{"GET", "/fleet.csv?q=ID", "", agent},
	} {
		ask := func(id string) answer {
			at, body := strings.ReplaceAll(c.path, "ID", id), strings.ReplaceAll(c.body, "ID", id)
			return w.do(c.method, at, "", body, "Cookie: "+w.stranger, "Content-Type: application/x-www-form-urlencoded")
		}
		theirs, nobodys := ask(c.id), ask(unknownID)
		if theirs.status != nobodys.status || pageWords(theirs.body) != pageWords(nobodys.body) || strings.Contains(strings.ReplaceAll(theirs.body, "q=canary", ""), "canary@") {
			t.Errorf("%s %s: another team got %d, and %d of what is not there:\n%.600s\n%.600s", c.method, c.path, theirs.status, nobodys.status, pageWords(theirs.body), pageWords(nobodys.body))
		}
	}
	for _, c := range []struct{ path, body, word string }{
		{"/v1/bulk", `{"action":"pause","ids":["` + agent + `"],"dryRun":true}`, `"will":0,"skips":[{"error":"not_found"`},
		{"/v1/alerts/ack", `{"agentId":"` + agent + `"}`, `"acknowledged":0`},
	} {
		refused(t, w.do("POST", c.path, w.foreign, c.body), 200, c.word)
	}
	if after := w.everything(); after != before {
		t.Errorf("something of ours changed:\n%s\n%s", before, after)
	}
}

// asStranger asks as who has all rights in the other team, with what a form or
// a call wants.
func (w *world) asStranger(r route, at string, headers ...string) answer {
	w.t.Helper()
	if r.access.kind == bySession {
		body := formBody(r.path) + "&role=viewer&state=&label=x&host=h.example.com&port=80&until=2199-01-01T00:00"
		return w.do(r.method, at, "", body, append(headers, "Cookie: "+w.stranger, "Content-Type: application/x-www-form-urlencoded")...)
	}
	if strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, "/agents/") {
		return w.do(r.method, at, w.foreign, `{"text":"x","content":"x"}`)
	}
	body := map[string]string{"snooze": `{"until":"2199-01-01T00:00:00Z"}`, "forget": `{"reason":"x"}`, ":memberId": `{"role":"viewer"}`}[r.path[strings.LastIndex(r.path, "/")+1:]]
	if r.method == http.MethodDelete || body == "" {
		body = validBody(r.path)
	}
	return w.do(r.method, at+"?action=delete", w.foreign, body)
}

// everything is what an admin of ours reads of the things that a stranger is
// after.
func (w *world) everything() string {
	w.t.Helper()
	var all strings.Builder
	key := w.keys[fleet.ScopeAdmin]
	for _, path := range []string{"agents", "alerts", "deletions", "members", "resources", "proxies", "bulk", "views", "team"} {
		all.WriteString(w.do("GET", "/v1/"+path, key, "").body + "\n")
	}
	all.WriteString(w.do("GET", "/v1/keys", key, "").body)
	return all.String()
}
