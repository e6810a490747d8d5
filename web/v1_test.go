package web

import (
	"regexp"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// scenario is one call and its whole answer. Body is compared with ids,
// times and request ids replaced by words; "" is no expectation and fails.
type scenario struct {
	name    string
	method  string
	path    string // {id} is the agent's
	key     fleet.Scope
	guest   bool
	foreign bool
	agent   fleet.Status // of a fresh agent of kind
	kind    string
	theirs  bool // the agent is another team's
	body    string
	headers []string
	status  int
	want    string
}

// noBody is the expectation of an answer without a body.
const noBody = "no body"

func (s scenario) run(t *testing.T, w *world) answer {
	t.Helper()
	path := s.path
	if s.agent != "" {
		by := w.actor()
		if s.theirs {
			by = fleet.System(w.other.ID, "test")
		}
		kind := s.kind
		if kind == "" {
			kind = "assistant"
		}
		path = strings.ReplaceAll(path, "{id}", string(w.agentOf(by, kind, s.agent)))
	}
	key := w.keys[s.key]
	switch {
	case s.guest:
		key = ""
	case s.foreign:
		key = w.foreign
	case key == "":
		key = w.keys[fleet.ScopeAdmin]
	}
	got := w.do(s.method, path, key, s.body, s.headers...)
	if s.want == "" {
		t.Fatal("a scenario without an expected body proves nothing")
	}
	if s.want == noBody {
		s.want = ""
	}
	if body := normal(got.body); got.status != s.status || body != s.want {
		t.Errorf("got  %d %s\nwant %d %s", got.status, body, s.status, s.want)
	}
	return got
}

// normal replaces what differs from run to run.
func normal(body string) string {
	for _, r := range []struct{ pattern, word string }{
		{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "ID"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, "TIME"},
		{`agy_[0-9A-Za-z]{36}`, "KEY"},
		{`agy_[0-9A-Za-z]{8}`, "PREFIX"},
		{`http://[^"]*/invite/[0-9A-Za-z_-]{43}`, "LINK"},
		{`\b1\d{12}\b`, "MS"},
	} {
		body = regexp.MustCompile(r.pattern).ReplaceAllString(body, r.word)
	}
	return body
}

const unknownID = "01890000-0000-7000-8000-000000000000"

// The bodies of the relaunch and delete documents, to the letter.
func TestSeedBodies(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "relaunch", method: "POST", path: "/v1/agents/{id}/relaunch", agent: fleet.Ended, status: 200,
			headers: []string{"Content-Type: application/json"}, want: `{"message":"Agent relaunched successfully","status":"setup_needed"}`},
		{name: "relaunch an unknown agent", method: "POST", path: "/v1/agents/" + unknownID + "/relaunch", status: 404,
			want: `{"error":"not_found","message":"Agent not found"}`},
		{name: "relaunch what is no id", method: "POST", path: "/v1/agents/agent_123/relaunch", status: 404,
			want: `{"error":"not_found","message":"Agent not found"}`},
		{name: "relaunch theirs", method: "POST", path: "/v1/agents/{id}/relaunch", agent: fleet.Ended, theirs: true, status: 403,
			want: `{"error":"forbidden","message":"You do not have access to this agent"}`},
		{name: "relaunch a running one", method: "POST", path: "/v1/agents/{id}/relaunch", agent: fleet.Running, status: 400,
			want: `{"error":"invalid_status","message":"Agent can only be relaunched when status is ended","currentStatus":"running"}`},
		{name: "delete", method: "DELETE", path: "/v1/agents/{id}", agent: fleet.Ended, status: 200,
			headers: []string{"Content-Type: application/json"}, want: `{"message":"Agent deleted successfully","deletionId":"ID"}`},
		{name: "delete an unknown agent", method: "DELETE", path: "/v1/agents/" + unknownID, status: 404,
			want: `{"error":"not_found","message":"Agent not found"}`},
		{name: "delete what is no id", method: "DELETE", path: "/v1/agents/agent_123", status: 404,
			want: `{"error":"not_found","message":"Agent not found"}`},
		{name: "delete theirs", method: "DELETE", path: "/v1/agents/{id}", agent: fleet.Ended, theirs: true, status: 403,
			want: `{"error":"forbidden","message":"You do not have access to this agent"}`},
		{name: "delete a running one", method: "DELETE", path: "/v1/agents/{id}", agent: fleet.Running, status: 400,
			want: `{"error":"invalid_status","message":"Agent can only be deleted when status is ended","currentStatus":"running"}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

const newAgentJSON = `{"id":"ID","name":"Ada","kind":"assistant","status":"setup_needed","login":null,"country":"FR","avatar":null,"tags":["a"],` +
	`"nextTask":null,"usage":{"invitations":0,"invitationsDaily":0,"messages":0,"messagesDaily":0,"nextInvitation":null,"nextMessage":null,` +
	`"workingHours":{"days":"1:1:1:1:1:0:0","start":"08:00","stop":"17:00","timezone":"Etc/GMT-2"}},` +
	`"limits":{"invitationsMin":5,"invitationsMax":30,"messagesMin":10,"messagesMax":25},"settings":[{"key":"tone","value":"warm"}],"alerts":[],` +
	`"runtime":{"state":"none","lastHeardAt":null,"epoch":0,"restarts":0,"driver":"process"},"why":"Not started yet","incarnation":1,` +
	`"protected":null,"endReason":null,"endedAt":null,"createdAt":"TIME","updatedAt":"TIME","version":1}`

func TestAgentCalls(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "verify", method: "GET", path: "/v1/verify", key: fleet.ScopeRead, status: 200,
			want: `{"status":"success","message":"API key is valid","team":{"id":"ID","name":"Ours"},"scope":"read","expiresAt":null}`},
		{name: "team", method: "GET", path: "/v1/team", key: fleet.ScopeRead, status: 200,
			want: `{"id":"ID","name":"Ours","paused":null,"agents":{"paused":0,"running":0}}`},
		{name: "create", method: "POST", path: "/v1/agents", key: fleet.ScopeOperate, status: 201,
			body: `{"name":"Ada","kind":"assistant","country":"fr","tags":["a"],"workingHours":{"start":"08:00","timezone":2},"limits":{"invitationsMax":30},"settings":[{"key":"tone","value":"warm"}]}`,
			want: newAgentJSON},
		{name: "create with too small a scope", method: "POST", path: "/v1/agents", key: fleet.ScopeRead, status: 403,
			want: `{"error":"forbidden","message":"This needs the operate scope; yours is read","requiredScope":"operate"}`},
		{name: "create with an unknown field", method: "POST", path: "/v1/agents", body: `{"nmae":"x"}`, status: 400,
			want: `{"error":"validation_error","message":"nmae: is not a field of this call","fields":{"nmae":"is not a field of this call"}}`},
		{name: "create in no time zone", method: "POST", path: "/v1/agents", body: `{"workingHours":{"timezone":99}}`, status: 400,
			want: `{"error":"validation_error","message":"workingHours.timezone: must be an IANA time zone or whole hours from -12 to 14",` +
				`"fields":{"workingHours.timezone":"must be an IANA time zone or whole hours from -12 to 14"}}`},
		{name: "change", method: "PUT", path: "/v1/agents/{id}", agent: fleet.SetupNeeded, body: `{"name":"Bob"}`, status: 200,
			want: `{"id":"ID","message":"Agent settings updated successfully"}`},
		{name: "change a version that moved", method: "PUT", path: "/v1/agents/{id}", agent: fleet.SetupNeeded, body: `{}`, status: 412,
			headers: []string{`If-Match: "7"`},
			want:    `{"error":"version_mismatch","message":"The agent was changed meanwhile: it is at version 1, not 7"}`},
		{name: "change with no ETag", method: "PUT", path: "/v1/agents/{id}", agent: fleet.SetupNeeded, body: `{}`, status: 400,
			headers: []string{`If-Match: 7`},
			want:    `{"error":"validation_error","message":"If-Match: must be the ETag of what is changed, such as \"12\"","fields":{"If-Match":"must be the ETag of what is changed, such as \"12\""}}`},
		{name: "set up", method: "POST", path: "/v1/agents/{id}/setup", agent: fleet.SetupNeeded, kind: "rehearsal",
			body: `{"login":"a@b.example","password":"secret","country":"FR"}`, status: 200,
			want: `{"message":"Agent setup started","status":"auth_in_progress"}`},
		{name: "verify a code nobody asked for", method: "POST", path: "/v1/agents/{id}/verify", agent: fleet.SetupNeeded, body: `{"code":"123456"}`, status: 400,
			want: `{"error":"invalid_status","message":"Agent can only take a code when status is auth_needed","currentStatus":"setup_needed"}`},
		{name: "start", method: "POST", path: "/v1/agents/{id}/start", agent: fleet.SetupNeeded, status: 200,
			want: `{"message":"Agent started successfully","status":"running"}`},
		{name: "pause", method: "POST", path: "/v1/agents/{id}/pause", agent: fleet.Running, body: `{"note":"lunch"}`, status: 200,
			want: `{"message":"Agent paused successfully","status":"paused"}`},
		{name: "resume", method: "POST", path: "/v1/agents/{id}/resume", agent: fleet.Paused, status: 200,
			want: `{"message":"Agent resumed successfully","status":"running"}`},
		{name: "end", method: "POST", path: "/v1/agents/{id}/end", agent: fleet.Paused, status: 200,
			want: `{"message":"Agent ended successfully","status":"ended"}`},
		{name: "disable", method: "POST", path: "/v1/agents/{id}/disable", agent: fleet.Paused, status: 200,
			want: `{"message":"Agent disabled successfully","status":"disabled"}`},
		{name: "enable", method: "POST", path: "/v1/agents/{id}/enable", agent: fleet.Disabled, status: 200,
			want: `{"message":"Agent enabled successfully","status":"setup_needed"}`},
		{name: "protect", method: "POST", path: "/v1/agents/{id}/protect", agent: fleet.Paused, body: `{"reason":"mine"}`, status: 200,
			want: `{"message":"Agent protected successfully"}`},
		{name: "relaunch with rubbish", method: "POST", path: "/v1/agents/{id}/relaunch", agent: fleet.Ended, body: `{"reason":`, status: 400,
			want: `{"error":"validation_error","message":"body: must be valid JSON","fields":{"body":"must be valid JSON"}}`},
		{name: "relaunch as a form", method: "POST", path: "/v1/agents/{id}/relaunch", agent: fleet.Ended, body: `{"reason":"again"}`, status: 200,
			headers: []string{"Content-Type: application/x-www-form-urlencoded"}, want: `{"message":"Agent relaunched successfully","status":"setup_needed"}`},
		{name: "preview of nothing", method: "GET", path: "/v1/agents/{id}/preview?action=end", agent: fleet.Ended, status: 400,
			want: `{"error":"validation_error","message":"action: must be relaunch or delete","fields":{"action":"must be relaunch or delete"}}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

func TestCallsAroundAgents(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "message to a paused one", method: "POST", path: "/v1/agents/{id}/messages", agent: fleet.Paused, body: `{"text":"hi"}`, status: 400,
			want: `{"error":"invalid_status","message":"Agent can only take messages when status is running","currentStatus":"paused"}`},
		{name: "message", method: "POST", path: "/v1/agents/{id}/messages", agent: fleet.Running, body: `{"text":"hi","from":"Eve","conversation":"c"}`, status: 202,
			want: `{"id":"ID","text":"hi","reply":null,"state":"pending","conversation":"c","from":"Eve","createdAt":"TIME","repliedAt":null}`},
		{name: "tasks", method: "GET", path: "/v1/agents/{id}/tasks", agent: fleet.Paused, status: 200, want: `[]`},
		{name: "add a task", method: "POST", path: "/v1/agents/{id}/tasks", agent: fleet.Paused, body: `{"type":"message","payload":{"to":"x"}}`, status: 201,
			want: `{"id":"ID","type":"message","payload":{"to":"x"},"dueAt":"TIME","state":"pending","incarnation":1,"error":null,"createdAt":"TIME","updatedAt":"TIME"}`},
		{name: "cancel no task", method: "DELETE", path: "/v1/agents/{id}/tasks/x", agent: fleet.Paused, status: 404,
			want: `{"error":"not_found","message":"Task not found"}`},
		{name: "usage", method: "GET", path: "/v1/agents/{id}/usage", agent: fleet.Paused, status: 200, want: `[]`},
		{name: "usage of no day", method: "GET", path: "/v1/agents/{id}/usage?from=yesterday", agent: fleet.Paused, status: 400,
			want: `{"error":"validation_error","message":"from: must be a day such as 2026-01-31","fields":{"from":"must be a day such as 2026-01-31"}}`},
		{name: "logs", method: "GET", path: "/v1/agents/{id}/logs?level=warn&after=0", agent: fleet.Paused, status: 200, want: `[]`},
		{name: "resolve no alert", method: "POST", path: "/v1/alerts/" + unknownID + "/resolve", status: 404,
			want: `{"error":"not_found","message":"Alert not found"}`},
		{name: "make a key", method: "POST", path: "/v1/keys", body: `{"name":"ci","scope":"read"}`, status: 201,
			want: `{"id":"ID","name":"ci","prefix":"PREFIX","scope":"read","createdBy":"key admin","createdAt":"TIME","lastUsedAt":null,"expiresAt":null,"revokedAt":null,"key":"KEY"}`},
		{name: "revoke no key", method: "DELETE", path: "/v1/keys/" + unknownID, status: 404, want: `{"error":"not_found","message":"API key not found"}`},
		{name: "no deletions", method: "GET", path: "/v1/deletions/" + unknownID, status: 404, want: `{"error":"not_found","message":"Deletion not found"}`},
		{name: "no such path", method: "GET", path: "/v1/nothing", status: 404, want: `{"error":"not_found","message":"There is nothing at this address"}`},
		{name: "an outer slash", method: "GET", path: "/v1/agents/", status: 404, want: `{"error":"not_found","message":"There is nothing at this address"}`},
		{name: "no such method", method: "PATCH", path: "/v1/agents", status: 405, want: `{"error":"method_not_allowed","message":"This address does not take this method"}`},
		{name: "no such method at all", method: "FROB", path: "/v1/agents", status: 501, want: `{"error":"not_implemented","message":"There is no such method"}`},
		{name: "guest", method: "GET", path: "/v1/agents", guest: true, status: 401,
			want: `{"error":"missing_api_key","message":"An API key is needed: send Authorization: Bearer YOUR_API_KEY"}`},
		{name: "no key", method: "GET", path: "/v1/agents", guest: true, headers: []string{"Authorization: Bearer YOUR_API_KEY"}, status: 401,
			want: `{"error":"invalid_api_key_format","message":"This cannot be an API key: keys have 40 characters and begin with agy_"}`},
		{name: "too large", method: "POST", path: "/v1/agents", body: strings.Repeat(" ", 1<<20+1), status: 413,
			want: `{"error":"payload_too_large","message":"The body is larger than 1 MiB"}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}
