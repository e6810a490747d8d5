package fleet

import (
	"encoding/json"
	"time"
)

// TaskState is where a task is.
type TaskState string

// The task states.
const (
	TaskPending   TaskState = "pending"
	TaskClaimed   TaskState = "claimed"
	TaskDone      TaskState = "done"
	TaskFailed    TaskState = "failed"
	TaskCancelled TaskState = "cancelled"
)

// The task types that a counter's limits hold for; every other is custom.
const (
	TaskMessage    = "message"
	TaskInvitation = "invitation"
)

// Task is a unit of work of an agent.
type Task struct {
	ID          string
	AgentID     AgentID
	Type        string // message, invitation or custom
	Payload     json.RawMessage
	DueAt       time.Time
	ClaimedAt   time.Time // when it was handed out last; zero is never
	State       TaskState
	Incarnation int
	Error       string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Counter is the usage kind whose daily limits hold for the task, "" for none.
func (t Task) Counter() string {
	switch t.Type {
	case TaskMessage:
		return UsageMessages
	case TaskInvitation:
		return UsageInvitations
	}
	return ""
}

// InNetwork tells whether the task's payload says that it is about somebody
// who is in the agent's network already.
func (t Task) InNetwork() bool {
	var payload struct {
		InNetwork bool `json:"inNetwork"`
	}
	return json.Unmarshal(t.Payload, &payload) == nil && payload.InNetwork
}

// AlertState is where an alert is.
type AlertState string

// The alert states.
const (
	AlertOpen         AlertState = "open"
	AlertAcknowledged AlertState = "acknowledged"
	AlertSnoozed      AlertState = "snoozed"
	AlertResolved     AlertState = "resolved"
)

// Severity is how much an alert matters.
type Severity string

// The severities.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Alert is something a person should know. Alerts of one agent, or of the team
// alone, with the same type and subType are one while unresolved; Count says
// how often it came.
type Alert struct {
	ID        string
	AgentID   AgentID // "" is the team alone
	AgentName string  // filled where alerts of many agents are listed
	AgentZone string  // so is the zone of its hours
	Type      string
	SubType   string
	Message   string
	Severity  Severity
	State     AlertState
	Count     int
	By        string    // who acknowledged, snoozed or resolved it
	Until     time.Time // end of a snooze
	// Recovered: it is resolved because its cause went by itself.
	Recovered bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MessageState is where a message is.
type MessageState string

// The message states.
const (
	MessagePending MessageState = "pending"
	MessageReplied MessageState = "replied"
	MessageFailed  MessageState = "failed"
)

// Message is an incoming text for an agent and the agent's reply.
type Message struct {
	ID           string
	AgentID      AgentID
	Conversation string
	From         string
	Text         string
	Reply        string
	State        MessageState
	CreatedAt    time.Time
	RepliedAt    time.Time
	// Metadata is the JSON object that came with it; it is read for exports alone.
	Metadata json.RawMessage
}

// Usage is a counter of one agent, day (in the agent's zone) and incarnation.
type Usage struct {
	Day         string
	Kind        string
	Incarnation int
	Count       int64
}

// The usage kinds that limits know.
const (
	UsageInvitations = "invitations"
	UsageMessages    = "messages"
	UsageTokens      = "tokens"
	UsageErrors      = "errors"
)

// LogLine is one line an agent's program wrote.
type LogLine struct {
	ID    int64
	At    time.Time
	Epoch int64
	Level string // debug, info, warn, error
	Text  string
}
