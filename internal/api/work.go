package api

import "encoding/json"

// Task is a unit of work of an agent.
type Task struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Payload     json.RawMessage `json:"payload"`
	DueAt       Time            `json:"dueAt"`
	State       string          `json:"state"`
	Incarnation int             `json:"incarnation"`
	Error       *string         `json:"error"`
	CreatedAt   Time            `json:"createdAt"`
	UpdatedAt   Time            `json:"updatedAt"`
}

// AddTask is the body that gives an agent a task; without DueAt it is due now.
type AddTask struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	DueAt   *Stamp          `json:"dueAt"`
}

// Alert is something a person should know. AgentID is null where it concerns
// the team and no agent of it.
type Alert struct {
	ID        string  `json:"id"`
	AgentID   *string `json:"agentId"`
	Type      string  `json:"type"`
	SubType   string  `json:"subType"`
	Message   string  `json:"message"`
	Severity  string  `json:"severity"`
	State     string  `json:"state"`
	Count     int     `json:"count"`
	By        *string `json:"by"`
	Until     Time    `json:"until"`
	CreatedAt Time    `json:"createdAt"`
	UpdatedAt Time    `json:"updatedAt"`
}

// Snooze is the body that silences an alert for a while.
type Snooze struct {
	Until *Stamp `json:"until"`
}

// Usage is one counter of one day, in the agent's zone, and incarnation.
type Usage struct {
	Day         string `json:"day"`
	Kind        string `json:"kind"`
	Incarnation int    `json:"incarnation"`
	Count       int64  `json:"count"`
}

// Message is an incoming text for an agent and the agent's reply.
type Message struct {
	ID           string  `json:"id"`
	Text         string  `json:"text"`
	Reply        *string `json:"reply"`
	State        string  `json:"state"`
	Conversation string  `json:"conversation"`
	From         string  `json:"from"`
	CreatedAt    Time    `json:"createdAt"`
	RepliedAt    Time    `json:"repliedAt"`
}

// SendMessage is the body that sends an agent a text.
type SendMessage struct {
	Text         string `json:"text"`
	Conversation string `json:"conversation"`
	From         string `json:"from"`
}

// LogLine is one line of an agent's program.
type LogLine struct {
	ID    int64  `json:"id"`
	At    Time   `json:"at"`
	Epoch int64  `json:"epoch"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// History is one audit entry of an agent.
type History struct {
	ID        int64          `json:"id"`
	At        Time           `json:"at"`
	ActorKind string         `json:"actorKind"`
	ActorID   string         `json:"actorId"`
	ActorName string         `json:"actorName"`
	Action    string         `json:"action"`
	Outcome   string         `json:"outcome"`
	Detail    map[string]any `json:"detail"`
	Note      *string        `json:"note"`
	RequestID *string        `json:"requestId"`
}

// Audit is one audit entry of a team. AgentID is null where it is not about one
// agent, AgentName where that is gone.
type Audit struct {
	History
	AgentID   *string `json:"agentId"`
	AgentName *string `json:"agentName"`
}

// Key is an API key as it is listed. Key is filled once, in the answer that
// creates it.
type Key struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Prefix     string `json:"prefix"`
	Scope      string `json:"scope"`
	CreatedBy  string `json:"createdBy"`
	CreatedAt  Time   `json:"createdAt"`
	LastUsedAt Time   `json:"lastUsedAt"`
	ExpiresAt  Time   `json:"expiresAt"`
	RevokedAt  Time   `json:"revokedAt"`
	Key        string `json:"key,omitempty"`
}

// AlertGroup are alerts of one type and subtype, or of one agent: how many, and
// the newest.
type AlertGroup struct {
	Alerts int   `json:"alerts"`
	Newest Alert `json:"newest"`
}

// AckAlerts is the body that acknowledges all open alerts of a type, a type and
// subtype, or an agent; AgentID "team" is the team alone. Codes false leaves out
// the sign-ins that wait for a code, true all others.
type AckAlerts struct {
	Type    string  `json:"type"`
	SubType *string `json:"subType"`
	AgentID string  `json:"agentId"`
	Codes   *bool   `json:"codes"`
}

// AlertsAcked says how many alerts were acknowledged.
type AlertsAcked struct {
	Message      string `json:"message"`
	Acknowledged int    `json:"acknowledged"`
}

// CreateKey is the body that makes an API key; without ExpiresAt it is good
// until it is revoked.
type CreateKey struct {
	Name      string `json:"name"`
	Scope     string `json:"scope"`
	ExpiresAt *Stamp `json:"expiresAt"`
}
