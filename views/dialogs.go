package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Ask is a small form before a move: pause, end, disable, protect, unprotect.
// It posts to /fleet/{id}/{verb} with version and, by verb, note and until
// (pause) or reason (the others).
type Ask struct {
	Form
	// Page: it stands alone, not in a dialog; AskPage sets it.
	Page bool
	// Verb is pause, end, disable, protect or unprotect.
	Verb        string
	AgentID     string
	Name        string
	Version     int64
	Note, Until string
	// Zone is that in which Until is read.
	Zone string
}

type askText struct {
	title, lead, label, button string
	required                   bool
}

func (a Ask) text() askText {
	switch a.Verb {
	case "pause":
		return askText{"Pause " + a.Name + "?", "Its program is stopped; tasks wait. Resume brings it back as it was.", "Note", "Pause", false}
	case "end":
		return askText{"End " + a.Name + "?", "Its program is stopped for good. An ended agent can be relaunched, or deleted.", "Reason", "End agent", false}
	case "disable":
		return askText{"Disable " + a.Name + "?", "Its program is stopped and nobody can start it until an admin enables it again.", "Reason", "Disable", false}
	case "protect":
		return askText{"Protect " + a.Name + "?", "A protected agent cannot be deleted and is skipped by bulk actions.", "Reason", "Protect", true}
	}
	return askText{"Remove the protection of " + a.Name + "?", "It can be deleted again, and bulk actions take it along.", "Reason", "Remove protection", true}
}

func (a Ask) field() string {
	if a.Verb == "pause" {
		return "note"
	}
	return "reason"
}

// Confirm asks before a delete or relaunch. It posts version, reason, note (of
// a relaunch) and name (of a delete).
type Confirm struct {
	Form
	// Page: it stands alone, not in a dialog; the pages set it.
	Page    bool
	AgentID string
	Name    string
	Version int64
	// Status is the agent's; unless it is ended the dialog offers to end first.
	Status string
	// BlockedBy has a sentence for each thing that stands in the way.
	BlockedBy []string
	// Removes, Released, Keeps are lines such as "412 tasks, 37 alerts".
	Removes, Released, Keeps []string
	// ReleaseNote says what happens to Released while a vendor is away; "" is
	// that none is.
	ReleaseNote string
	// Reason, Note and Typed are what was sent before.
	Reason, Note, Typed string
	// RecentRelaunches counts those of the last 7 days.
	RecentRelaunches int
	// Hold says why the relaunch needs a reason; "" is that it needs none.
	Hold string
	// Export is offered before a delete; nil offers none. It posts exportSha256.
	Export *ExportOffer
	// Moved: the facts changed since the dialog was opened; they are shown new.
	Moved bool
}

// ExportOffer is an agent's export before it is deleted. It is a live region:
// once it was downloaded the dialog says so.
type ExportOffer struct {
	fleet.Export
	AgentID string
	// Rows is how much there is to export.
	Rows int
}

// label is on the button.
func (o ExportOffer) label() string {
	if o.Taken {
		return "Download again"
	}
	return "Download export first · " + ui.Bytes(o.Size)
}

func (c Confirm) ended() bool { return c.Status == string(fleet.Ended) }

// RelaunchReasons are the choices of the field reason.
func RelaunchReasons() []ui.Option {
	return []ui.Option{
		{Value: "", Label: "Choose a reason"},
		{Value: "crash_loop", Label: "It crashed in a loop"},
		{Value: "new_account", Label: "Another account"},
		{Value: "new_campaign", Label: "New campaign"},
		{Value: "wrong_setup", Label: "Set up wrongly"},
		{Value: "test", Label: "A test"},
		{Value: "other", Label: "Other"},
	}
}

// RemovedLines writes the counts of what is removed, for Confirm and
// Certificate; what is not there is left out.
func RemovedLines(c fleet.Counts) []string {
	lines := []string{}
	add := func(n int, one, many string) {
		if n > 0 {
			lines = append(lines, ui.Plural(n, one, many))
		}
	}
	add(c.Tasks, "task", "tasks")
	add(c.Alerts, "alert", "alerts")
	add(c.UsageDays, "day of usage", "days of usage")
	add(c.Messages, "message", "messages")
	add(c.Logs, "log line", "log lines")
	add(c.Settings, "setting", "settings")
	if c.Credentials > 0 {
		lines = append(lines, ui.Plural(c.Credentials, "credential", "credentials")+" (key destroyed)")
	}
	return lines
}

// Create is the form of a new agent: POST /fleet/new with name, kind, country,
// tags.
type Create struct {
	Form
	Name, Kind, Country, Tags string
	Kinds                     []ui.Option
}

// Setup asks for what the agent's kind needs: POST /fleet/{id}/setup with
// version and the kind's fields.
type Setup struct {
	Form
	Page    bool
	AgentID string
	Name    string
	Version int64
	// AsksLogin and the others are the kind's fields.
	AsksLogin, AsksPassword, AsksCountry bool
	Login, Country                       string
	// DraftIncarnation is where Country and the other drafts come from; 0 is
	// no draft.
	DraftIncarnation int
	// Draft are further lines that come back from that incarnation: "Working
	// hours Mon–Fri 09:00–17:00 Europe/Paris".
	Draft []string
	// Takes are the outside things that setup takes: "a proxy in that country".
	Takes []string
}

// Progress is /fleet/{id}/setup while the agent signs in, and after.
type Progress struct {
	AgentID, Name string
	Status        string
	Steps         []Step
	// Code is the box when a code is asked for.
	Code *CodeForm
	// Problem says why it did not work; nil is none.
	Problem *ui.Notice
	// Deadline is when an unanswered sign-in is given up.
	Deadline time.Time
	// Preparing: something outside has to be ready before it signs in.
	Preparing bool
	// MayEnd: the member may end the agent while something outside fails.
	MayEnd bool
	Now    time.Time
}

// Step is one part of the sign-in.
type Step struct {
	Label, Detail string
	// State is done, now, failed or todo; Word is shown for it, "" is the usual.
	State, Word string
	// NextTry is when a failed one is tried again; zero says nothing.
	NextTry, Now time.Time
	// Retry tries a failed one now; nil is that nobody can here.
	Retry *Deed
}

func (s Step) pill() ui.Pill {
	p := ui.Pill{Tone: ui.Mute, Shape: "ring", Word: "to do"}
	switch s.State {
	case "done":
		p = ui.Pill{Tone: ui.OK, Shape: "dot", Word: "done"}
	case "now":
		p = ui.Pill{Tone: ui.Info, Shape: "half", Word: "in progress"}
	case "failed":
		p = ui.Pill{Tone: ui.Bad, Shape: "diamond", Word: "failed"}
	}
	if s.Word != "" {
		p.Word = s.Word
	}
	return p
}
