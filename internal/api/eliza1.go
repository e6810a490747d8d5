package api

// This file has the wire types of /api as clients of ElizaOS 1.x know them.
// Their times are milliseconds since 1970 unless they are a Time.

// Eliza1Failure is the answer of /api to a request that failed. Success is
// false; what is about a session also says when.
type Eliza1Failure struct {
	Success bool        `json:"success"`
	Error   Eliza1Error `json:"error"`
}

// Eliza1Error is a code in capitals with a sentence, and what to do about it
// where there is something to say.
type Eliza1Error struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Details   string `json:"details,omitempty"`
	Timestamp *Time  `json:"timestamp,omitempty"`
}

// Eliza1Answer wraps what a call answers.
type Eliza1Answer struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// Eliza1Agents are all agents.
type Eliza1Agents struct {
	Agents []Eliza1Summary `json:"agents"`
}

// Eliza1Summary is an agent in a list; Status is active or inactive.
type Eliza1Summary struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	CharacterName string `json:"characterName"`
	Bio           string `json:"bio"`
	Status        string `json:"status"`
}

// Eliza1Character says who an agent is. Fields that ElizaOS leaves free are as
// they were given.
type Eliza1Character struct {
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

// Eliza1Agent is an agent in full. ServerID is always null.
type Eliza1Agent struct {
	Eliza1Character
	Enabled   bool    `json:"enabled"`
	ServerID  *string `json:"server_id"`
	CreatedAt int64   `json:"createdAt"`
	UpdatedAt int64   `json:"updatedAt"`
	Status    string  `json:"status"`
}

// Eliza1Create is the body of a create: the character itself, as either of the
// first two. A path is refused.
type Eliza1Create struct {
	CharacterJSON map[string]any `json:"characterJson"`
	Agent         map[string]any `json:"agent"`
	CharacterPath *string        `json:"characterPath"`
}

// Eliza1Created is the agent that a create made or found.
type Eliza1Created struct {
	ID        string          `json:"id"`
	Character Eliza1Character `json:"character"`
}

// Eliza1Started is the answer to a start.
type Eliza1Started struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Eliza1Message is an answer that is a sentence.
type Eliza1Message struct {
	Message string `json:"message"`
}

// Eliza1Log is a line that an agent's program wrote.
type Eliza1Log struct {
	ID        string `json:"id"`
	EntityID  string `json:"entityId"`
	Type      string `json:"type"`
	Level     string `json:"level"`
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"`
	CreatedAt int64  `json:"createdAt"`
}

// Eliza1Ping is the answer to a ping.
type Eliza1Ping struct {
	Pong      bool  `json:"pong"`
	Timestamp int64 `json:"timestamp"`
}

// Eliza1Health says whether the server works; Status is OK or DEGRADED.
type Eliza1Health struct {
	Status       string            `json:"status"`
	Version      string            `json:"version"`
	Timestamp    Time              `json:"timestamp"`
	Dependencies map[string]string `json:"dependencies"`
}

// Eliza1Status counts the running agents of the caller's team.
type Eliza1Status struct {
	Status     string `json:"status"`
	AgentCount int64  `json:"agentCount"`
	Timestamp  Time   `json:"timestamp"`
}

// Eliza1Runs are runs, newest first; Total counts these.
type Eliza1Runs struct {
	Runs    []Eliza1Run `json:"runs"`
	Total   int         `json:"total"`
	HasMore bool        `json:"hasMore"`
}

// Eliza1Run is what an agent did about a message; EndedAt and DurationMS are
// null while there is no reply.
type Eliza1Run struct {
	RunID      string `json:"runId"`
	Status     string `json:"status"`
	StartedAt  int64  `json:"startedAt"`
	EndedAt    *int64 `json:"endedAt"`
	DurationMS *int64 `json:"durationMs"`
	MessageID  string `json:"messageId"`
	RoomID     string `json:"roomId"`
}

// Eliza1RunDetail is a run with what happened in it.
type Eliza1RunDetail struct {
	Summary Eliza1Run        `json:"summary"`
	Events  []Eliza1RunEvent `json:"events"`
}

// Eliza1RunEvent is one thing that happened in a run.
type Eliza1RunEvent struct {
	Type      string            `json:"type"`
	Timestamp int64             `json:"timestamp"`
	Data      map[string]string `json:"data"`
}
