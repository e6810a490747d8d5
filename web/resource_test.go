package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// restingVendor is a vendor of profiles that nobody needs: no kind of the world
// asks for one.
type restingVendor struct{ resource.Profiles }

func (restingVendor) Name() string                { return "resting" }
func (restingVendor) Label() string               { return "Resting" }
func (restingVendor) StandIn() bool               { return true }
func (restingVendor) Mark() string                { return "mark" }
func (restingVendor) Check(context.Context) error { return nil }

// row puts a row of a team's agent into the ledger.
func (w *world) row(team fleet.TeamID, agent fleet.AgentID, state fleet.ResourceState, edit ...func(r *fleet.Resource)) string {
	w.t.Helper()
	now := w.app.Now()
	r := fleet.Resource{
		ID: w.store.NewID(now), TeamID: team, AgentID: agent, Incarnation: 1, Type: fleet.ResourceProfile, Vendor: "resting",
		State: state, Label: "Resting", Session: "canary-session", CreatedAt: now, StateAt: now, UpdatedAt: now,
	}
	for _, f := range edit {
		f(&r)
	}
	must(w.t, w.store.Write(w.t.Context(), func(tx *store.Tx) error { return tx.InsertResource(r) }))
	return r.ID
}

func resourceJSON(state, extra string) string {
	rest := map[string]string{
		"externalId": "null", "tries": "0", "nextTryAt": "null", "lastError": "null", "forgotten": "null", "stuck": "false",
		"heldAt": "null", "releasedAt": "null",
	}
	for _, pair := range strings.Split(extra, "; ") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			rest[name] = value
		}
	}
	return `{"id":"ID","agentId":"ID","incarnation":1,"type":"profile","vendor":"resting","state":"` + state + `","externalId":` + rest["externalId"] +
		`,"country":null,"label":"Resting","proxyId":null,"tries":` + rest["tries"] + `,"nextTryAt":` + rest["nextTryAt"] + `,"lastError":` + rest["lastError"] +
		`,"forgotten":` + rest["forgotten"] + `,"stuck":` + rest["stuck"] + `,"createdAt":"TIME","stateAt":"TIME","heldAt":` + rest["heldAt"] +
		`,"releasedAt":` + rest["releasedAt"] + `,"updatedAt":"TIME"}`
}

const (
	wantGuest      = `{"error":"missing_api_key","message":"An API key is needed: send Authorization: Bearer YOUR_API_KEY"}`
	wantNoResource = `{"error":"not_found","message":"Resource not found"}`
)

