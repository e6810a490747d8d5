package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An owner invites, a second browser accepts and works; made a viewer, it signs
// in again and can change nothing. Another team's link shows no access.
func TestJourneyMembers(t *testing.T) {
	in, team, other := twoTeams(t)
	owner := open(t, in.url, true)
	owner.signIn(email, password)
	owner.inTeam(team)
	agent := owner.newAgent("Ada Lindqvist", "assistant")
	owner.visit("/settings/members")
	owner.fill("[data-testid=invite-form] [name=email]", "vera@northwind.example")
	owner.click("[data-testid=invite]")
	link := owner.text("[data-testid=new-link] code")
	owner.shot("journey-members-link")

	guest := open(t, in.url, true)
	guest.onPhone()
	guest.visit(strings.TrimPrefix(link, in.url))
	guest.shot("journey-members-invite")
	guest.fill("[data-testid=join-new] [name=name]", "Vera Olsen")
	guest.fill("[data-testid=join-new] [name=password]", password)
	guest.click("[data-testid=join-new] button")
	guest.see("[data-testid=new-agent]")
	guest.visit(agent)
	guest.see("[data-testid=start]")

	// The list of the owner has grown without a reload.
	owner.until("[data-testid=member][data-role=operator]")
	owner.click("[data-testid=member][data-role=operator] [data-testid=role]")
	owner.do("role", chromedp.SetValue(chromedp.CSS("dialog [name=role]"), "viewer"))
	owner.click("dialog [data-testid=confirm]")
	owner.until("[data-testid=member][data-role=viewer]")
	owner.shot("journey-members-viewer")

	// The open page of who was made a viewer does not go on; signed in again,
	// everything is seen and nothing can be changed.
	guest.visit(agent)
	guest.see("[data-testid=login]")
	guest.signIn("vera@northwind.example", password)
	guest.visit(agent)
	guest.see("[data-testid=status][data-status=setup_needed]")
	guest.changesNothing(agent)

	// A link into another team: nothing for her, a switch for the owner.
	owner.inTeam(other)
	theirs := owner.newAgent("Bruno Okafor", "assistant")
	guest.visit(theirs)
	if text := guest.text("main"); !strings.Contains(text, "you have no access to it") || strings.Contains(text, "Southwind") {
		t.Errorf("another team's link: %s", text)
	}
	guest.shot("journey-members-no-access")
	// What is chosen in one team is not chosen in the other.
	owner.visit("/fleet")
	owner.click("[data-testid=row] [name=ids]")
	owner.see("#bulk.on")
	owner.inTeam(team)
	owner.visit("/fleet")
	owner.see("[data-testid=row]")
	if n := owner.count("#bulk.on"); n != 0 {
		t.Error("the choice went along to another team")
	}
	owner.visit(theirs)
	owner.see("[data-testid=elsewhere]")
	owner.shot("journey-members-elsewhere")
	owner.click("[data-testid=switch-there] button")
	owner.see("[data-testid=agent-top]")
}

// twoTeams is a server with two teams of one owner.
func twoTeams(t *testing.T) (in installation, team, other string) {
	t.Helper()
	path, err := program()
	must(t, err)
	data, secret := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	made := command(t, path, "init", "--data", data, "--team", "Northwind", "--name", "Mara Reyes", "--email", email, "--password-file", secret, "--json")
	team = regexp.MustCompile(`"teamId":"([0-9a-f-]{36})"`).FindStringSubmatch(made)[1]
	other = regexp.MustCompile(`[0-9a-f-]{36}`).FindString(command(t, path, "admin", "team", "add", "--data", data, "--name", "Southwind", "--json"))
	command(t, path, "admin", "member", "add", "--data", data, "--team", other, "--email", email, "--role", "owner", "--password-file", secret)
	in = run(t, regexp.MustCompile(`http://`), "serve", "--data", data, "--addr", "127.0.0.1:0")
	return in, team, other
}

// The switch of the team ends the session that the page follows with: while its
// answer is on the way, the page does not leave for the sign-in.
func TestJourneySwitchUnderWay(t *testing.T) {
	in, team, other := twoTeams(t)
	target, err := url.Parse(in.url)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	asked, refused := make(chan struct{}), make(chan struct{}, 100)
	proxy.ModifyResponse = func(r *http.Response) error {
		switch {
		case r.Request.URL.Path == "/team/switch":
			close(asked)
			for range 2 { // the second is asked a while after the first was answered
				select {
				case <-refused:
				case <-r.Request.Context().Done():
				}
			}
		case r.Request.URL.Path == "/events" && r.StatusCode != http.StatusOK:
			refused <- struct{}{}
		}
		return nil
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close) // after the browser, whose streams it waits for
	b := open(t, front.URL, true)
	b.signIn(email, password)
	b.visit("/fleet")
	b.says("live")
	if b.count(`body[data-as*="`+other+`"]`) > 0 {
		other = team
	}
	b.click(".teams summary")
	b.do("switch", chromedp.Evaluate[chromedp.Void](`void document.querySelector('.teams button[value="`+other+`"]').click()`))
	<-asked
	b.see(`body[data-as*="` + other + `"]`)
}

// inTeam switches the team in the header.
func (b *browser) inTeam(team string) {
	b.t.Helper()
	b.visit("/fleet")
	b.do("mark the page", chromedp.Evaluate[chromedp.Void](`window.before = true`))
	b.click(".teams summary")
	b.click(`.teams button[value="` + team + `"]`)
	b.waits(`!window.before && !!document.querySelector("[data-testid=new-agent]")`)
}

// changesNothing looks at every page for a form that changes something but
// one's own session, choices and account.
func (b *browser) changesNothing(agent string) {
	b.t.Helper()
	for _, page := range []string{"/fleet", agent, agent + "?tab=tasks", agent + "?tab=messages", agent + "?tab=usage", agent + "?tab=logs", agent + "?tab=history",
		"/alerts", "/resources", "/resources/proxies", "/audit", "/settings", "/settings/members", "/settings/keys"} {
		b.visit(page)
		b.see("main h1")
		if n := b.count("main form[method=post]:not([action^='/views'])"); n != 0 {
			b.t.Errorf("a viewer has %d forms on %s", n, page)
		}
	}
}
