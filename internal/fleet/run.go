package fleet

import "time"

// Runtime is what is known of an agent's program: observed, not wanted.
type Runtime struct {
	State       Observed
	LastHeardAt time.Time
	// Epoch rises by one per run; a run's writes are refused when it is not
	// the newest.
	Epoch     int64
	StartedAt time.Time // of the present run
	Restarts  int       // since the last start by a person
	// Failures counts the exits inside the kind's window since a run that
	// lived long enough to count as stable; the back-off grows with it.
	Failures  int
	NextTry   time.Time // when backoff ends
	LastError string
	// Wanted: the status asks for a program.
	Wanted bool
	// EnableAutonomy and Settings are of the start that wanted this run.
	EnableAutonomy bool
	Settings       Settings
	// Handle is the driver's name for the running program, "" when none.
	Handle string
}

// Run names one execution of an agent's program.
type Run struct {
	TeamID  TeamID
	AgentID AgentID
	Epoch   int64
}

// Command is something an agent's program is told, delivered at least once.
type Command struct {
	ID        string
	Type      string
	Body      map[string]any
	CreatedAt time.Time
}

// The command types.
const (
	CommandMessage         = "message"
	CommandVerifyCode      = "verify_code"
	CommandSettingsChanged = "settings_changed"
	CommandStop            = "stop"
)
