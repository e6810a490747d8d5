package web

import (
	"testing"

	"agentry/internal/fleet"
)

// The whole team is paused and resumed by an admin's key; what is refused
// meanwhile says why.
func TestTeamPauseCalls(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	const pause = `"paused":{"by":"key admin","note":"holidays","at":"TIME"}`
	const why = "The team is paused by key admin: holidays"
	for _, s := range []scenario{
		{name: "too small a scope", method: "POST", path: "/v1/team/pause", key: fleet.ScopeOperate, body: `{"note":"x"}`, status: 403,
			want: `{"error":"forbidden","message":"This needs the admin scope; yours is operate","requiredScope":"admin"}`},
		{name: "nothing to resume", method: "POST", path: "/v1/team/resume", status: 409, want: `{"error":"conflict","message":"The team is not paused"}`},
		{name: "unknown field", method: "POST", path: "/v1/team/pause", body: `{"reason":"x"}`, status: 400,
			want: `{"error":"validation_error","message":"reason: is not a field of this call","fields":{"reason":"is not a field of this call"}}`},
		{name: "pause", method: "POST", path: "/v1/team/pause", body: `{"note":"holidays"}`, status: 200,
			want: `{"message":"Team paused successfully","team":{"id":"ID","name":"Ours",` + pause + `,"agents":{"paused":1,"running":0}}}`},
		{name: "look", method: "GET", path: "/v1/team", key: fleet.ScopeRead, status: 200,
			want: `{"id":"ID","name":"Ours",` + pause + `,"agents":{"paused":1,"running":0}}`},
		{name: "another team", method: "GET", path: "/v1/team", foreign: true, status: 200,
			want: `{"id":"ID","name":"Theirs","paused":null,"agents":{"paused":0,"running":0}}`},
		{name: "start", method: "POST", path: "/v1/agents/{id}/start", agent: fleet.SetupNeeded, status: 409,
			want: `{"error":"conflict","message":"` + why + `. Resume the team first"}`},
		{name: "resume one", method: "POST", path: "/v1/agents/" + string(id) + "/resume", status: 409,
			want: `{"error":"conflict","message":"` + why + `. Resume the team first"}`},
		{name: "resume", method: "POST", path: "/v1/team/resume", headers: []string{"Content-Type: application/json"}, status: 200,
			want: `{"message":"Team resumed successfully","team":{"id":"ID","name":"Ours","paused":null,"agents":{"paused":0,"running":1}}}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
		if s.name == "pause" {
			one := w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeRead], "").json(t)
			if one["why"] != why || one["status"] != "paused" || one["nextTask"] != nil {
				t.Errorf("%v", one)
			}
		}
	}
	if one := w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeRead], "").json(t); one["status"] != "running" {
		t.Errorf("%v", one)
	}
}
