package pages_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// hits are the labels that the palette offers to who asks on a page.
func (p person) hits(q, at string) []string {
	p.w.t.Helper()
	a := p.script("").get("/palette?q=" + q + "&at=" + at)
	if a.status != http.StatusOK {
		p.w.t.Fatalf("palette: %d %s", a.status, a.body)
	}
	return a.Find("[data-testid=hit] .what").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
}

func TestPaletteOffers(t *testing.T) {
	w := newWorld(t)
	ada := w.agent("Ada Lindqvist", "assistant")
	w.agent("Grace", "assistant")
	for i := range 12 {
		w.agent("Twin "+strings.Repeat("x", i), "assistant")
	}
	foreign, err := w.app.Create(t.Context(), fleet.System(w.other, "test"), app.CreateInput{Name: "Ada of others", Kind: "assistant"})
	must(t, err)
	owner, viewer := w.as(fleet.RoleOwner), w.as(fleet.RoleViewer)
	page := "/fleet/" + string(ada)
	for _, c := range []struct {
		what    string
		got     []string
		has, no []string
	}{
		{"nothing typed", owner.hits("", "/fleet"), []string{"Fleet", "New agent", "Alerts", "Sign out"}, []string{"Ada Lindqvist", "Pause…", "End…"}},
		{"a name", owner.hits("ada", "/fleet"), []string{"Ada Lindqvist"}, []string{"Ada of others", "Fleet"}},
		{"an id", owner.hits(string(ada), "/fleet"), []string{"Ada Lindqvist"}, []string{"Grace"}},
		{"on an agent's page", owner.hits("", page), []string{"Start", "End…", "Logs", "Usage", "Fleet"}, nil},
		{"an action", owner.hits("disab", page), []string{"Disable…"}, []string{"End…", "Fleet"}},
		{"a word for a page", owner.hits("ledger", "/fleet"), []string{"Resources"}, []string{"Fleet"}},
		{"a page of the settings", owner.hits("password", "/fleet"), []string{"My account"}, []string{"Members"}},
		{"a viewer", viewer.hits("", page), []string{"Logs", "Fleet"}, []string{"Start", "End…", "New agent"}},
		{"another team's agent", owner.hits("", "/fleet/"+string(foreign.ID)), []string{"Fleet"}, []string{"Start", "Logs"}},
		{"garbage", owner.hits("%00%ff", "/fleet/%zz"), nil, []string{"Fleet"}},
	} {
		for _, label := range c.has {
			if !slices.Contains(c.got, label) {
				t.Errorf("%s: %q is not offered: %q", c.what, label, c.got)
			}
		}
		for _, label := range c.no {
			if slices.Contains(c.got, label) {
				t.Errorf("%s: %q is offered", c.what, label)
			}
		}
	}
	if got := owner.hits("twin", "/fleet"); len(got) != 10 {
		t.Errorf("%d agents are offered, not 10", len(got))
	}
	if a := owner.get("/palette?q=a%26b"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/fleet?q=a%26b" {
		t.Errorf("without a script: %d to %q", a.status, a.header.Get("Location"))
	}
}

// Every place that the keys, the help and the palette lead to is there.
func TestEveryPlaceIsThere(t *testing.T) {
	w := newWorld(t)
	keys := map[string]bool{}
	for _, place := range views.Places() {
		if a := w.as(fleet.RoleOwner).get(place.Href); a.status != http.StatusOK || a.Find("h1").Length() != 1 {
			t.Errorf("%s: %d", place.Href, a.status)
		}
		if place.Key != "" && keys[place.Key] {
			t.Errorf("%s leads to two places", place.Key)
		}
		keys[place.Key] = true
	}
	home := w.as(fleet.RoleOwner).get("/fleet")
	for _, href := range home.Find("header nav a").Map(func(_ int, a *goquery.Selection) string { return a.AttrOr("href", "") }) {
		if !slices.ContainsFunc(views.Places(), func(p views.Place) bool { return p.Href == href && p.Key != "" }) {
			t.Errorf("%s is in the header, and no key leads there", href)
		}
	}
}

// The palette is opened, walked and used with keys alone, tells a screen reader
// where it is, gives the focus back, and fits a phone.
func TestJourneyPalette(t *testing.T) {
	axe, err := os.ReadFile("../../static/vendor/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is missing: run make assets")
	}
	w := newWorld(t)
	long := strings.Repeat("أحمد 🦊 ", 14)
	id := w.agent("Ada", "assistant")
	w.agent(strings.TrimSpace(long), "assistant")
	b := w.enter(true)
	b.visit("/fleet")
	b.do("focus", chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-testid=new-agent]").focus()`))
	open := chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))
	b.do("open", open)
	b.see("#palette[open] [role=option]")
	b.check(string(axe), "palette")
	b.is(`document.activeElement.role === "combobox" && document.getElementById(document.activeElement.getAttribute("aria-activedescendant")).getAttribute("aria-selected") === "true"`)
	b.do("down", chromedp.KeyEvent(kb.ArrowDown))
	b.is(`[...document.querySelectorAll("#palette [role=option]")].findIndex((o) => o.getAttribute("aria-selected") === "true") === 1`)
	b.do("up twice", chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowUp))
	b.is(`[...document.querySelectorAll("#palette [role=option]")].at(-1).getAttribute("aria-selected") === "true"`)
	b.do("close", chromedp.KeyEvent(kb.Escape))
	b.is(`!document.querySelector("#palette").open && document.activeElement.dataset.testid === "new-agent"`)
	b.do("open again and type", open)
	b.see("#palette[open] [role=option]")
	b.do("type", chromedp.KeyEvent("ada"))
	b.waits(`document.querySelector("#palette [role=option] .what").textContent === "Ada"`)
	b.do("go", chromedp.KeyEvent(kb.Enter))
	b.see("[data-testid=status]")
	if got := b.path(); got != "/fleet/"+string(id) {
		t.Fatalf("it leads to %s", got)
	}
	b.do("an action", open)
	b.see("#palette[open] [role=option]")
	b.do("type", chromedp.KeyEvent("end"))
	b.waits(`document.querySelectorAll("#palette [role=option]").length === 1`)
	b.do("take it", chromedp.KeyEvent(kb.Enter))
	b.see("#dialog[open] [data-testid=end-form]")
	b.do("close", chromedp.KeyEvent(kb.Escape))
	b.do("at once", open)
	b.see("#palette[open] [role=option]")
	b.do("type", chromedp.KeyEvent("start"))
	b.waits(`document.querySelector("#palette [role=option] .what").textContent === "Start"`)
	b.perform(`window.before = true`)
	b.do("take it", chromedp.KeyEvent(kb.Enter))
	// The event may show the new status before the page that the form leads to is there.
	b.waits(`!window.before && document.querySelector("[data-testid=status]")?.dataset.status !== "setup_needed" && document.readyState === "complete"`)
	b.do("go by keys", chromedp.KeyEvent("gd"))
	b.see("[data-testid=docs]")
	b.do("help", chromedp.KeyEvent("?"))
	b.see("#help[open]")
}
