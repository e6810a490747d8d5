package fleet

import "time"

// Removal is an agent that was deleted here and is still to be deleted where
// its kind's driver keeps agents. It is recorded with the deletion and stays
// until the other side confirms.
type Removal struct {
	TeamID  TeamID
	AgentID AgentID
	// Kind is the name of the agent's kind.
	Kind      string
	CreatedAt time.Time
	Tries     int
	NextTry   time.Time
	LastError string // of the last try, a sentence
}
