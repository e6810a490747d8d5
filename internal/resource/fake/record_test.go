package fake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

func TestEveryRequestIsRecorded(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := start(t, fake.Options{Now: func() time.Time { return now }})
	id := create(t, s, "x")
	ask(t, s, "GET /browser/v2?page=1&search=a%20b", "")
	send(t, s.URL(), "wrong", "DELETE /browser/"+id, "")
	send(t, s.URL(), "", "GET /nothing", "")
	ask(t, s, "DELETE /browser/"+id, "")

	got := s.Requests(0)
	if len(got) != 5 || len(s.Requests(3)) != 2 || len(s.Requests(9)) != 0 {
		t.Fatalf("%d requests, %d after the third", len(got), len(s.Requests(3)))
	}
	for i, v := range []fake.Request{
		{Method: "POST", Target: "/browser/quick", Route: "POST /browser/quick", Access: "ok", Body: `{"os":"lin","osSpec":"","name":"x"}`, Status: 201, Effect: true, Profile: id},
		{Method: "GET", Target: "/browser/v2?page=1&search=a%20b", Route: "GET /browser/v2", Access: "ok", Status: 200},
		{Method: "DELETE", Target: "/browser/" + id, Route: "DELETE /browser/:id", Access: "wrong", Status: 401},
		{Method: "GET", Target: "/nothing", Access: "none", Status: 404},
		{Method: "DELETE", Target: "/browser/" + id, Route: "DELETE /browser/:id", Access: "ok", Status: 204, Effect: true, Profile: id},
	} {
		v.Number, v.At, v.Header = i+1, now, got[i].Header
		if fmt.Sprint(v) != fmt.Sprint(got[i]) {
			t.Errorf("recorded\n%+v, want\n%+v", got[i], v)
		}
	}
	if h := got[0].Header; h["Content-Type"] != "application/json" || h["User-Agent"] == "" {
		t.Errorf("headers %v", h)
	}
	raw, err := json.Marshal(got)
	if err != nil || strings.Contains(string(raw), s.Token()) {
		t.Errorf("the record tells the token: %v", err)
	}
}

func TestTheRecordIsBounded(t *testing.T) {
	s := start(t, fake.Options{Keep: 10, PlanPerMinute: -1})
	for range 25 {
		ask(t, s, "GET /user", "")
	}
	got := s.Requests(0)
	if len(got) < 9 || len(got) > 10 || got[len(got)-1].Number != 25 || s.Counts().Requests != 25 {
		t.Errorf("%d requests kept, the last is %d", len(got), got[len(got)-1].Number)
	}
}

func TestNamesOfTwoAreSeen(t *testing.T) {
	s := start(t, fake.Options{})
	create(t, s, "x")
	id := s.Add("x")
	if c := s.Counts(); c.SameName != 1 {
		t.Errorf("counts %+v", c)
	}
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 204)
	if c := s.Counts(); c.SameName != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestControlFromAnotherProcess(t *testing.T) {
	s := start(t, fake.Options{Control: "127.0.0.1:0"})
	id := create(t, s, "x")
	control := func(call, body string) reply {
		t.Helper()
		return send(t, strings.TrimSuffix(s.ControlURL(), "/_control"), "", call, body)
	}
	want(t, control("GET /_control/requests?after=0", ""), 200, `"route":"POST /browser/quick"`, `"effect":true`)
	want(t, control("GET /_control/profiles", ""), 200, id, `"deletedAlive":0`)
	want(t, control("GET /_control/counts", ""), 200, `"alive":1`)
	want(t, control("POST /_control/faults", `{"seed":1,"rate":1,"kinds":["500"],"routes":["GET /user"],"times":1,"hangMs":5,"slowMs":5}`), 204)
	want(t, ask(t, s, "GET /user", ""), 500)
	want(t, control("POST /_control/faults", `{"rate":1,"kinds":["x"]}`), 400)
	want(t, control("POST /_control/faults", `{"ratio":1}`), 400)
	want(t, control("POST /_control/down", `{"mode":"refuse"}`), 204)
	if r := ask(t, s, "GET /user", ""); r.err == nil {
		t.Errorf("answered %d while away", r.status)
	}
	want(t, control("POST /_control/down", `{"mode":""}`), 204)
	want(t, control("POST /_control/choices", `{"secondDelete":403}`), 204)
	want(t, ask(t, s, "DELETE /browser/"+unknownID, ""), 403)
	want(t, control("POST /_control/protect", fmt.Sprintf(`{"id":%q,"on":true}`, id)), 204)
	want(t, control("POST /_control/protect", `{"id":"x","on":true}`), 400, "no such profile")
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 403)
	want(t, control("POST /_control/revive", ""), 204)
	token := want(t, control("POST /_control/reissue", ""), 200).json(t)["token"]
	if token != s.Token() {
		t.Errorf("reissued %v", token)
	}
	want(t, send(t, s.URL(), s.Token(), "GET /_control/requests", ""), 404, "Cannot GET")
}

func TestWithoutControlThereIsNone(t *testing.T) {
	s := start(t, fake.Options{})
	if s.ControlURL() != "" {
		t.Errorf("control at %s", s.ControlURL())
	}
	want(t, ask(t, s, "POST /_control/reissue", ""), 404)
}

func TestCloseEndsWhatHangs(t *testing.T) {
	s := start(t, fake.Options{})
	if err := s.SetFaults(fake.Faults{Rate: 1, Kinds: []fake.Fault{fake.FaultHang}, Hang: time.Hour}); err != nil {
		t.Fatal(err)
	}
	done := make(chan reply)
	go func() { done <- ask(t, s, "GET /user", "") }()
	for len(s.Requests(0)) == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if r := <-done; r.err == nil {
		t.Errorf("answered %d", r.status)
	}
	if err := s.SetDown(fake.DownNot); err != nil || ask(t, s, "GET /user", "").err == nil {
		t.Errorf("serves after Close: %v", err)
	}
}