func TestResourceCalls(t *testing.T) {
	w := newWorld(t)
	ours := w.agent("assistant", fleet.Ended)
	failed := func(r *fleet.Resource) {
		r.ExternalID, r.Tries, r.LastError, r.NextTry, r.HeldAt = "ext", 3, "no answer", w.app.Now(), w.app.Now()
	}
	stuck, leaked, held := w.row(w.team.ID, ours, fleet.ResourceReleasing, failed), w.row(w.team.ID, ours, fleet.ResourceLeaked), w.row(w.team.ID, ours, fleet.ResourceHeld)
	wasFailed := `externalId="ext"; tries=3; nextTryAt="TIME"; lastError="no answer"; stuck=true; heldAt="TIME"`
	forgotten := `externalId="ext"; heldAt="TIME"; tries=3; lastError="no answer"; forgotten={"by":"key admin","reason":"deleted there by hand","at":"TIME"}`
	three := "[" + strings.Join([]string{resourceJSON("held", ""), resourceJSON("leaked", "stuck=true"), resourceJSON("releasing", wasFailed)}, ",") + "]"
	const path = "/v1/resources"
	because := `{"reason":"deleted there by hand"}`
	for _, s := range []scenario{
		{name: "guest", method: "GET", path: path, guest: true, status: 401, want: wantGuest},
		{name: "list", method: "GET", path: path, key: fleet.ScopeRead, status: 200, want: three},
		{name: "another team's list", method: "GET", path: path, foreign: true, status: 200, want: `[]`},
		{name: "another team names our agent", method: "GET", path: path + "?agent=" + string(ours), foreign: true, status: 200, want: `[]`},
		{name: "of the agent", method: "GET", path: "/v1/agents/" + string(ours) + "/resources", key: fleet.ScopeRead, status: 200, want: three},
		{name: "of an agent that has none", method: "GET", path: "/v1/agents/{id}/resources", agent: fleet.Paused, status: 200, want: `[]`},
		{name: "of an unknown agent", method: "GET", path: "/v1/agents/" + unknownID + "/resources", status: 404, want: `{"error":"not_found","message":"Agent not found"}`},
		{name: "of their agent", method: "GET", path: "/v1/agents/{id}/resources", agent: fleet.Paused, theirs: true, status: 403,
			want: `{"error":"forbidden","message":"You do not have access to this agent"}`},

		{name: "retry as a guest", method: "POST", path: path + "/" + stuck + "/retry", guest: true, status: 401, want: wantGuest},
		{name: "retry with too small a scope", method: "POST", path: path + "/" + stuck + "/retry", key: fleet.ScopeRead, status: 403,
			want: `{"error":"forbidden","message":"This needs the operate scope; yours is read","requiredScope":"operate"}`},
		{name: "another team retries", method: "POST", path: path + "/" + stuck + "/retry", foreign: true, status: 404, want: wantNoResource},
		{name: "retry nothing", method: "POST", path: path + "/" + unknownID + "/retry", status: 404, want: wantNoResource},
		{name: "retry what is no id", method: "POST", path: path + "/resource_1/retry", status: 404, want: wantNoResource},
		{name: "retry with a field", method: "POST", path: path + "/" + stuck + "/retry", body: `{"now":true}`, status: 400,
			want: `{"error":"validation_error","message":"now: is not a field of this call","fields":{"now":"is not a field of this call"}}`},
		{name: "retry what is held", method: "POST", path: path + "/" + held + "/retry", status: 409,
			want: `{"error":"conflict","message":"There is nothing to try again: the resource is held"}`},
		{name: "retry", method: "POST", path: path + "/" + stuck + "/retry", key: fleet.ScopeOperate, status: 200, want: resourceJSON("releasing", wasFailed)},
		{name: "retry what leaked", method: "POST", path: path + "/" + leaked + "/retry", body: `{}`, status: 200, want: resourceJSON("releasing", `nextTryAt="TIME"`)},

		{name: "forget as a guest", method: "POST", path: path + "/" + stuck + "/forget", guest: true, body: because, status: 401, want: wantGuest},
		{name: "forget with too small a scope", method: "POST", path: path + "/" + stuck + "/forget", key: fleet.ScopeDelete, body: because, status: 403,
			want: `{"error":"forbidden","message":"This needs the admin scope; yours is delete","requiredScope":"admin"}`},
		{name: "another team forgets", method: "POST", path: path + "/" + stuck + "/forget", foreign: true, body: because, status: 404, want: wantNoResource},
		{name: "forget nothing", method: "POST", path: path + "/" + unknownID + "/forget", body: because, status: 404, want: wantNoResource},
		{name: "forget for no reason", method: "POST", path: path + "/" + stuck + "/forget", status: 400,
			want: `{"error":"validation_error","message":"reason: must say why","fields":{"reason":"must say why"}}`},
		{name: "forget with another field", method: "POST", path: path + "/" + stuck + "/forget", body: `{"reason":"x","by":"me"}`, status: 400,
			want: `{"error":"validation_error","message":"by: is not a field of this call","fields":{"by":"is not a field of this call"}}`},
		{name: "forget what is held", method: "POST", path: path + "/" + held + "/forget", body: because, status: 409,
			want: `{"error":"conflict","message":"Only what is to be released can be forgotten; the resource is held"}`},
		{name: "forget", method: "POST", path: path + "/" + stuck + "/forget", body: because, status: 200, want: resourceJSON("leaked", forgotten)},
		{name: "forget again", method: "POST", path: path + "/" + stuck + "/forget", body: because, status: 409,
			want: `{"error":"conflict","message":"The resource was forgotten by key admin"}`},
	} {
		t.Run(s.name, func(t *testing.T) {
			if got := s.run(t, w); strings.Contains(got.body, "canary-session") {
				t.Error("the session is told")
			}
		})
	}
}

