package api

// ElizaFailure is the answer of /agents to a request that failed.
type ElizaFailure struct {
	Success bool   `json:"success"`
	Error   string `json:"error"`
}

// ElizaList is a page of agents.
type ElizaList struct {
	Success bool           `json:"success"`
	Data    []ElizaSummary `json:"data"`
}

// ElizaSummary is an agent in a list; times are RFC 3339.
type ElizaSummary struct {
	AgentID   string `json:"agentId"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	Bio       string `json:"bio"`
	Enabled   bool   `json:"enabled"`
	CreatedAt Time   `json:"createdAt"`
	UpdatedAt Time   `json:"updatedAt"`
}

// ElizaOne is one agent.
type ElizaOne struct {
	Success bool       `json:"success"`
	Data    ElizaAgent `json:"data"`
}

// ElizaAgent is an agent in full. StartedAt is in milliseconds since 1970 and
// null when nothing runs; Lifecycle is the status as /v1 knows it.
type ElizaAgent struct {
	AgentID        string         `json:"agentId"`
	Name           string         `json:"name"`
	Status         string         `json:"status"`
	EnableAutonomy bool           `json:"enableAutonomy"`
	StartedAt      *int64         `json:"startedAt"`
	Settings       map[string]any `json:"settings"`
	Lifecycle      string         `json:"lifecycle"`
	Bio            string         `json:"bio"`
	Enabled        bool           `json:"enabled"`
	CreatedAt      Time           `json:"createdAt"`
	UpdatedAt      Time           `json:"updatedAt"`
}

// ElizaStarted is the answer to a start; StartedAt is in milliseconds.
type ElizaStarted struct {
	Success bool             `json:"success"`
	Message string           `json:"message"`
	Data    ElizaStartedData `json:"data"`
}

// ElizaStartedData is what a start did.
type ElizaStartedData struct {
	AgentID        string `json:"agentId"`
	Status         string `json:"status"`
	StartedAt      int64  `json:"startedAt"`
	EnableAutonomy bool   `json:"enableAutonomy"`
}

// ElizaStopped is the answer to a stop; StoppedAt is in milliseconds.
type ElizaStopped struct {
	Success bool             `json:"success"`
	Message string           `json:"message"`
	Data    ElizaStoppedData `json:"data"`
}

// ElizaStoppedData is what a stop did.
type ElizaStoppedData struct {
	AgentID   string `json:"agentId"`
	Status    string `json:"status"`
	StoppedAt int64  `json:"stoppedAt"`
}

// ElizaStop is the body of a stop. Both fields are accepted and change
// nothing: programs always stop gracefully within their kind's grace.
type ElizaStop struct {
	Graceful *bool    `json:"graceful"`
	Timeout  *float64 `json:"timeout"`
}

// ElizaMessage is the body of a message.
type ElizaMessage struct {
	Text     string `json:"text"`
	UserID   string `json:"userId"`
	UserName string `json:"userName"`
	RoomID   string `json:"roomId"`
}

// ElizaReplied is the answer to a message; Timestamp is in milliseconds.
type ElizaReplied struct {
	Success bool             `json:"success"`
	Data    ElizaRepliedData `json:"data"`
}

// ElizaRepliedData has the agent's replies, none when none came in time.
type ElizaRepliedData struct {
	MessageID      string          `json:"messageId"`
	RoomID         string          `json:"roomId"`
	AgentResponses []ElizaResponse `json:"agentResponses"`
	Timestamp      int64           `json:"timestamp"`
}

// ElizaResponse is one reply.
type ElizaResponse struct {
	Text string `json:"text"`
}
