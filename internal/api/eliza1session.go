package api

import "encoding/json"

// This file has the wire types of /api/messaging/sessions. Its answers are
// bare: what was asked for is not under data.

// Eliza1Open is the body that opens a session.
type Eliza1Open struct {
	AgentID       string          `json:"agentId"`
	UserID        string          `json:"userId"`
	Metadata      json.RawMessage `json:"metadata"`
	TimeoutConfig Eliza1Retime    `json:"timeoutConfig"`
}

// Eliza1Retime changes when a session ends; what is left out stays. Numbers may
// come as texts.
type Eliza1Retime struct {
	TimeoutMinutes          any   `json:"timeoutMinutes"`
	AutoRenew               *bool `json:"autoRenew"`
	MaxDurationMinutes      any   `json:"maxDurationMinutes"`
	WarningThresholdMinutes any   `json:"warningThresholdMinutes"`
}

// Eliza1Timeout says when a session ends, in minutes.
type Eliza1Timeout struct {
	TimeoutMinutes          int  `json:"timeoutMinutes"`
	AutoRenew               bool `json:"autoRenew"`
	MaxDurationMinutes      int  `json:"maxDurationMinutes"`
	WarningThresholdMinutes int  `json:"warningThresholdMinutes"`
}

// Eliza1Session is a session as its opening answers it. ChannelID is the
// conversation of its messages.
type Eliza1Session struct {
	SessionID     string          `json:"sessionId"`
	ChannelID     string          `json:"channelId"`
	AgentID       string          `json:"agentId"`
	UserID        string          `json:"userId"`
	CreatedAt     Time            `json:"createdAt"`
	Metadata      json.RawMessage `json:"metadata"`
	ExpiresAt     Time            `json:"expiresAt"`
	TimeoutConfig Eliza1Timeout   `json:"timeoutConfig"`
}

// Eliza1SessionInfo is a session in full; TimeRemaining is in milliseconds.
type Eliza1SessionInfo struct {
	Eliza1Session
	LastActivity     Time  `json:"lastActivity"`
	RenewalCount     int   `json:"renewalCount"`
	TimeRemaining    int64 `json:"timeRemaining"`
	IsNearExpiration bool  `json:"isNearExpiration"`
}

// Eliza1Sessions are the open sessions.
type Eliza1Sessions struct {
	Sessions []Eliza1SessionInfo `json:"sessions"`
	Total    int64               `json:"total"`
	Stats    Eliza1SessionStats  `json:"stats"`
}

// Eliza1SessionStats counts sessions, ended ones of the last hour among them.
type Eliza1SessionStats struct {
	TotalSessions   int64 `json:"totalSessions"`
	ActiveSessions  int64 `json:"activeSessions"`
	ExpiredSessions int64 `json:"expiredSessions"`
}

// Eliza1SessionsHealth says that sessions work.
type Eliza1SessionsHealth struct {
	Status         string `json:"status"`
	ActiveSessions int64  `json:"activeSessions"`
	Timestamp      Time   `json:"timestamp"`
}

// Eliza1Closed is the answer to the end of a session, twice: clients look for it
// under data.
type Eliza1Closed struct {
	Success bool           `json:"success"`
	Message string         `json:"message"`
	Data    *Eliza1Success `json:"data"`
}

// Eliza1Success says that it was done.
type Eliza1Success struct {
	Success bool `json:"success"`
}

// Eliza1Send is the body of a message. Mode is the former name of Transport.
type Eliza1Send struct {
	Content     string            `json:"content"`
	Transport   string            `json:"transport"`
	Mode        string            `json:"mode"`
	Metadata    json.RawMessage   `json:"metadata"`
	Attachments []json.RawMessage `json:"attachments"`
}

// Eliza1Sent is the answer to a message, twice: clients look for it under data.
type Eliza1Sent struct {
	Eliza1Exchange
	Data Eliza1Exchange `json:"data"`
}

// Eliza1Exchange is a message and the agent's reply, where it was waited for and
// came in time.
type Eliza1Exchange struct {
	Success       bool                `json:"success"`
	UserMessage   Eliza1UserMessage   `json:"userMessage"`
	AgentResponse *Eliza1Reply        `json:"agentResponse,omitempty"`
	SessionStatus Eliza1SessionStatus `json:"sessionStatus"`
}

// Eliza1UserMessage is a message under the names of the clients' types and under
// those that servers answer with.
type Eliza1UserMessage struct {
	ID              string         `json:"id"`
	Content         string         `json:"content"`
	AuthorID        string         `json:"authorId"`
	CreatedAt       Time           `json:"createdAt"`
	Metadata        map[string]any `json:"metadata"`
	ChannelID       string         `json:"channel_id"`
	MessageServerID string         `json:"message_server_id"`
	AuthorIDToo     string         `json:"author_id"`
	CreatedAtMillis int64          `json:"created_at"`
	SourceType      string         `json:"source_type"`
	RawMessage      Eliza1Raw      `json:"raw_message"`
}

// Eliza1Raw is a message as it came.
type Eliza1Raw struct {
	Content string `json:"content"`
}

// Eliza1Reply is an agent's reply.
type Eliza1Reply struct {
	Text       string   `json:"text"`
	Actions    []string `json:"actions"`
	Providers  []string `json:"providers"`
	Simple     bool     `json:"simple"`
	ResponseID string   `json:"responseId"`
	InReplyTo  string   `json:"inReplyTo"`
}

// Eliza1Chunk is a part of a reply in a stream of events.
type Eliza1Chunk struct {
	MessageID string `json:"messageId"`
	Chunk     string `json:"chunk"`
	Index     int    `json:"index"`
}

// Eliza1StreamError ends a stream of events in which no reply came.
type Eliza1StreamError struct {
	Error string `json:"error"`
}

// Eliza1SessionStatus is the session after a message.
type Eliza1SessionStatus struct {
	ExpiresAt        Time `json:"expiresAt"`
	RenewalCount     int  `json:"renewalCount"`
	WasRenewed       bool `json:"wasRenewed"`
	IsNearExpiration bool `json:"isNearExpiration"`
}

// Eliza1Messages are messages of a session, newest first. Cursors are what to ask
// for next, in milliseconds, null when there are none.
type Eliza1Messages struct {
	Messages []Eliza1Text   `json:"messages"`
	HasMore  bool           `json:"hasMore"`
	Cursors  *Eliza1Cursors `json:"cursors,omitempty"`
}

// Eliza1Text is one message of a session.
type Eliza1Text struct {
	ID        string         `json:"id"`
	Content   string         `json:"content"`
	AuthorID  string         `json:"authorId"`
	IsAgent   bool           `json:"isAgent"`
	CreatedAt Time           `json:"createdAt"`
	Metadata  map[string]any `json:"metadata"`
}

// Eliza1Cursors bound a page of messages.
type Eliza1Cursors struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}
