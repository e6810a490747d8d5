package pages_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func TestGuestIsLedToTheSignIn(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for path, want := range map[string]string{
		"/":                               "/login",
		"/fleet?status=ended":             "/login?next=%2Ffleet%3Fstatus%3Dended",
		"/fleet/" + string(id) + "/pause": "/login?next=%2Ffleet%2F" + string(id) + "%2Fpause",
		"/settings":                       "/login?next=%2Fsettings",
	} {
		if a := w.as("").get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("GET %s: %d %s", path, a.status, a.header.Get("Location"))
		}
	}
	if a := w.as("").post("/fleet/" + string(id) + "/end"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/login" {
		t.Errorf("POST: %d %s", a.status, a.header.Get("Location"))
	}
	if a := w.as("").script("chips").get("/fleet"); a.status != http.StatusUnauthorized || a.header.Get("HX-Redirect") != "/login" {
		t.Errorf("htmx: %d %s", a.status, a.header.Get("HX-Redirect"))
	}
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	wrong := w.as("").post("/login", "email", "owner@northwind.example", "password", "wrong", "next", "/alerts")
	if wrong.status != http.StatusUnauthorized || wrong.words("[data-testid=notice]") == "" || wrong.cookie != "" {
		t.Errorf("wrong password: %d %q %q", wrong.status, wrong.words("[data-testid=notice]"), wrong.cookie)
	}
	if v, _ := wrong.Find("[name=email]").Attr("value"); v != "owner@northwind.example" {
		t.Errorf("the address is gone: %q", v)
	}
	for next, want := range map[string]string{
		"/alerts?state=snoozed": "/alerts?state=snoozed", "": "/fleet", "//evil.example": "/fleet", "https://evil.example": "/fleet",
		`/\evil.example`: "/fleet", "fleet": "/fleet", "/\tevil": "/fleet",
	} {
		a := w.as("").post("/login", "email", "owner@northwind.example", "password", password, "next", next)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("next %q: %d to %q", next, a.status, a.header.Get("Location"))
		}
	}
	a := w.as("").post("/login", "email", "owner@northwind.example", "password", password)
	set := a.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-agentry=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=1209600"} {
		if !strings.Contains(set, part) {
			t.Errorf("cookie without %s: %s", part, set)
		}
	}
}

func TestSignInMakesANewSessionAndSignOutEndsIt(t *testing.T) {
	w := newWorld(t)
	was := w.as(fleet.RoleOwner)
	again := was.post("/login", "email", "owner@northwind.example", "password", password)
	if again.cookie == was.cookie {
		t.Error("the token stayed the same")
	}
	if a := was.get("/fleet"); a.status != http.StatusSeeOther {
		t.Errorf("the former session still works: %d", a.status)
	}
	now := person{w: w, cookie: again.cookie}
	if a := now.get("/login"); a.header.Get("Location") != "/fleet" {
		t.Errorf("signed in at the sign-in page: %d", a.status)
	}
	out := now.post("/logout")
	if out.status != http.StatusSeeOther || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("sign-out: %d %s", out.status, out.header.Get("Set-Cookie"))
	}
	if a := now.get("/fleet"); a.status != http.StatusSeeOther {
		t.Errorf("still signed in: %d", a.status)
	}
}

