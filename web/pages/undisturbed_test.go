package pages_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// holds evaluates an expression that must be true.
func (b *browser) holds(what, expression string) {
	b.t.Helper()
	if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); err != nil || !ok {
		b.shot("failed-is")
		b.t.Errorf("%s: not so (%v)", what, err)
	}
}

func (b *browser) perform(script string) {
	b.t.Helper()
	b.do(script, chromedp.Evaluate[chromedp.Void]("void ("+script+")"))
}

// While the page follows, nothing that a person is at is taken away: what is
// ticked and focused, an open menu, a selection, the place of the page, a dialog
// and a half-typed form. What had to wait is said, and shown afterwards.
func TestJourneyLeftAlone(t *testing.T) {
	d := newDuo(t)
	var ids []string
	for i := range 20 {
		ids = append(ids, d.make(fmt.Sprintf("Agent %02d", i)))
	}
	b := d.vera
	b.visit("/fleet?sort=name")
	b.says("live")
	same := b.untouched()
	ticked, other, far := "#agent-"+ids[8], "#agent-"+ids[9], "#agent-"+ids[1]

	b.perform(fmt.Sprintf(`document.querySelector("%s").scrollIntoView()`, ticked))
	b.perform(fmt.Sprintf(`(document.querySelector("%s [name=ids]").focus(), document.activeElement.click())`, ticked))
	b.perform(`window.at = document.querySelector("` + ticked + `").getBoundingClientRect().top`)
	d.act(ids[1], "start")
	d.act(ids[8], "start")
	b.see(ticked + " [data-status=running]")
	b.until(far + " [data-status=running]")
	b.holds("still ticked", fmt.Sprintf(`document.querySelector("%s [name=ids]").checked`, ticked))
	b.holds("still focused", fmt.Sprintf(`document.activeElement === document.querySelector("%s [name=ids]")`, ticked))
	b.holds("the page stands still", `Math.abs(document.querySelector("`+ticked+`").getBoundingClientRect().top - at) < 2`)

	b.click(other + " details.pop > summary")
	d.act(ids[9], "end")
	b.see(other + "[data-held]")
	b.holds("the menu is open", fmt.Sprintf(`document.querySelector("%s details.pop").open`, other))
	b.holds("the pill says that changes wait", `document.querySelector("#live").textContent.includes("changes wait")`)
	b.shot("left-alone-held")
	b.click("h1")
	b.see(other + " [data-status=ended]")

	b.perform(fmt.Sprintf(`getSelection().selectAllChildren(document.querySelector("%s .name"))`, far))
	d.act(ids[1], "pause")
	b.see(far + "[data-held]")
	b.holds("still selected", `getSelection().toString().includes("Agent 01")`)
	b.perform(`getSelection().removeAllRanges()`)
	b.see(far + " [data-status=paused]")
	same()

	b.visit("/fleet/" + ids[8])
	b.says("live")
	same = b.untouched()
	b.click("[data-testid=agent-top] [data-testid=pause]")
	b.fill("dialog [name=note]", "half a reason")
	d.act(ids[8], "end")
	b.see("[data-testid=agent-top] [data-status=ended]")
	b.holds("the dialog is open and has what was typed", `document.querySelector("dialog[open] [name=note]").value === "half a reason"`)
	b.holds("the dialog has the focus", `document.activeElement.name === "note"`)
	same()
}

func (d *duo) act(id, verb string) {
	d.t.Helper()
	d.call("POST", "/v1/agents/"+id+"/"+verb, "")
}

// Who is signed out elsewhere is told: the page leads to the sign-in, but for
// one with something half typed, which says so and keeps it.
func TestJourneySignedOutElsewhere(t *testing.T) {
	d := newDuo(t)
	id := d.make("Ada Lindqvist")
	d.act(id, "start")
	writing, reading, leaving := d.vera, d.vera.tab(), d.vera.tab()
	writing.visit("/fleet/" + id + "?tab=messages")
	writing.fill("[data-testid=message-form] [name=text]", "half a sentence")
	writing.says("live")
	reading.visit("/alerts")
	reading.says("live")
	leaving.visit("/fleet")
	leaving.click("summary.me")
	leaving.click("[data-testid=logout]")
	leaving.see("[data-testid=login]")
	reading.see("[data-testid=login]")
	if path := reading.path(); path != "/login?next=%2Falerts" {
		t.Errorf("led to %s", path)
	}
	writing.see("[data-testid=over]")
	writing.shot("signed-out")
	writing.holds("what was typed is there", `document.querySelector("[data-testid=message-form] [name=text]").value === "half a sentence"`)
	if said := writing.text("#live"); said != "signed out" {
		t.Errorf("the pill says %q", said)
	}
	writing.click("[data-testid=over] a")
	writing.see("[data-testid=login]")
	if n := d.mara.count("#live[data-state=live]"); n != 1 {
		t.Error("the other person is not live any more")
	}
}
