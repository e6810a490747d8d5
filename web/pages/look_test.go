package pages_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// looks are the pages by name; %s is an agent in the status. click are the
// things to click one after the other, with " ; " between them, that open a
// dialog or a menu; "phone" makes the window narrow before. What opens neither
// ends with "see " and what shows that it is there.
func looks() []struct{ name, path, status, click string } {
	return []struct{ name, path, status, click string }{
		{"fleet", "/fleet", "", ""},
		{"fleet-ended", "/fleet?status=ended", "", ""},
		{"fleet-nothing", "/fleet?q=nothing-is-called-so", "", ""},
		{"zone", "/zone", "", ""},
		{"views", "/fleet/views", "", ""},
		{"new-view", "/fleet/views/new?status=running&q=ada", "", ""},
		{"new", "/fleet/new", "", ""},
		{"agent", "/fleet/%s", "running", ""},
		{"agent-usage", "/fleet/%s?tab=usage", "running", ""},
		{"agent-tasks", "/fleet/%s?tab=tasks", "running", ""},
		{"agent-alerts", "/fleet/%s?tab=alerts", "auth_needed", ""},
		{"agent-messages", "/fleet/%s?tab=messages", "running", ""},
		{"agent-resources", "/fleet/%s?tab=resources", "running", ""},
		{"agent-history", "/fleet/%s?tab=history", "paused", ""},
		{"agent-logs", "/fleet/%s?tab=logs", "running", ""},
		{"setup", "/fleet/%s/setup", "setup_needed", ""},
		{"progress", "/fleet/%s/setup", "auth_needed", ""},
		{"pause", "/fleet/%s/pause", "running", ""},
		{"protect", "/fleet/%s/protect", "paused", ""},
		{"relaunch", "/fleet/%s/relaunch", "ended", ""},
		{"delete", "/fleet/%s/delete", "ended", ""},
		{"delete-early", "/fleet/%s/delete", "paused", ""},
		{"dialog-delete", "/fleet/%s", "ended", "[data-testid=delete]"},
		{"dialog-delete-early", "/resources/proxies", "", "[data-testid=proxy] .pop summary ; [data-testid=delete]"},
		{"dialog-pause", "/fleet/%s", "running", "[data-testid=pause]"},
		{"dialog-end", "/fleet/%s", "running", "#agent-top .pop summary ; [data-testid=end]"},
		{"dialog-disable", "/fleet/%s", "paused", "#agent-top .pop summary ; [data-testid=disable]"},
		{"dialog-protect", "/fleet/%s", "paused", "#agent-top .pop summary ; [data-testid=protect]"},
		{"dialog-help", "/fleet", "", "summary.me ; [data-help]"},
		{"palette", "/fleet", "", "summary.me ; [data-palette-open] ; see #palette[open] [role=option]"},
		{"menu-row", "/fleet", "", "[data-testid=row] .pop summary"},
		{"menu-agent", "/fleet/%s", "running", "#agent-top .pop summary"},
		{"menu-proxy", "/resources/proxies", "", "[data-testid=proxy] .pop summary"},
		{"menu-account", "/settings", "", "summary.me"},
		{"menu-phone", "/alerts", "", "phone ; .burger summary"},
		{"end", "/fleet/%s/end", "running", ""},
		{"disable", "/fleet/%s/disable", "paused", ""},
		{"verify", "/fleet/%s/verify", "auth_needed", ""},
		{"fleet-saved-filter", "/fleet?status=running&tag=vip&q=a", "", ""},
		{"resources-stuck", "/resources?stuck=true", "", ""},
		{"storybook", "/storybook", "", ""},
		{"dialog-relaunch", "/fleet?status=ended", "", "[data-testid=row] [data-testid=relaunch]"},
		{"alerts", "/alerts", "", ""},
		{"alerts-by-agent", "/alerts?group=agent", "", ""},
		{"alerts-of-a-type", "/alerts?type=auth", "", ""},
		{"resources", "/resources", "", ""},
		{"dialog-forget", "/resources", "", "[data-testid=forget]"},
		{"resources-held", "/resources?state=held", "", ""},
		{"proxies", "/resources/proxies", "", ""},
		{"proxies-paste", "/resources/proxies/paste", "", ""},
		{"proxies-new", "/resources/proxies/new", "", ""},
		{"system", "/system", "", ""},
		{"settings", "/settings", "", ""},
		{"settings-members", "/settings/members", "", ""},
		{"dialog-role", "/settings/members", "", "[data-role=operator] [data-testid=role]"},
		{"dialog-remove", "/settings/members", "", "[data-role=admin] [data-testid=remove]"},
		{"settings-keys", "/settings/keys", "", ""},
		{"settings-security", "/settings/security", "", ""},
		{"invitation-over", "/invite/made-up", "", ""},
		{"docs", "/docs", "", ""},
		{"audit", "/audit", "", ""},
		{"audit-details", "/audit", "", "[data-testid=audit] .more summary ; see .more[open]"},
		{"audit-nothing", "/audit?actor=nobody", "", ""},
		{"audit-wrong", "/audit?from=2026-01-02T00:00&to=2026-01-01T00:00", "", ""},
		{"deletions", "/deletions", "", ""},
		{"tombstone", "/fleet/018f3c1e-7a2b-7c3d-8e4f-000000000007", "", ""},
		{"no-page", "/nothing-is-here", "", ""},
		{"bulks-empty", "/bulk", "", ""},
		{"bulk-bar", "/fleet", "", "[data-testid=row] [name=ids] ; see #bulk.on"},
		{"bulk-delete", "/fleet?status=ended", "", "[data-testid=row] [name=ids] ; [data-testid=bulk-delete] ; see [data-testid=bulk-form] [data-typed]"},
		{"bulk-tags", "/fleet?status=paused", "", "[data-testid=row] [name=ids] ; [data-testid=bulk-tag] ; see [data-testid=bulk-form] [name=addTags]"},
		{"bulk", "/fleet?status=setup_needed", "", "[data-testid=row] [name=ids] ; [data-testid=bulk-end] ; see [data-testid=bulk-form] ; [data-testid=confirm] ; see [data-testid=bulk][data-state=done]"},
		{"bulks", "/bulk", "", ""},
	}
}