func TestForeignPagesCannotPost(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for _, path := range []string{"/login", "/logout", "/fleet/" + string(id) + "/end"} {
		a := w.as(fleet.RoleOwner).do("POST", path, "", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// A viewer is refused wherever something changes, and sees no form for it.
func TestViewerChangesNothing(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	before, err := w.app.Agent(t.Context(), fleet.System(w.team, "test"), id)
	must(t, err)
	paths := []string{"/fleet/new", "/alerts/x/ack", "/alerts/x/snooze", "/alerts/x/resolve", "/resources/x/retry", "/resources/x/forget", "/resources/vendors/gologin/check", "/resources/proxies/new", "/resources/proxies/paste",
		"/resources/proxies/x/check", "/resources/proxies/x/edit", "/resources/proxies/x/enable", "/resources/proxies/x/disable", "/resources/proxies/x/delete", "/settings/keys", "/settings/keys/x/revoke", "/settings/team/pause", "/settings/team/resume", "/settings/team/name",
		"/settings/members/invite", "/settings/members/x/role", "/settings/members/x/remove", "/settings/invitations/x/renew", "/settings/invitations/x/revoke"}
	for _, verb := range []string{
		"update", "setup", "verify", "start", "resume", "pause", "end", "disable", "enable", "protect", "unprotect", "relaunch", "delete",
		"tasks", "tasks/x/cancel", "messages",
	} {
		paths = append(paths, "/fleet/"+string(id)+"/"+verb)
	}
	for _, path := range paths {
		if a := w.as(fleet.RoleViewer).post(path); a.status != http.StatusForbidden || a.words("h1") != "No access" {
			t.Errorf("POST %s: %d %s", path, a.status, a.words("h1"))
		}
		if a := w.as(fleet.RoleViewer).script("dialog").post(path); a.status != http.StatusForbidden || a.Find("html head title").Length() > 0 {
			t.Errorf("htmx POST %s: %d", path, a.status)
		}
	}
	after, err := w.app.Agent(t.Context(), fleet.System(w.team, "test"), id)
	must(t, err)
	if after.Version != before.Version {
		t.Error("the agent changed")
	}
	for _, path := range []string{"/fleet", "/fleet/" + string(id), "/fleet/" + string(id) + "?tab=tasks", "/fleet/" + string(id) + "?tab=messages", "/alerts"} {
		a := w.as(fleet.RoleViewer).get(path)
		if n := a.Find("main form[method=post]").Length(); a.status != http.StatusOK || n > 0 {
			t.Errorf("%s: %d with %d forms", path, a.status, n)
		}
	}
}

func TestOperatorDoesNotDelete(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	w.end(id)
	page := w.as(fleet.RoleOperator).get("/fleet/" + string(id))
	button := page.Find("button:contains('Delete')")
	if _, off := button.Attr("aria-disabled"); !off || !strings.Contains(button.Text(), "Needs an admin; you are an operator") {
		t.Errorf("delete is offered: %s", button.Text())
	}
	if a := w.as(fleet.RoleOperator).post("/fleet/"+string(id)+"/delete", "name", "Ada"); a.status != http.StatusForbidden {
		t.Errorf("delete: %d", a.status)
	}
}

func TestOtherTeamsAgentIsClosed(t *testing.T) {
	w := newWorld(t)
	v, err := w.app.Create(t.Context(), fleet.System(w.other, "test"), app.CreateInput{Name: "Theirs", Kind: "assistant"})
	must(t, err)
	path := "/fleet/" + string(v.ID)
	for _, tail := range []string{"", "?tab=logs", "/row", "/end", "/delete", "/setup"} {
		a := w.as(fleet.RoleOwner).get(path + tail)
		if a.status != http.StatusNotFound && tail != "/row" || strings.Contains(a.body, "Theirs") {
			t.Errorf("%s: %d %s", tail, a.status, a.words("h1"))
		}
	}
	if got := w.as(fleet.RoleOwner).get(path).words("[data-testid=tombstone]"); !strings.Contains(got, "The team Northwind has no agent with this id") || !strings.Contains(got, "you have no access to it") {
		t.Errorf("it says %q", got)
	}
	if a := w.as(fleet.RoleOwner).post(path+"/end", "reason", "mine"); a.status != http.StatusNotFound {
		t.Errorf("end: %d", a.status)
	}
}

func TestHeadersOfPages(t *testing.T) {
	w := newWorld(t)
	a := w.as(fleet.RoleOwner).get("/fleet")
	csp := a.header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") {
		t.Errorf("policy: %s", csp)
	}
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self';", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("policy without %s: %s", part, csp)
		}
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if n := a.Find("[style], style, script:not([src])").Length(); n > 0 {
		t.Errorf("%d inline styles or scripts", n)
	}
	href, _ := a.Find("link[rel=stylesheet]").Attr("href")
	css := w.as("").get(href)
	if css.status != 200 || css.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("style: %d %s", css.status, css.header.Get("Cache-Control"))
	}
	if a := w.as("").get("/static/vendor/axe.min.js"); a.status != http.StatusSeeOther && a.status != http.StatusNotFound {
		t.Errorf("a file that is not on the list: %d", a.status)
	}
	if a := w.as("").get("/favicon.ico"); a.status != 200 || a.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("icon: %d %s", a.status, a.header.Get("Content-Type"))
	}
}

