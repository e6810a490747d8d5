package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// memberPath is the page of a member's act.
func (w *world) memberPath(role fleet.Role, verb string) string {
	w.t.Helper()
	row := w.as(fleet.RoleOwner).get("/settings/members").Find("[data-testid=member][data-role=" + string(role) + "]").First()
	return "/settings/members/" + strings.TrimPrefix(row.AttrOr("id", ""), "member-") + "/" + verb
}

// An admin invites without a script, and the person who opens the link joins;
// the link is shown once and works once.
func TestInviteOnPages(t *testing.T) {
	w := newWorld(t)
	admin := w.as(fleet.RoleAdmin)
	if a := admin.post("/settings/members/invite", "email", "jo", "role", "operator"); a.status != http.StatusUnprocessableEntity || a.words("#f-email-error") == "" {
		t.Errorf("no address: %d", a.status)
	}
	if a := admin.post("/settings/members/invite", "email", "jo@example.com", "role", "owner"); a.status != http.StatusForbidden || !strings.Contains(a.words("[data-testid=notice]"), "Only an owner") {
		t.Errorf("an owner: %d %s", a.status, a.words("main"))
	}
	made := admin.post("/settings/members/invite", "email", "jo@example.com", "role", "operator")
	link := made.Find("[data-testid=new-link] code").Text()
	if made.status != 200 || !strings.HasPrefix(link, w.url+"/invite/") {
		t.Fatalf("%d %q", made.status, link)
	}
	if page := admin.get("/settings/members"); strings.Contains(page.body, link) || page.words("[data-testid=invitation] b") != "jo@example.com" {
		t.Errorf("the list: %s", page.words("[data-testid=invitations]"))
	}
	path, guest := strings.TrimPrefix(link, w.url), w.as("")
	for _, known := range []string{"jo@example.com", "admin@northwind.example"} {
		// Nobody can tell from the page who has an account.
		if a := guest.get(path); a.Find("[data-testid=join-new]").Length() != 1 || a.Find("[data-testid=join-known]").Length() != 1 {
			t.Errorf("%s: %d %s", known, a.status, a.words("main"))
		}
	}
	if a := admin.get(path); !strings.Contains(a.words("main"), "You are signed in as admin@northwind.example") || a.Find("[data-testid=join-me]").Length() != 0 {
		t.Errorf("another person: %s", a.words("main"))
	}
	if a := admin.post(path, "how", "me"); a.status != http.StatusForbidden {
		t.Errorf("another person joins: %d", a.status)
	}
	if a := guest.post(path, "how", "known", "password", "a guess of one"); a.status != http.StatusUnauthorized || a.words("[data-testid=join-known] [data-testid=notice]") == "" {
		t.Errorf("a wrong password: %d %s", a.status, a.words("main"))
	}
	if a := guest.post(path, "how", "new", "name", "Jo", "password", "short"); a.status != http.StatusUnprocessableEntity || a.words("#f-new-password-error") == "" || a.Find("[name=name]").AttrOr("value", "") != "Jo" {
		t.Errorf("a short password: %d %s", a.status, a.words("main"))
	}
	joined := guest.post(path, "how", "new", "name", "Jo", "password", "a long sentence")
	if joined.header.Get("Location") != "/fleet" || joined.cookie == "" {
		t.Fatalf("join: %d %s", joined.status, joined.words("main"))
	}
	jo := person{w: w, cookie: joined.cookie}
	if got := jo.get("/settings/members").words("[data-testid=member]:has(.ok)"); !strings.HasPrefix(got, "Jo youjo@example.comoperator") {
		t.Errorf("the new member reads %q", got)
	}
	for name, over := range map[string]string{"used": path, "made up": "/invite/abc"} {
		if a := guest.get(over); a.status != http.StatusNotFound || a.words("h1") != "This invitation cannot be used" {
			t.Errorf("%s: %d %s", name, a.status, a.words("main"))
		}
		if a := guest.post(over, "how", "new", "name", "Jo", "password", "a long sentence"); a.status != http.StatusNotFound || a.words("h1") != "This invitation cannot be used" {
			t.Errorf("%s again: %d %s", name, a.status, a.words("main"))
		}
	}
}

