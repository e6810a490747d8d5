package pages_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// endedFleet is an installation with so many ended agents, of which some are
// held: they crashed after each of two relaunches.
func endedFleet(t *testing.T, n, held int) installation {
	t.Helper()
	path, err := program()
	must(t, err)
	data, password0 := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password0, []byte(password), 0o600))
	made := command(t, path, "init", "--data", data, "--team", "Northwind", "--email", email, "--password-file", password0, "--json")
	team := fleet.TeamID(regexp.MustCompile(`[0-9a-f-]{36}`).FindString(made))
	hub := live.New()
	st, err := store.Open(t.Context(), filepath.Join(data, "agentry.db"), store.Options{Committed: hub.Publish})
	must(t, err)
	sealer, err := secret.NewSealer(make([]byte, 32))
	must(t, err)
	a := app.New(app.Config{Store: st, Hub: hub, Sealer: sealer, DefaultKind: "assistant", Kinds: map[string]fleet.Kind{
		"assistant": {Name: "assistant", Driver: "process", Restart: fleet.DefaultRestart()},
	}})
	by := fleet.System(team, "test")
	for i := range n - held {
		v, err := a.Create(t.Context(), by, app.CreateInput{Name: fmt.Sprintf("Agent %03d", i)})
		must(t, err)
		_, err = a.End(t.Context(), by, v.ID, app.ReasonInput{Reason: "season over"})
		must(t, err)
	}
	for i := range held {
		crashed(t, a, team, fmt.Sprintf("Held %d", i), 2)
	}
	must(t, st.Close())
	return run(t, regexp.MustCompile(`http://`), "serve", "--data", data, "--addr", "127.0.0.1:0")
}

// Many ended agents are relaunched at once and a few fail: the progress shows
// itself, success in part is no success, and only the failed are retried.
func TestJourneyBulkRelaunch(t *testing.T) {
	for _, c := range []struct {
		name  string
		phone bool
		n     int
		rate  string
	}{{"wide", false, 200, "1500"}, {"phone", true, 60, "450"}} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, endedFleet(t, c.n, 3).url, true)
			if c.phone {
				b.onPhone()
			}
			b.signIn(email, password)
			b.chooseAll(c.n, c.phone)
			if title := b.text("[data-testid=bulk-form] h1"); title != fmt.Sprintf("Relaunch %d agents?", c.n) {
				t.Errorf("it asks %q", title)
			}
			b.shot("journey-4-before-" + c.name)
			b.fill("[name=perMinute]", c.rate)
			b.click("[data-testid=confirm]")
			b.until("[data-testid=bulk][data-state=running]")
			path := b.path()
			b.seeProgress(c.n)
			b.shot("journey-4-running-" + c.name)
			b.until("[data-testid=bulk][data-state=done] .notice.bad")
			if got := b.text("[data-testid=notice]"); !strings.HasPrefix(got, fmt.Sprintf("Done in part: 3 of %d failed", c.n)) {
				t.Errorf("the result reads %q", got)
			}
			b.until("[data-testid=failed-first] [data-outcome=failed]:nth-child(3)")
			b.shot("journey-4-partial-" + c.name)
			if b.path() != path {
				t.Errorf("the page led to %s", b.path())
			}

			b.click("[data-testid=bulk-retry]")
			if title := b.text("[data-testid=bulk-form] h1"); title != "Relaunch 3 agents?" {
				t.Errorf("the retry asks %q", title)
			}
			b.fill("[name=reason]", "the program is mended")
			b.click("[data-testid=confirm]")
			b.until("[data-testid=bulk][data-state=done] .notice.ok")
			b.shot("journey-4-retried-" + c.name)
			b.visit("/fleet?status=setup_needed")
			if got := b.text("[data-testid=chip-setup_needed]"); got != fmt.Sprintf("Setup needed %d", c.n) {
				t.Errorf("afterwards: %s", got)
			}
			if n := b.count("#bulk.on"); n != 0 {
				t.Error("what was begun is still chosen")
			}
		})
	}
}

// chooseAll chooses every ended agent: a range, the page, then all that match;
// it stays chosen when the page is loaded again.
func (b *browser) chooseAll(n int, phone bool) {
	b.t.Helper()
	b.visit("/fleet?status=ended&sort=name")
	b.click("[data-testid=row] [name=ids]")
	b.perform(`document.querySelectorAll("td [name=ids]")[4].dispatchEvent(new MouseEvent("click", {bubbles: true, shiftKey: true}))`)
	if got := b.text("[data-testid=selected]"); got != "5 selected" {
		b.t.Errorf("a range: %s", got)
	}
	b.do("reload", chromedp.Reload())
	if got := b.text("[data-testid=selected]"); got != "5 selected" || b.count("td [name=ids]:checked") != 5 {
		b.t.Errorf("loaded again: %s", got)
	}
	b.click("#bulk [data-pick=page]")
	b.click("[data-testid=select-all]")
	if got := b.text("[data-testid=selected]"); got != fmt.Sprintf("All %d matching selected", n) {
		b.t.Errorf("all: %s", got)
	}
	b.shot(fmt.Sprintf("journey-4-chosen-%d", n))
	if phone {
		b.do("action", chromedp.SetValue(chromedp.CSS("#bulk select"), "relaunch"))
		b.click("[data-testid=bulk-go]")
	} else {
		b.click("[data-testid=bulk-relaunch]")
	}
}

// seeProgress sees the counts move between none and all, without a reload.
func (b *browser) seeProgress(n int) {
	b.t.Helper()
	b.perform(`window.same = true`)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf(`(() => {
		const now = Number(document.querySelector("[data-testid=bulk] [aria-valuenow]").getAttribute("aria-valuenow"));
		window.seen ??= now;
		return window.same && window.seen < now && now < %d && /left/.test(document.querySelector("[data-testid=bulk]").textContent);
	})()`, n)))
	if err != nil {
		b.t.Fatalf("no progress was seen: %v", err)
	}
}
