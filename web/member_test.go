package web

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The team's members by an admin's key, to the letter.
func TestMemberCalls(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	viewer := w.memberID(fleet.RoleViewer)
	const invited = `{"id":"ID","state":"invited","email":"jo@example.com","name":null,"role":"operator","joinedAt":null,"lastSeenAt":null,"invitedBy":"key admin","invitedAt":"TIME","expiresAt":"TIME"`
	for _, s := range []scenario{
		{name: "too small a scope", method: "GET", path: "/v1/members", key: fleet.ScopeDelete, status: 403,
			want: `{"error":"forbidden","message":"This needs the admin scope; yours is delete","requiredScope":"admin"}`},
		{name: "invite", method: "POST", path: "/v1/members", body: `{"email":"Jo@Example.com","role":"operator"}`, status: 201, want: invited + `,"link":"LINK"}`},
		{name: "invite again", method: "POST", path: "/v1/members", body: `{"email":"jo@example.com","role":"operator"}`, status: 201, want: invited + `,"link":"LINK"}`},
		{name: "an owner", method: "POST", path: "/v1/members", body: `{"email":"x@example.com","role":"owner"}`, status: 403,
			want: `{"error":"forbidden","message":"Only an owner can make or change an owner"}`},
		{name: "no role", method: "POST", path: "/v1/members", body: `{"email":"x@example.com","role":"king"}`, status: 400,
			want: `{"error":"validation_error","message":"role: must be viewer, operator, admin or owner","fields":{"role":"must be viewer, operator, admin or owner"}}`},
		{name: "no address", method: "POST", path: "/v1/members", body: `{"email":"x","role":"viewer"}`, status: 400,
			want: `{"error":"validation_error","message":"email: must be an e-mail address","fields":{"email":"must be an e-mail address"}}`},
		{name: "role", method: "PUT", path: "/v1/members/" + viewer, body: `{"role":"operator"}`, status: 200,
			want: `{"id":"ID","state":"active","email":"viewer@ID.example","name":"viewer","role":"operator","joinedAt":"TIME","lastSeenAt":"TIME","invitedBy":null,"invitedAt":null,"expiresAt":null}`},
		{name: "another team's", method: "PUT", path: "/v1/members/" + viewer, foreign: true, body: `{"role":"viewer"}`, status: 404,
			want: `{"error":"not_found","message":"Member not found"}`},
		{name: "another team takes it out", method: "DELETE", path: "/v1/members/" + viewer, foreign: true, status: 404,
			want: `{"error":"not_found","message":"Member not found"}`},
		{name: "an owner goes", method: "DELETE", path: "/v1/members/" + w.memberID(fleet.RoleOwner), status: 403,
			want: `{"error":"forbidden","message":"Only an owner can make or change an owner"}`},
		{name: "remove", method: "DELETE", path: "/v1/members/" + viewer, status: 200, want: `{"message":"Member removed successfully"}`},
		{name: "rename the team", method: "PUT", path: "/v1/team", body: `{"name":"Better"}`, status: 200,
			want: `{"message":"Team renamed successfully","team":{"id":"ID","name":"Better","paused":null,"agents":{"paused":0,"running":0}}}`},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
	if a := w.do("GET", "/fleet", "", "", "Cookie: "+w.cookies[fleet.RoleViewer]); a.status != 303 {
		t.Errorf("who was removed gets %d", a.status)
	}
	key := w.keys[fleet.ScopeAdmin]
	first := w.do("GET", "/v1/members?limit=2", key, "")
	next, _, _ := strings.Cut(strings.TrimPrefix(first.header.Get("Link"), "<"), ">")
	second := w.do("GET", next, key, "")
	list := strings.TrimSuffix(first.body, "]") + "," + strings.TrimPrefix(second.body, "[")
	if strings.Count(list, `"state":"active"`) != 2 || strings.Count(list, `"state":"invited"`) != 1 || second.header.Get("Link") != "" || strings.Contains(list, "invite/") {
		t.Errorf("the list: %s", list)
	}
	if a := w.do("GET", "/v1/members", w.foreign, ""); strings.Contains(a.body, "jo@example.com") || strings.Contains(a.body, `"state":"invited"`) {
		t.Errorf("another team sees %s", a.body)
	}
	if a := w.do("DELETE", "/v1/members/"+keyID(t, second.body+strings.Repeat(" ", 40), "jo@example.com"), key, ""); a.body != `{"message":"Invitation revoked successfully"}` {
		t.Errorf("revoke: %s", a.body)
	}
}

// memberID is the id of a signed-in member of our team.
func (w *world) memberID(role fleet.Role) string {
	w.t.Helper()
	entries, _, err := w.app.MemberEntries(w.t.Context(), w.actor(), app.PageInput{})
	must(w.t, err)
	for _, e := range entries {
		if e.Member != nil && e.Member.Role == role {
			return string(e.Member.User.ID)
		}
	}
	w.t.Fatal("no", role)
	return ""
}

// The same call again under its key answers the same link, and invites once.
func TestInviteIsIdempotent(t *testing.T) {
	w := newWorld(t)
	invite := func() answer {
		return w.do("POST", "/v1/members", w.keys[fleet.ScopeAdmin], `{"email":"jo@example.com","role":"viewer"}`, "Idempotency-Key: k")
	}
	first, second := invite(), invite()
	if first.status != 201 || second.body != first.body || second.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s, then %d %s", first.status, first.body, second.status, second.body)
	}
	link, _ := first.json(t)["link"].(string)
	if a := w.do("GET", strings.TrimPrefix(link, w.url), "", ""); a.status != 200 || !strings.HasPrefix(link, w.url+"/invite/") {
		t.Errorf("the link %s: %d", link, a.status)
	}
	if strings.Contains(w.logs.String(), strings.TrimPrefix(link, w.url+"/invite/")) {
		t.Error("the log has the token")
	}
}

