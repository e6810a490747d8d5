package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// fill puts ids into a route's path.
func fill(path string, agent fleet.AgentID) string {
	path = strings.ReplaceAll(path, ":agentId", string(agent))
	for _, name := range []string{":taskId", ":alertId", ":deletionId", ":keyId", ":sessionId", ":memberId", ":invitationId", ":runId", ":resourceId", ":proxyId", ":bulkId", ":viewId", ":vendor", ":name", ":token"} {
		path = strings.ReplaceAll(path, name, unknownID)
	}
	return path
}

func TestEveryRouteSaysWhoMayCallIt(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, r := range w.server.routes() {
		name := r.method + " " + r.path
		if r.access.kind == byNoOne {
			t.Errorf("%s: nobody may call it", name)
		}
		if (r.access.kind == byKey || r.access.kind == bySession) && !r.access.scope.Valid() {
			t.Errorf("%s: needs no scope", name)
		}
		if r.handle == nil {
			t.Errorf("%s: does nothing", name)
		}
		if seen[name] {
			t.Errorf("%s: stands twice", name)
		}
		seen[name] = true
		if r.access.kind == byKey && strings.HasPrefix(r.path, "/v1/") != r.keyed {
			t.Errorf("%s: Idempotency-Key is for /v1", name)
		}
	}
	for _, f := range w.server.fiber.GetRoutes(true) {
		if !seen[f.Method+" "+f.Path] && !(f.Method == http.MethodHead && seen["GET "+f.Path]) {
			t.Errorf("%s %s is served but not in the table", f.Method, f.Path)
		}
	}
}

// Pages too answer garbage with a page, never with a server error.
func TestBadInputOnPages(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	for _, r := range w.server.routes() {
		if r.stream || r.access.kind != bySession && r.access.kind != byAnyone {
			continue
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			cookie := "Cookie: " + w.cookies[fleet.RoleOwner]
			for _, id := range []fleet.AgentID{w.agent("assistant", fleet.Ended), unknownID, "x", "%00", "%ff", "..%2f"} {
				for _, body := range []string{"", "name=%ff%00&reason=%zz&text=%00&version=x&until=never&limit=-1", strings.Repeat("a=b&", 50_000), "\x00\xff", strings.Repeat("x", 1<<20+10)} {
					a := w.do(r.method, fill(r.path, id)+"?limit=x&cursor=!!&sort=%ff&status=%00&tab=%ff&q=%ff%00&after=x", "", body, cookie, "Content-Type: application/x-www-form-urlencoded")
					if a.status >= 500 && !(r.path == "/readyz") {
						t.Errorf("%.30q: %d %.300s", body, a.status, a.body)
					}
				}
			}
		})
	}
}

func TestZeroAccessIsNobody(t *testing.T) {
	w := newWorld(t)
	_, err := w.server.letIn(nil, access{})
	if fleet.CodeOf(err) != fleet.CodeForbidden {
		t.Errorf("got %v", err)
	}
}

// Every route refuses guests, keys of too small a scope, revoked and expired
// keys, and another team's key for our agent; nothing changes by that.
func TestEveryRouteRefuses(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Ended)
	before := w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeAdmin], "").body
	revoked := w.addKey(w.team.ID, fleet.ScopeAdmin)
	keys := w.do("GET", "/v1/keys", w.keys[fleet.ScopeAdmin], "")
	revokedID := keyID(t, keys.body, revoked)
	if a := w.do("DELETE", "/v1/keys/"+revokedID, w.keys[fleet.ScopeAdmin], ""); a.status != 200 {
		t.Fatal(a.body)
	}
	w.signIn()
	for _, r := range w.server.routes() {
		path := fill(r.path, id)
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			switch r.access.kind {
			case byAnyone:
			case bySession:
				refusesVisitors(t, w, r, path)
			case byRunToken:
				refused(t, w.do(r.method, path, "", ""), 401, "unauthorized")
				refused(t, w.do(r.method, path, w.keys[fleet.ScopeAdmin], ""), 401, "unauthorized")
			case byKey:
				eliza := strings.HasPrefix(r.path, "/agents") || strings.HasPrefix(r.path, "/api/")
				refused(t, w.do(r.method, path, "", ""), 401, either(eliza, "Missing or invalid API key", "missing_api_key"))
				refused(t, w.do(r.method, path, "agy_x", ""), 401, either(eliza, "Missing or invalid API key", "invalid_api_key_format"))
				refused(t, w.do(r.method, path, revoked, ""), 401, either(eliza, "Missing or invalid API key", "invalid_api_key"))
				if r.access.ownHeader {
					refused(t, w.do(r.method, path, w.keys[fleet.ScopeAdmin], "", "X-API-KEY: "+revoked), 401, `"code":"UNAUTHORIZED"`)
				} else {
					refused(t, w.do(r.method, path, "", "", "X-API-KEY: "+w.keys[fleet.ScopeAdmin]), 401, either(eliza, "Missing or invalid API key", "missing_api_key"))
				}
				for _, scope := range fleet.Scopes() {
					if !scope.Contains(r.access.scope) {
						refused(t, w.do(r.method, path, w.keys[scope], ""), 403, "needs the "+string(r.access.scope)+" scope")
					}
				}
				if strings.Contains(r.path, ":agentId") {
					refused(t, w.do(r.method, path+"?action=delete", w.foreign, validBody(r.path)), 403, "You do not have access to this agent")
				}
			}
		})
	}
	if after := w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeAdmin], "").body; after != before {
		t.Errorf("a refusal changed the agent:\n%s\n%s", before, after)
	}
}

