package web

import (
	"fmt"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// proxy adds an entry to a team's pool.
func (w *world) proxy(team fleet.TeamID, host string) string {
	w.t.Helper()
	out, err := w.app.AddProxies(w.t.Context(), fleet.System(team, "test"), app.AddProxiesInput{Entry: fleet.ProxyEntry{
		Label: "Exit", Host: host, Port: 7000, Username: "user-{cc}", Password: "canary-password", Country: "GB",
	}})
	must(w.t, err)
	return out.Added[0].ID
}

func proxyJSON(changes string) string {
	value := map[string]string{
		"label": `"Exit"`, "scheme": `"http"`, "host": `"gate.example"`, "port": "7000", "username": `"user-{cc}"`, "hasPassword": "true", "country": `"GB"`,
		"ipMode": `"static"`, "sessionTtlMin": "null", "capacity": "1", "inUse": "0", "enabled": "true", "health": `"unknown"`, "fails": "0",
		"lastCheckAt": "null", "lastOkAt": "null", "lastIp": "null", "lastCountry": "null", "latencyMs": "null", "lastError": "null", "version": "1",
	}
	for _, pair := range strings.Split(changes, "; ") {
		if name, v, ok := strings.Cut(pair, "="); ok {
			value[name] = v
		}
	}
	out := `{"id":"ID"`
	for _, name := range strings.Fields(`label scheme host port username hasPassword country ipMode sessionTtlMin capacity inUse enabled health fails
		lastCheckAt lastOkAt lastIp lastCountry latencyMs lastError nextCheckAt createdAt updatedAt version`) {
		v, ok := value[name]
		if !ok {
			v = `"TIME"`
		}
		out += fmt.Sprintf(`,%q:%s`, name, v)
	}
	return out + "}"
}

func wantInvalid(field, text string) string {
	return fmt.Sprintf(`{"error":"validation_error","message":"%[1]s: %[2]s","fields":{"%[1]s":"%[2]s"}}`, field, text)
}

func wantScope(need, have fleet.Scope) string {
	return fmt.Sprintf(`{"error":"forbidden","message":"This needs the %s scope; yours is %s","requiredScope":"%s"}`, need, have, need)
}

const (
	proxies     = "/v1/proxies"
	wantNoProxy = `{"error":"not_found","message":"Proxy not found"}`
)

func TestProxyCalls(t *testing.T) {
	w := newWorld(t)
	ours, free := w.proxy(w.team.ID, "gate.example"), w.proxy(w.team.ID, "free.example")
	w.proxy(w.other.ID, "gate.example")
	agent := w.agent("assistant", fleet.Paused)
	w.row(w.team.ID, agent, fleet.ResourceHeld, func(r *fleet.Resource) { r.Type, r.ProxyID = fleet.ResourceProxy, ours })
	at := proxies + "/" + ours
	for _, s := range []scenario{
		{name: "guest", method: "GET", path: proxies, guest: true, status: 401, want: wantGuest},
		{name: "list", method: "GET", path: proxies, key: fleet.ScopeRead, status: 200, want: "[" + proxyJSON(`host="free.example"`) + "," + proxyJSON("inUse=1") + "]"},
		{name: "another team's list", method: "GET", path: proxies, foreign: true, status: 200, want: "[" + proxyJSON("") + "]"},
		{name: "of a country", method: "GET", path: proxies + "?country=fr", key: fleet.ScopeRead, status: 200, want: "[]"},
		{name: "of no country", method: "GET", path: proxies + "?country=france", status: 400, want: wantInvalid("country", "must be a two-letter country code such as FR")},
		{name: "of no health", method: "GET", path: proxies + "?health=ill", status: 400, want: wantInvalid("health", "must be one of unknown, healthy, quarantined")},
		{name: "one", method: "GET", path: at, key: fleet.ScopeRead, status: 200, want: proxyJSON("inUse=1")},
		{name: "theirs", method: "GET", path: at, foreign: true, status: 404, want: wantNoProxy},
		{name: "none", method: "GET", path: proxies + "/" + unknownID, status: 404, want: wantNoProxy},
		{name: "what is no id", method: "GET", path: proxies + "/proxy_1", status: 404, want: wantNoProxy},

		{name: "check as a guest", method: "POST", path: at + "/check", guest: true, status: 401, want: wantGuest},
		{name: "check with too small a scope", method: "POST", path: at + "/check", key: fleet.ScopeRead, status: 403, want: wantScope("operate", "read")},
		{name: "another team checks", method: "POST", path: at + "/check", foreign: true, status: 404, want: wantNoProxy},
		{name: "check with a field", method: "POST", path: at + "/check", body: `{"x":1}`, status: 400, want: wantInvalid("x", "is not a field of this call")},
		{name: "check", method: "POST", path: at + "/check", key: fleet.ScopeOperate, status: 202, want: proxyJSON("inUse=1")},

		{name: "change as a guest", method: "PUT", path: at, guest: true, body: `{}`, status: 401, want: wantGuest},
		{name: "change with too small a scope", method: "PUT", path: at, key: fleet.ScopeDelete, body: `{}`, status: 403, want: wantScope("admin", "delete")},
		{name: "another team changes", method: "PUT", path: at, foreign: true, body: `{"label":"mine"}`, status: 404, want: wantNoProxy},
		{name: "change an unknown field", method: "PUT", path: at, body: `{"user":"x"}`, status: 400, want: wantInvalid("user", "is not a field of this call")},
		{name: "change to no host", method: "PUT", path: at, body: `{"host":"0x7f.1"}`, status: 400, want: wantInvalid("host", "must be a host name or an IP address, without scheme, port or path")},
		{name: "change to too long a session", method: "PUT", path: at, body: `{"sessionTtlMin":9000000000000000000}`, status: 400, want: wantInvalid("sessionTtlMin", "must be a number of minutes from 1 to 10080")},
		{name: "change the country in use", method: "PUT", path: at, body: `{"country":"FR"}`, status: 409,
			want: `{"error":"conflict","message":"1 agent uses this proxy, and an agent's country must not change under it: add another entry"}`},
		{name: "change to what is there", method: "PUT", path: at, body: `{"host":"free.example"}`, status: 409,
			want: `{"error":"conflict","message":"The pool has a proxy with this address, username and country already"}`},
		{name: "change", method: "PUT", path: at, body: `{"label":"Other","enabled":false,"capacity":4,"sessionTtlMin":30,"ipMode":"sticky"}`, headers: []string{`If-Match: "1"`}, status: 200,
			want: proxyJSON(`label="Other"; enabled=false; capacity=4; sessionTtlMin=30; ipMode="sticky"; inUse=1; version=2`)},
		{name: "change a version that moved", method: "PUT", path: at, body: `{}`, headers: []string{`If-Match: "1"`}, status: 412,
			want: `{"error":"version_mismatch","message":"The proxy was changed meanwhile: it is at version 2, not 1"}`},
		{name: "take the password away", method: "PUT", path: at, body: `{"password":""}`, status: 200,
			want: proxyJSON(`label="Other"; enabled=false; capacity=4; sessionTtlMin=30; ipMode="sticky"; inUse=1; version=3; hasPassword=false`)},

		{name: "delete as a guest", method: "DELETE", path: at, guest: true, status: 401, want: wantGuest},
		{name: "delete with too small a scope", method: "DELETE", path: at, key: fleet.ScopeDelete, status: 403, want: wantScope("admin", "delete")},
		{name: "another team deletes", method: "DELETE", path: at, foreign: true, status: 404, want: wantNoProxy},
		{name: "delete what is in use", method: "DELETE", path: at, status: 409,
			want: `{"error":"conflict","message":"1 agent uses this proxy: switch it off, so that no other agent gets it, and delete it when it is free"}`},
		{name: "delete", method: "DELETE", path: proxies + "/" + free, status: 200, want: `{"message":"Proxy deleted successfully"}`},
		{name: "delete again", method: "DELETE", path: proxies + "/" + free, status: 404, want: wantNoProxy},
	} {
		t.Run(s.name, func(t *testing.T) {
			if got := s.run(t, w); strings.Contains(got.body, "canary") {
				t.Error("the password is told")
			}
		})
	}
}

func TestAddProxies(t *testing.T) {
	w := newWorld(t)
	entry := `{"host":"gate.example","port":7000,"username":"user-{cc}","password":"canary-password","country":"GB","label":"Exit"}`
	gateway := proxyJSON(`host="192.0.2.1"; port=1; username="u-{sid}"; label="192.0.2.1:1"; country="FR"; ipMode="sticky"; capacity=100`)
	plain := proxyJSON(`host="192.0.2.2"; port=2; username=""; label="192.0.2.2:2"; hasPassword=false; capacity=7`)
	for _, s := range []scenario{
		{name: "as a guest", body: entry, guest: true, status: 401, want: wantGuest},
		{name: "with too small a scope", body: entry, key: fleet.ScopeOperate, status: 403, want: wantScope("admin", "operate")},
		{name: "one", body: entry, key: fleet.ScopeAdmin, status: 201, want: proxyJSON("")},
		{name: "again", body: entry, status: 409, want: `{"error":"conflict","message":"The pool has a proxy with this address, username and country already"}`},
		{name: "the same in another team", body: entry, foreign: true, status: 201, want: proxyJSON("")},
		{name: "an unknown field", body: `{"hots":"x"}`, status: 400, want: wantInvalid("hots", "is not a field of this call")},
		{name: "nothing", body: `{}`, status: 400, want: wantInvalid("host", "must be a host name or an IP address, without scheme, port or path")},
		{name: "a wrong password", body: `{"host":"a.example","port":1,"country":"GB","username":"u","password":"canary{x}"}`, status: 400,
			want: wantInvalid("password", "has a { that begins none of {cc}, {CC}, {sid} and {ttl_min}; a brace itself is written {{")},
		{name: "text and an entry", body: `{"text":"192.0.2.1:1","host":"x"}`, status: 400, want: wantInvalid("text", "stands alone, or with country and capacity for the lines that say none")},
		{name: "a text", body: `{"text":"http://u-{sid}:canary@192.0.2.1:1,FR\n192.0.2.2:2,,,7\n","country":"GB"}`, status: 200, want: `{"added":[` + gateway + "," + plain + `],"there":0}`},
		{name: "the text again", body: `{"text":"http://u-{sid}:canary@192.0.2.1:1,FR\n192.0.2.2:2,,,7\n","country":"GB"}`, status: 200, want: `{"added":[],"there":2}`},
		{name: "a text with a wrong line", body: `{"text":"192.0.2.3:3,FR\ncanary"}`, status: 400,
			want: `{"error":"validation_error","message":"A line is wrong, and nothing was added. Line 2: must be scheme://user:password@host:port, host:port:user:password or host:port",` +
				`"fields":{"line 2":"must be scheme://user:password@host:port, host:port:user:password or host:port"}}`},
	} {
		s.method, s.path = "POST", proxies
		t.Run(s.name, func(t *testing.T) {
			got := s.run(t, w)
			if strings.Contains(got.body, "canary") {
				t.Error("the password is told")
			}
			if s.name == "one" {
				place := got.header.Get("Location")
				if read := w.do("GET", place, w.keys[fleet.ScopeRead], ""); read.status != 200 || normal(read.body) != s.want || read.header.Get("ETag") != `"1"` {
					t.Errorf("%s: %d %s", place, read.status, read.body)
				}
			}
		})
	}
	var n int
	must(t, w.store.Read(t.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.CountProxies(w.team.ID)
		return err
	}))
	if n != 3 {
		t.Errorf("%d entries", n)
	}
	if strings.Contains(w.logs.String(), "canary") {
		t.Error("a password is in the log")
	}
}
