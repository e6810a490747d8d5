package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/fleet"
)

// plainAgent is an agent without a character, as /api shows it.
const plainAgent = `{"success":true,"data":{"id":"ID","name":"Ada","username":"","bio":[],"messageExamples":[],"postExamples":[],"topics":[],"adjectives":[],` +
	`"knowledge":[],"plugins":[],"settings":{},"style":{},"enabled":true,"server_id":null,"createdAt":MS,"updatedAt":MS,"status":"%s"}}`

const benchAgent = `"character":{"id":"ID","name":"Bench1","username":"","bio":["bench agent"],"messageExamples":[],"postExamples":[],"topics":[],"adjectives":[],` +
	`"knowledge":[],"plugins":[],"settings":{},"style":{}}`

// failure is how /api refuses.
func failure(code, message string) string {
	return fmt.Sprintf(`{"success":false,"error":{"code":%q,"message":%q}}`, code, message)
}

// The bodies of /api, as servers of ElizaOS 1.7.2 answer them; where those are
// broken, what is right instead.
func TestElizaV1Bodies(t *testing.T) {
	w := newWorld(t)
	notFound, invalidID := failure("NOT_FOUND", "Agent not found"), failure("INVALID_ID", "Invalid agent ID format")
	const one, unknown = "/api/agents/{id}", "/api/agents/" + unknownID
	for _, s := range []scenario{
		{name: "create", method: "POST", path: "/api/agents", body: `{"characterJson":{"name":"Bench1","bio":["bench agent"]}}`, status: 201,
			want: `{"success":true,"data":{"id":"ID",` + benchAgent + `}}`},
		{name: "create as agent", method: "POST", path: "/api/agents", body: `{"agent":{"name":"Bench1","bio":["ignored: it is there"]},"more":1}`, status: 201,
			want: `{"success":true,"data":{"id":"ID",` + benchAgent + `}}`},
		{name: "create without a character", method: "POST", path: "/api/agents", body: `{}`, status: 400, want: failure("CREATE_ERROR", "No character configuration provided")},
		{name: "create without a body", method: "POST", path: "/api/agents", status: 400, want: failure("CREATE_ERROR", "No character configuration provided")},
		{name: "create from a path", method: "POST", path: "/api/agents", body: `{"characterPath":"/etc/passwd"}`, status: 400,
			want: failure("CREATE_ERROR", "characterPath is not taken: this server opens no file or address that a caller names. Send the character itself as characterJson")},
		{name: "create without bio", method: "POST", path: "/api/agents", body: `{"characterJson":{"name":"NoBio"}}`, status: 400,
			want: failure("CREATE_ERROR", "Character validation failed: bio: must be a text or a list of texts")},
		{name: "create without name", method: "POST", path: "/api/agents", body: `{"characterJson":{"bio":["x"]}}`, status: 400,
			want: failure("CREATE_ERROR", "Character validation failed: name: must be a text that is not empty")},
		{name: "create with wrong topics", method: "POST", path: "/api/agents", body: `{"characterJson":{"name":"x","bio":"x","topics":[1]}}`, status: 400,
			want: failure("CREATE_ERROR", "Character validation failed: topics: must be a list of texts")},
		{name: "create with a wrong id", method: "POST", path: "/api/agents", body: `{"characterJson":{"id":"agent_1","name":"x","bio":"x"}}`, status: 400,
			want: failure("CREATE_ERROR", "Character validation failed: id: must be a UUID")},
		{name: "create too much", method: "POST", path: "/api/agents", body: `{"characterJson":{"name":"x","bio":"` + strings.Repeat("x", fleet.MaxSettingsBytes) + `"}}`, status: 400,
			want: failure("CREATE_ERROR", "Character validation failed: settings: at most 65536 bytes together")},
		{name: "create from bad JSON", method: "POST", path: "/api/agents", body: `{bad json`, status: 400, want: failure("CREATE_ERROR", "body: must be valid JSON")},

		{name: "get", method: "GET", path: one, agent: fleet.Paused, status: 200, want: fmt.Sprintf(plainAgent, "inactive")},
		{name: "get a running one", method: "GET", path: one, agent: fleet.Running, status: 200, want: fmt.Sprintf(plainAgent, "active")},
		{name: "get an unknown one", method: "GET", path: unknown, status: 404, want: notFound},
		{name: "get what is no id", method: "GET", path: "/api/agents/not-a-uuid", status: 400, want: invalidID},
		{name: "get theirs", method: "GET", path: one, agent: fleet.Paused, theirs: true, status: 403, want: failure("FORBIDDEN", "You do not have access to this agent")},

		{name: "start", method: "POST", path: one + "/start", agent: fleet.SetupNeeded, body: `{"enableAutonomy":true,"settings":{"temperature":0.8}}`, status: 200,
			want: `{"success":true,"data":{"id":"ID","name":"Ada","status":"active"}}`},
		{name: "start a running one", method: "POST", path: one + "/start", agent: fleet.Running, status: 200, want: `{"success":true,"data":{"id":"ID","name":"Ada","status":"active"}}`},
		{name: "start an ended one", method: "POST", path: one + "/start", agent: fleet.Ended, status: 409, want: failure("START_ERROR", "Agent cannot be started when status is ended")},
		{name: "start what needs a setup", method: "POST", path: one + "/start", kind: "rehearsal", agent: fleet.SetupNeeded, status: 409,
			want: failure("START_ERROR", "Agent cannot be started when status is setup_needed")},
		{name: "start an unknown one", method: "POST", path: unknown + "/start", status: 404, want: notFound},
		{name: "start what is no id", method: "POST", path: "/api/agents/not-a-uuid/start", status: 400, want: invalidID},

		{name: "stop", method: "POST", path: one + "/stop", agent: fleet.Running, body: `{"graceful":true}`, status: 200, want: `{"success":true,"data":{"message":"Agent stopped"}}`},
		{name: "stop a stopped one", method: "POST", path: one + "/stop", agent: fleet.Paused, status: 200, want: `{"success":true,"data":{"message":"Agent stopped"}}`},
		{name: "stop an unknown one", method: "POST", path: unknown + "/stop", status: 404, want: notFound},

		{name: "change an unknown one", method: "PATCH", path: unknown, body: `{"bio":["x"]}`, status: 404, want: notFound},
		{name: "change nothing", method: "PATCH", path: one, agent: fleet.Paused, body: `{"metadata":{"a":1}}`, status: 200, want: fmt.Sprintf(plainAgent, "inactive")},
		{name: "change to a wrong type", method: "PATCH", path: one, agent: fleet.Paused, body: `{"style":[]}`, status: 400,
			want: failure("UPDATE_ERROR", "style: must be an object of lists of texts")},
		{name: "replace", method: "PUT", path: one, agent: fleet.Paused, body: `{}`, status: 405, want: failure("METHOD_NOT_ALLOWED", "This address does not take this method")},

		{name: "delete", method: "DELETE", path: one, agent: fleet.Ended, status: 204, want: noBody},
		{name: "delete a running one", method: "DELETE", path: one, agent: fleet.Running, status: 409,
			want: `{"success":false,"error":{"code":"DELETE_ERROR","message":"Agent can only be deleted when status is ended","details":"End it first: on its page, or with POST /v1/agents/{id}/end"}}`},
		{name: "delete an unknown one", method: "DELETE", path: unknown, status: 404, want: notFound},
		{name: "delete with too small a key", method: "DELETE", path: one, agent: fleet.Ended, key: fleet.ScopeOperate, status: 403,
			want: failure("FORBIDDEN", "This needs the delete scope; yours is operate")},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

// What there is beside the agents, and what there is not.
func TestElizaV1BodiesBeside(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Version = "v9" })
	const one = "/api/agents/{id}"
	unauthorized := failure("UNAUTHORIZED", "Missing or invalid API key: send it as X-API-KEY or as Authorization: Bearer")
	noEndpoint := failure("NOT_FOUND", "API endpoint not found")
	w.agent("assistant", fleet.Running)
	for _, s := range []scenario{
		{name: "logs", method: "GET", path: one + "/logs", agent: fleet.Paused, status: 200, want: `{"success":true,"data":[]}`},
		{name: "logs from never", method: "GET", path: one + "/logs?from=never", agent: fleet.Paused, status: 400, want: failure("VALIDATION_ERROR", "from: must be a time")},
		{name: "panels", method: "GET", path: one + "/panels", agent: fleet.Paused, status: 200, want: `{"success":true,"data":[]}`},
		{name: "runs", method: "GET", path: one + "/runs", agent: fleet.Paused, status: 200, want: `{"success":true,"data":{"runs":[],"total":0,"hasMore":false}}`},
		{name: "runs of an odd status", method: "GET", path: one + "/runs?status=odd", agent: fleet.Paused, status: 400,
			want: failure("VALIDATION_ERROR", "status: must be started, completed, timeout, error or all")},
		{name: "a run that is none", method: "GET", path: one + "/runs/x", agent: fleet.Paused, status: 400, want: failure("INVALID_ID", "Invalid run ID format")},
		{name: "an unknown run", method: "GET", path: one + "/runs/" + unknownID, agent: fleet.Paused, status: 404, want: failure("NOT_FOUND", "Run not found")},
		{name: "worlds", method: "GET", path: "/api/agents/worlds", status: 404, want: noEndpoint},
		{name: "a world of an agent", method: "POST", path: one + "/worlds", agent: fleet.Paused, body: `{}`, status: 404, want: noEndpoint},
		{name: "no such path", method: "GET", path: "/api/nope", status: 404, want: noEndpoint},
		{name: "guest", method: "GET", path: "/api/agents", guest: true, status: 401, want: unauthorized},
		{name: "wrong key", method: "GET", path: "/api/agents", guest: true, headers: []string{"X-API-KEY: sekret"}, status: 401, want: unauthorized},

		{name: "ping", method: "GET", path: "/api/server/ping", status: 200, want: `{"pong":true,"timestamp":MS}`},
		{name: "health", method: "GET", path: "/api/server/health", status: 200,
			want: `{"status":"OK","version":"v9","timestamp":"TIME","dependencies":{"agents":"healthy","database":"healthy"}}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

// Who was created is found, changed and listed with everything that was said
// of it, and with no secret.
func TestElizaV1Character(t *testing.T) {
	w := newWorld(t)
	key := "X-API-KEY: " + w.keys[fleet.ScopeDelete]
	call := func(method, path, body string, status int) (data map[string]any) {
		t.Helper()
		a := w.do(method, path, "", body, key)
		if a.status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		data, _ = a.json(t)["data"].(map[string]any)
		return data
	}
	const about = `"username":"fix","system":"You are brief.","bio":"one text","lore":["l"],"topics":["go","sql"],"adjectives":["calm"],"style":{"all":["short"],"chat":["warm"],"post":[]},` +
		`"messageExamples":[[{"name":"{{name1}}","content":{"text":"hi"}},{"name":"Fix","content":{"text":"yes?"}}]],"postExamples":["p"],` +
		`"knowledge":["k.md",{"path":"docs","shared":true}],"plugins":["@elizaos/plugin-bootstrap"],"templates":{"t":"x"}`
	const free = `"model":"m-1","temperature":0.5,"deep":{"a":[1,null]}`
	made := call("POST", "/api/agents", `{"characterJson":{"id":"550E8400-E29B-41D4-A716-446655440000","name":"FixedId",`+about+`,"secrets":{"A":"canary-1"},"settings":{`+free+`,"secrets":{"K":"canary-2"}}}}`, 201)
	id, _ := made["id"].(string)
	if id != "550e8400-e29b-41d4-a716-446655440000" {
		t.Errorf("the id is %s", id)
	}
	want := map[string]any{}
	must(t, json.Unmarshal([]byte(`{"id":"`+id+`","name":"FixedId",`+about+`,"settings":{`+free+`}}`), &want))
	if diff := cmp.Diff(want, made["character"]); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for _, more := range []string{"enabled", "server_id", "createdAt", "updatedAt", "status"} {
		want[more] = call("GET", "/api/agents/"+strings.ToUpper(id), "", 200)[more]
	}
	if diff := cmp.Diff(want, call("GET", "/api/agents/"+id, "", 200)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}

	got := call("PATCH", "/api/agents/"+id, `{"id":"x","name":"Renamed","bio":["a","b"],"system":null,"settings":{"model":"m-2","temperature":null,"secrets":{"K":"canary-3"}},"status":"active"}`, 200)
	want["name"], want["bio"], want["settings"] = "Renamed", []any{"a", "b"}, map[string]any{"model": "m-2", "deep": map[string]any{"a": []any{1.0, nil}}}
	delete(want, "system")
	want["updatedAt"] = got["updatedAt"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	list := w.do("GET", "/api/agents", "", "", key).body
	if list != `{"success":true,"data":{"agents":[{"id":"`+id+`","name":"Renamed","characterName":"Renamed","bio":"a","status":"inactive"}]}}` {
		t.Error(list)
	}
	if body := w.do("GET", "/v1/agents/"+id, w.keys[fleet.ScopeAdmin], "").body; strings.Contains(body, "canary") || !strings.Contains(body, `"kind":"assistant"`) {
		t.Errorf("a secret was kept, or the kind is wrong: %s", body)
	}
	if body := w.do("GET", "/agents", "", "", "Authorization: Bearer "+w.keys[fleet.ScopeRead]).body; !strings.Contains(body, `"bio":"a"`) {
		t.Errorf("/agents shows the bio otherwise: %s", body)
	}
}

// A repeated create finds the agent that is there; an id that is somebody
// else's is refused.
func TestElizaV1CreateAgain(t *testing.T) {
	w := newWorld(t)
	create := func(key, more string) (int, string) {
		t.Helper()
		a := w.do("POST", "/api/agents", key, `{"characterJson":{"name":"Twin","bio":"x"`+more+`}}`)
		data, _ := a.json(t)["data"].(map[string]any)
		id, _ := data["id"].(string)
		return a.status, id
	}
	ours, theirs := w.keys[fleet.ScopeAdmin], w.foreign
	_, first := create(ours, "")
	if status, again := create(ours, ""); status != 201 || again != first {
		t.Errorf("again: %d %s, not %s", status, again, first)
	}
	if status, again := create(ours, `,"id":"`+first+`"`); status != 201 || again != first {
		t.Errorf("by id: %d %s, not %s", status, again, first)
	}
	if status, other := create(theirs, ""); status != 201 || other == first {
		t.Errorf("another team's: %d %s", status, other)
	}
	if status, _ := create(theirs, `,"id":"`+first+`"`); status != 409 {
		t.Errorf("another team takes the id: %d", status)
	}
	if status, _ := create(ours, `,"id":"`+first+`","name":"Other"`); status != 409 {
		t.Errorf("another name takes the id: %d", status)
	}
	w.do("POST", "/v1/agents/"+first+"/end", ours, "")
	status, second := create(ours, "")
	if status != 201 || second == first || second == "" {
		t.Errorf("after the end: %d %s", status, second)
	}
	list := w.do("GET", "/api/agents", ours, "").body
	if strings.Index(list, second) > strings.Index(list, first) || !strings.Contains(list, first) {
		t.Errorf("the ended one comes first: %s", list)
	}
	w.do("DELETE", "/api/agents/"+first, ours, "")
	if status, _ := create(ours, `,"id":"`+first+`"`); status != 409 {
		t.Errorf("a deleted id is taken again: %d", status)
	}
}

func TestElizaV1Logs(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	var events []string
	for i, level := range []string{"debug", "info", "warn", "error"} {
		events = append(events, fmt.Sprintf(`{"id":"l%d","type":"log","at":"2026-01-0%dT12:00:00Z","level":%q,"text":"Line %d"}`, i, i+1, level, i))
	}
	w.do("POST", "/runtime/v1/events", w.runner.tokenOf(id), `{"events":[`+strings.Join(events, ",")+`]}`)
	for query, want := range map[string]string{
		"": "3 2 1 0", "?level=warn": "3 2", "?limit=2": "3 2", "?count=1&offset=1": "2", "?offset=9": "", "?search=LINE 1": "1",
		"?from=2026-01-03T12:00:00.000Z": "3 2", "?to=1767355200000": "1 0", "?from=Fri Jan 02 2026 12:00:00 GMT%2B0000 (Coordinated Universal Time)&to=2026-01-03T12:00:00Z": "2 1",
	} {
		var got struct {
			Data []struct {
				ID, EntityID, Type, Level, Message string
				Timestamp, CreatedAt               int64
			}
		}
		a := w.do("GET", "/api/agents/"+string(id)+"/logs"+strings.ReplaceAll(query, " ", "%20"), w.keys[fleet.ScopeRead], "")
		must(t, json.Unmarshal([]byte(a.body), &got))
		var lines []string
		for _, l := range got.Data {
			if _, ok := fleet.ParseID(l.ID); !ok || l.EntityID != string(id) || l.Timestamp != l.CreatedAt || l.Timestamp < 1767268800000 || l.Type != "log" || l.Level == "" {
				t.Errorf("%+v", l)
			}
			lines = append(lines, strings.TrimPrefix(l.Message, "Line "))
		}
		if strings.Join(lines, " ") != want {
			t.Errorf("%s: %v, want %s", query, lines, want)
		}
	}
}

// Of what cannot be started or stopped the facts are told.
func TestElizaV1StartsAndStopsHonestly(t *testing.T) {
	w := newWorld(t)
	key := w.keys[fleet.ScopeOperate]
	w.runner.fails = true
	id := w.agent("assistant", fleet.SetupNeeded)
	a := w.do("POST", "/api/agents/"+string(id)+"/start", key, "")
	if a.status != 500 || a.body != `{"success":false,"error":{"code":"START_ERROR","message":"Failed to start agent runtime"}}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.runner.fails = false
	signing := w.agent("rehearsal", fleet.SetupNeeded)
	w.do("POST", "/v1/agents/"+string(signing)+"/setup", key, `{"login":"a","password":"b","country":"FR"}`)
	a = w.do("POST", "/api/agents/"+string(signing)+"/stop", key, "")
	if a.status != 409 || !strings.Contains(a.body, `"code":"STOP_ERROR"`) {
		t.Errorf("a program that signs in is said to be stopped: %d %s", a.status, a.body)
	}
	refused(t, w.do("POST", "/api/agents/"+string(id)+"/stop", w.keys[fleet.ScopeRead], ""), 403, "FORBIDDEN")
	if n := w.do("GET", "/api/server/status", key, "").json(t)["agentCount"]; n != 0.0 {
		t.Errorf("%v agents run", n)
	}
}