// Whoever loses a place or a role loses the open pages long before the next beat,
// also with requests under way; others keep theirs.
func TestRevocationEndsStreams(t *testing.T) {
	for name, revoke := range map[string]func(w *world, id fleet.UserID) error{
		"removed": func(w *world, id fleet.UserID) error { return w.app.RemoveMember(t.Context(), w.actor(), id) },
		"another role": func(w *world, id fleet.UserID) error {
			_, err := w.app.SetRole(t.Context(), w.actor(), id, fleet.RoleAdmin)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn()
			theirs, others := w.pageStream(w.cookies[fleet.RoleOperator]), w.pageStream(w.cookies[fleet.RoleViewer])
			must(t, revoke(w, fleet.UserID(w.memberID(fleet.RoleOperator))))
			within(t, "the stream's end", theirs)
			for range 50 {
				if a := w.do("POST", "/fleet/new", "", "name=x&kind=assistant", "Cookie: "+w.cookies[fleet.RoleOperator], "Content-Type: application/x-www-form-urlencoded"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login") {
					t.Fatalf("accepted afterwards: %d", a.status)
				}
			}
			select {
			case <-others:
				t.Error("somebody else's stream ended")
			default:
			}
			if a := w.do("GET", "/fleet", "", "", "Cookie: "+w.cookies[fleet.RoleViewer]); a.status != 200 {
				t.Errorf("somebody else is refused: %d", a.status)
			}
		})
	}
}

// pageStream opens the stream of a page and closes the channel when it ends.
func (w *world) pageStream(cookie string) <-chan bool {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", w.url+"/events", nil)
	must(w.t, err)
	req.Header.Set("Cookie", cookie)
	res, err := (&http.Client{Transport: w.client.Transport}).Do(req)
	must(w.t, err)
	if res.StatusCode != 200 {
		w.t.Fatalf("the stream: %d", res.StatusCode)
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		defer res.Body.Close()
		buf := make([]byte, 4096)
		for {
			if _, err := res.Body.Read(buf); err != nil {
				return
			}
		}
	}()
	return ended
}
