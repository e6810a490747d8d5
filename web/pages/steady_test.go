package pages_test

import "testing"

// What a person does moves nothing else: the button that stands where another
// stood has its width, and the head of the page stays where it is.
func TestJourneyHeadStandsStill(t *testing.T) {
	d := newDuo(t)
	id := d.make("Ada Lindqvist")
	d.act(id, "start")
	b := d.vera
	for _, width := range []int64{1280, 390} {
		b.size(width, 844)
		b.visit("/fleet/" + id)
		b.says("live")
		b.until("#agent-top [data-testid=pause]")
		b.perform(`window.box = () => { const r = document.querySelector("#agent-top .acts").getBoundingClientRect(), h = document.querySelector("#agent-top h1").getBoundingClientRect(); return [r.left, r.top, r.width, h.left, h.top].map(Math.round).join() }`)
		b.perform(`window.was = window.box()`)
		d.act(id, "pause")
		b.until("#agent-top [data-testid=resume]")
		b.holds("the head did not move", `window.box() === window.was`)
		d.act(id, "resume")
		b.until("#agent-top [data-testid=pause]")
	}
}
