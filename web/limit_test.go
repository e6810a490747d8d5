package web

import (
	"strings"
	"sync"
	"testing"

	"agentry/internal/fleet"
)

func TestRateLimit(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.RateRead, c.RateWrite = 5, 2 })
	key := w.keys[fleet.ScopeRead]
	for i := range 5 {
		a := w.do("GET", "/v1/agents?limit=1", key, "")
		if a.status != 200 || a.header.Get("RateLimit-Policy") != `"read";q=5;w=60` || !strings.HasPrefix(a.header.Get("RateLimit"), `"read";r=`+string(rune('4'-i))+`;`) {
			t.Fatalf("request %d: %d %v", i, a.status, a.header)
		}
	}
	a := w.do("GET", "/v1/agents", key, "")
	if a.status != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"error":"rate_limit_exceeded"`) {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	if a := w.do("GET", "/v1/verify", key, ""); a.status != 200 {
		t.Errorf("another route: %d", a.status)
	}
	if a := w.do("GET", "/v1/agents", w.keys[fleet.ScopeAdmin], ""); a.status != 200 {
		t.Errorf("another key: %d", a.status)
	}
	statuses := map[int]int{}
	for range 4 {
		statuses[w.do("POST", "/agents/"+unknownID+"/stop", w.keys[fleet.ScopeOperate], "").status]++
	}
	if statuses[404] != 2 || statuses[429] != 2 {
		t.Errorf("writes: %v", statuses)
	}
}

// A form that a page sends again under its key has one effect, and the page is
// led where the first answer led; what was refused can be tried again.
func TestAFormSentAgainHasOneEffect(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	post := func(path, key, body string) answer {
		return w.do("POST", path, "", body, "Cookie: "+w.cookies[fleet.RoleOwner], "Content-Type: application/x-www-form-urlencoded", "HX-Request: true",
			"Origin: "+w.url, "Idempotency-Key: "+key)
	}
	first := post("/fleet/new", "k1", "name=Ada&kind=assistant")
	again := post("/fleet/new", "k1", "name=Ada&kind=assistant")
	to := first.header.Get("HX-Redirect")
	if to == "" || again.header.Get("HX-Redirect") != to || again.header.Get("Idempotency-Replayed") != "true" || again.status != 204 {
		t.Errorf("first %d %v\nagain %d %v", first.status, first.header, again.status, again.header)
	}
	refused(t, post("/fleet/new", "k1", "name=Bob&kind=assistant"), 422, "")
	for range 2 {
		if a := post(to+"/pause", "k2", ""); a.status != 400 || a.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("a refusal: %d %v", a.status, a.header)
		}
	}
	counts, err := w.app.FleetCounts(t.Context(), w.memberOf(w.cookies[fleet.RoleOwner]))
	must(t, err)
	if counts.All != 1 {
		t.Errorf("%d agents", counts.All)
	}
	if a := post("/settings/members/invite", "k3", "email=jo@example.com&role=viewer"); a.status != 200 || !strings.Contains(a.body, "/invite/") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := post("/settings/members/invite", "k3", "email=jo@example.com&role=viewer"); a.status != 204 || a.header.Get("HX-Refresh") != "true" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// Without a script a button that is pressed twice has one effect too, also while
// the first try is under way, and both lead to the same; another text, or the
// form shown anew, is another call.
func TestAFormPressedTwiceHasOneEffect(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	headers := []string{"Cookie: " + w.cookies[fleet.RoleOwner], "Content-Type: application/x-www-form-urlencoded"}
	once := func(path string) string {
		t.Helper()
		_, rest, ok := strings.Cut(w.do("GET", path, "", "", headers...).body, `name="once" value="`)
		value, _, closed := strings.Cut(rest, `"`)
		if !ok || !closed || value == "" {
			t.Fatalf("%s has no form with a name", path)
		}
		return value
	}
	shown := once("/fleet/new")
	var led [4]string
	var all sync.WaitGroup
	for i := range led {
		all.Go(func() {
			led[i] = w.do("POST", "/fleet/new", "", "name=Ada&kind=assistant&once="+shown, headers...).header.Get("Location")
		})
	}
	all.Wait()
	for _, to := range led {
		if to == "" || to != led[0] {
			t.Errorf("led to %q", led)
		}
	}
	for _, body := range []string{"name=Bob&kind=assistant&once=" + shown, "name=Ada&kind=assistant&once=" + once("/fleet/new")} {
		if a := w.do("POST", "/fleet/new", "", body, headers...); a.status != 303 || a.header.Get("Location") == led[0] {
			t.Errorf("%s: %d to %s", body, a.status, a.header.Get("Location"))
		}
	}
	if n := strings.Count(w.do("GET", "/v1/agents", w.keys[fleet.ScopeRead], "").body, `"createdAt"`); n != 3 {
		t.Errorf("%d agents, not 3", n)
	}
	agent := "/fleet/" + string(w.agent("assistant", fleet.Running))
	for tab, body := range map[string]string{"tasks": "type=x", "messages": "text=hello"} {
		body += "&once=" + once(agent+"?tab="+tab)
		for range 2 {
			if a := w.do("POST", agent+"/"+tab, "", body, headers...); a.status != 303 || a.header.Get("Location") == "" {
				t.Errorf("%s: %d %s", tab, a.status, a.body)
			}
		}
		if list := w.do("GET", "/v1/agents"+strings.TrimPrefix(agent, "/fleet")+"/"+tab, w.keys[fleet.ScopeRead], ""); strings.Count(list.body, `"createdAt"`) != 1 {
			t.Errorf("%s twice: %s", tab, list.body)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	key := w.keys[fleet.ScopeAdmin]
	first := w.do("POST", "/v1/agents", key, `{"name":"One"}`, "Idempotency-Key: k1")
	again := w.do("POST", "/v1/agents", key, `{"name":"One"}`, "Idempotency-Key: k1")
	if first.status != 201 || again.status != 201 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" ||
		again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("first %d %s\nagain %d %s %v", first.status, first.body, again.status, again.body, again.header)
	}
	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first answer says it is a replay")
	}
	refused(t, w.do("POST", "/v1/agents", key, `{"name":"Two"}`, "Idempotency-Key: k1"), 422, "idempotency_mismatch")
	refused(t, w.do("POST", "/v1/agents?x=1", key, `{"name":"One"}`, "Idempotency-Key: k1"), 422, "idempotency_mismatch")
	refused(t, w.do("POST", "/v1/agents", key, `{}`, "Idempotency-Key: "+strings.Repeat("k", 256)), 400, "Idempotency-Key")
	refused(t, w.do("POST", "/v1/agents", key, `{}`, "Idempotency-Key: schlüssel"), 400, "Idempotency-Key")
	if a := w.do("POST", "/v1/agents", w.foreign, `{"name":"Two"}`, "Idempotency-Key: k1"); a.status != 201 || strings.Contains(a.body, "One") {
		t.Errorf("another caller's key: %d %s", a.status, a.body)
	}
	bad := w.do("POST", "/v1/agents", key, `{"x":1}`, "Idempotency-Key: k2")
	if a := w.do("POST", "/v1/agents", key, `{"x":1}`, "Idempotency-Key: k2"); a.status != 400 || a.body != bad.body || a.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a refusal is replayed too: %d %s", a.status, a.body)
	}
}

