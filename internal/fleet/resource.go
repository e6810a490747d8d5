package fleet

import (
	"slices"
	"strings"
	"time"
)

// Resource is a row of the ledger: something held outside for an agent. The
// row exists before the thing does and outlives the agent until the outside
// confirms that the thing is gone. Its ID is part of the thing's name there.
type Resource struct {
	ID          string
	TeamID      TeamID
	AgentID     AgentID
	Incarnation int
	Type        ResourceType
	// Vendor is who keeps it: a vendor of profiles such as "gologin", VendorPool
	// for a proxy, the agent's kind for an agent that lives in another server.
	Vendor string
	State  ResourceState
	// ExternalID is the vendor's own id; "" until it is known.
	ExternalID string
	// Country is a proxy's, ISO 3166-1 alpha-2.
	Country string
	// ProxyID names a proxy's entry of the pool, Session the sticky session.
	ProxyID, Session string
	// Label names the thing for people, such as the pool entry's label; it
	// holds nothing of the agent.
	Label string
	// Tries counts the failed tries since the state began.
	Tries     int
	NextTry   time.Time // zero is: when what it waits for has happened
	LastError string    // a sentence; "" once something worked
	// AskedAt is when the outside was asked for something whose outcome is not
	// known; zero when there is nothing of the kind.
	AskedAt time.Time
	// Turn numbers the jobs of the row: only the newest may work.
	Turn int64
	// Forgotten is set when people gave the thing up.
	Forgotten  *Forgotten
	CreatedAt  time.Time
	StateAt    time.Time // since when the state holds
	HeldAt     time.Time
	ReleasedAt time.Time
	UpdatedAt  time.Time
}

// Forgotten says who gave a resource up, and why. The text is the team's, not
// the agent's.
type Forgotten struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// ResourceType is what is held outside.
type ResourceType string

// The types.
const (
	ResourceProfile ResourceType = "profile" // a browser profile
	ResourceProxy   ResourceType = "proxy"   // a place at an entry of the pool
	ResourceAgent   ResourceType = "agent"   // the agent itself, in another server
)

// VendorPool is the vendor of proxies: the team's own pool.
const VendorPool = "pool"

// Word is the type for people.
func (t ResourceType) Word() string {
	switch t {
	case ResourceProfile:
		return "browser profile"
	case ResourceAgent:
		return "agent in another server"
	}
	return string(t)
}

// ResourceState is a resource's place in the ledger.
type ResourceState string

// The states. A resource is open while something is still to be done outside.
const (
	ResourceWanted    ResourceState = "wanted"    // nobody outside was asked yet
	ResourceAcquiring ResourceState = "acquiring" // being made; may exist
	ResourceHeld      ResourceState = "held"      // exists and is the agent's
	ResourceReleasing ResourceState = "releasing" // not wanted any more; may exist
	ResourceReleased  ResourceState = "released"  // confirmed gone
	ResourceLeaked    ResourceState = "leaked"    // not wanted, and the outside refuses to let go
)

// ResourceStates returns all states, in the order of a resource's life.
func ResourceStates() []ResourceState {
	return []ResourceState{ResourceWanted, ResourceAcquiring, ResourceHeld, ResourceReleasing, ResourceReleased, ResourceLeaked}
}

// ResourceStep is what happens to a resource.
type ResourceStep string

// The steps.
const (
	StepAsk     ResourceStep = "ask"     // the outside is about to be asked for it
	StepHold    ResourceStep = "hold"    // the outside has it ready
	StepReshape ResourceStep = "reshape" // what is held has to be changed outside
	StepDrop    ResourceStep = "drop"    // the agent needs it no more
	StepGone    ResourceStep = "gone"    // the outside confirmed that it is gone
	StepRefuse  ResourceStep = "refuse"  // the outside refuses for good to let go
	StepRetry   ResourceStep = "retry"   // try again now
	StepForget  ResourceStep = "forget"  // people gave it up
)

// ResourceRule is one row of the ledger's table.
type ResourceRule struct {
	Step ResourceStep
	From []ResourceState
	To   ResourceState // "" keeps the state
}

