package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

const (
	sessionsURL = "/api/messaging/sessions"
	sessionUser = "22222222-3333-4444-8555-666666666666"

	sessionBody = `"sessionId":"ID","channelId":"ID","agentId":"ID","userId":"ID","createdAt":"TIME","metadata":{"platform":"test"},"expiresAt":"TIME",` +
		`"timeoutConfig":{"timeoutMinutes":30,"autoRenew":true,"maxDurationMinutes":720,"warningThresholdMinutes":5}`
	sessionInfo = sessionBody + `,"lastActivity":"TIME","renewalCount":%d,"timeRemaining":MS,"isNearExpiration":false`

	userMessage = `{"id":"ID","content":"%s","authorId":"ID","createdAt":"TIME","metadata":{"agentId":"ID","platform":"test","sessionId":"ID","userId":"ID"},` +
		`"channel_id":"ID","message_server_id":"ID","author_id":"ID","created_at":MS,"source_type":"user","raw_message":{"content":"%[1]s"}}`
	agentReply = `{"text":"%s","actions":["REPLY"],"providers":[],"simple":true,"responseId":"ID","inReplyTo":"ID"}`
)

// openSession opens one with a running agent and returns its address.
func (w *world) openSession(id fleet.AgentID) string {
	w.t.Helper()
	a := w.do("POST", sessionsURL, w.keys[fleet.ScopeOperate], fmt.Sprintf(`{"agentId":%q,"userId":%q,"metadata":{"platform":"test"}}`, id, sessionUser))
	if got := normal(a.body); a.status != 201 || got != "{"+sessionBody+"}" {
		w.t.Fatalf("%d %s", a.status, got)
	}
	session, _ := a.json(w.t)["sessionId"].(string)
	return sessionsURL + "/" + session
}