// refusesVisitors is for pages: who is not signed in is led to the sign-in,
// who has too small a role is told so, and to another team's member the agent
// is as one that never was.
func refusesVisitors(t *testing.T, w *world, r route, path string) {
	t.Helper()
	guest := w.do(r.method, path, "", "")
	if guest.status != 401 && !(guest.status == 303 && strings.Contains(guest.header.Get("Location"), "/login")) {
		t.Errorf("a guest got %d", guest.status)
	}
	if a := w.do(r.method, path, w.keys[fleet.ScopeAdmin], ""); a.status != guest.status {
		t.Errorf("an API key got %d on a page", a.status)
	}
	for _, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator} {
		if role.Scope().Contains(r.access.scope) {
			continue
		}
		if a := w.do(r.method, path, "", "", "Cookie: "+w.cookies[role]); a.status != 403 {
			t.Errorf("a %s got %d", role, a.status)
		}
	}
	if strings.Contains(r.path, ":agentId") {
		ask := func(path string) answer {
			return w.do(r.method, path, "", formBody(r.path), "Cookie: "+w.stranger, "Content-Type: application/x-www-form-urlencoded")
		}
		theirs, nobodys := ask(path), ask(fill(r.path, unknownID))
		if theirs.status != nobodys.status || theirs.status < 300 && r.method != "GET" || pageWords(theirs.body) != pageWords(nobodys.body) {
			t.Errorf("another team's owner got %d, and %d for an agent that is not there:\n%s\n%s", theirs.status, nobodys.status, pageWords(theirs.body), pageWords(nobodys.body))
		}
	}
}

// pageWords is a page without what differs from request to request.
func pageWords(body string) string {
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|<time[^>]*>[^<]*</time>|data-now="[^"]*"|data-seq="[^"]*"|\?from=[^"]*`).ReplaceAllString(body, "")
}

// formBody is the least that a form of one agent accepts.
func formBody(path string) string {
	if strings.HasSuffix(path, "/delete") {
		return "confirm=Ada&name=Ada&version=1"
	}
	return "reason=x&code=123456&text=x&type=x&version=1&login=a&password=b&country=FR&name=x"
}

// validBody is the least that a route of one agent accepts.
func validBody(path string) string {
	for end, body := range map[string]string{
		"/tasks": `{"type":"x"}`, "/verify": `{"code":"123456"}`, "/protect": `{"reason":"x"}`, "/unprotect": `{"reason":"x"}`,
		"/messages": `{"text":"x"}`, "/message": `{"text":"x"}`,
	} {
		if strings.HasSuffix(path, end) {
			return body
		}
	}
	return ""
}

func either(eliza bool, a, b string) string {
	if eliza {
		return a
	}
	return b
}

func refused(t *testing.T, a answer, status int, word string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, word) {
		t.Errorf("got %d %s, want %d with %q", a.status, a.body, status, word)
	}
}

// keyID finds the id of a key in the list of keys by its prefix.
func keyID(t *testing.T, list, key string) string {
	t.Helper()
	at := strings.Index(list, key[:12])
	if at < 0 {
		t.Fatal("the key is not listed")
	}
	start := strings.LastIndex(list[:at], `"id":"`) + len(`"id":"`)
	return list[start : start+36]
}

