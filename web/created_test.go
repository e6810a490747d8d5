package web

import (
	"testing"

	"agentry/internal/fleet"
)

// What an answer names as the place of what was made can be read there, by the
// key that made it and by nobody of another team.
func TestWhatWasMadeIsWhereTheAnswerSays(t *testing.T) {
	w := newWorld(t)
	agent := string(w.agent("assistant", fleet.Paused))
	const missing = "not_found"
	for _, c := range []struct {
		path, body string
		status     int
		foreign    int    // the status that another team gets
		word       string // in what it gets
	}{
		{"/v1/agents", `{"name":"Ada"}`, 201, 403, "You do not have access to this agent"},
		{"/v1/agents/" + agent + "/tasks", `{"type":"x"}`, 201, 403, "You do not have access to this agent"},
		{"/v1/keys", `{"name":"k","scope":"read"}`, 201, 404, missing},
		{"/v1/members", `{"email":"jo@example.com","role":"viewer"}`, 201, 404, missing},
		{"/v1/views", `{"name":"v","query":"status=ended","shared":true}`, 201, 404, missing},
		{"/v1/proxies", `{"host":"gate.example.com","port":8000,"country":"FR"}`, 201, 404, missing},
		{"/v1/bulk", `{"action":"tag","addTags":["x"],"ids":["` + agent + `"]}`, 202, 404, missing},
	} {
		t.Run(c.path, func(t *testing.T) {
			made := w.do("POST", c.path, w.keys[fleet.ScopeAdmin], c.body)
			if made.status != c.status {
				t.Fatalf("%d %s", made.status, made.body)
			}
			at := made.header.Get("Location")
			got := w.do("GET", at, w.keys[fleet.ScopeAdmin], "")
			if id := made.json(t)["id"]; got.status != 200 || id == nil || got.json(t)["id"] != id {
				t.Errorf("%v is not at %q: %d %s", id, at, got.status, got.body)
			}
			refused(t, w.do("GET", at, w.foreign, ""), c.foreign, c.word)
			for _, secret := range []string{"key", "link"} {
				if made.json(t)[secret] != nil && got.json(t)[secret] != nil {
					t.Errorf("%s is shown again", secret)
				}
			}
		})
	}
	member := w.do("GET", "/v1/members/"+unknownID, w.keys[fleet.ScopeAdmin], "")
	refused(t, member, 404, "Member not found")
	w.signIn()
	id := w.memberID(fleet.RoleViewer)
	if a := w.do("GET", "/v1/members/"+id, w.keys[fleet.ScopeAdmin], ""); a.status != 200 || a.json(t)["state"] != "active" {
		t.Errorf("a member: %d %s", a.status, a.body)
	}
	refused(t, w.do("GET", "/v1/members/"+id, w.foreign, ""), 404, "Member not found")
}