func TestMembersPage(t *testing.T) {
	w := newWorld(t)
	owner, admin, viewer := w.as(fleet.RoleOwner), w.as(fleet.RoleAdmin), w.as(fleet.RoleViewer)
	page := viewer.get("/settings/members")
	if page.Find("[data-testid=role], [data-testid=invite-form], [data-testid=renew]").Length() != 0 || page.Find("[data-testid=remove]").Length() != 1 || !strings.Contains(page.words("[data-testid=why-not]"), "you are a viewer") {
		t.Errorf("a viewer sees %s", page.words("main"))
	}
	if got := admin.get("/settings/members").Find("[data-role=owner] button[disabled]").AttrOr("title", ""); got != "Only an owner can make or change an owner" {
		t.Errorf("why an admin cannot: %q", got)
	}
	_, _, err := w.app.CreateKey(t.Context(), w.actorOf(fleet.RoleAdmin), app.KeyInput{Name: "nightly", Scope: fleet.ScopeRead})
	must(t, err)
	remove := w.memberPath(fleet.RoleAdmin, "remove")
	dialog := owner.script("dialog").get(remove)
	if dialog.Find("html head title").Length() != 0 || !strings.Contains(dialog.words("[data-testid=keys-stay]"), "1 API key stays and goes on working") || !strings.Contains(dialog.words("[data-testid=keys-stay]"), "nightly") {
		t.Errorf("the dialog: %s", dialog.words("form"))
	}
	if a := viewer.get(remove); a.status != http.StatusForbidden {
		t.Errorf("a viewer asks for it: %d", a.status)
	}
	if a := owner.script("dialog").post(w.memberPath(fleet.RoleOperator, "role"), "role", "admin"); a.status != http.StatusNoContent {
		t.Errorf("role: %d %s", a.status, a.body)
	}
	if a := w.as(fleet.RoleOperator).get("/fleet"); a.status != http.StatusSeeOther {
		t.Errorf("the former role goes on: %d", a.status)
	}
	if a := owner.post(remove); a.header.Get("Location") != "/settings/members" || admin.get("/fleet").status != http.StatusSeeOther {
		t.Errorf("remove: %d", a.status)
	}
	own := w.memberPath(fleet.RoleOwner, "remove")
	if a := owner.get(own); a.words("h1") != "Leave Northwind?" || a.Find("[data-testid=confirm]").Length() != 0 || !strings.Contains(a.words("form"), "this is the last one") {
		t.Errorf("the last owner leaves: %s", a.words("main"))
	}
	if a := owner.post(own); a.status != http.StatusConflict {
		t.Errorf("the last owner left: %d", a.status)
	}
	if a := owner.post(w.memberPath(fleet.RoleOwner, "role"), "role", "viewer"); a.status != http.StatusConflict {
		t.Errorf("the last owner is demoted: %d", a.status)
	}
	if a := viewer.post(w.memberPath(fleet.RoleViewer, "remove")); a.header.Get("Location") != "/login?out=1" || viewer.get("/fleet").status != http.StatusSeeOther {
		t.Errorf("a viewer leaves: %d", a.status)
	}
}

func (w *world) actorOf(role fleet.Role) fleet.Actor {
	w.t.Helper()
	_, token, _ := strings.Cut(w.tokens[role], "=")
	by, _, _, err := w.app.ActorForSession(w.t.Context(), token)
	must(w.t, err)
	return by
}

