package gologin

import (
	"strings"
	"testing"

	"agentry/internal/resource"
)

func endpoint() *resource.Endpoint {
	return &resource.Endpoint{Scheme: "socks5", Host: "gate.example.com", Port: 1080, Username: "user-de-1", Password: "canary-password"}
}

func TestSetProxyIsVerified(t *testing.T) {
	cases := map[string]struct {
		endpoint *resource.Endpoint
		shown    string
		says     string // "" is that it worked
	}{
		"as set":             {endpoint(), `{"mode":"socks5","host":"Gate.example.com","port":1080,"username":"user-de-1","password":"canary-password"}`, ""},
		"port as text":       {endpoint(), `{"mode":"socks5","host":"gate.example.com","port":"1080","username":"user-de-1"}`, ""},
		"another user":       {endpoint(), `{"mode":"socks5","host":"gate.example.com","port":1080,"username":"canary-user"}`, "a proxy of mode socks5 at gate.example.com port 1080 instead"},
		"another port":       {endpoint(), `{"mode":"socks5","host":"gate.example.com","port":1081,"username":"user-de-1"}`, "port 1081"},
		"another host":       {endpoint(), `{"mode":"socks5","host":"u:canary@gate.example.org","port":1080,"username":"user-de-1"}`, "gate.example.org"},
		"another mode":       {endpoint(), `{"mode":"http","host":"gate.example.com","port":1080,"username":"user-de-1"}`, "mode http"},
		"ignored":            {endpoint(), `{"mode":"none"}`, "shows the profile with no proxy instead"},
		"not there":          {endpoint(), `null`, "no proxy"},
		"cleared":            {nil, `{"mode":"none"}`, ""},
		"cleared, none left": {nil, `null`, ""},
		"not cleared":        {nil, `{"mode":"gologin","host":"geo.example.com","port":10080,"username":"canary"}`, "mode gologin at geo.example.com"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := "/browser/" + testID
			w := newWorld(t, map[string][]reply{"PATCH " + path + "/proxy": {{204, "", ""}}, "GET " + path: {{200, "", profileBody(c.shown)}}})
			err := w.client().SetProxy(t.Context(), testID, c.endpoint)
			if c.says == "" {
				if err != nil {
					t.Errorf("failed: %v", err)
				}
			} else {
				says(t, wantError(t, err, resource.Refused, true), c.says)
			}
			if n := len(w.requests()); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}

func TestAProxyThatIsSwitchedOffIsNotSet(t *testing.T) {
	path := "/browser/" + testID
	w := newWorld(t, map[string][]reply{"PATCH " + path + "/proxy": {{204, "", ""}}, "GET " + path: {
		{200, "", `{"id":"` + testID + `","proxyEnabled":false,"proxy":{"mode":"socks5","host":"gate.example.com","port":1080,"username":"user-de-1"}}`},
	}})
	says(t, wantError(t, w.client().SetProxy(t.Context(), testID, endpoint()), resource.Refused, true), "switched off")
}

func TestSetProxyFails(t *testing.T) {
	path := "/browser/" + testID
	patch, get := "PATCH "+path+"/proxy", "GET "+path
	cases := map[string]struct {
		routes  map[string][]reply
		reason  resource.Reason
		unclear bool
	}{
		"refused":          {map[string][]reply{patch: {refusal(400, "proxy canary-password at http://user-de-1:canary-password@x is wrong, eyJcanary.x.y")}}, resource.Invalid, false},
		"gone":             {map[string][]reply{patch: {refusal(404, "Not found")}}, resource.Missing, false},
		"fault":            {map[string][]reply{patch: {refusal(500, "x")}}, resource.Unreachable, true},
		"read back fails":  {map[string][]reply{patch: {{204, "", ""}}, get: {refusal(500, "x")}}, resource.Unreachable, true},
		"read back, HTML":  {map[string][]reply{patch: {{204, "", ""}}, get: {{200, "text/html", "<html>"}}}, resource.Unreachable, true},
		"read back, other": {map[string][]reply{patch: {{204, "", ""}}, get: {{200, "", strings.Replace(profileBody("null"), testID, otherID, 1)}}}, resource.Unreachable, true},
		"read back, gone":  {map[string][]reply{patch: {{204, "", ""}}, get: {refusal(404, "x")}}, resource.Missing, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.routes)
			wantError(t, w.client().SetProxy(t.Context(), testID, endpoint()), c.reason, c.unclear)
		})
	}
}

func TestWhatIsWrongIsNotSent(t *testing.T) {
	w := newWorld(t, nil)
	c := w.client()
	for _, id := range []string{"", "65f0", testID + "0", strings.ToUpper(testID), "../user", testID + "\n", "65f0c0ffee0123456789abc/"} {
		wantError(t, c.SetProxy(t.Context(), id, nil), resource.Invalid, false)
		wantError(t, c.Delete(t.Context(), id, resource.Deletion{}), resource.Invalid, false)
		wantError(t, c.Delete(t.Context(), id, resource.Deletion{Again: true}), resource.Invalid, false)
	}
	for _, change := range []func(*resource.Endpoint){
		func(e *resource.Endpoint) { e.Scheme = "https" }, func(e *resource.Endpoint) { e.Host = "" },
		func(e *resource.Endpoint) { e.Port = 0 }, func(e *resource.Endpoint) { e.Port = 65536 },
	} {
		e := endpoint()
		change(e)
		wantError(t, c.SetProxy(t.Context(), testID, e), resource.Invalid, false)
	}
	w.wantRequests()
}
