package api

// Resource is a row of the ledger: something held outside for an agent. At its
// vendor a profile is called "agentry-" and the row's id.
type Resource struct {
	ID          string     `json:"id"`
	AgentID     string     `json:"agentId"`
	Incarnation int        `json:"incarnation"`
	Type        string     `json:"type"`   // profile, proxy, agent
	Vendor      string     `json:"vendor"` // such as gologin; pool for proxies, the kind for agents
	State       string     `json:"state"`  // wanted, acquiring, held, releasing, released, leaked
	ExternalID  *string    `json:"externalId"`
	Country     *string    `json:"country"`
	Label       *string    `json:"label"`
	ProxyID     *string    `json:"proxyId"` // the pool's entry
	Tries       int        `json:"tries"`   // that failed since the state began
	NextTryAt   Time       `json:"nextTryAt"`
	LastError   *string    `json:"lastError"`
	Forgotten   *Forgotten `json:"forgotten"`
	// Stuck: people should look.
	Stuck      bool `json:"stuck"`
	CreatedAt  Time `json:"createdAt"`
	StateAt    Time `json:"stateAt"`
	HeldAt     Time `json:"heldAt"`
	ReleasedAt Time `json:"releasedAt"`
	UpdatedAt  Time `json:"updatedAt"`
}

// Forgotten says who gave a resource up, and why.
type Forgotten struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	At     Time   `json:"at"`
}

// Forget is the body that gives a resource up.
type Forget struct {
	Reason string `json:"reason"`
}

// Vendor is somebody outside who keeps resources, and whether it can be asked.
type Vendor struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	StandIn bool   `json:"standIn"` // a local imitation
	State   string `json:"state"`   // ok, down, stopped
	// Since is null while it never was otherwise.
	Since    Time    `json:"since"`
	Message  *string `json:"message"`  // why it is not ok
	Checking bool    `json:"checking"` // a check that was asked for is under way
}
