package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// AgentPage is /fleet/{id}. Top.Tab says which of the pointers is set;
// the handler fills that one only.
type AgentPage struct {
	Shell    Shell
	Top      AgentTop
	Overview *Overview
	Usage    *Usage
	Tasks    *Tasks
	Alerts   *AgentAlerts
	Messages *Messages
	History  *History
	Logs     *Logs
	// Resources is the tab of the ledger.
	Resources *AgentResources
}

// AgentResources is the tab of what is, and was, held outside for the agent,
// in all its incarnations, newest first.
type AgentResources struct {
	AgentID string
	Rows    []Resource
	Pager   ui.Pager
}

// AgentTop is the head of the agent's page.
type AgentTop struct {
	// Tab is overview, usage, tasks, alerts, messages, resources, history or logs.
	Tab                            string
	ID, Name, Login, Country, Kind string
	Status, Observed               string
	LastHeard, Since               time.Time
	Why                            string
	Incarnation                    int
	OpenAlerts                     int
	// OpenTasks are pending or in hand.
	OpenTasks int
	// Protection says who protected it and why; "" is unprotected.
	Protection string
	// NeedsSetup: the kind asks for setup fields.
	NeedsSetup bool
	Actions    []Action
	Now        time.Time
}

func (t AgentTop) tabs() []ui.Tab {
	var out []ui.Tab
	for _, o := range []struct {
		name, label string
		count       int
	}{
		{"overview", "Overview", 0}, {"usage", "Usage", 0}, {"tasks", "Tasks", t.OpenTasks}, {"alerts", "Alerts", t.OpenAlerts},
		{"messages", "Messages", 0}, {"resources", "Resources", 0}, {"history", "History", 0}, {"logs", "Logs", 0},
	} {
		out = append(out, ui.Tab{Href: tabPath(t.ID, o.name), Label: o.label, Count: o.count, Current: o.name == t.Tab})
	}
	return out
}

func tabPath(id, tab string) string {
	if tab == "overview" {
		return agentPath(id, "")
	}
	return agentPath(id, "") + "?tab=" + tab
}

// Overview is the first tab.
type Overview struct {
	AgentID string
	Alerts  []Alert
	// Meters are today's counters: "18 of 25 messages".
	Meters []ui.Meter
	// Spark are 14 daily counts, oldest first; SparkLabel says of what.
	Spark      []int
	SparkLabel string
	Facts      []Fact
	// LastOutput is what the run that failed last wrote last, oldest first.
	LastOutput []string
	// Hours, ViewerHours: "Mon–Fri 09:00–17:00 Europe/Paris" and the same for
	// the viewer in UTC.
	Hours, ViewerHours string
	Tags               []string
	NextTask           string
	NextTaskAt         time.Time
	Plans              []DayPlan
	// Resources are what it has outside, or gets.
	Resources []Resource
	// Settings is the form below; nil where the member may not change them.
	Settings *SettingsForm
	Now      time.Time
}

// Fact is one line of the runtime facts. At is shown where it is set.
type Fact struct {
	Label, Value string
	At           time.Time
}

// SettingsForm changes an agent; POST /fleet/{id}/update with version, name,
// country, tags (commas between), timezone, start, stop, day (one value per
// day that is on, 0 is Monday), invitationsMin, invitationsMax, messagesMin,
// messagesMax, settings (lines of key = JSON value). Numbers are strings as
// typed, so that a wrong one can be shown again.
type SettingsForm struct {
	Form
	AgentID                        string
	Version                        int64
	Name, Country, Tags            string
	Timezone, Start, Stop          string
	Days                           [7]bool
	InvitationsMin, InvitationsMax string
	MessagesMin, MessagesMax       string
	// Switches are the keys of those that are true of switches.
	Switches []string
	// Settings are all others, as text.
	Settings string
}

// switches are the settings that are true or false, as people read them.
func switches() []ui.Option {
	return []ui.Option{
		{Value: fleet.SettingSpread, Label: "Spread over the day"},
		{Value: fleet.SettingSkipInNetwork, Label: "Skip people in the network"},
		{Value: fleet.SettingInvitationsOnly, Label: "Invitations only"},
	}
}

func dayNames() [7]string { return [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} }

// Tasks is the tab of tasks, with the form that adds one: POST
// /fleet/{id}/tasks with type, payload (JSON or text), dueAt.
type Tasks struct {
	AgentID string
	Items   []Task
	Pager   ui.Pager
	Plans   []DayPlan
	// Add is nil where the member may not add tasks.
	Add *TaskForm
	Now time.Time
}

// Task is one unit of work.
type Task struct {
	ID, Type, State string
	// Payload is cut for reading.
	Payload, Error   string
	DueAt, ChangedAt time.Time
	Incarnation      int
	CanCancel        bool
}

// TaskForm are the values of the form as typed.
type TaskForm struct {
	Form
	AgentID              string
	Type, Payload, DueAt string
	// Zone is that in which DueAt is read.
	Zone string
}

// AgentAlerts is the tab of alerts.
type AgentAlerts struct {
	AgentID string
	Items   []Alert
	Pager   ui.Pager
	Now     time.Time
}

// Alert is something a person should know.
type Alert struct {
	ID string
	// AgentID is "" where the alert is of the team alone.
	AgentID string
	// AgentName is shown where alerts of many agents are listed; "" is not.
	AgentName                string
	Type, SubType, Message   string
	Severity, State          string
	Count                    int
	By                       string
	Until, CreatedAt, SeenAt time.Time
	// Code is the box for a sign-in code, nil where none is waited for.
	Code *CodeForm
	// CanAct: the member may acknowledge, snooze and resolve.
	CanAct bool
	Now    time.Time
}

// Messages is the tab of messages; POST /fleet/{id}/messages with text.
type Messages struct {
	AgentID, AgentName string
	// Items are the newest, oldest of them first.
	Items []Message
	// Self is the address of what is shown. OlderHref leads to what was before,
	// NewestHref back from there; "" is nothing.
	Self, OlderHref, NewestHref string
	// Only is the conversation that alone is shown; "" is all of them.
	Only string
	// Write is nil where the member may not write, or nobody can now: Closed
	// says why.
	Write  *MessageForm
	Closed string
	Now    time.Time
}

// Message is a text and its reply.
type Message struct {
	ID, From, Text, Reply string
	// In is another conversation than that of this page; "" is this one.
	In, InHref string
	// State is pending, replied or failed.
	State           string
	SentAt, ReplyAt time.Time
}

// MessageForm is the text as typed. Why says why no reply can be expected
// now; "" is: it can.
type MessageForm struct {
	Form
	AgentID, AgentName, Text, Why string
}

// CodeForm takes a sign-in code: POST /fleet/{id}/verify with code.
type CodeForm struct {
	Form
	AgentID string
	// Ask says what is asked for: "Code from the authenticator app".
	Ask string
	// Deadline is when the sign-in is given up; zero is unknown.
	Deadline time.Time
	Now      time.Time
}
