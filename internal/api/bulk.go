package api

// StartBulk is the body that asks for one act on many agents: those of IDs, or
// those that pass Filter.
type StartBulk struct {
	Action            string      `json:"action"` // start, pause, resume, end, relaunch, delete, tag
	IDs               []string    `json:"ids"`
	Filter            *BulkFilter `json:"filter"`
	Reason            string      `json:"reason"`
	AddTags           []string    `json:"addTags"`
	RemoveTags        []string    `json:"removeTags"`
	PerMinute         int         `json:"perMinute"`
	Canary            int         `json:"canary"`
	StopAfterFailures int         `json:"stopAfterFailures"`
	// Confirm and Expect, where they are sent, must be the plan's.
	Confirm *string     `json:"confirm"`
	Expect  *BulkCounts `json:"expect"`
	// DryRun answers the plan and changes nothing.
	DryRun bool `json:"dryRun"`
}

// BulkFilter finds agents as the list of agents does; {} finds all.
type BulkFilter struct {
	Status  string `json:"status"` // a comma list, or attention
	Q       string `json:"q"`
	Tag     string `json:"tag"`
	Country string `json:"country"`
	Kind    string `json:"kind"`
	Alerts  string `json:"alerts"` // open
	Sort    string `json:"sort"`
}

// BulkCounts are what a plan is bound by.
type BulkCounts struct {
	Total int `json:"total"`
	Will  int `json:"will"`
}

// RetryBulk is the body that retries what failed; without a reason with that of
// the bulk.
type RetryBulk struct {
	Reason  *string     `json:"reason"`
	Confirm *string     `json:"confirm"`
	Expect  *BulkCounts `json:"expect"`
}

// BulkStarted is the answer to a bulk that begins.
type BulkStarted struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Total int    `json:"total"`
	URL   string `json:"url"`
}

// BulkPlan is what a bulk would do.
type BulkPlan struct {
	Action string     `json:"action"`
	Total  int        `json:"total"`
	Will   int        `json:"will"`
	Skips  []BulkSkip `json:"skips"`
	// Confirm is what a delete may be bound to; null for the others.
	Confirm *string `json:"confirm"`
}

// BulkSkip counts the agents that are skipped for one reason, and names some.
type BulkSkip struct {
	Error   string   `json:"error"`
	Message string   `json:"message"`
	Count   int      `json:"count"`
	Names   []string `json:"names"`
}

// Bulk is one act on many agents, and how far it is.
type Bulk struct {
	ID                string   `json:"id"`
	Action            string   `json:"action"`
	State             string   `json:"state"` // preparing, running, stopping, done, stopped
	Why               *string  `json:"why"`   // it stopped
	By                string   `json:"by"`
	ByKind            string   `json:"byKind"`
	Reason            *string  `json:"reason"`
	AddTags           []string `json:"addTags"`
	RemoveTags        []string `json:"removeTags"`
	PerMinute         int      `json:"perMinute"`
	Canary            int      `json:"canary"`
	StopAfterFailures int      `json:"stopAfterFailures"`
	Total             int      `json:"total"`
	Done              int      `json:"done"`
	Failed            int      `json:"failed"`
	Skipped           int      `json:"skipped"`
	Left              int      `json:"left"`
	// Partial: it is over and has not done all that it was to do.
	Partial   bool    `json:"partial"`
	RetryOf   *string `json:"retryOf"`
	StoppedBy *string `json:"stoppedBy"`
	CreatedAt Time    `json:"createdAt"`
	StartedAt Time    `json:"startedAt"`
	EndedAt   Time    `json:"endedAt"`
}

// BulkItem is one agent of a bulk. Name is null when the agent is gone.
type BulkItem struct {
	N       int     `json:"n"`
	AgentID string  `json:"agentId"`
	Name    *string `json:"name"`
	Outcome string  `json:"outcome"` // pending, done, failed, skipped
	Error   *string `json:"error"`
	Message *string `json:"message"`
	At      Time    `json:"at"`
}
