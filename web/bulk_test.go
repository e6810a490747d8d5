package web

import (
	"fmt"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// One bulk from its plan to its retry, as programs see it.
func TestBulkCalls(t *testing.T) {
	w := newWorld(t)
	ended, running := w.agent("assistant", fleet.Ended), w.agent("assistant", fleet.Running)
	theirs := w.agentOf(fleet.System(w.other.ID, "test"), "assistant", fleet.Ended)
	list := fmt.Sprintf(`["%s","%s","%s"]`, ended, running, theirs)
	const cannot = "Agent can only be relaunched when status is ended"
	for _, s := range []scenario{
		{name: "plan", method: "POST", path: "/v1/bulk", key: fleet.ScopeOperate, body: `{"action":"relaunch","ids":` + list + `,"dryRun":true}`, status: 200,
			want: `{"action":"relaunch","total":3,"will":1,"skips":[{"error":"invalid_status","message":"` + cannot + `","count":1,"names":["Ada"]},` +
				`{"error":"not_found","message":"Agent not found","count":1,"names":[]}],"confirm":null}`},
		{name: "plan of a delete", method: "POST", path: "/v1/bulk", key: fleet.ScopeDelete, body: `{"action":"delete","filter":{"status":"ended"},"dryRun":true}`, status: 200,
			want: `{"action":"delete","total":1,"will":1,"skips":[],"confirm":"delete 1 agent"}`},
		{name: "delete with too small a scope", method: "POST", path: "/v1/bulk", key: fleet.ScopeOperate, body: `{"action":"delete","ids":` + list + `}`, status: 403,
			want: `{"error":"forbidden","message":"This needs the delete scope; yours is operate","requiredScope":"delete"}`},
		{name: "unconfirmed", method: "POST", path: "/v1/bulk", body: `{"action":"delete","ids":` + list + `,"confirm":"delete 3 agents"}`, status: 400,
			want: `{"error":"validation_error","message":"confirm: must be “delete 1 agent”","fields":{"confirm":"must be “delete 1 agent”"}}`},
		{name: "unknown field", method: "POST", path: "/v1/bulk", body: `{"action":"end","filter":{"state":"x"}}`, status: 400,
			want: `{"error":"validation_error","message":"state: is not a field of this call","fields":{"state":"is not a field of this call"}}`},
		{name: "nobody named", method: "POST", path: "/v1/bulk", body: `{"action":"end"}`, status: 400,
			want: `{"error":"validation_error","message":"ids: name agents, or give a filter","fields":{"ids":"name agents, or give a filter"}}`},
		{name: "both", method: "POST", path: "/v1/bulk", body: `{"action":"end","ids":` + list + `,"filter":{}}`, status: 400,
			want: `{"error":"validation_error","message":"filter: goes without ids","fields":{"filter":"goes without ids"}}`},
		{name: "no id", method: "POST", path: "/v1/bulk", body: `{"action":"end","ids":["agent_123"]}`, status: 400,
			want: `{"error":"validation_error","message":"ids: must be ids of agents; number 1 is none","fields":{"ids":"must be ids of agents; number 1 is none"}}`},
		{name: "nothing found", method: "POST", path: "/v1/bulk", body: `{"action":"end","filter":{"tag":"none"}}`, status: 400,
			want: `{"error":"validation_error","message":"filter: finds no agent","fields":{"filter":"finds no agent"}}`},
		{name: "nothing needs attention", method: "POST", path: "/v1/bulk", body: `{"action":"end","filter":{"status":"attention"}}`, status: 400, want: `{"error":"validation_error","message":"filter: finds no agent","fields":{"filter":"finds no agent"}}`},
		{name: "too fast", method: "POST", path: "/v1/bulk", body: `{"action":"end","filter":{},"perMinute":6001}`, status: 400,
			want: `{"error":"validation_error","message":"perMinute: must be a whole number from 1 to 6000","fields":{"perMinute":"must be a whole number from 1 to 6000"}}`},
		{name: "start", method: "POST", path: "/v1/bulk", key: fleet.ScopeOperate, body: `{"action":"relaunch","ids":` + list + `,"reason":"r","perMinute":6000,"canary":1}`,
			headers: []string{"Idempotency-Key: once"}, status: 202, want: `{"id":"ID","state":"running","total":3,"url":"/v1/bulk/ID"}`},
		{name: "start again", method: "POST", path: "/v1/bulk", key: fleet.ScopeOperate, body: `{"action":"relaunch","ids":` + list + `,"reason":"r","perMinute":6000,"canary":1}`,
			headers: []string{"Idempotency-Key: once"}, status: 202, want: `{"id":"ID","state":"running","total":3,"url":"/v1/bulk/ID"}`},
		{name: "another team's list", method: "GET", path: "/v1/bulk", foreign: true, status: 200, want: `[]`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	all := w.do("GET", "/v1/bulk", w.keys[fleet.ScopeRead], "")
	if strings.Count(all.body, `"createdAt"`) != 1 {
		t.Fatalf("the repeat under one key started another: %s", all.body)
	}
	id := strings.SplitN(strings.SplitN(all.body, `"id":"`, 2)[1], `"`, 2)[0]
	if _, err := w.app.WorkBulk(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	const done = `{"id":"ID","action":"relaunch","state":"done","why":null,"by":"key operate","byKind":"key","reason":"r","addTags":[],"removeTags":[],"perMinute":6000,` +
		`"canary":1,"stopAfterFailures":0,"total":3,"done":1,"failed":0,"skipped":2,"left":0,"partial":false,"retryOf":null,"stoppedBy":null,` +
		`"createdAt":"TIME","startedAt":"TIME","endedAt":"TIME"}`
	const first = `{"n":1,"agentId":"ID","name":"Ada","outcome":"done","error":null,"message":null,"at":"TIME"}`
	const second = `{"n":2,"agentId":"ID","name":"Ada","outcome":"skipped","error":"invalid_status","message":"` + cannot + `","at":"TIME"}`
	const third = `{"n":3,"agentId":"ID","name":null,"outcome":"skipped","error":"not_found","message":"Agent not found","at":"TIME"}`
	for _, s := range []scenario{
		{name: "look", method: "GET", path: "/v1/bulk/" + id, key: fleet.ScopeRead, status: 200, want: done},
		{name: "items", method: "GET", path: "/v1/bulk/" + id + "/items?limit=2", key: fleet.ScopeRead, status: 200, want: `[` + first + `,` + second + `]`},
		{name: "skipped", method: "GET", path: "/v1/bulk/" + id + "/items?outcome=skipped", key: fleet.ScopeRead, status: 200, want: `[` + second + `,` + third + `]`},
		{name: "another outcome", method: "GET", path: "/v1/bulk/" + id + "/items?outcome=x", status: 400,
			want: `{"error":"validation_error","message":"outcome: must be one of pending, done, failed, skipped","fields":{"outcome":"must be one of pending, done, failed, skipped"}}`},
		{name: "another team", method: "GET", path: "/v1/bulk/" + id, foreign: true, status: 404, want: `{"error":"not_found","message":"Bulk not found"}`},
		{name: "another team's items", method: "GET", path: "/v1/bulk/" + id + "/items", foreign: true, status: 404, want: `{"error":"not_found","message":"Bulk not found"}`},
		{name: "another team stops", method: "POST", path: "/v1/bulk/" + id + "/stop", foreign: true, status: 404, want: `{"error":"not_found","message":"Bulk not found"}`},
		{name: "another team retries", method: "POST", path: "/v1/bulk/" + id + "/retry", foreign: true, status: 404, want: `{"error":"not_found","message":"Bulk not found"}`},
		{name: "stop", method: "POST", path: "/v1/bulk/" + id + "/stop", status: 409, want: `{"error":"conflict","message":"The bulk is done already"}`},
		{name: "retry", method: "POST", path: "/v1/bulk/" + id + "/retry", status: 409, want: `{"error":"conflict","message":"Nothing failed: there is nothing to retry"}`},
	} {
		t.Run(s.name, func(t *testing.T) {
			a := s.run(t, w)
			total, link := a.header.Get("X-Total-Count"), a.header.Get("Link")
			switch s.name {
			case "items":
				if total != "3" || !strings.Contains(link, `rel="next"`) {
					t.Errorf("total %q, link %q", total, link)
				}
			case "skipped":
				if total != "2" || link != "" {
					t.Errorf("total %q, link %q", total, link)
				}
			}
		})
	}
}

// A script whose list came out empty must not act on everything.
func TestAnEmptyListIsNoFilterOfEverything(t *testing.T) {
	w := newWorld(t)
	s := scenario{method: "POST", path: "/v1/bulk", body: `{"action":"end","ids":[],"filter":{}}`, status: 400,
		want: `{"error":"validation_error","message":"filter: goes without ids","fields":{"filter":"goes without ids"}}`}
	s.run(t, w)
}

// A dry run, or whatever else was asked for in the wrong place, must not start a
// bulk, and the refusal names it.
func TestABulkHasNothingInItsAddress(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Ended)
	for query, name := range map[string]string{"dryRun=true": "dryRun", "limit=5&dryRun=true": "limit", "%ff=1": "\uFFFD", "=1": ""} {
		const text = "belongs in the body, with everything else of a bulk"
		s := scenario{method: "POST", path: "/v1/bulk?" + query, body: fmt.Sprintf(`{"action":"relaunch","ids":[%q]}`, id), status: 400,
			want: fmt.Sprintf(`{"error":"validation_error","message":"%s: %s","fields":{"%s":"%s"}}`, name, text, name, text)}
		s.run(t, w)
	}
}