func TestOneEffectUnderRepeats(t *testing.T) {
	w := newWorld(t)
	key := w.keys[fleet.ScopeOperate]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := w.do("POST", "/v1/agents", key, `{"name":"Only"}`, "Idempotency-Key: same")
			if a.status != 201 && !(a.status == 409 && strings.Contains(a.body, "idempotency_in_progress")) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if a := w.do("GET", "/v1/agents?limit=5", key, ""); a.header.Get("X-Total-Count") != "1" {
		t.Errorf("%s agents", a.header.Get("X-Total-Count"))
	}
}

func TestTrustOfLoopback(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.TrustLoopback = true })
	w.server.config.LoopbackTeam = w.team.ID
	host := w.server.Addr()
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a program", nil, 200},
		{"localhost", []string{"Host: localhost:1"}, 200},
		{"its own page", []string{"Origin: http://" + host, "Sec-Fetch-Site: same-origin"}, 200},
		{"a foreign page", []string{"Origin: http://evil.example"}, 401},
		{"a page of another port", []string{"Origin: http://127.0.0.1:1"}, 401},
		{"a page without an origin", []string{"Origin: null"}, 401},
		{"a link on a foreign page", []string{"Sec-Fetch-Site: cross-site"}, 401},
		{"a name that points here", []string{"Host: evil.example"}, 401},
		{"through a proxy", []string{"X-Forwarded-For: 10.0.0.1"}, 401},
		{"with a bad key", []string{"Authorization: Bearer x"}, 401},
		{"with an empty key", []string{"Authorization: Basic eDp5"}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.do("GET", "/v1/agents", "", "", tt.headers...); a.status != tt.status {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if a := w.do("GET", "/agents", "", "", tt.headers...); a.status != tt.status {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if a := w.do("GET", "/api/agents", "", "", tt.headers...); a.status != 401 {
				t.Errorf("/api trusts loopback: %d %s", a.status, a.body)
			}
		})
	}
	id := w.agent("assistant", fleet.Ended)
	refused(t, w.do("DELETE", "/v1/agents/"+string(id), "", ""), 403, "needs the delete scope")
	refused(t, w.do("GET", "/v1/keys", "", ""), 403, "needs the admin scope")
	if a := w.do("GET", "/fleet", "", ""); a.status == 200 {
		t.Error("pages trust loopback")
	}
}

func TestNoTrustUnlessAskedFor(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.LoopbackTeam = "x" })
	refused(t, w.do("GET", "/v1/agents", "", ""), 401, "missing_api_key")
}
