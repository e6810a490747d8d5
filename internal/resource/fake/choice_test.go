package fake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

func TestWhatIsNotKnownCanBeChosen(t *testing.T) {
	s := start(t, fake.Options{})
	gone := create(t, s, "gone")
	want(t, ask(t, s, "DELETE /browser/"+gone, ""), 204)

	for _, status := range []int{204, 404, 403} {
		s.SetChoices(fake.Choices{SecondDelete: status})
		want(t, ask(t, s, "DELETE /browser/"+gone, ""), status)
	}
	s.SetChoices(fake.Choices{TrashedGet: 200, BulkMissing: 404, RunningDelete: 204, StopStopped: 204, CustomStatus: 201, TrafficKey: "residentialTrafficData"})
	want(t, ask(t, s, "GET /browser/"+gone, ""), 200, gone)
	want(t, ask(t, s, "DELETE /browser", fmt.Sprintf(`{"profilesToDelete":[%q]}`, gone)), 404, "Not Found")
	want(t, ask(t, s, "GET /users-proxies/geolocation/traffic", ""), 200, "residentialTrafficData")
	want(t, ask(t, s, "POST /browser/custom", `{"name":"c","os":"mac","proxy":{"mode":"http","host":"h","port":80}}`), 201)
	if got := s.Profiles()[0]; got.OS != "mac" || got.Proxy.Host != "h" {
		t.Errorf("custom made %+v", got)
	}
	id := create(t, s, "runs")
	want(t, ask(t, s, "DELETE /browser/"+id+"/web", ""), 204)
	want(t, ask(t, s, "POST /browser/"+id+"/web", ""), 201)
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 204)
	if p := find(t, s.Trash(), id); p.Running {
		t.Error("runs in the trash")
	}
}

func TestThePlanHasPlaces(t *testing.T) {
	s := start(t, fake.Options{MaxProfiles: 2, MaxParallel: 1})
	a, b := create(t, s, "a"), create(t, s, "b")
	const text = `{"error":"Forbidden","message":"You've reached max profiles number. To create more update your plan","statusCode":403}`
	if r := want(t, ask(t, s, "POST /browser/quick", `{"os":"lin"}`), 403); r.text != text {
		t.Errorf("the quota says %s", r.text)
	}
	want(t, ask(t, s, "POST /browser/custom", `{}`), 403, "max profiles number")
	want(t, ask(t, s, "POST /browser/"+a+"/web", `{}`), 201)
	want(t, ask(t, s, "POST /browser/"+b+"/web", `{}`), 403, "max parallel cloud")
	want(t, ask(t, s, "DELETE /browser/"+b, ""), 204)
	s.SetChoices(fake.Choices{TrashCounts: true})
	want(t, ask(t, s, "POST /browser/quick", `{"os":"lin"}`), 403)
	s.SetChoices(fake.Choices{})
	create(t, s, "c")
}

func TestTheTemplateCanCarryAProxy(t *testing.T) {
	s := start(t, fake.Options{TemplateProxy: &fake.Proxy{Mode: "http", Host: "template.invalid", Port: 80}})
	want(t, ask(t, s, "POST /browser/quick", `{"os":"lin","name":"x","proxy":{"mode":"none"}}`), 201)
	id := s.Profiles()[0].ID
	want(t, ask(t, s, "GET /browser/"+id, ""), 200, "template.invalid", `"proxyEnabled":true`)
	want(t, ask(t, s, "PATCH /browser/"+id+"/proxy", `{"mode":"none"}`), 204)
	want(t, ask(t, s, "GET /browser/"+id, ""), 200, `"proxyEnabled":false`)
}

func TestAnUpdateDrawsTheRestAnew(t *testing.T) {
	s := start(t, fake.Options{})
	id := create(t, s, "x")
	before := want(t, ask(t, s, "GET /browser/"+id, ""), 200).json(t)["navigator"].(map[string]any)
	after := want(t, ask(t, s, "PUT /browser/"+id+"/custom", `{"name":"y"}`), 200, `"name":"y"`).json(t)["navigator"].(map[string]any)
	if before["userAgent"] == after["userAgent"] {
		t.Error("kept the fingerprint")
	}
}

func TestOneRequestTooManyKillsTheToken(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := start(t, fake.Options{PlanPerMinute: 5, Now: func() time.Time { return now }})
	for range 5 {
		want(t, ask(t, s, "GET /user", ""), 200)
	}
	want(t, send(t, s.URL(), "another", "GET /user", ""), 401)
	now = now.Add(time.Minute)
	for range 5 {
		want(t, ask(t, s, "GET /user", ""), 200)
	}
	now = now.Add(59 * time.Second)
	want(t, ask(t, s, "POST /browser/quick", `{"os":"lin"}`), 429, `"statusCode":429`)
	now = now.Add(time.Hour)
	want(t, ask(t, s, "GET /user", ""), 401)
	if !s.TokenDead() || len(s.All()) != 0 {
		t.Fatalf("dead %t, %d profiles", s.TokenDead(), len(s.All()))
	}
	old := s.Token()
	if s.Reissue() == old {
		t.Fatal("reissued the same token")
	}
	want(t, send(t, s.URL(), old, "GET /user", ""), 401)
	want(t, ask(t, s, "GET /user", ""), 200)
}

func TestAProtectedProfileStays(t *testing.T) {
	s := start(t, fake.Options{})
	id := create(t, s, "stays")
	if s.Protect(unknownID, true) || !s.Protect(id, true) {
		t.Fatal("protects what is not there, or not what is")
	}
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 403)
	want(t, ask(t, s, "DELETE /browser", fmt.Sprintf(`{"profilesToDelete":[%q]}`, id)), 403)
	want(t, ask(t, s, "GET /browser/"+id, ""), 200)
	s.Protect(id, false)
	want(t, ask(t, s, "DELETE /browser/"+strings.ToUpper(id), ""), 204)
}

func TestStandInsStayOnThisMachine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "localhost:0", "nothing"} {
		if s, err := fake.NewGoLogin(fake.Options{Addr: addr}); err == nil {
			t.Errorf("listens on %s: %s", addr, s.URL())
		}
	}
}
