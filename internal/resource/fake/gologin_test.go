package fake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

func TestALifeOfAProfile(t *testing.T) {
	s := start(t, fake.Options{})
	id := create(t, s, "agentry-1")

	shown := want(t, ask(t, s, "GET /browser/"+id, ""), 200).json(t)
	if shown["name"] != "agentry-1" || shown["os"] != "lin" || shown["proxyEnabled"] != false {
		t.Fatalf("shown as %v", shown)
	}
	want(t, ask(t, s, "PATCH /browser/"+id+"/proxy", `{"mode":"http","host":"127.0.0.1","port":7000,"username":"u","password":"pw-clear"}`), 204)
	want(t, ask(t, s, "GET /browser/"+id, ""), 200, `"password":"pw-clear"`, `"proxyEnabled":true`, "facebookAccountData", s.Canary()+"-auto")
	want(t, ask(t, s, "PATCH /browser/"+id+"/name", `{"name":"agentry-2"}`), 204)
	want(t, ask(t, s, "PATCH /browser/"+id+"/notes", `{"notes":"n"}`), 204)

	started := want(t, ask(t, s, "POST /browser/"+id+"/web", `{}`), 201, "profileStatuses.running").json(t)
	if url, _ := started["remoteOrbitaUrl"].(string); !strings.HasPrefix(url, "https://cloudbrowser.gologin.com/browsers/"+id+"/") {
		t.Fatalf("live view %q", url)
	}
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 403, "Forbidden")
	want(t, ask(t, s, "DELETE /browser/"+id+"/web", ""), 204)
	want(t, ask(t, s, "DELETE /browser/"+id+"/web", ""), 404)
	want(t, ask(t, s, "PATCH /browser/"+id+"/proxy", `{"mode":"none"}`), 204)
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 204)
	want(t, ask(t, s, "GET /browser/"+id, ""), 404)
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 404)

	if len(s.Profiles()) != 0 || len(s.Trash()) != 1 {
		t.Fatalf("%d live, %d in the trash", len(s.Profiles()), len(s.Trash()))
	}
	p := s.Trash()[0]
	if p.Name != "agentry-2" || p.Notes != "n" || p.DeletedAlive != 1 || p.DeletedGone != 1 || len(p.Proxies) != 2 || p.Proxies[0].Port != 7000 || p.Proxy.Mode != "none" {
		t.Fatalf("judged as %+v", p)
	}
	want(t, ask(t, s, "GET /deleted-profiles/v2?offset=0", ""), 200, id)
	want(t, ask(t, s, "POST /deleted-profiles/restore", fmt.Sprintf(`{"profileIds":[%q],"workspaceId":"w"}`, id)), 201)
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 204)
	if c := s.Counts(); c.DeletedTwice != 1 || c.AskedGone != 1 || c.Made != 1 || c.Trash != 1 {
		t.Fatalf("counts %+v", c)
	}
}

