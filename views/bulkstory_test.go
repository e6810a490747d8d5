package views

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

const sampleBulkID = "018f3c1e-7a2b-7c3d-8e4f-0000000000b1"

func sampleBulk(state fleet.BulkState, done, failed, skipped int) fleet.Bulk {
	b := fleet.Bulk{
		ID: sampleBulkID, Action: fleet.BulkRelaunch, State: state, By: "Mara Ruiz", Reason: "New campaign", PerMinute: 600, Canary: 1, StopAfterFailures: 20,
		Total: 200, Done: done, Failed: failed, Skipped: skipped, CreatedAt: ago(62 * time.Second), StartedAt: ago(time.Minute),
	}
	if state.Over() {
		b.EndedAt = ago(20 * time.Second)
	}
	return b
}

func sampleBulkPage(b fleet.Bulk) templ.Component {
	item := func(n int, name string, o fleet.BulkOutcome, why string) fleet.BulkItem {
		i := fleet.BulkItem{BulkID: b.ID, N: n, AgentID: fleet.AgentID(fmt.Sprintf("018f3c1e-7a2b-7c3d-8e4f-00000000000%d", n)), Name: name, Outcome: o, Message: why}
		if o != fleet.BulkPending {
			i.At = ago(30 * time.Second)
		}
		return i
	}
	failed := item(2, "Wolfeschlegelsteinhausenbergerdorff-Maximiliana Anastasia van den Hoogenbandt", fleet.BulkFailed, "This is the third relaunch in 7 days after a crash loop. Say why this one helps: give a reason.")
	m := Bulk{Top: BulkTop{Bulk: b, Now: testNow, MayStop: b.State == fleet.BulkRunning, MayRetry: b.State.Over() && b.Failed > 0}}
	m.Items = BulkItems{
		ID: b.ID, Now: testNow, Over: b.State.Over(), Pager: ui.Pager{Text: "1–50 of 200", NextHref: "/bulk/x?cursor=b"},
		Tabs: []ui.Tab{{Href: "/bulk/x", Label: "All", Count: 200, Current: true}, {Href: "/bulk/x?show=failed", Label: "Failed", Count: b.Failed}, {Href: "/bulk/x?show=done", Label: "Done", Count: b.Done}},
		Rows: []fleet.BulkItem{item(1, "Grace Mbeki", fleet.BulkSuccessful, ""), failed, item(3, "", fleet.BulkSuccessful, ""), item(4, "نور الهدى", fleet.BulkSkipped, "Protected agents are skipped"), item(5, "🦊 Reineke", fleet.BulkPending, "")},
	}
	if b.Failed > 0 {
		m.Items.Failed, m.Items.MoreFailed = []fleet.BulkItem{failed}, "/bulk/x?show=failed"
	}
	return BulkPage(sampleShell("Relaunch 200 agents", "fleet"), m)
}

func samplePlan(a fleet.BulkAction) *fleet.BulkPlan {
	p := &fleet.BulkPlan{Action: a, Total: 40, Will: 37, Names: []string{"Grace Mbeki", "نور الهدى", "🦊 Reineke"}, Skips: []fleet.BulkSkip{
		{Code: fleet.CodeInvalidStatus, Message: "Agent can only be relaunched when status is ended", N: 2, Names: []string{"Ada Lindqvist", "Bruno Okafor"}},
		{Code: fleet.CodeProtected, Message: "Protected agents are skipped", N: 1, Names: []string{"Dmitri Petrov"}},
	}}
	if a == fleet.BulkDelete {
		p.Confirm = fleet.BulkConfirm(p.Will)
	}
	return p
}

func sampleBulkForm(a fleet.BulkAction) BulkForm {
	return BulkForm{
		Action: a, IDs: []string{sampleRows()[0].ID, sampleRows()[1].ID}, Back: "/fleet?tag=vip", Filters: []ui.Option{{Label: "tag", Value: "vip"}},
		Plan: samplePlan(a), PerMinute: "600", Canary: "1", StopAfter: "5",
	}
}

