package api

import "encoding/json"

// Problem is the answer of /runtime/v1 to a call that failed (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

// RunSelf is what an agent's program learns of its agent.
type RunSelf struct {
	Agent          RunAgent       `json:"agent"`
	Settings       map[string]any `json:"settings"`
	EnableAutonomy bool           `json:"enableAutonomy"`
	Limits         Limits         `json:"limits"`
	WorkingHours   WorkingHours   `json:"workingHours"`
	MayWork        bool           `json:"mayWork"`
	Why            string         `json:"why"`
	AskAgainAt     Time           `json:"askAgainAt"`
	Epoch          int64          `json:"epoch"`
}

// RunAgent is the agent a program runs for.
type RunAgent struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Status      string `json:"status"`
	Country     string `json:"country"`
	Incarnation int    `json:"incarnation"`
}

// RunCommands is the inbox: each command is an object with id, type,
// createdAt and its own fields beside them. A message has messageId, text, from
// and conversation; where the conversation has begun before, history holds what
// was said so far, oldest first: objects with messageId, from, text and reply
// ("" where there is none).
type RunCommands struct {
	Commands []map[string]any `json:"commands"`
}

// RunClaim is the body that asks for tasks.
type RunClaim struct {
	Max int `json:"max"`
}

// RunTasks are tasks that may be done now; an empty list says why and when to
// ask again.
type RunTasks struct {
	Tasks      []RunTask `json:"tasks"`
	Why        string    `json:"why"`
	AskAgainAt Time      `json:"askAgainAt"`
}

// RunTask is one task for a program.
type RunTask struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
	DueAt   Time            `json:"dueAt"`
}

// RunEvents is the body that tells what a program did: each event is an
// object with id, type, at and its own fields beside them.
type RunEvents struct {
	Events []map[string]any `json:"events"`
}

// RunResults answers each event, in order.
type RunResults struct {
	Results []RunResult `json:"results"`
}

// RunResult says whether an event is stored; Duplicate is true when it was
// already.
type RunResult struct {
	ID        string `json:"id"`
	OK        bool   `json:"ok"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Error     string `json:"error,omitempty"`
}