// ResourceRules returns the only steps there are. What was wanted and never
// asked for is gone without anybody outside being asked.
func ResourceRules() []ResourceRule {
	making := []ResourceState{ResourceWanted, ResourceAcquiring}
	return []ResourceRule{
		{StepAsk, making, ResourceAcquiring},
		{StepHold, []ResourceState{ResourceAcquiring}, ResourceHeld},
		{StepReshape, []ResourceState{ResourceHeld, ResourceAcquiring}, ResourceAcquiring},
		{StepDrop, []ResourceState{ResourceWanted, ResourceAcquiring, ResourceHeld}, ResourceReleasing},
		{StepGone, []ResourceState{ResourceWanted, ResourceReleasing, ResourceLeaked}, ResourceReleased},
		{StepRefuse, []ResourceState{ResourceReleasing}, ResourceLeaked},
		{StepRetry, []ResourceState{ResourceLeaked}, ResourceReleasing},
		{StepRetry, []ResourceState{ResourceWanted, ResourceAcquiring, ResourceReleasing}, ""},
		{StepForget, []ResourceState{ResourceReleasing, ResourceLeaked}, ResourceLeaked},
	}
}

// NextResource returns the state after a step, or the same state and a conflict
// that says what is possible.
func NextResource(from ResourceState, step ResourceStep) (ResourceState, error) {
	for _, r := range ResourceRules() {
		if r.Step != step || !slices.Contains(r.From, from) {
			continue
		}
		if r.To == "" {
			return from, nil
		}
		return r.To, nil
	}
	switch step {
	case StepRetry:
		return from, Errorf(CodeConflict, "There is nothing to try again: the resource is %s", from)
	case StepForget:
		return from, Errorf(CodeConflict, "Only what is to be released can be forgotten; the resource is %s", from)
	}
	return from, Errorf(CodeConflict, "A resource that is %s cannot %s", from, step)
}

func (r Resource) making() bool { return r.State == ResourceWanted || r.State == ResourceAcquiring }

// Pending tells whether the agent has to wait for the resource. The agent in
// another server is made by its run.
func (r Resource) Pending() bool { return r.making() && r.Type != ResourceAgent }

// Live tells whether the resource is the agent's, made or on its way.
func (r Resource) Live() bool { return r.making() || r.State == ResourceHeld }

// Open tells whether something is still to be done outside.
func (r Resource) Open() bool {
	return r.making() || r.State == ResourceReleasing || r.State == ResourceLeaked && r.Forgotten == nil
}

// Stuck tells whether people should look: the last try failed or the outside
// refuses, and nobody gave it up.
func (r Resource) Stuck() bool {
	return r.Open() && (r.State == ResourceLeaked || r.LastError != "")
}

// Name is what the resource is called outside: nothing but its row's id, so
// that what is found there is provably ours and says nothing of the agent. An
// agent in another server has its own id there instead.
func (r Resource) Name() string { return ResourcePrefix + r.ID }

// ResourceOfName returns the id in a thing's outside name; ok is false for
// names that are not ours.
func ResourceOfName(name string) (id string, ok bool) {
	rest, ours := strings.CutPrefix(name, ResourcePrefix)
	id, ok = ParseID(rest)
	return id, ok && ours && id == rest
}

// ResourcePrefix begins the outside name of every resource.
const ResourcePrefix = "agentry-"

// Vendor is what is known of somebody outside who keeps resources.
type Vendor struct {
	Name, Label string // "gologin", "GoLogin"
	// StandIn: it is a local imitation, for the demo.
	StandIn bool
	State   VendorState
	Since   time.Time // of the state; zero when it was never otherwise
	Message string    // why it is not ok, a sentence
	// Checking: somebody asked for a check that is not answered yet.
	Checking bool
}

// VendorState is whether a vendor can be asked.
type VendorState string

// The states.
const (
	VendorOK      VendorState = "ok"
	VendorDown    VendorState = "down"    // it does not answer; it is asked now and then
	VendorStopped VendorState = "stopped" // it must not be asked until people have mended the access
)

// Word is the state for people, behind the vendor's name.
func (s VendorState) Word() string {
	switch s {
	case VendorDown:
		return "does not answer"
	case VendorStopped:
		return "is not asked any more"
	}
	return "answers"
}