func bulkStories() map[string]templ.Component {
	in := sampleShell("Bulk action", "fleet")
	canary, waiting := sampleBulk(fleet.BulkRunning, 0, 0, 12), sampleBulk(fleet.BulkRunning, 120, 3, 12)
	waiting.Waiting = 2
	stopped, broken := sampleBulk(fleet.BulkStopped, 57, 0, 12), sampleBulk(fleet.BulkStopped, 0, 1, 12)
	stopped.StoppedBy = "Mara Ruiz"
	broken.Why = "The first agent failed: The program could not be started"
	whole := sampleBulk(fleet.BulkDone, 200, 0, 0)
	whole.RetryOf = "018f3c1e-7a2b-7c3d-8e4f-0000000000b0"
	none := sampleBulkForm(fleet.BulkPause)
	none.Plan.Will, none.Plan.Names = 0, nil
	moved := sampleBulkForm(fleet.BulkRelaunch)
	moved.Moved, moved.All, moved.IDs = true, true, nil
	tags := sampleBulkForm(fleet.BulkTag)
	tags.Plan, tags.Errors = nil, map[string]string{"addTags": "name a tag to add or to remove"}
	wrong := sampleBulkForm(fleet.BulkDelete)
	wrong.Typed, wrong.Errors = "delete 36 agents", map[string]string{"confirm": "must be “delete 37 agents”"}
	rows := []BulkRow{}
	for _, b := range []fleet.Bulk{waiting, sampleBulk(fleet.BulkDone, 185, 3, 12), whole, stopped, sampleBulk(fleet.BulkDone, 0, 0, 200)} {
		rows = append(rows, BulkRow{Bulk: b, Now: testNow})
	}
	return map[string]templ.Component{
		"bulk-canary":   sampleBulkPage(canary),
		"bulk-running":  sampleBulkPage(waiting),
		"bulk-done":     sampleBulkPage(whole),
		"bulk-partial":  sampleBulkPage(sampleBulk(fleet.BulkDone, 185, 3, 12)),
		"bulk-stopped":  sampleBulkPage(stopped),
		"bulk-broken":   sampleBulkPage(broken),
		"bulk-form":     BulkFormPage(in, sampleBulkForm(fleet.BulkRelaunch)),
		"bulk-moved":    BulkFormPage(in, moved),
		"bulk-delete":   BulkFormPage(in, sampleBulkForm(fleet.BulkDelete)),
		"bulk-wrong":    BulkFormPage(in, wrong),
		"bulk-none":     BulkFormPage(in, none),
		"bulk-tags":     BulkFormPage(in, tags),
		"bulks":         BulksPage(Bulks{Shell: sampleShell("Bulk actions", "fleet"), Rows: rows, Pager: ui.Pager{NextHref: "/bulk?cursor=x"}}),
		"bulks-nothing": BulksPage(Bulks{Shell: sampleShell("Bulk actions", "fleet")}),
	}
}

// What failed in part, what was stopped and what is done look and read each in
// their own way.
func TestBulkResults(t *testing.T) {
	for _, c := range []struct {
		bulk        fleet.Bulk
		tone, title string
		says        string
	}{
		{sampleBulk(fleet.BulkDone, 200, 0, 0), "ok", "Done", "All 200 agents were relaunched."},
		{sampleBulk(fleet.BulkDone, 188, 0, 12), "ok", "Done", "188 agents were relaunched, 12 skipped."},
		{sampleBulk(fleet.BulkDone, 185, 3, 12), "bad", "Done in part: 3 of 200 failed", "185 agents were relaunched, 3 failed, 12 skipped."},
		{sampleBulk(fleet.BulkDone, 0, 0, 200), "mute", "Nothing was done", "0 agents were relaunched, 200 skipped."},
		{sampleBulk(fleet.BulkStopped, 57, 0, 12), "warn", "Stopped", "57 agents were relaunched, 12 skipped, 131 not touched."},
		{sampleBulk(fleet.BulkStopped, 50, 20, 0), "bad", "Stopped after failures", "50 agents were relaunched, 20 failed, 130 not touched."},
	} {
		n := BulkTop{Bulk: c.bulk, Now: testNow}.notice()
		if string(n.Tone) != c.tone || n.Title != c.title || n.Text != c.says {
			t.Errorf("%s %d/%d/%d: %s, %q, %q", c.bulk.State, c.bulk.Done, c.bulk.Failed, c.bulk.Skipped, n.Tone, n.Title, n.Text)
		}
		pill := bulkPill(c.bulk)
		if (c.tone == "ok") != (pill.Tone == ui.OK) {
			t.Errorf("%q has the pill %+v", c.title, pill)
		}
	}
}

func TestBulkFormSaysWhatIsSkipped(t *testing.T) {
	d := doc(t, BulkFormPage(sampleShell("", "fleet"), sampleBulkForm(fleet.BulkDelete)))
	if got := words(d.Find("h1")); got != "Delete 37 agents?" {
		t.Errorf("the title is %q", got)
	}
	if got := words(find(d, "will")); !strings.HasPrefix(got, "37 of 40 chosen agents") || !strings.Contains(got, "and 34 more") {
		t.Errorf("what will be done reads %q", got)
	}
	if got := words(find(d, "skips")); !strings.Contains(got, "3 skipped") || !strings.Contains(got, "2 · status") || !strings.Contains(got, "1 · protected") || !strings.Contains(got, "Dmitri Petrov") {
		t.Errorf("what is skipped reads %q", got)
	}
	form := find(d, "bulk-form")
	if form.AttrOr("data-match", "") != "delete 37 agents" || find(d, "confirm").HasClass("pri") {
		t.Error("the button of a delete is not guarded")
	}
	if got := form.Find("input[name=will]").AttrOr("value", ""); got != "37" {
		t.Errorf("is bound to %q", got)
	}
	none := sampleBulkForm(fleet.BulkPause)
	none.Plan.Will = 0
	if d := doc(t, BulkFormPage(sampleShell("", "fleet"), none)); find(d, "confirm").Length() != 0 || words(d.Find("h1")) != "None of them can be paused" {
		t.Errorf("a bulk of nothing can be begun: %s", words(d.Find("h1")))
	}
}