// A person of two teams switches by a new token, and a link into the other
// team offers it; to others it is a link to nothing.
func TestTeamSwitch(t *testing.T) {
	w := newWorld(t)
	_, err := w.app.AddMember(t.Context(), w.other, app.MemberInput{Email: "operator@northwind.example", Role: fleet.RoleViewer})
	must(t, err)
	theirs, err := w.app.Create(t.Context(), fleet.System(w.other, "test"), app.CreateInput{Name: "Theirs", Kind: "assistant"})
	must(t, err)
	here, link := w.as(fleet.RoleOperator), "/fleet/"+string(theirs.ID)
	if n := w.as(fleet.RoleOwner).get("/fleet").Find("[data-testid=team-switch]").Length(); n != 0 {
		t.Errorf("somebody of one team has %d switches", n)
	}
	if n := here.get("/fleet").Find(".top [data-testid=team-switch] button").Length(); n != 4 {
		t.Errorf("the switches have %d teams", n)
	}
	page := here.get(link)
	if got := page.words("[data-testid=elsewhere]"); page.status != http.StatusForbidden || !strings.Contains(got, "This belongs to Southwind. You are in Northwind now.") || strings.Contains(page.body, "Theirs") {
		t.Errorf("%d %s", page.status, got)
	}
	bulk, err := w.app.StartBulk(t.Context(), fleet.System(w.other, "test"), app.BulkInput{Action: fleet.BulkPause, IDs: []fleet.AgentID{theirs.ID}})
	must(t, err)
	if a := here.get("/bulk/" + bulk.ID); a.status != http.StatusForbidden || !strings.Contains(a.words("[data-testid=elsewhere]"), "This belongs to Southwind.") {
		t.Errorf("a bulk: %d %s", a.status, a.words("main"))
	}
	if a := w.as(fleet.RoleOwner).get(link); a.Find("[data-testid=elsewhere]").Length() != 0 || strings.Contains(a.body, "Southwind") {
		t.Errorf("somebody else: %d %s", a.status, a.words("main"))
	}
	form := page.Find("[data-testid=switch-there]")
	moved := here.post(form.AttrOr("action", ""), "next", form.Find("[name=next]").AttrOr("value", ""), "team", form.Find("button").AttrOr("value", ""))
	if moved.header.Get("Location") != link || moved.cookie == "" || moved.cookie == here.cookie {
		t.Fatalf("switch: %d to %s", moved.status, moved.header.Get("Location"))
	}
	if a := here.get("/fleet"); a.status != http.StatusSeeOther {
		t.Errorf("the former token works: %d", a.status)
	}
	there := person{w: w, cookie: moved.cookie}
	if a := there.get(link); a.status != 200 || a.words("[data-testid=team]") != "Team: Southwind" {
		t.Errorf("there: %d %s", a.status, a.words("[data-testid=team]"))
	}
	for what, team := range map[string]string{"no team": "x", "another's": "018f3c1e-7a2b-7c3d-8e4f-000000000001"} {
		if a := there.post("/team/switch", "team", team); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", what, a.status)
		}
	}
	// Sign-in goes where one was last.
	again := w.as("").post("/login", "email", "operator@northwind.example", "password", password)
	if got := (person{w: w, cookie: again.cookie}).get("/fleet").words("[data-testid=team]"); got != "Team: Southwind" {
		t.Errorf("signed in to %q", got)
	}
}

func TestSecurityPage(t *testing.T) {
	w := newWorld(t)
	here := w.as(fleet.RoleViewer)
	other := w.as("").post("/login", "email", "viewer@northwind.example", "password", password)
	page := here.get("/settings/security")
	if n := page.Find("[data-testid=session]").Length(); n != 2 || !strings.Contains(page.words("[data-testid=session]:has(.ok)"), "this one") {
		t.Fatalf("%d sessions: %s", n, page.words("main"))
	}
	if a := here.post("/settings/sessions/revoke"); a.header.Get("Location") != "/settings/security" {
		t.Errorf("the others: %d", a.status)
	}
	if a := (person{w: w, cookie: other.cookie}).get("/fleet"); a.status != http.StatusSeeOther || here.get("/fleet").status != 200 {
		t.Errorf("the other session: %d", a.status)
	}
	if a := here.post("/settings/security/password", "current", "not it at all", "password", "another sentence"); a.status != http.StatusUnprocessableEntity || a.words("#f-current-error") != "is not your password" || a.Find("[autofocus]").AttrOr("name", "") != "current" {
		t.Errorf("wrong: %d %s", a.status, a.words("main"))
	}
	changed := here.post("/settings/security/password", "current", password, "password", "another sentence")
	if changed.header.Get("Location") != "/settings/security" || changed.cookie == "" || here.get("/fleet").status != http.StatusSeeOther {
		t.Fatalf("change: %d", changed.status)
	}
	now := person{w: w, cookie: changed.cookie}
	if a := now.post("/settings/security/name", "name", "Vera 🧪"); a.status != http.StatusSeeOther || now.get("/settings/security").words(".who2 b") != "Vera 🧪" {
		t.Errorf("name: %d", a.status)
	}
	if a := now.post("/settings/security/name", "name", ""); a.status != http.StatusUnprocessableEntity || a.words("#f-name-error") == "" {
		t.Errorf("no name: %d", a.status)
	}
}
