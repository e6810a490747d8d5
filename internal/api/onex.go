package api

// This file has the wire types of /api as clients of ElizaOS 1.x know them.
// Their times are milliseconds since 1970 unless they are a Time.

// OneXFailure is the answer of /api to a request that failed. Success is
// false; what is about a session also says when.
type OneXFailure struct {
	Success bool      `json:"success"`
	Error   OneXError `json:"error"`
}

// OneXError is a code in capitals with a sentence, and what to do about it
// where there is something to say.
type OneXError struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Details   string `json:"details,omitempty"`
	Timestamp *Time  `json:"timestamp,omitempty"`
}

// OneXAnswer wraps what a call answers.
type OneXAnswer struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// OneXAgents are all agents.
type OneXAgents struct {
	Agents []OneXSummary `json:"agents"`
}

// OneXSummary is an agent in a list; Status is active or inactive.
type OneXSummary struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	CharacterName string `json:"characterName"`
	Bio           string `json:"bio"`
	Status        string `json:"status"`
}

// OneXCharacter says who an agent is. Fields that ElizaOS leaves free are as
// they were given.
type OneXCharacter struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Username        any            `json:"username"`
	System          any            `json:"system,omitempty"`
	Bio             any            `json:"bio"`
	Lore            any            `json:"lore,omitempty"`
	MessageExamples any            `json:"messageExamples"`
	PostExamples    any            `json:"postExamples"`
	Topics          any            `json:"topics"`
	Adjectives      any            `json:"adjectives"`
	Knowledge       any            `json:"knowledge"`
	Plugins         any            `json:"plugins"`
	Templates       any            `json:"templates,omitempty"`
	Settings        map[string]any `json:"settings"`
	Style           any            `json:"style"`
}

// OneXAgent is an agent in full. ServerID is always null.
type OneXAgent struct {
	OneXCharacter
	Enabled   bool    `json:"enabled"`
	ServerID  *string `json:"server_id"`
	CreatedAt int64   `json:"createdAt"`
	UpdatedAt int64   `json:"updatedAt"`
	Status    string  `json:"status"`
}

// OneXCreate is the body of a create: the character itself, as either of the
// first two. A path is refused.
type OneXCreate struct {
	CharacterJSON map[string]any `json:"characterJson"`
	Agent         map[string]any `json:"agent"`
	CharacterPath *string        `json:"characterPath"`
}

// OneXCreated is the agent that a create made or found.
type OneXCreated struct {
	ID        string        `json:"id"`
	Character OneXCharacter `json:"character"`
}

// OneXStarted is the answer to a start.
type OneXStarted struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// OneXMessage is an answer that is a sentence.
type OneXMessage struct {
	Message string `json:"message"`
}

// OneXLog is a line that an agent's program wrote.
type OneXLog struct {
	ID        string `json:"id"`
	EntityID  string `json:"entityId"`
	Type      string `json:"type"`
	Level     string `json:"level"`
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"`
	CreatedAt int64  `json:"createdAt"`
}

// OneXPing is the answer to a ping.
type OneXPing struct {
	Pong      bool  `json:"pong"`
	Timestamp int64 `json:"timestamp"`
}

// OneXHealth says whether the server works; Status is OK or DEGRADED.
type OneXHealth struct {
	Status       string            `json:"status"`
	Version      string            `json:"version"`
	Timestamp    Time              `json:"timestamp"`
	Dependencies map[string]string `json:"dependencies"`
}

// OneXStatus counts the running agents of the caller's team.
type OneXStatus struct {
	Status     string `json:"status"`
	AgentCount int64  `json:"agentCount"`
	Timestamp  Time   `json:"timestamp"`
}

// OneXRuns are runs, newest first; Total counts these.
type OneXRuns struct {
	Runs    []OneXRun `json:"runs"`
	Total   int       `json:"total"`
	HasMore bool      `json:"hasMore"`
}

// OneXRun is what an agent did about a message; EndedAt and DurationMS are
// null while there is no reply.
type OneXRun struct {
	RunID      string `json:"runId"`
	Status     string `json:"status"`
	StartedAt  int64  `json:"startedAt"`
	EndedAt    *int64 `json:"endedAt"`
	DurationMS *int64 `json:"durationMs"`
	MessageID  string `json:"messageId"`
	RoomID     string `json:"roomId"`
}

// OneXRunDetail is a run with what happened in it.
type OneXRunDetail struct {
	Summary OneXRun        `json:"summary"`
	Events  []OneXRunEvent `json:"events"`
}

// OneXRunEvent is one thing that happened in a run.
type OneXRunEvent struct {
	Type      string            `json:"type"`
	Timestamp int64             `json:"timestamp"`
	Data      map[string]string `json:"data"`
}