func TestTheAnswersOfEveryCall(t *testing.T) {
	s := start(t, fake.Options{})
	a, b := create(t, s, "one"), create(t, s, "two")
	for _, v := range []struct {
		call, body string
		status     int
		texts      []string
	}{
		{"GET /user", "", 200, []string{`"maxProfiles":100000`, `"defaultWorkspace"`, s.Canary() + "-card"}},
		{"POST /browser/quick", `{}`, 400, []string{`"property":"os"`, `"isEnum":"os must be one of the following values: lin, mac, win, android, android-cloud"`, `"target":{}`}},
		{"POST /browser/quick", `{"os":"linux","name":"x"}`, 400, []string{`"value":"linux"`, `"error":"Bad Request"`}},
		{"POST /browser/quick", `{"os":"lin","osSpec":"M9"}`, 400, []string{`"property":"osSpec"`}},
		{"POST /browser/quick", `{"os":"lin","name":7}`, 400, []string{"name must be a string"}},
		{"POST /browser/quick", `{"os":`, 400, []string{"Unexpected token"}},
		{"POST /browser/custom", `{"name":"c","proxy":{"mode":"http","host":"h","port":"80"}}`, 400, []string{"port must be a number"}},
		{"GET /browser/123", "", 400, []string{`"id must be longer than or equal to 24 characters"`, `"message":[`}},
		{"GET /browser/" + a + "00", "", 400, []string{"shorter than"}},
		{"GET /browser/zzzzzzzzzzzzzzzzzzzzzzzz", "", 400, []string{"mongodb id"}},
		{"DELETE /browser/123", "", 400, []string{`"property":"id"`}},
		{"GET /browser/" + unknownID, "", 404, []string{`"error":"Not Found"`}},
		{"DELETE /browser/" + unknownID, "", 404, nil},
		{"PATCH /browser/" + unknownID + "/proxy", `{"mode":"none"}`, 404, nil},
		{"PATCH /browser/" + a + "/proxy", `{"mode":"https","host":"h","port":80}`, 400, []string{"mode must be one of"}},
		{"PATCH /browser/" + a + "/proxy", `{"host":"h","port":80}`, 400, []string{"mode must be one of"}},
		{"PATCH /browser/" + a + "/proxy", `{"mode":"gologin","autoProxyRegion":"US"}`, 400, []string{`"isIn"`}},
		{"PATCH /browser/" + a + "/proxy", `{"mode":"gologin","autoProxyRegion":"us"}`, 204, nil},
		{"PATCH /browser/" + a + "/name", `{}`, 400, []string{"name must be a string"}},
		{"PATCH /browser/" + a, `{"name":"x"}`, 404, []string{`"message":"Cannot PATCH /browser/` + a + `"`}},
		{"GET /browsers", "", 404, []string{"Cannot GET /browsers"}},
		{"PATCH /browser/proxy/many/v2", fmt.Sprintf(`{"proxies":[{"profileId":%q,"proxy":{"mode":"socks5","host":"h","port":1080}}]}`, b), 204, nil},
		{"PATCH /browser/proxy/many/v2", `{"proxies":{}}`, 400, []string{"must be an array"}},
		{"PATCH /browser/proxy/many/v2", fmt.Sprintf(`{"proxies":[{"profileId":%q,"proxy":{}}]}`, b), 400, []string{"mode must be"}},
		{"POST /users-proxies/mobile-proxy", `{"countryCode":"US"}`, 400, []string{"countryCode"}},
		{"POST /users-proxies/mobile-proxy", `{"countryCode":"xx"}`, 400, []string{`"isIn"`}},
		{"POST /users-proxies/mobile-proxy", fmt.Sprintf(`{"countryCode":"us","isMobile":false,"isDC":false,"profileIdToLink":%q}`, unknownID), 404, nil},
		{"GET /users-proxies/geolocation/traffic", "", 200, []string{"residentTrafficData", "trafficLimitBytes"}},
		{"POST /browser/" + unknownID + "/web", `{}`, 404, nil},
		{"DELETE /browser", `{"ids":["` + a + `"]}`, 400, []string{"profilesToDelete must be an array"}},
		{"DELETE /browser", `{"profilesToDelete":["` + a + `","` + unknownID + `"]}`, 204, nil},
	} {
		t.Run(v.call+" "+v.body, func(t *testing.T) { want(t, ask(t, s, v.call, v.body), v.status, v.texts...) })
	}
	if got := find(t, s.All(), b).Proxy; got != (fake.Proxy{Mode: "socks5", Host: "h", Port: 1080}) {
		t.Errorf("the second profile's proxy is %+v", got)
	}
	if c := s.Counts(); c.Alive != 1 || c.Trash != 1 || c.Strange != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestOnlyTheTokenLetsIn(t *testing.T) {
	s := start(t, fake.Options{Token: "the-token"})
	for token, status := range map[string]int{"": 401, "other": 401, "the-token": 200} {
		want(t, send(t, s.URL(), token, "GET /user", ""), status)
	}
	want(t, send(t, s.URL(), "", "POST /browser/quick", `{"os":"lin"}`), 401, `"statusCode":401`)
	want(t, send(t, s.URL(), "", "GET /nothing", ""), 404, "Cannot GET")
	if len(s.All()) != 0 {
		t.Error("made something without access")
	}
}

func TestProxiesOfTheVendorsOwn(t *testing.T) {
	s := start(t, fake.Options{})
	id := create(t, s, "one")
	made := want(t, ask(t, s, "POST /users-proxies/mobile-proxy", fmt.Sprintf(`{"countryCode":"us","city":"New York","isMobile":false,"isDC":false,"profileIdToLink":%q,"customName":"c"}`, id)),
		201, `"connectionType":"resident"`, `"mode":"http"`).json(t)
	p := find(t, s.Profiles(), id)
	if p.Proxy.Mode != "geolocation" || p.Proxy.ID != made["id"] || p.Proxy.Region != "us" {
		t.Fatalf("linked as %+v", p.Proxy)
	}
	want(t, ask(t, s, "GET /browser/"+id, ""), 200, `"proxyEnabled":true`)
	again := want(t, ask(t, s, "POST /users-proxies/mobile-proxy", `{"countryCode":"gb","isMobile":true}`), 201, `"connectionType":"mobile"`).json(t)
	if again["id"] == made["id"] {
		t.Error("a second call made the same proxy")
	}
}

func TestListsHaveThirtyAPage(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := start(t, fake.Options{Now: func() time.Time { return now }})
	for i := range 35 {
		create(t, s, fmt.Sprintf("agentry-%02d", i))
	}
	create(t, s, "somebody's")
	names := func(query string) []string {
		var out []string
		list, _ := want(t, ask(t, s, "GET /browser/v2?"+query, ""), 200).json(t)["profiles"].([]any)
		for _, row := range list {
			out = append(out, row.(map[string]any)["name"].(string))
		}
		return out
	}
	for query, text := range map[string]string{
		"page=1&search=agentry-": "30 agentry-34 agentry-05",
		"page=2&search=agentry-": "5 agentry-04 agentry-00",
		"page=3&search=agentry-": "0",
		"":                       "30 somebody's agentry-06",
		"search=try-03":          "1 agentry-03 agentry-03",
		"search=agentry-&sorterField=createdAt&sorterOrder=ascend": "30 agentry-00 agentry-29",
		"search=nothing": "0",
	} {
		got := names(query)
		have := fmt.Sprint(len(got))
		if len(got) > 0 {
			have += " " + got[0] + " " + got[len(got)-1]
		}
		if have != text {
			t.Errorf("%s: %s, want %s", query, have, text)
		}
	}
	want(t, ask(t, s, "GET /browser/v2?search=agentry-", ""), 200, `"allProfilesCount":35`, `"createdAt":"2026-03-02T09:00:00.000Z"`)

	s.SetChoices(fake.Choices{ListLag: time.Minute})
	if got := names("search=agentry-"); len(got) != 0 {
		t.Errorf("lists %d profiles that are younger than the lag", len(got))
	}
	now = now.Add(time.Minute)
	if got := names("search=agentry-"); len(got) != 30 {
		t.Errorf("lists %d profiles after the lag", len(got))
	}
}
