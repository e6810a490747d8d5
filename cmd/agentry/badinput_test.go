package main_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// failure is an error of /v1.
type failure struct {
	Error, Message string
	CurrentStatus  string
	Fields         map[string]string
}

// TestBadInput sends every unsafe route what no client should: each gets the
// documented error, and nothing is a failure of the server.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	id := w.create("assistant", "Ada")
	before := w.do("GET", "/v1/agents/"+id, "").body
	agent := "/v1/agents/" + id
	foreign := "/v1/agents/" + w.foreign().create("assistant", "Elsewhere")
	alerts, keys := "/v1/alerts/"+unknownID, "/v1/keys"

	for name, body := range hostileBodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client{t, w.url, w.key}
			for _, route := range []string{
				"POST /v1/agents", "PUT " + agent, "DELETE " + agent, "POST " + agent + "/setup", "POST " + agent + "/verify",
				"POST " + agent + "/start", "POST " + agent + "/pause", "POST " + agent + "/resume", "POST " + agent + "/end",
				"POST " + agent + "/disable", "POST " + agent + "/enable", "POST " + agent + "/protect", "POST " + agent + "/unprotect",
				"POST " + agent + "/relaunch", "POST " + agent + "/tasks", "POST " + agent + "/messages",
				"POST " + alerts + "/snooze", "POST " + keys,
			} {
				method, path, _ := strings.Cut(route, " ")
				c.refuses(method, path, body.text, body.status, body.code, body.field)
			}
			for _, verb := range []string{"start", "stop", "message"} {
				c.refusesEliza("/agents/"+id+"/"+verb, body)
			}
		})
	}
	t.Run("fields", func(t *testing.T) {
		t.Parallel()
		c := client{t, w.url, w.key}
		for _, v := range hostileFields(agent) {
			method, path, _ := strings.Cut(v.route, " ")
			c.refuses(method, path, v.body, 400, "validation_error", v.field)
		}
	})
	t.Run("ids", func(t *testing.T) {
		t.Parallel()
		c := client{t, w.url, w.key}
		for _, verb := range []string{"setup", "verify", "start", "pause", "resume", "end", "disable", "enable", "protect", "unprotect", "relaunch", "tasks", "messages"} {
			for _, body := range []string{"", "{}"} {
				if verb == "setup" || verb == "verify" || verb == "messages" || verb == "tasks" || verb == "protect" || verb == "unprotect" {
					body = map[string]string{"setup": `{"login":"a","password":"b","country":"FR"}`, "verify": `{"code":"123456"}`, "messages": `{"text":"hello"}`,
						"tasks": `{"type":"message","payload":{}}`, "protect": `{"reason":"r"}`, "unprotect": `{"reason":"r"}`}[verb]
				}
				c.refuses("POST", "/v1/agents/"+unknownID+"/"+verb, body, 404, "not_found", "")
				c.refuses("POST", "/v1/agents/agent_123/"+verb, body, 404, "not_found", "")
				c.refuses("POST", "/v1/agents/%00/"+verb, body, 404, "not_found", "")
				c.refuses("POST", foreign+"/"+verb, body, 403, "forbidden", "")
			}
		}
		for _, path := range []string{"/v1/agents/" + unknownID, "/v1/agents/agent_123", "/v1/keys/" + unknownID, "/v1/keys/x", agent + "/tasks/" + unknownID, agent + "/tasks/x"} {
			c.refuses("DELETE", path, "", 404, "not_found", "")
		}
		c.refuses("DELETE", foreign, "", 403, "forbidden", "")
		c.refuses("PUT", foreign, `{"name":"Mine"}`, 403, "forbidden", "")
		for _, verb := range []string{"ack", "resolve"} {
			c.refuses("POST", alerts+"/"+verb, "", 404, "not_found", "")
			c.refuses("POST", "/v1/alerts/x/"+verb, "", 404, "not_found", "")
		}
		for _, verb := range []string{"start", "stop"} {
			c.want(404, `{"success":false,"error":"Agent not found"}`, "POST", "/agents/"+unknownID+"/"+verb, "")
			c.want(400, `{"success":false,"error":"Invalid agent ID format"}`, "POST", "/agents/agent_123/"+verb, "")
			c.want(403, `{"success":false,"error":"You do not have access to this agent"}`, "POST", strings.TrimPrefix(foreign, "/v1")+"/"+verb, "")
		}
	})
	t.Cleanup(func() {
		if after := w.do("GET", "/v1/agents/"+id, "").body; after != before {
			t.Errorf("what was refused changed the agent\nfrom %s\n  to %s", before, after)
		}
		var agents []json.RawMessage
		if w.client.want(200, "-", "GET", "/v1/agents", "").into(t, &agents); len(agents) != 1 {
			t.Errorf("%d agents, want 1", len(agents))
		}
		if strings.Contains(w.server.stderr.String(), `"level":"ERROR"`) {
			t.Errorf("the server logs errors:\n%s", w.server.stderr)
		}
	})
}

// hostile is a body that no route takes, and how /v1 refuses it. lax faces
// take it.
type hostile struct {
	text   string
	status int
	code   string
	field  string
	lax    bool
}