// No input whatever makes a route fail with 5xx or leave its envelope.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	bodies := map[string]string{
		"rubbish": "hello", "cut off": `{"name":`, "list": `[1,2]`, "null": `null`, "number": `1e999`, "trailing": `{}{}`,
		"not UTF-8": "{\"name\":\"\xff\xfe\",\"reason\":\"\xff\",\"text\":\"\xff\"}", "NUL": "\x00", "NUL inside": `{"name":"a\u0000b","reason":"a\u0000b","text":"\u0000","type":"\u0000","code":"\u0000"}`,
		"wrong types":   `{"name":1,"reason":[],"text":{},"code":7,"login":[],"note":3,"until":5,"type":1,"settings":"x","scope":1,"tags":"x","limits":[],"workingHours":1,"events":{},"max":"x"}`,
		"wrong insides": `{"settings":[1],"tags":[1],"limits":{"messagesMax":"x"},"workingHours":{"days":1},"events":[1]}`,
		"unknown field": `{"frobnicate":true}`, "lone surrogate": `{"name":"\ud800","reason":"\udfff"}`,
		"deep": strings.Repeat(`{"settings":`, 5000) + "1", "deep list": `{"payload":` + strings.Repeat("[", 100_000), "huge": strings.Repeat("x", 1<<20+10),
		"huge number": `{"limits":{"messagesMax":99999999999999999999}}`, "long texts": `{"name":"` + strings.Repeat("x", 100_000) + `"}`,
		"far times": `{"until":"9999-12-31T23:59:59Z","dueAt":"0001-01-01T00:00:00Z","expiresAt":"1969-12-31T23:59:59Z"}`,
	}
	for _, r := range w.server.routes() {
		if r.stream || r.access.kind == byAnyone || r.access.kind == bySession {
			continue
		}
		status := fleet.Running
		if strings.HasSuffix(r.path, "/message") {
			status = fleet.Paused // a running one would be waited for
		}
		// An empty body pauses the team.
		if _, err := w.app.ResumeTeam(t.Context(), w.actor()); fleet.CodeOf(err) != fleet.CodeConflict {
			must(t, err)
		}
		agent := w.agent("assistant", status)
		key := w.keys[fleet.ScopeAdmin]
		if r.access.kind == byRunToken {
			key = w.runner.tokenOf(agent)
		}
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			for name, body := range bodies {
				sane(t, name, w.do(r.method, fill(r.path, fleet.AgentID(unknownID)), key, body))
				sane(t, name, w.do(r.method, fill(r.path, agent), key, body, "Content-Type: text/plain"))
				sane(t, name, w.do(r.method, fill(r.path, agent), key, body, "Content-Encoding: gzip", "Content-Type: multipart/form-data; boundary=x"))
			}
			for _, query := range []string{
				"?limit=0", "?limit=x", "?limit=1&cursor=%00", "?limit=1&cursor=!!", "?limit=1&cursor=eyJpIjoxfQ", "?limit=1&cursor=bnVsbA", "?limit=1&cursor=IngiCg", "?cursor=eyJpIjoieCJ9&limit=5", "?q=%ff", "?q=%00&sort=id;drop", "?status=running,,",
				"?sort=--name", "?wait=-1", "?wait=1e9", "?after=-1", "?after=99999999999999999999", "?from=2026-13-01&to=x", "?incarnation=-3",
				"?action=", "?q=" + strings.Repeat("%25", 400), "?a=%zz&&&=", "?level=loud", "?state=odd", "?offset=-5", "?reason=%01",
			} {
				sane(t, query, w.do(r.method, fill(r.path, agent)+query, key, ""))
			}
			for _, id := range []string{"agent_123", "%00", "%2e%2e", "..%2f..", "%ff", strings.Repeat("9", 2000), strings.ToUpper(unknownID)} {
				sane(t, id, w.do(r.method, fill(r.path, fleet.AgentID(id)), key, ""))
			}
		})
	}
}

// sane accepts any answer but a server error or one without a face.
func sane(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status >= 500 || a.status < 200 || a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: %d %s", what, a.status, a.body)
	}
	if a.status >= 400 && a.body != "" && !strings.Contains(a.body, `"error"`) && !strings.Contains(a.body, `"code"`) {
		t.Errorf("%s: %d without a face: %s", what, a.status, a.body)
	}
}
