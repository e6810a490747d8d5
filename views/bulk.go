package views

import (
	"fmt"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Bulks is the list of bulk actions, newest first.
type Bulks struct {
	Shell Shell
	Rows  []BulkRow
	Pager ui.Pager
}

// BulkRow is one of them.
type BulkRow struct {
	Bulk fleet.Bulk
	Now  time.Time
}

// Bulk is the page of one act on many agents.
type Bulk struct {
	Top   BulkTop
	Items BulkItems
}

// BulkTop is how far it is and what can be done about it: a live region.
type BulkTop struct {
	Bulk fleet.Bulk
	// MayStop and MayRetry: the member may, and the state allows it.
	MayStop, MayRetry bool
	Now               time.Time
}

// BulkItems is its list of agents: a live region.
type BulkItems struct {
	ID   string
	Tabs []ui.Tab
	// Failed stand above the others on the first page of all; MoreFailed leads
	// to the rest of them, "" is none.
	Failed     []fleet.BulkItem
	MoreFailed string
	Rows       []fleet.BulkItem
	// Over: nothing waits any more, what is left stays as it is.
	Over bool
	// None says why there are no rows.
	None  string
	Pager ui.Pager
	Now   time.Time
}

func bulkPath(id, verb string) string {
	if verb == "" {
		return "/bulk/" + id
	}
	return "/bulk/" + id + "/" + verb
}

type bulkText struct{ verb, doing, done, lead string }

// bulkWords are an action in its forms, and what it means for many.
func bulkWords(a fleet.BulkAction) bulkText {
	switch a {
	case fleet.BulkStart:
		return bulkText{"Start", "Starting", "started", "Their programs are started."}
	case fleet.BulkPause:
		return bulkText{"Pause", "Pausing", "paused", "Their programs are stopped; tasks wait. Resume brings them back as they were."}
	case fleet.BulkResume:
		return bulkText{"Resume", "Resuming", "resumed", "Their programs are started again; tasks go on."}
	case fleet.BulkEnd:
		return bulkText{"End", "Ending", "ended", "Their programs are stopped for good. Ended agents can be relaunched, or deleted."}
	case fleet.BulkRelaunch:
		return bulkText{"Relaunch", "Relaunching", "relaunched", "They start over: new incarnations that need setup. Credentials, alerts and open tasks are cleared; harmless settings come back as drafts."}
	case fleet.BulkDelete:
		return bulkText{"Delete", "Deleting", "deleted", "This cannot be undone. The agents, their history and all that they hold are removed for good; each leaves a deletion certificate."}
	}
	return bulkText{"Tag", "Tagging", "tagged", "Tags are added and removed; nothing else changes."}
}

// BulkTitle names a bulk: "Relaunch 37 agents".
func BulkTitle(a fleet.BulkAction, n int) string {
	return bulkWords(a).verb + " " + ui.Plural(n, "agent", "agents")
}

// bulkPill is the state in one word; what failed in part never looks done.
func bulkPill(b fleet.Bulk) ui.Pill {
	switch {
	case b.State == fleet.BulkPreparing:
		return ui.Pill{Tone: ui.Info, Shape: "ring", Word: "preparing"}
	case b.State == fleet.BulkStopping:
		return ui.Pill{Tone: ui.Warn, Shape: "bars", Word: "stopping"}
	case b.State == fleet.BulkStopped:
		return ui.Pill{Tone: ui.Warn, Shape: "square", Word: "stopped"}
	case b.State == fleet.BulkRunning && b.InCanary():
		return ui.Pill{Tone: ui.Info, Shape: "half", Word: "canary"}
	case b.State == fleet.BulkRunning:
		return ui.Pill{Tone: ui.Info, Shape: "half", Word: "running"}
	case b.Failed > 0:
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: ui.Number(b.Failed) + " failed"}
	case b.Done == 0:
		return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: "nothing done"}
	}
	return ui.Pill{Tone: ui.OK, Shape: "dot", Word: "done"}
}

// sentence says what happens now, while it is not over.
func (t BulkTop) sentence() string {
	b := t.Bulk
	switch {
	case b.State == fleet.BulkPreparing:
		return "The list is being written down; nothing was done yet."
	case b.State == fleet.BulkStopping && b.StoppedBy != "":
		return "Stopped by " + b.StoppedBy + ": nothing more begins, what is under way ends."
	case b.State == fleet.BulkStopping:
		return b.Why + ". Nothing more begins, what is under way ends."
	case b.InCanary():
		they := "all of them"
		if b.Canary == 1 {
			they = "it"
		}
		return "The first " + ui.Plural(b.Canary, "agent goes", "agents go") + " alone; the others follow when " + they + " succeeded."
	case b.Waiting > 0:
		return bulkWords(b.Action).doing + "; " + ui.Plural(b.Waiting, "agent was", "agents were") + " begun and not yet seen to run."
	}
	return bulkWords(b.Action).doing + "."
}