// Every page and every dialog and menu open on it has no violation of WCAG 2.2
// AA that axe finds, in light and dark, wide and on a phone, is never wider than
// its window, and asks no other host.
func TestJourneyEveryPageIsAccessible(t *testing.T) {
	axe, err := os.ReadFile("../../static/vendor/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is missing: run make assets")
	}
	demo := run(t, regexp.MustCompile(`API key`), "demo", "--addr", "127.0.0.1:0")
	b := open(t, demo.url, true)
	b.visit("/login")
	b.check(string(axe), "login")
	found := regexp.MustCompile(`sign in +(\S+) +(\S+)`).FindStringSubmatch(demo.printed)
	b.signIn(found[1], found[2])
	for _, look := range looks() {
		path := look.path
		if look.status != "" {
			path = fmt.Sprintf(path, b.agentIn(look.status))
		}
		b.visit(path)
		if look.click != "" {
			for _, step := range strings.Split(look.click, " ; ") {
				if step == "phone" {
					b.size(390, 844)
				} else if there, ok := strings.CutPrefix(step, "see "); ok {
					b.see(there)
				} else {
					b.click(step)
				}
			}
			if !strings.Contains(look.click, "see ") {
				b.see("dialog[open] .dlg, details[open] > .sheet")
			}
		}
		b.check(string(axe), look.name)
	}
}