func TestFleet(t *testing.T) {
	w := newWorld(t)
	for i := range 53 {
		w.agent(fmt.Sprintf("Agent %02d", i), "assistant")
	}
	gone := w.agent("Gone", "assistant")
	w.end(gone)
	first := w.as(fleet.RoleOwner).get("/fleet?sort=name")
	if n := first.Find("[data-testid=row]").Length(); n != 50 {
		t.Errorf("%d rows", n)
	}
	if got := first.words("[data-testid=range]"); got != "1–50 of 53 · 1 ended hidden" {
		t.Errorf("range %q", got)
	}
	next, _ := first.Find("a[rel=next]").Attr("href")
	second := w.as(fleet.RoleOwner).get(next)
	if n := second.Find("[data-testid=row]").Length(); n != 3 || second.words("[data-testid=range]") != "51–53 of 53 · 1 ended hidden" {
		t.Errorf("page 2: %d rows, %q", n, second.words("[data-testid=range]"))
	}
	prev, _ := second.Find("a[rel=prev]").Attr("href")
	if a := w.as(fleet.RoleOwner).get(prev); a.Find("[data-testid=row]").Length() != 50 {
		t.Errorf("back to page 1: %d rows", a.Find("[data-testid=row]").Length())
	}
	ended := w.as(fleet.RoleOwner).get("/fleet?status=ended")
	if ended.words("[data-testid=row] .name") != "Gone" {
		t.Errorf("ended: %q", ended.words("[data-testid=row] .name"))
	}
	found := w.as(fleet.RoleOwner).get("/fleet?q=gone")
	if found.Find("[data-testid=row]").Length() != 0 || found.words("[data-testid=range]") != "1 ended hidden" {
		t.Errorf("search: %q", found.words("[data-testid=range]"))
	}
	if a := w.as(fleet.RoleOwner).get("/fleet?alerts=open"); a.words("[data-testid=range]") != "" || a.Find("select[name=alerts] option[value=open][selected]").Length() != 1 {
		t.Errorf("open alerts: %q", a.words("[data-testid=range]"))
	}
	if a := w.as(fleet.RoleOwner).get("/fleet?alerts=some"); a.status != http.StatusBadRequest {
		t.Errorf("unknown alerts: %d", a.status)
	}
	if a := w.as(fleet.RoleOwner).get("/fleet?status=asleep"); a.status != http.StatusBadRequest {
		t.Errorf("unknown status: %d", a.status)
	}
	chips := w.as(fleet.RoleOwner).script("chips").get("/fleet")
	if chips.Find("[data-testid=chip-ended]").Length() != 1 || chips.Find("[data-testid=row]").Length() != 0 {
		t.Error("the chips alone were asked for")
	}
}

// What only the script asks for leads everyone else to the page that it is of.
func TestPartsOpenedAsPages(t *testing.T) {
	w := newWorld(t)
	id := string(w.agent("Ada", "assistant"))
	for path, want := range map[string]string{
		"/fleet/" + id + "/row": "/fleet/" + id, "/audit/new?since=1&action=create": "/audit?action=create", "/palette?q=a+b": "/fleet?q=a+b",
	} {
		if a := w.as(fleet.RoleViewer).get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("%s: %d to %q", path, a.status, a.header.Get("Location"))
		}
	}
}

func TestRow(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	a := w.as(fleet.RoleOwner).row(id)
	if !strings.HasPrefix(a.body, "<tr") || !strings.Contains(a.body, `id="agent-`+string(id)) {
		t.Errorf("row: %d %.80s", a.status, a.body)
	}
	w.end(id)
	_, err := w.app.Delete(t.Context(), fleet.System(w.team, "test"), id, app.DeleteInput{})
	must(t, err)
	if a := w.as(fleet.RoleOwner).row(id); !strings.Contains(a.body, "row-gone") {
		t.Errorf("gone: %d %.80s", a.status, a.body)
	}
}

func TestEventsOfThePages(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/events?last=0", nil)
	must(t, err)
	req.Header.Set("Cookie", owner.cookie)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	if res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("type %s", res.Header.Get("Content-Type"))
	}
	read := make(chan string, 16)
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := res.Body.Read(buf)
			if n > 0 {
				read <- string(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	id := w.agent("Ada", "assistant")
	text := ""
	for !strings.Contains(text, string(id)) {
		select {
		case part := <-read:
			text += part
		case <-time.After(5 * time.Second):
			t.Fatalf("no event: %s", text)
		}
	}
	if !strings.Contains(text, "event: beat\n") || !regexp.MustCompile(`\nid: \d+-\w+\nevent: agent\n`).MatchString(text) || !strings.Contains(text, `"type":"agent.created"`) {
		t.Errorf("event: %s", text)
	}
}