func TestVendorCalls(t *testing.T) {
	w := newWorld(t)
	vendor := func(checking string) string {
		return `{"name":"resting","label":"Resting","standIn":true,"state":"ok","since":null,"message":null,"checking":` + checking + `}`
	}
	for _, s := range []scenario{
		{name: "guest", method: "GET", path: "/v1/vendors", guest: true, status: 401, want: wantGuest},
		{name: "list", method: "GET", path: "/v1/vendors", key: fleet.ScopeRead, status: 200, want: `[` + vendor("false") + `]`},
		{name: "check as a guest", method: "POST", path: "/v1/vendors/resting/check", guest: true, status: 401, want: wantGuest},
		{name: "check with too small a scope", method: "POST", path: "/v1/vendors/resting/check", key: fleet.ScopeOperate, status: 403,
			want: `{"error":"forbidden","message":"This needs the admin scope; yours is operate","requiredScope":"admin"}`},
		{name: "check nobody", method: "POST", path: "/v1/vendors/nobody/check", status: 404, want: `{"error":"not_found","message":"Vendor not found"}`},
		{name: "check with a field", method: "POST", path: "/v1/vendors/resting/check", body: `{"x":1}`, status: 400,
			want: `{"error":"validation_error","message":"x: is not a field of this call","fields":{"x":"is not a field of this call"}}`},
		{name: "check", method: "POST", path: "/v1/vendors/resting/check", key: fleet.ScopeAdmin, status: 202, want: vendor("true")},
		{name: "list while it is checked", method: "GET", path: "/v1/vendors", key: fleet.ScopeRead, status: 200, want: `[` + vendor("true") + `]`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

func TestResourceFilters(t *testing.T) {
	w := newWorld(t)
	one, other := w.agent("assistant", fleet.Ended), w.agent("assistant", fleet.Ended)
	proxy := func(r *fleet.Resource) { r.Type = fleet.ResourceProxy }
	ids := []string{
		w.row(w.team.ID, one, fleet.ResourceReleased), w.row(w.team.ID, one, fleet.ResourceHeld, proxy),
		w.row(w.team.ID, other, fleet.ResourceLeaked), w.row(w.team.ID, other, fleet.ResourceReleasing), w.row(w.team.ID, other, fleet.ResourceHeld),
	}
	w.row(w.other.ID, w.agentOf(fleet.System(w.other.ID, "test"), "assistant", fleet.Paused), fleet.ResourceLeaked)
	if _, err := w.app.Delete(t.Context(), w.actor(), one, app.DeleteInput{}); err != nil {
		t.Fatal(err) // its rows stay
	}
	key := w.keys[fleet.ScopeRead]
	for query, want := range map[string]string{
		"": "4 3 2 1 0", "?state=held": "4", "?state=releasing,released": "3 1 0", "?type=proxy": "1", "?stuck=true": "2", "?agent=" + string(one): "1 0",
		"?agent=" + string(other) + "&state=held&type=profile": "4", "?agent=" + unknownID: "", "?limit=2": "4 3", "?state=releasing,%20released&limit=1": "3",
	} {
		a := w.do("GET", "/v1/resources"+query, key, "")
		var list []struct{ ID string }
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.status != 200 {
			t.Errorf("%s: %d %s %v", query, a.status, a.body, err)
		}
		got := []string{}
		for _, r := range list {
			got = append(got, fmt.Sprint(slices.Index(ids, r.ID)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: rows %v, want %s", query, got, want)
		}
		total := map[string]string{"?limit=2": "5", "?state=releasing,%20released&limit=1": "3"}[query]
		if total == "" {
			total = fmt.Sprint(len(list))
		}
		if a.header.Get("X-Total-Count") != total || (strings.Contains(a.header.Get("Link"), `rel="next"`)) != strings.Contains(query, "limit") {
			t.Errorf("%s: total %s, want %s, link %q", query, a.header.Get("X-Total-Count"), total, a.header.Get("Link"))
		}
	}
	for query, field := range map[string]string{"?state=held,": "state", "?state=gone": "state", "?type=cookie": "type", "?stuck=yes": "stuck", "?agent=x": "agent", "?limit=201": "limit", "?cursor=!": "cursor"} {
		refused(t, w.do("GET", "/v1/resources"+query, key, ""), 400, `"fields":{"`+field+`"`)
	}
	if a := w.do("GET", "/v1/agents/"+string(one)+"/resources", key, ""); a.status != 404 {
		t.Errorf("a deleted agent's: %d %s", a.status, a.body)
	}
}

// Pages lead on to the end, each row once.
func TestResourcesArePaged(t *testing.T) {
	w := newWorld(t)
	agent := w.agent("assistant", fleet.Paused)
	var want []string
	for range 5 {
		want = append([]string{w.row(w.team.ID, agent, fleet.ResourceHeld)}, want...)
	}
	for _, path := range []string{"/v1/resources?state=held&limit=2", "/v1/agents/" + string(agent) + "/resources?limit=2"} {
		var got []string
		for next, pages := path, 0; next != "" && pages < 9; pages++ {
			a := w.do("GET", next, w.keys[fleet.ScopeRead], "")
			var list []struct{ ID string }
			must(t, json.Unmarshal([]byte(a.body), &list))
			for _, r := range list {
				got = append(got, r.ID)
			}
			if a.header.Get("X-Total-Count") != "5" {
				t.Errorf("total %q", a.header.Get("X-Total-Count"))
			}
			next, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">; rel=\"next\"")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v want %v", path, got, want)
		}
	}
}

// A repeated call under one key has one effect and one audit entry.
func TestARetryCountsOnce(t *testing.T) {
	w := newWorld(t)
	agent := w.agent("assistant", fleet.Paused)
	id := w.row(w.team.ID, agent, fleet.ResourceLeaked)
	var first answer
	for i := range 2 {
		a := w.do("POST", "/v1/resources/"+id+"/retry", w.keys[fleet.ScopeOperate], "", "Idempotency-Key: once")
		if i == 0 {
			first = a
		}
		if a.status != 200 || a.body != first.body || a.header.Get("Idempotency-Replayed") != map[int]string{0: "", 1: "true"}[i] {
			t.Errorf("call %d: %d %s %v", i, a.status, a.body, a.header)
		}
	}
	history := w.do("GET", "/v1/agents/"+string(agent)+"/history", w.keys[fleet.ScopeRead], "")
	if n := strings.Count(history.body, `"action":"resource.retry"`); n != 1 {
		t.Errorf("%d entries: %s", n, history.body)
	}
}

// What a preview names goes, and the certificate says how far it is.
func TestPreviewAndCertificateNameResources(t *testing.T) {
	w := newWorld(t)
	agent := w.agent("assistant", fleet.Ended)
	w.row(w.team.ID, agent, fleet.ResourceLeaked)
	held := w.row(w.team.ID, agent, fleet.ResourceHeld, func(r *fleet.Resource) { r.ExternalID = "ext" })
	const none = `"credentials":0,"tasks":0,"alerts":0,"usageDays":0,"messages":0,"logs":0,"settings":0`
	heldNow, leaked := resourceJSON("held", `externalId="ext"`), resourceJSON("leaked", "stuck=true")
	for move, names := range map[string]string{"relaunch": heldNow, "delete": heldNow + "," + leaked} {
		scenario{
			method: "GET", path: "/v1/agents/" + string(agent) + "/preview?action=" + move, key: fleet.ScopeDelete, status: 200,
			want: `{"action":"` + move + `","allowed":true,"blockedBy":[],"needsReason":false,"removes":{` + none + `,"resources":[` + names +
				`],"moreResources":0},"keeps":{` + none + `},"version":2}`,
		}.run(t, w)
	}
	done := w.do("DELETE", "/v1/agents/"+string(agent), w.keys[fleet.ScopeDelete], "", `If-Match: "2"`).json(t)
	d := scenario{
		method: "GET", path: "/v1/deletions/" + fmt.Sprint(done["deletionId"]), key: fleet.ScopeRead, status: 200,
		want: `{"id":"ID","agentId":"ID","at":"TIME","by":"key delete","byKind":"key","reason":null,"removed":{` + none + `},"incarnation":1,"exportSha256":null,` +
			`"resources":[` + resourceJSON("releasing", `externalId="ext"; nextTryAt="TIME"`) + "," + leaked + `],"moreResources":0}`,
	}.run(t, w)
	if !strings.Contains(d.body, held) {
		t.Errorf("another row: %s", d.body)
	}
	if list := w.do("GET", "/v1/deletions", w.keys[fleet.ScopeRead], ""); list.body != "["+d.body+"]" {
		t.Errorf("the list says %s", list.body)
	}
}
