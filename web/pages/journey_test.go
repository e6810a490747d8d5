package pages_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	email    = "mara@northwind.example"
	password = "a long sentence for a test"
)

// eachWay runs a journey with and without scripts, on a wide screen and on a
// phone, as many at once as there are cores: most of it is waiting.
func eachWay(t *testing.T, walk func(t *testing.T, b *browser)) {
	for name, way := range map[string]struct{ script, phone bool }{
		"script": {true, false}, "no script": {false, false}, "phone": {true, true}, "phone, no script": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := run(t, regexp.MustCompile(`/first-run/\S+`), "serve", "--data", filepath.Join(t.TempDir(), "data"), "--addr", "127.0.0.1:0")
			b := open(t, in.url, way.script)
			b.way = "-" + strings.NewReplacer(", ", "-", " ", "-").Replace(name)
			if way.phone {
				b.onPhone()
			}
			b.visit(regexp.MustCompile(`/first-run/\S+`).FindString(in.printed))
			walk(t, b)
		})
	}
}

// firstRun makes the team; its link works once.
func (b *browser) firstRun() {
	b.t.Helper()
	link := b.path()
	b.fill("[name=team]", "Northwind")
	b.fill("[name=name]", "Mara Reyes")
	b.fill("[name=email]", email)
	b.fill("[name=password]", password)
	b.click("[data-testid=first-run] button")
	b.see("[data-testid=new-agent]")
	b.visit(link)
	if text := b.text("[data-testid=problem]"); !strings.Contains(text, "used already") {
		b.t.Errorf("the link works twice: %s", text)
	}
}

// newAgent makes one and returns its path.
func (b *browser) newAgent(name, kind string) string {
	b.t.Helper()
	b.visit("/fleet")
	b.click("[data-testid=new-agent]")
	b.fill("[name=name]", name)
	b.do("kind", chromedp.SetValue(chromedp.CSS("[name=kind]"), kind))
	b.click("[data-testid=confirm]")
	b.see("[data-testid=agent-top], [data-testid=setup-form]")
	return strings.TrimSuffix(b.path(), "/setup")
}

// First run, sign in, create an agent, set it up, see it run without a load,
// send it a message, read the reply.
func TestJourneyFirstAgent(t *testing.T) {
	eachWay(t, func(t *testing.T, b *browser) {
		b.firstRun()
		b.visit("/fleet")
		b.click("summary.me")
		b.click("[data-testid=logout]")
		b.see("[data-testid=login]")
		b.signIn(email, "not the password at all")
		if text := b.text("[data-testid=notice]"); !strings.Contains(text, "wrong") {
			t.Errorf("a wrong password: %s", text)
		}
		b.signIn(email, password)
		b.shot("journey-1-empty")

		agent := b.newAgent("Ada Lindqvist", "rehearsal")
		b.fill("[name=login]", "ada@northwind.example")
		b.fill("[name=password]", "her password")
		b.fill("[name=country]", "FR")
		b.click("[data-testid=confirm]")
		b.see("[data-testid=setup-progress]")
		stays := b.untouched()
		b.until("[data-testid=setup-progress][data-status=running]")
		stays()
		b.fits()
		b.shot("journey-1-progress")

		b.visit(agent)
		b.until("[data-testid=status][data-status=running]")
		b.click("a[href$='tab=messages']")
		b.see("[data-testid=message-form]")
		stays = b.untouched()
		b.fill("[name=text]", "Who are you?")
		b.click("[data-testid=message-form] button")
		b.until("[data-testid=message][data-state=replied]")
		stays()
		b.fits()
		if reply := b.text("[data-testid=reply] .text"); reply == "" {
			t.Error("the reply is empty")
		}
		if n := b.count("[data-testid=message]"); n != 1 {
			t.Errorf("%d messages, not 1", n)
		}
		b.shot("journey-1-reply")
	})
}

// An ended agent is deleted: not before it ended, not with another name, and
// after its export was taken; a certificate with the export's hash remains, also where the agent's page was open.
func TestJourneyDelete(t *testing.T) {
	eachWay(t, func(t *testing.T, b *browser) {
		b.firstRun()
		agent := b.newAgent("Grace Mbeki", "assistant")
		second := b.tab()
		second.visit(agent)
		second.see("[data-testid=agent-top]")

		b.visit(agent + "/delete")
		b.click("[data-testid=end-first]")
		b.fill("[name=reason]", "not needed any more")
		b.click("[data-testid=end-form] [data-testid=confirm]")
		b.until("[data-testid=status][data-status=ended]")
		b.visit(agent)
		b.click("[data-testid=delete]")
		b.see("[data-testid=delete-form]")
		b.fill("[data-testid=delete-form] [name=name]", "Grace")
		if b.script {
			b.see("[data-testid=confirm]:disabled")
		} else {
			b.click("[data-testid=confirm]")
			b.see("[data-testid=delete-form] [name=name][aria-invalid]")
			b.shot("journey-3-wrong-name")
		}
		hash := b.exportFirst()
		if got := b.text("[data-testid=delete-form] [data-copy], [data-testid=delete-form] code.pick"); got == "" {
			t.Error("the name cannot be copied")
		}
		b.fill("[data-testid=delete-form] [name=name]", "Grace Mbeki")
		b.shot("journey-3-exported")
		b.click("[data-testid=confirm]")
		b.see("[data-testid=certificate]")
		if path := b.path(); !strings.HasPrefix(path, "/deletions/") {
			t.Errorf("the certificate is at %s", path)
		}
		if text := b.text("[data-testid=export-hash]"); !strings.Contains(text, hash) {
			t.Errorf("the certificate has another export: %s, not %s", text, hash)
		}
		b.shot("journey-3-certificate")
		if b.script {
			axe, err := os.ReadFile("../../static/vendor/axe.min.js")
			must(t, err)
			b.check(string(axe), "certificate")
			b.paper("journey-3-paper")
		}

		second.until("[data-testid=tombstone]")
		if text := second.text("[data-testid=certificate]"); !strings.Contains(text, "Mara Reyes") || strings.Contains(text, "Grace") {
			t.Errorf("certificate: %s", text)
		}
		second.shot("journey-3-tombstone")
	})
}

