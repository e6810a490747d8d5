package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// The bodies of the agent-start document, to the letter.
func TestStartSeedBodies(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "start", method: "POST", path: "/agents/{id}/start", agent: fleet.SetupNeeded, body: `{}`, status: 200,
			want: `{"success":true,"message":"Agent started successfully","data":{"agentId":"ID","status":"active","startedAt":MS,"enableAutonomy":false}}`},
		{name: "start without a body", method: "POST", path: "/agents/{id}/start", agent: fleet.Paused, status: 200,
			want: `{"success":true,"message":"Agent started successfully","data":{"agentId":"ID","status":"active","startedAt":MS,"enableAutonomy":false}}`},
		{name: "start with autonomy", method: "POST", path: "/agents/{id}/start", agent: fleet.SetupNeeded, body: `{"enableAutonomy":true,"settings":{"temperature":0.8,"maxTokens":2000},"more":1}`, status: 200,
			want: `{"success":true,"message":"Agent started successfully","data":{"agentId":"ID","status":"active","startedAt":MS,"enableAutonomy":true}}`},
		{name: "start a running one", method: "POST", path: "/agents/{id}/start", agent: fleet.Running, body: `{}`, status: 400,
			want: `{"success":false,"error":"Agent is already running"}`},
		{name: "start an ended one", method: "POST", path: "/agents/{id}/start", agent: fleet.Ended, status: 400,
			want: `{"success":false,"error":"Agent cannot be started when status is ended"}`},
		{name: "start an unknown one", method: "POST", path: "/agents/550e8400-e29b-41d4-a716-446655440000/start", status: 404,
			want: `{"success":false,"error":"Agent not found"}`},
		{name: "start what is no id", method: "POST", path: "/agents/agent_123/start", status: 400,
			want: `{"success":false,"error":"Invalid agent ID format"}`},
		{name: "start theirs", method: "POST", path: "/agents/{id}/start", agent: fleet.SetupNeeded, theirs: true, status: 403,
			want: `{"success":false,"error":"You do not have access to this agent"}`},
		{name: "start with a wrong type", method: "POST", path: "/agents/{id}/start", agent: fleet.SetupNeeded, body: `{"enableAutonomy":"yes"}`, status: 400,
			want: `{"success":false,"error":"enableAutonomy: must be true or false"}`},
		{name: "guest", method: "POST", path: "/agents/x/start", guest: true, status: 401, want: `{"success":false,"error":"Missing or invalid API key"}`},
		{name: "no key", method: "GET", path: "/agents", guest: true, headers: []string{"Authorization: Bearer YOUR_API_KEY"}, status: 401,
			want: `{"success":false,"error":"Missing or invalid API key"}`},
		{name: "too small a scope", method: "POST", path: "/agents/{id}/stop", agent: fleet.Running, key: fleet.ScopeRead, status: 403,
			want: `{"success":false,"error":"This needs the operate scope; yours is read"}`},
		{name: "stop", method: "POST", path: "/agents/{id}/stop", agent: fleet.Running, body: `{"graceful":true,"timeout":30000}`, status: 200,
			want: `{"success":true,"message":"Agent stopped successfully","data":{"agentId":"ID","status":"inactive","stoppedAt":MS}}`},
		{name: "stop a paused one", method: "POST", path: "/agents/{id}/stop", agent: fleet.Paused, status: 400,
			want: `{"success":false,"error":"Agent can only be paused when status is running"}`},
		{name: "message to a paused one", method: "POST", path: "/agents/{id}/message", agent: fleet.Paused, body: `{"text":"hi"}`, status: 400,
			want: `{"success":false,"error":"Agent can only take messages when status is running"}`},
		{name: "get", method: "GET", path: "/agents/{id}", agent: fleet.Paused, status: 200,
			want: `{"success":true,"data":{"agentId":"ID","name":"Ada","status":"inactive","enableAutonomy":false,"startedAt":null,"settings":{},"lifecycle":"paused","bio":"","enabled":true,"createdAt":"TIME","updatedAt":"TIME"}}`},
		{name: "a wrong filter", method: "GET", path: "/agents?status=on", status: 400, want: `{"success":false,"error":"status: must be active or inactive"}`},
		{name: "no such path", method: "GET", path: "/agents/a/b/c", status: 404, want: `{"success":false,"error":"There is nothing at this address"}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

func TestStartSeedList(t *testing.T) {
	w := newWorld(t)
	w.agent("assistant", fleet.Running)
	w.agent("assistant", fleet.Ended)
	key := w.keys[fleet.ScopeRead]
	for query, want := range map[string]int{"": 2, "?status=active": 1, "?status=inactive": 1, "?limit=1": 1, "?offset=1": 1, "?offset=2": 0} {
		data, _ := w.do("GET", "/agents"+query, key, "").json(t)["data"].([]any)
		if len(data) != want {
			t.Errorf("%s: %d agents, want %d", query, len(data), want)
		}
	}
	want := `{"success":true,"data":[{"agentId":"ID","name":"Ada","status":"active","bio":"","enabled":true,"createdAt":"TIME","updatedAt":"TIME"}]}`
	if got := normal(w.do("GET", "/agents?status=active", key, "").body); got != want {
		t.Errorf("got %s", got)
	}
}

func TestStartThatFails(t *testing.T) {
	w := newWorld(t)
	w.runner.fails = true
	for path, want := range map[string]string{
		"/agents/":    `{"success":false,"error":"Failed to start agent runtime"}`,
		"/v1/agents/": `{"error":"start_failed","message":"Failed to start agent runtime"}`,
	} {
		id := w.agent("assistant", fleet.SetupNeeded)
		a := w.do("POST", path+string(id)+"/start", w.keys[fleet.ScopeOperate], "")
		if a.status != 500 || a.body != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if got := w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeRead], "").json(t)["status"]; got != "setup_needed" {
			t.Errorf("the agent is %v", got)
		}
	}
}

func TestProgramsSpeakToTheServer(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.SetupNeeded)
	key := w.keys[fleet.ScopeOperate]
	w.do("POST", "/agents/"+string(id)+"/start", key, `{"enableAutonomy":true,"settings":{"maxTokens":2000}}`)
	token := w.runner.tokenOf(id)

	self := w.do("GET", "/runtime/v1/self", token, "").json(t)
	agent, _ := self["agent"].(map[string]any)
	settings, _ := self["settings"].(map[string]any)
	if agent["id"] != string(id) || agent["status"] != "running" || self["enableAutonomy"] != true || settings["maxTokens"] != 2000.0 || self["epoch"] != 1.0 {
		t.Errorf("self: %v", self)
	}
	for _, field := range []string{"limits", "workingHours", "mayWork", "why", "askAgainAt"} {
		if _, ok := self[field]; !ok {
			t.Errorf("self has no %s", field)
		}
	}
	if a := w.do("GET", "/runtime/v1/credentials", token, ""); a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("credentials: %d %s", a.status, a.body)
	}

	m, err := w.app.SendMessage(t.Context(), w.actor(), id, app.MessageInput{Text: "hello", From: "Eve"})
	must(t, err)
	inbox := w.do("GET", "/runtime/v1/inbox?wait=5", token, "").body
	if !strings.Contains(inbox, `"type":"message"`) || !strings.Contains(inbox, `"text":"hello"`) || !strings.Contains(inbox, m.ID) {
		t.Errorf("inbox: %s", inbox)
	}
	claim := w.do("POST", "/runtime/v1/tasks/claim", token, `{"max":3}`)
	if claim.status != 200 || !strings.HasPrefix(claim.body, `{"tasks":[]`) {
		t.Errorf("claim: %d %s", claim.status, claim.body)
	}
	events := `{"events":[{"id":"e1","type":"reply","at":"2026-01-01T00:00:00Z","messageId":"` + m.ID + `","text":"hi Eve"},{"id":"e1","type":"reply","messageId":"` + m.ID + `","text":"hi Eve"},{"id":"e2","type":"nonsense"}]}`
	var results struct {
		Results []struct {
			ID            string
			OK, Duplicate bool
			Error         string
		}
	}
	told := w.do("POST", "/runtime/v1/events", token, events)
	must(t, json.Unmarshal([]byte(told.body), &results))
	if r := results.Results; len(r) != 3 || !r[0].OK || !r[1].Duplicate || r[2].OK || r[2].Error == "" {
		t.Errorf("events: %s", told.body)
	}
	a := w.do("GET", "/v1/agents/"+string(id)+"/messages", key, "")
	if !strings.Contains(a.body, `"reply":"hi Eve","state":"replied"`) {
		t.Errorf("messages: %s", a.body)
	}

	_, err = w.app.Pause(t.Context(), w.actor(), id, app.PauseInput{})
	must(t, err)
	over := w.do("GET", "/runtime/v1/self", token, "")
	if over.status != 410 || over.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(over.body, `"title":"Gone","status":410`) || !strings.Contains(over.body, `"code":"run_over"`) {
		t.Errorf("after the pause: %d %s", over.status, over.body)
	}
	for _, never := range []string{"nonsense", strings.Repeat("A", 52), key, ""} {
		made := w.do("GET", "/runtime/v1/self", never, "")
		refused(t, made, 401, `"code":"unauthorized"`)
		if made.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q: %s", never, made.header.Get("Content-Type"))
		}
	}
	refused(t, w.do("GET", "/runtime/v1/nothing", token, ""), 404, `"code":"not_found"`)
}

func TestAMessageWaitsForItsReply(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	token := w.runner.tokenOf(id)
	got := make(chan answer, 2)
	go func() {
		got <- w.do("POST", "/agents/"+string(id)+"/message", w.keys[fleet.ScopeOperate], `{"text":"a","roomId":"r1"}`)
	}()
	w.reply(token, "one")
	if a := within(t, "the answer", got); normal(a.body) != `{"success":true,"data":{"messageId":"ID","roomId":"r1","agentResponses":[{"text":"one"}],"timestamp":MS}}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	for i, c := range []struct{ more, room string }{
		{`,"userId":"u1","userName":"Ann"`, "u1"}, {`,"userId":"u1","roomId":"r1"`, "r1"}, {`,"userName":"Ann"`, "ID"},
		{`,"userName":"Ann","userId":"` + strings.Repeat("u", 101) + `"`, "ID"},
	} {
		go func() {
			got <- w.do("POST", "/agents/"+string(id)+"/message", w.keys[fleet.ScopeOperate], `{"text":"a"`+c.more+`}`)
		}()
		w.reply(token, fmt.Sprint(i))
		if a := within(t, "the answer", got); a.status != 200 || !strings.Contains(normal(a.body), `"roomId":"`+c.room+`","agentResponses":[{"text":"`+fmt.Sprint(i)+`"}]`) {
			t.Errorf("%s: %d %s", c.more, a.status, a.body)
		}
	}
	go func() {
		got <- w.do("POST", "/v1/agents/"+string(id)+"/messages?wait=30", w.keys[fleet.ScopeOperate], `{"text":"b"}`)
	}()
	w.reply(token, "two")
	if a := within(t, "the answer", got); a.status != 200 || !strings.Contains(a.body, `"reply":"two","state":"replied"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// reply answers the one message in the inbox and takes it out.
func (w *world) reply(token, text string) {
	w.t.Helper()
	var inbox struct {
		Commands []map[string]any
	}
	must(w.t, json.Unmarshal([]byte(w.do("GET", "/runtime/v1/inbox?wait=10", token, "").body), &inbox))
	if len(inbox.Commands) != 1 {
		w.t.Fatalf("inbox: %v", inbox)
	}
	raw, err := json.Marshal(map[string]any{"events": []map[string]any{
		{"id": text + "-1", "type": "reply", "messageId": inbox.Commands[0]["messageId"], "text": text},
		{"id": text + "-2", "type": "ack", "commandId": inbox.Commands[0]["id"]},
	}})
	must(w.t, err)
	if a := w.do("POST", "/runtime/v1/events", token, string(raw)); strings.Contains(a.body, "error") {
		w.t.Fatal(a.body)
	}
}

// remover stands for who deletes agents in another server.
type remover struct{ answer error }

func (r *remover) Remove(context.Context, fleet.Kind, fleet.AgentID) error { return r.answer }

// A certificate says what is not deleted elsewhere yet, and why.
func TestDeletionThatIsPendingElsewhere(t *testing.T) {
	w := newWorld(t)
	r := &remover{errors.New("no answer")}
	w.app.SetRemovers(map[string]agentruntime.Remover{fleet.DriverElizaOS: r})
	id := w.agent("elsewhere", fleet.Running)
	_, err := w.app.End(t.Context(), w.actor(), id, app.ReasonInput{})
	must(t, err)
	d, err := w.app.Delete(t.Context(), w.actor(), id, app.DeleteInput{})
	must(t, err)
	says := func(want string) {
		t.Helper()
		for _, path := range []string{"/v1/deletions/" + string(id), "/v1/deletions"} {
			a := w.do("GET", path, w.keys[fleet.ScopeRead], "")
			if a.status != 200 || !strings.Contains(normal(a.body), `"type":"agent","vendor":"elsewhere","state":`+want) || strings.Count(a.body, `"incarnation":1`) != 2 {
				t.Errorf("%s: %d %s", path, a.status, normal(a.body))
			}
		}
	}
	work := func() {
		t.Helper()
		now, err := w.app.Deletion(t.Context(), w.actor(), d.ID)
		must(t, err)
		_, err = w.app.WorkResource(t.Context(), now.Resources[0].ID, now.Resources[0].Turn)
		must(t, err)
	}
	const thing = `"externalId":"ID","country":null,"label":"elsewhere","proxyId":null,`
	says(`"releasing",` + thing + `"tries":0,"nextTryAt":"TIME","lastError":null`)
	work()
	says(`"releasing",` + thing + `"tries":1,"nextTryAt":"TIME","lastError":"no answer"`)
	r.answer = nil
	work()
	says(`"released",` + thing + `"tries":0,"nextTryAt":null,"lastError":null,"forgotten":null,"stuck":false,"createdAt":"TIME","stateAt":"TIME","heldAt":"TIME","releasedAt":"TIME"`)
}