// agentIn is the id of an agent in a status.
func (b *browser) agentIn(status string) string {
	b.t.Helper()
	b.visit("/fleet?sort=name&status=" + status)
	id, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("[data-testid=row]").id.slice(6)`))
	must(b.t, err)
	return id
}

func (b *browser) signIn(email, password string) {
	b.t.Helper()
	b.visit("/login")
	b.fill("[name=email]", email)
	b.fill("[name=password]", password)
	b.click("[data-testid=login] button")
	b.see("summary.me, [data-testid=notice]")
}

// ways are how check looks at a page. What axe finds by structure is the same
// in both themes, so that half of them ask only for what a theme can change; a
// phone has other targets and other parts in sight.
func ways() []struct {
	scheme string
	width  int64
	rules  string
} {
	return []struct {
		scheme string
		width  int64
		rules  string
	}{
		{"light", 1280, everyRule},
		{"dark", 1280, `{ type: "rule", values: ["color-contrast"] }`},
		{"dark", 390, everyRule},
		{"light", 390, `{ type: "rule", values: ["color-contrast"] }`},
	}
}

const everyRule = `{ type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }`

// folds are windows between those, and the size of text set there: a small
// phone, where a desk's page folds at 400 %, a tablet, a wide desk, and text of
// twice the usual size.
func folds() [][2]int64 { return [][2]int64{{320, 16}, {768, 16}, {1920, 16}, {1280, 32}} }

// check looks at the page in four ways.
func (b *browser) check(axe, name string) {
	b.t.Helper()
	for _, way := range ways() {
		b.scheme(way.scheme)
		b.size(way.width, 844)
		b.shot(fmt.Sprintf("%s-%s-%d", name, way.scheme, way.width))
		if wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth + 1`)); err != nil || wide {
			b.t.Errorf("%s at %d px is wider than the window (%v)", name, way.width, err)
		}
		// A menu that leaves the window to the left makes nothing wider.
		if cut, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`[...document.querySelectorAll("details[open] > .sheet, dialog[open]")].map((e) => e.getBoundingClientRect()).some((r) => r.left < -1 || r.right > innerWidth + 1)`)); err != nil || cut {
			b.t.Errorf("%s at %d px: what is open is cut by the window (%v)", name, way.width, err)
		}
		b.violations(axe, way.rules, fmt.Sprintf("%s, %s, %d px", name, way.scheme, way.width))
	}
	for _, f := range folds() {
		b.scheme("light")
		b.size(f[0], 844)
		b.letters(f[1])
		if wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.scrollWidth <= innerWidth + 1 ? "" : [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((e) => e.tagName + "." + e.className).join(" ")`)); err != nil || wide != "" {
			b.t.Errorf("%s at %d px with text of %d is wider than the window: %s (%v)", name, f[0], f[1], wide, err)
		}
		// A word of the header that is broken is taller than a line.
		if broken, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`[...document.querySelectorAll(".top .brand, .top nav a")].some((e) => e.checkVisibility() && e.getBoundingClientRect().height > 4 * parseFloat(getComputedStyle(e).fontSize))`)); err != nil || broken {
			b.t.Errorf("%s at %d px with text of %d: a word of the header is broken (%v)", name, f[0], f[1], err)
		}
	}
	b.letters(16)
	b.scheme("light")
	b.size(1280, 844)
}

// letters sets the size of text that a person has chosen.
func (b *browser) letters(px int64) {
	b.t.Helper()
	b.do("size of text", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: px, Fixed: px * 13 / 16}})
		return err
	}))
}

func (b *browser) violations(axe, rules, where string) {
	b.t.Helper()
	there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!window.axe`))
	must(b.t, err)
	if !there {
		b.do("axe", chromedp.Evaluate[chromedp.Void](axe+"; null"))
	}
	raw, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(async () => {
		const found = await axe.run(document, { runOnly: `+rules+`, resultTypes: ["violations"] });
		return JSON.stringify(found.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 160) + " " + n.failureSummary).join(" | ")));
	})()`, chromedp.EvalAwaitPromise))
	must(b.t, err)
	var found []string
	must(b.t, json.Unmarshal([]byte(raw), &found))
	if len(found) > 0 {
		b.t.Errorf("%s: %s", where, strings.Join(found, "\n"))
	}
}