// An agent whose program keeps dying, or on a phone one that was set up wrongly,
// has ended, which its page says with the reason; it is relaunched with another,
// the harmless settings come back as a draft, and it runs again.
func TestJourneyRelaunch(t *testing.T) {
	eachWay(t, func(t *testing.T, b *browser) {
		b.firstRun()
		agent := b.newAgent("Elif Kaya", "rehearsal")
		why := "Ended: wrong account"
		if !b.phone {
			why = "Crash loop: exit 3"
			b.setUp("elif+crash@northwind.example")
			b.visit(agent)
		} else {
			b.setUp("elif+reject@northwind.example")
			b.until("[data-testid=setup-progress][data-status=auth_needed]")
			b.shot("journey-2-rejected")
			b.visit(agent + "/end")
			b.fill("[name=reason]", "wrong account")
			b.click("[data-testid=confirm]")
		}
		b.until("[data-testid=status][data-status=ended]")
		if text := b.text("[data-testid=why]"); !strings.Contains(text, why) {
			t.Errorf("it ended and says %q, not %q", text, why)
		}
		b.fits()
		b.shot("journey-2-ended")
		b.click("[data-testid=relaunch]")
		b.see("[data-testid=relaunch-form]")
		b.fits()
		b.do("reason", chromedp.SetValue(chromedp.CSS("[data-testid=relaunch-form] [name=reason]"), "new_account"))
		b.fill("[data-testid=relaunch-form] [name=note]", "the former one was closed")
		b.click("[data-testid=confirm]")
		b.until("[data-testid=status][data-status=setup_needed]")
		b.click("[data-testid=agent-top] [data-testid=setup]")
		b.see("[data-testid=draft]")
		for name, want := range map[string]string{"login": "", "password": "", "country": "TR"} {
			got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("[data-testid=setup-form] [name=`+name+`]").value`))
			must(b.t, err)
			if got != want {
				t.Errorf("the draft has %s %q, want %q", name, got, want)
			}
		}
		b.shot("journey-2-draft")
		b.setUp("elif@northwind.example")
		b.until("[data-testid=setup-progress][data-status=running]")
		b.visit(agent + "?tab=history")
		if text := b.text("[data-testid=history]"); !strings.Contains(text, "the former one was closed") {
			t.Errorf("the history does not say why it was relaunched: %s", text)
		}
		if text := b.text("[data-testid=agent-top]"); !strings.Contains(text, "running") {
			t.Errorf("it does not run again: %s", text)
		}
	})
}

func (b *browser) setUp(login string) {
	b.t.Helper()
	b.fill("[data-testid=setup-form] [name=login]", login)
	b.fill("[data-testid=setup-form] [name=password]", "a password")
	b.fill("[data-testid=setup-form] [name=country]", "TR")
	b.click("[data-testid=confirm]")
	b.see("[data-testid=setup-progress]")
}

// A member who may look sees everything and can change nothing, and another
// team's agent is closed; what one does, the other sees at once.
func TestJourneyViewer(t *testing.T) {
	path, err := program()
	must(t, err)
	data := filepath.Join(t.TempDir(), "data")
	secret := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	made := command(t, path, "init", "--data", data, "--team", "Northwind", "--email", email, "--password-file", secret, "--json")
	team := regexp.MustCompile(`[0-9a-f-]{36}`).FindString(made)
	command(t, path, "admin", "member", "add", "--data", data, "--team", team, "--email", "vera@northwind.example", "--role", "viewer", "--password-file", secret)
	in := run(t, regexp.MustCompile(`http://`), "serve", "--data", data, "--addr", "127.0.0.1:0")
	owner, viewer := open(t, in.url, true), open(t, in.url, true)
	owner.signIn(email, password)
	agent := owner.newAgent("Ada Lindqvist", "assistant")
	viewer.signIn("vera@northwind.example", password)
	viewer.see("[data-testid=row]")
	for _, selector := range []string{"[data-testid=new-agent]", "[data-testid=start]", "[data-testid=end]"} {
		if n := viewer.count(selector); n != 0 {
			t.Errorf("a viewer is offered %s", selector)
		}
	}
	viewer.visit(agent)
	viewer.see("[data-testid=status][data-status=setup_needed]")
	owner.visit(agent)
	owner.click("[data-testid=start]")
	viewer.until("[data-testid=status][data-status=running]")
	viewer.shot("viewer-agent")
	if n := viewer.count("main form"); n != 0 {
		t.Errorf("a viewer has %d forms on an agent's page", n)
	}
	viewer.visit("/settings")
	viewer.shot("viewer-settings")
}