func hostileBodies() map[string]hostile {
	invalid := func(text string) hostile {
		return hostile{text: text, status: 400, code: "validation_error", field: "body"}
	}
	return map[string]hostile{
		"half an object":   invalid(`{"name":`),
		"no JSON":          invalid(`name=Ada`),
		"a list":           invalid(`[]`),
		"a text":           invalid(`"Ada"`),
		"null":             invalid(`null`),
		"two objects":      invalid(`{}{}`),
		"a trailing comma": invalid(`{"reason":"x",}`),
		"a comment":        invalid(`{/* x */}`),
		"not UTF-8":        invalid("{\"reason\":\"\xff\xfe\"}"),
		"a NUL":            invalid("{\"reason\":\"\x00\"}"),
		"deep":             invalid(`{"reason":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`),
		"unknown field":    {text: `{"nope":1}`, status: 400, code: "validation_error", field: "nope", lax: true},
		"huge":             {text: `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: "payload_too_large"},
	}
}

type hostileField struct{ route, body, field string }

func hostileFields(agent string) []hostileField {
	create, update, setup, start := "POST /v1/agents", "PUT "+agent, "POST "+agent+"/setup", "POST "+agent+"/start"
	long := strings.Repeat("x", 1001)
	return []hostileField{
		{create, `{"name":7}`, "name"},
		{create, `{"name":"` + long[:101] + `"}`, "name"},
		{create, `{"name":"a\u0000b"}`, "name"},
		{create, `{"name":"a\nb"}`, "name"},
		{create, `{"name":"   "}`, "name"},
		{create, `{"kind":"nonesuch"}`, "kind"},
		{create, `{"country":"France"}`, "country"},
		{create, `{"tags":"vip"}`, "tags"},
		{create, `{"tags":["` + long[:41] + `"]}`, "tags"},
		{create, `{"tags":["a,b"]}`, "tags"},
		{create, `{"workingHours":{"timezone":"Mars/Olympus"}}`, "workingHours.timezone"},
		{create, `{"workingHours":{"timezone":99}}`, "workingHours.timezone"},
		{create, `{"workingHours":{"timezone":1.5}}`, "workingHours.timezone"},
		{create, `{"workingHours":{"days":"1:1"}}`, "workingHours.days"},
		{create, `{"workingHours":{"start":"25:00"}}`, "workingHours.start"},
		{create, `{"workingHours":[]}`, "workingHours"},
		{create, `{"limits":{"messagesMax":-1}}`, "limits.messagesMax"},
		{create, `{"limits":{"messagesMax":1e30}}`, "limits.messagesMax"},
		{create, `{"limits":{"messagesMin":9,"messagesMax":3}}`, "limits.messagesMin"},
		{create, `{"settings":[{"key":"","value":1}]}`, "settings.key"},
		{create, `{"settings":{"a":1}}`, "settings"},
		{update, `{"avatar":"javascript:alert(1)"}`, "avatar"},
		{update, `{"name":""}`, "name"},
		{update, `{"settings":[{"key":"skipInNetwork","value":"yes"}]}`, "settings.skipInNetwork"},
		{setup, `{"login":"a","password":"b","country":"FR"}`, "kind"},
		{start, `{"settings":[]}`, "settings"},
		{start, `{"enableAutonomy":"yes"}`, "enableAutonomy"},
		{start, `{"settings":{"` + long + `":1}}`, "settings.key"},
		{"POST " + agent + "/verify", `{"code":""}`, "code"},
		{"POST " + agent + "/verify", `{"code":123456}`, "code"},
		{"POST " + agent + "/pause", `{"note":"` + long + `"}`, "note"},
		{"POST " + agent + "/pause", `{"until":"tomorrow"}`, "until"},
		{"POST " + agent + "/pause", `{"until":"2001-01-01T00:00:00Z"}`, "until"},
		{"POST " + agent + "/end", `{"reason":"` + long + `"}`, "reason"},
		{"POST " + agent + "/protect", `{}`, "reason"},
		{"POST " + agent + "/tasks", `{"type":"","payload":{}}`, "type"},
		{"POST " + agent + "/messages", `{"text":""}`, "text"},
		{"POST " + agent + "/messages", `{"text":"` + strings.Repeat("x", 32<<10+1) + `"}`, "text"},
		{"POST " + agent + "/messages?wait=1000", `{"text":"hello"}`, "wait"},
		{"POST /v1/alerts/" + unknownID + "/snooze", `{}`, "until"},
		{"POST /v1/keys", `{"name":"x","scope":"king"}`, "scope"},
		{"POST /v1/keys", `{"name":"x","scope":"read","expiresAt":"2001-01-01T00:00:00Z"}`, "expiresAt"},
	}
}

// refuses wants an error of /v1 that names the field, unless "".
func (c client) refuses(method, path, body string, status int, code, field string) {
	c.t.Helper()
	a := c.do(method, path, body)
	var f failure
	err := json.Unmarshal([]byte(a.body), &f)
	if err != nil || a.status != status || f.Error != code || f.Message == "" || field != "" && f.Fields[field] == "" ||
		a.header.Get("Content-Type") != "application/json; charset=utf-8" || a.header.Get("X-Request-Id") == "" {
		c.t.Errorf("%s %s %.80s\n got %d %.300s %v\nwant %d %s %s", method, path, body, a.status, a.body, a.header, status, code, field)
	}
}

// refusesEliza is refuses for the other face, which takes unknown fields.
func (c client) refusesEliza(path string, body hostile) {
	c.t.Helper()
	if body.lax {
		return
	}
	a := c.do("POST", path, body.text)
	var f struct {
		Success bool
		Error   string
	}
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || a.status != body.status || f.Success || f.Error == "" {
		c.t.Errorf("POST %s %.80s\n got %d %.300s\nwant %d and a sentence", path, body.text, a.status, a.body, body.status)
	}
}