// remaining replaces what is left of half an hour.
func remaining(body string) string {
	var kept []string
	for part := range strings.SplitSeq(body, ",") {
		if strings.HasPrefix(part, `"timeRemaining":17`) || strings.HasPrefix(part, `"timeRemaining":18`) {
			part = `"timeRemaining":MS`
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, ",")
}

func TestElizaV1Session(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	url := w.openSession(id)
	read, operate := w.keys[fleet.ScopeRead], w.keys[fleet.ScopeOperate]
	for _, c := range []struct{ method, path, key, body, want string }{
		{"GET", url, read, "", "{" + fmt.Sprintf(sessionInfo, 0) + "}"},
		{"GET", sessionsURL, read, "", `{"sessions":[{` + fmt.Sprintf(sessionInfo, 0) + `}],"total":1,"stats":{"totalSessions":1,"activeSessions":1,"expiredSessions":0}}`},
		{"GET", sessionsURL + "/health", read, "", `{"status":"healthy","activeSessions":1,"timestamp":"TIME"}`},
		{"POST", url + "/heartbeat", operate, "", "{" + fmt.Sprintf(sessionInfo, 1) + "}"},
		{"POST", url + "/renew", operate, "", "{" + fmt.Sprintf(sessionInfo, 2) + "}"},
		{"PATCH", url + "/timeout", operate, `{"autoRenew":true,"timeoutMinutes":"30"}`, "{" + fmt.Sprintf(sessionInfo, 2) + "}"},
		{"GET", url + "/messages", read, "", `{"messages":[],"hasMore":false}`},
		{"GET", sessionsURL, w.foreign, "", `{"sessions":[],"total":0,"stats":{"totalSessions":0,"activeSessions":0,"expiredSessions":0}}`},
		{"DELETE", url, operate, "", `{"success":true,"message":"Session ID deleted successfully","data":{"success":true}}`},
	} {
		a := w.do(c.method, c.path, c.key, c.body)
		if got := remaining(normal(a.body)); a.status != http.StatusOK || got != c.want {
			t.Errorf("%s %s: %d\n got %s\nwant %s", c.method, c.path, a.status, got, c.want)
		}
	}
	refused(t, w.do("GET", url, read, ""), 404, `"code":"SESSION_NOT_FOUND"`)
}

func TestElizaV1SessionErrors(t *testing.T) {
	w := newWorld(t)
	id, paused, theirs := w.agent("assistant", fleet.Running), w.agent("assistant", fleet.Paused), w.agentOf(fleet.System(w.other.ID, "test"), "assistant", fleet.Running)
	url := w.openSession(id)
	key := w.keys[fleet.ScopeAdmin]
	open := func(agent, user, more string) string {
		return fmt.Sprintf(`{"agentId":%q,"userId":%q%s}`, agent, user, more)
	}
	for _, c := range []struct {
		method, path, key, body string
		status                  int
		code, message           string
	}{
		{"POST", sessionsURL, key, `{}`, 400, "VALIDATION_ERROR", "Missing required fields: agentId, userId"},
		{"POST", sessionsURL, key, `{bad`, 400, "VALIDATION_ERROR", "body: must be valid JSON"},
		{"POST", sessionsURL, key, open("x", sessionUser, ""), 400, "VALIDATION_ERROR", "Invalid UUID format for field 'agentId'"},
		{"POST", sessionsURL, key, open(string(id), "x", ""), 400, "VALIDATION_ERROR", "Invalid UUID format for field 'userId'"},
		{"POST", sessionsURL, key, open(string(id), sessionUser, `,"metadata":[]`), 400, "VALIDATION_ERROR", "metadata: must be an object"},
		{"POST", sessionsURL, key, open(unknownID, sessionUser, ""), 404, "AGENT_NOT_FOUND", "Agent with ID 'ID' not found"},
		{"POST", sessionsURL, key, open(string(paused), sessionUser, ""), 404, "AGENT_NOT_FOUND", "Agent with ID 'ID' not found among those that run: it is paused"},
		{"POST", sessionsURL, key, open(string(theirs), sessionUser, ""), 403, "FORBIDDEN", "You do not have access to this agent"},
		{"POST", sessionsURL, w.keys[fleet.ScopeRead], open(string(id), sessionUser, ""), 403, "FORBIDDEN", "This needs the operate scope; yours is read"},
		{"POST", sessionsURL, "", open(string(id), sessionUser, ""), 401, "UNAUTHORIZED", "Missing or invalid API key: send it as X-API-KEY or as Authorization: Bearer"},
		{"GET", url, w.foreign, "", 403, "FORBIDDEN", "You do not have access to this agent"},
		{"POST", url + "/messages", w.foreign, `{"content":"x"}`, 403, "FORBIDDEN", "You do not have access to this agent"},
		{"DELETE", url, w.foreign, "", 403, "FORBIDDEN", "You do not have access to this agent"},
		{"GET", sessionsURL + "/nope", key, "", 404, "SESSION_NOT_FOUND", "Session with ID 'nope' not found"},
		{"POST", sessionsURL + "/" + unknownID + "/messages", key, `{"content":"x"}`, 404, "SESSION_NOT_FOUND", "Session with ID 'ID' not found"},
		{"POST", url + "/messages", key, `{}`, 400, "VALIDATION_ERROR", "content: must not be empty"},
		{"POST", url + "/messages", key, `{"content":7}`, 400, "VALIDATION_ERROR", "content: must be text"},
		{"POST", url + "/messages", key, `{"content":"` + strings.Repeat("x", 4001) + `"}`, 400, "VALIDATION_ERROR", "content: must have at most 4000 characters"},
		{"POST", url + "/messages", key, `{"content":"x","transport":"pigeon"}`, 400, "VALIDATION_ERROR", "transport: must be http, sse or websocket"},
		{"POST", url + "/messages", key, `{"content":"x","attachments":[{"url":"x"}]}`, 400, "VALIDATION_ERROR", "attachments: are not taken: agents here are sent text alone"},
		{"PATCH", url + "/timeout", key, `{"timeoutMinutes":1}`, 400, "VALIDATION_ERROR", "timeoutMinutes: must be between 5 and 1440"},
		{"GET", url + "/messages?before=x", key, "", 400, "VALIDATION_ERROR", "Invalid pagination parameter 'before': Must be a valid timestamp"},
		{"GET", url + "/nothing", key, "", 404, "NOT_FOUND", "API endpoint not found"},
	} {
		a := w.do(c.method, c.path, c.key, c.body)
		want := fmt.Sprintf(`{"success":false,"error":{"code":%q,"message":%q,"timestamp":"TIME"}}`, c.code, c.message)
		if got := normal(a.body); a.status != c.status || got != want {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", c.method, c.path, c.body, a.status, got, c.status, want)
		}
	}
	if n := w.do("GET", url, key, "").json(t)["renewalCount"]; n != 0.0 {
		t.Errorf("what was refused renewed the session %v times", n)
	}
	refused(t, w.do("GET", "/api/messaging/channels/x/messages", key, ""), 404, `{"success":false,"error":{"code":"NOT_FOUND","message":"API endpoint not found"}}`)
}

// A message goes to the agent's program, and its reply comes back the way that
// was asked for; afterwards both are in the history, whatever way it was.
func TestElizaV1Conversation(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	token, url, key := w.runner.tokenOf(id), w.openSession(id), w.keys[fleet.ScopeOperate]
	const status = `"sessionStatus":{"expiresAt":"TIME","renewalCount":%d,"wasRenewed":true,"isNearExpiration":false}`

	a := w.do("POST", url+"/messages", key, `{"content":"one"}`)
	one := `"success":true,"userMessage":` + fmt.Sprintf(userMessage, "one") + `,` + fmt.Sprintf(status, 1)
	if got, want := normal(a.body), "{"+one+`,"data":{`+one+"}}"; a.status != 201 || got != want {
		t.Errorf("%d\n got %s\nwant %s", a.status, got, want)
	}
	w.reply(token, "first")

	got := make(chan answer, 1)
	go func() { got <- w.do("POST", url+"/messages", key, `{"content":"two","transport":"http"}`) }()
	w.reply(token, "second")
	a = within(t, "the reply", got)
	two := `"success":true,"userMessage":` + fmt.Sprintf(userMessage, "two") + `,"agentResponse":` + fmt.Sprintf(agentReply, "second") + `,` + fmt.Sprintf(status, 2)
	if got, want := normal(a.body), "{"+two+`,"data":{`+two+"}}"; a.status != 201 || got != want {
		t.Errorf("%d\n got %s\nwant %s", a.status, got, want)
	}

	go func() { got <- w.do("POST", url+"/messages", key, `{"content":"three","mode":"stream"}`) }()
	w.reply(token, "third")
	a = within(t, "the events", got)
	three := "event: user_message\ndata: " + fmt.Sprintf(userMessage, "three") + "\n\nevent: chunk\ndata: {\"messageId\":\"ID\",\"chunk\":\"third\",\"index\":0}\n\nevent: done\ndata: " + fmt.Sprintf(agentReply, "third") + "\n\n"
	if got := normal(a.body); a.status != 200 || got != three || a.header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("%d %s\n got %s\nwant %s", a.status, a.header.Get("Content-Type"), got, three)
	}

	var history struct {
		Messages []struct {
			ID, Content, AuthorID string
			IsAgent               bool
			Metadata              map[string]any
		}
		HasMore bool
		Cursors struct{ Before, After int64 }
	}
	look := func(query string) string {
		t.Helper()
		history.Messages = nil
		a := w.do("GET", url+"/messages"+query, w.keys[fleet.ScopeRead], "")
		must(t, json.Unmarshal([]byte(a.body), &history))
		var words []string
		for _, m := range history.Messages {
			author := sessionUser
			if m.IsAgent {
				author = string(id)
			}
			if _, ok := fleet.ParseID(m.ID); !ok || m.AuthorID != author || m.Metadata["platform"] != "test" || m.IsAgent != (m.Metadata["inReplyTo"] != nil) {
				t.Errorf("%+v", m)
			}
			words = append(words, m.Content)
		}
		return strings.Join(words, " ")
	}
	if all := look(""); all != "third three second two first one" || history.HasMore {
		t.Errorf("%s, more: %v", all, history.HasMore)
	}
	if some := look("?limit=1"); some != "third" || !history.HasMore || history.Cursors.Before != history.Cursors.After {
		t.Errorf("%s, more: %v, %+v", some, history.HasMore, history.Cursors)
	}
	if later := look(fmt.Sprintf("?after=%d", history.Cursors.After)); later != "" || history.HasMore {
		t.Errorf("%s, more: %v", later, history.HasMore)
	}
	if whole := look("?limit=1000"); whole != "third three second two first one" {
		t.Error(whole)
	}
	page := w.do("GET", "/v1/agents/"+string(id)+"/messages", key, "").body
	if !strings.Contains(page, `"text":"two","reply":"second"`) {
		t.Errorf("/v1 does not know what was said: %s", page)
	}
}

// Whoever waits hears that the agent ended.
func TestElizaV1AgentEndsWhileSomebodyWaits(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	token, url := w.runner.tokenOf(id), w.openSession(id)
	got := make(chan answer, 1)
	go func() {
		got <- w.do("POST", url+"/messages", w.keys[fleet.ScopeOperate], `{"content":"x","transport":"http"}`)
	}()
	w.do("GET", "/runtime/v1/inbox?wait=10", token, "") // the message is on its way
	w.do("POST", "/v1/agents/"+string(id)+"/end", w.keys[fleet.ScopeOperate], "")
	refused(t, within(t, "the refusal", got), 409, `"code":"MESSAGE_SEND_FAILED"`)
}