// notice is the result when it is over: success, success in part, or stopped.
func (t BulkTop) notice() ui.Notice {
	b, w := t.Bulk, bulkWords(t.Bulk.Action)
	n := ui.Notice{Tone: ui.OK, Title: "Done", Text: t.result()}
	switch {
	case b.State == fleet.BulkStopped:
		n.Tone, n.Title = ui.Warn, "Stopped"
		if b.StoppedBy != "" {
			n.Title = "Stopped by " + b.StoppedBy
		} else if b.Failed > 0 {
			n.Tone, n.Title = ui.Bad, "Stopped after failures"
		}
		if b.Why != "" && b.StoppedBy == "" {
			n.Text = b.Why + ". " + n.Text
		}
	case b.Failed > 0:
		n.Tone, n.Title = ui.Bad, fmt.Sprintf("Done in part: %s of %s failed", ui.Number(b.Failed), ui.Number(b.Total))
		n.Todo = "Each says why below. Mend that, then retry only the failed."
	case b.Done == 0:
		n.Tone, n.Title = ui.Mute, "Nothing was done"
	case b.Skipped == 0:
		n.Text = "All " + ui.Plural(b.Done, "agent was ", "agents were ") + w.done + "."
		if b.Done == 1 {
			n.Text = "The agent was " + w.done + "."
		}
	}
	return n
}

// result are the counts as a sentence: "185 were relaunched, 3 failed, 12 were
// skipped, 40 were not touched."
func (t BulkTop) result() string {
	b := t.Bulk
	parts := []string{ui.Plural(b.Done, "agent was ", "agents were ") + bulkWords(b.Action).done}
	for _, p := range []struct {
		n    int
		text string
	}{{b.Failed, "failed"}, {b.Skipped, "skipped"}, {b.Left(), "not touched"}} {
		if p.n > 0 {
			parts = append(parts, ui.Number(p.n)+" "+p.text)
		}
	}
	return strings.Join(parts, ", ") + "."
}

// progress estimates from the pace so far; what is skipped costs no time.
func (t BulkTop) progress() ui.Progress {
	b := t.Bulk
	p := ui.Progress{
		Label: bulkWords(b.Action).doing + " " + ui.Plural(b.Total, "agent", "agents"),
		Total: b.Total, Done: b.Done, Failed: b.Failed, Skipped: b.Skipped,
	}
	switch {
	case b.State == fleet.BulkRunning && !b.StartedAt.IsZero():
		p.Left = ui.TimeLeft(b.Done+b.Failed, b.Total-b.Skipped, t.Now.Sub(b.StartedAt))
	case b.State.Over() && !b.EndedAt.IsZero():
		p.Note = "ended"
		if !b.StartedAt.IsZero() {
			p.Note = "took " + ui.Span(max(time.Second, b.EndedAt.Sub(b.StartedAt)))
		}
	}
	return p
}

// terms are what it was started with.
func (t BulkTop) terms() []string {
	b := t.Bulk
	list := []string{ui.Number(b.PerMinute) + " a minute"}
	if b.Canary > 0 {
		list = append(list, ui.Plural(b.Canary, "agent", "agents")+" first")
	}
	if b.StopAfterFailures > 0 {
		list = append(list, "stops after "+ui.Plural(b.StopAfterFailures, "failure", "failures"))
	}
	if len(b.AddTags) > 0 {
		list = append(list, "adds "+strings.Join(b.AddTags, ", "))
	}
	if len(b.RemoveTags) > 0 {
		list = append(list, "removes "+strings.Join(b.RemoveTags, ", "))
	}
	return list
}

// counts are those of the list: "185 done · 3 failed · 12 skipped".
func (r BulkRow) counts() string {
	b := r.Bulk
	list := []string{ui.Number(b.Done) + " of " + ui.Number(b.Total) + " done"}
	if b.Failed > 0 {
		list = append(list, ui.Number(b.Failed)+" failed")
	}
	if b.Skipped > 0 {
		list = append(list, ui.Number(b.Skipped)+" skipped")
	}
	return strings.Join(list, " · ")
}

// outcomePill is what became of one agent; over is that nothing more will.
func outcomePill(o fleet.BulkOutcome, over bool) ui.Pill {
	switch o {
	case fleet.BulkSuccessful:
		return ui.Pill{Tone: ui.OK, Shape: "dot", Word: "done"}
	case fleet.BulkFailed:
		return ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: "failed"}
	case fleet.BulkSkipped:
		return ui.Pill{Tone: ui.Mute, Shape: "slash", Word: "skipped"}
	}
	if over {
		return ui.Pill{Tone: ui.Mute, Shape: "ring", Word: "not touched"}
	}
	return ui.Pill{Tone: ui.Info, Shape: "ring", Word: "waiting"}
}

// itemName is the agent's, or that it is gone.
func itemName(i fleet.BulkItem) string {
	if i.Name == "" {
		return "Agent that is gone, " + string(i.AgentID)
	}
	return i.Name
}
