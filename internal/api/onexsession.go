package api

import "encoding/json"

// This file has the wire types of /api/messaging/sessions. Its answers are
// bare: what was asked for is not under data.

// OneXOpen is the body that opens a session.
type OneXOpen struct {
	AgentID       string          `json:"agentId"`
	UserID        string          `json:"userId"`
	Metadata      json.RawMessage `json:"metadata"`
	TimeoutConfig OneXRetime      `json:"timeoutConfig"`
}

// OneXRetime changes when a session ends; what is left out stays. Numbers may
// come as texts.
type OneXRetime struct {
	TimeoutMinutes          any   `json:"timeoutMinutes"`
	AutoRenew               *bool `json:"autoRenew"`
	MaxDurationMinutes      any   `json:"maxDurationMinutes"`
	WarningThresholdMinutes any   `json:"warningThresholdMinutes"`
}

// OneXTimeout says when a session ends, in minutes.
type OneXTimeout struct {
	TimeoutMinutes          int  `json:"timeoutMinutes"`
	AutoRenew               bool `json:"autoRenew"`
	MaxDurationMinutes      int  `json:"maxDurationMinutes"`
	WarningThresholdMinutes int  `json:"warningThresholdMinutes"`
}

// OneXSession is a session as its opening answers it. ChannelID is the
// conversation of its messages.
type OneXSession struct {
	SessionID     string          `json:"sessionId"`
	ChannelID     string          `json:"channelId"`
	AgentID       string          `json:"agentId"`
	UserID        string          `json:"userId"`
	CreatedAt     Time            `json:"createdAt"`
	Metadata      json.RawMessage `json:"metadata"`
	ExpiresAt     Time            `json:"expiresAt"`
	TimeoutConfig OneXTimeout     `json:"timeoutConfig"`
}

// OneXSessionInfo is a session in full; TimeRemaining is in milliseconds.
type OneXSessionInfo struct {
	OneXSession
	LastActivity     Time  `json:"lastActivity"`
	RenewalCount     int   `json:"renewalCount"`
	TimeRemaining    int64 `json:"timeRemaining"`
	IsNearExpiration bool  `json:"isNearExpiration"`
}

// OneXSessions are the open sessions.
type OneXSessions struct {
	Sessions []OneXSessionInfo `json:"sessions"`
	Total    int64             `json:"total"`
	Stats    OneXSessionStats  `json:"stats"`
}

// OneXSessionStats counts sessions, ended ones of the last hour among them.
type OneXSessionStats struct {
	TotalSessions   int64 `json:"totalSessions"`
	ActiveSessions  int64 `json:"activeSessions"`
	ExpiredSessions int64 `json:"expiredSessions"`
}

// OneXSessionsHealth says that sessions work.
type OneXSessionsHealth struct {
	Status         string `json:"status"`
	ActiveSessions int64  `json:"activeSessions"`
	Timestamp      Time   `json:"timestamp"`
}

// OneXClosed is the answer to the end of a session, twice: clients look for it
// under data.
type OneXClosed struct {
	Success bool         `json:"success"`
	Message string       `json:"message"`
	Data    *OneXSuccess `json:"data"`
}

// OneXSuccess says that it was done.
type OneXSuccess struct {
	Success bool `json:"success"`
}

// OneXSend is the body of a message. Mode is the former name of Transport.
type OneXSend struct {
	Content     string            `json:"content"`
	Transport   string            `json:"transport"`
	Mode        string            `json:"mode"`
	Metadata    json.RawMessage   `json:"metadata"`
	Attachments []json.RawMessage `json:"attachments"`
}

// OneXSent is the answer to a message, twice: clients look for it under data.
type OneXSent struct {
	OneXExchange
	Data OneXExchange `json:"data"`
}

// OneXExchange is a message and the agent's reply, where it was waited for and
// came in time.
type OneXExchange struct {
	Success       bool              `json:"success"`
	UserMessage   OneXUserMessage   `json:"userMessage"`
	AgentResponse *OneXReply        `json:"agentResponse,omitempty"`
	SessionStatus OneXSessionStatus `json:"sessionStatus"`
}

// OneXUserMessage is a message under the names of the clients' types and under
// those that servers answer with.
type OneXUserMessage struct {
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
	RawMessage      OneXRaw        `json:"raw_message"`
}

// OneXRaw is a message as it came.
type OneXRaw struct {
	Content string `json:"content"`
}

// OneXReply is an agent's reply.
type OneXReply struct {
	Text       string   `json:"text"`
	Actions    []string `json:"actions"`
	Providers  []string `json:"providers"`
	Simple     bool     `json:"simple"`
	ResponseID string   `json:"responseId"`
	InReplyTo  string   `json:"inReplyTo"`
}

// OneXChunk is a part of a reply in a stream of events.
type OneXChunk struct {
	MessageID string `json:"messageId"`
	Chunk     string `json:"chunk"`
	Index     int    `json:"index"`
}

// OneXStreamError ends a stream of events in which no reply came.
type OneXStreamError struct {
	Error string `json:"error"`
}

// OneXSessionStatus is the session after a message.
type OneXSessionStatus struct {
	ExpiresAt        Time `json:"expiresAt"`
	RenewalCount     int  `json:"renewalCount"`
	WasRenewed       bool `json:"wasRenewed"`
	IsNearExpiration bool `json:"isNearExpiration"`
}

// OneXMessages are messages of a session, newest first. Cursors are what to ask
// for next, in milliseconds, null when there are none.
type OneXMessages struct {
	Messages []OneXText   `json:"messages"`
	HasMore  bool         `json:"hasMore"`
	Cursors  *OneXCursors `json:"cursors,omitempty"`
}

// OneXText is one message of a session.
type OneXText struct {
	ID        string         `json:"id"`
	Content   string         `json:"content"`
	AuthorID  string         `json:"authorId"`
	IsAgent   bool           `json:"isAgent"`
	CreatedAt Time           `json:"createdAt"`
	Metadata  map[string]any `json:"metadata"`
}

// OneXCursors bound a page of messages.
type OneXCursors struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}
