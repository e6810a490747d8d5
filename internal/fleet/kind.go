package fleet

import (
	"slices"
	"time"
)

// Need says whether a kind's setup takes an outside thing.
type Need string

// The needs.
const (
	NeedNone     Need = ""
	NeedOptional Need = "optional"
	NeedRequired Need = "required"
)

// Kind is what program an agent runs and what its setup asks for. Kinds are
// defined by the host in the configuration file, never through the web: a
// command line from a web form would be remote code execution.
type Kind struct {
	Name string
	// Driver is "process" or "elizaos".
	Driver string
	// Command is the program and its arguments; "@agentry" as the first
	// element is the running binary.
	Command []string
	// Env is added to the program's otherwise minimal environment.
	Env map[string]string
	// Setup names the fields that setup asks for: login, password, country.
	Setup []string
	// Profile and Proxy say whether setup takes a browser profile and a proxy.
	Profile, Proxy Need
	// TokenInEnv passes the run token as AGENTRY_RUN_TOKEN instead of on
	// file descriptor 3.
	TokenInEnv bool
	Restart    Restart
	// Grace is how long a told program may take to stop before it is killed.
	Grace  time.Duration
	Limits ProgramLimits
	// URL and APIKeyFile are for the elizaos driver.
	URL, APIKeyFile string
}

// Restart is a kind's rule for programs that end by themselves.
type Restart struct {
	// BackoffMin and BackoffMax bound the jittered, doubling wait.
	BackoffMin, BackoffMax time.Duration
	// GiveUpAfter exits within Within end the agent with crash_loop.
	GiveUpAfter int
	Within      time.Duration
}

// ProgramLimits bound a run of a kind's program; 0 is no limit.
type ProgramLimits struct {
	// MemoryBytes bounds what all processes of a run have together.
	MemoryBytes int64
	// Pids bounds processes and threads.
	Pids int
	// OutputBytesPerMinute bounds what is kept of the program's output.
	OutputBytesPerMinute int64
}

// DefaultPids is enough for a browser, and a fork bomb does not get far.
const DefaultPids = 1024

// DefaultRestart and the other defaults hold where a kind says nothing.
func DefaultRestart() Restart {
	return Restart{BackoffMin: time.Second, BackoffMax: time.Minute, GiveUpAfter: 5, Within: 10 * time.Minute}
}

// DefaultGrace is how long a program may take to stop where its kind says nothing.
const DefaultGrace = 10 * time.Second

// The drivers: programs on this machine, and agents in an ElizaOS server.
const (
	DriverProcess = "process"
	DriverElizaOS = "elizaos"
)

// KeepsAgents tells whether a driver's agents also exist elsewhere, so that a
// deletion here has to follow there.
func KeepsAgents(driver string) bool { return driver == DriverElizaOS }

// NeedsSetup tells whether an agent of this kind has to be set up before it runs.
func (k Kind) NeedsSetup() bool { return len(k.Setup) > 0 }

// Asks tells whether setup asks for the field.
func (k Kind) Asks(field string) bool { return slices.Contains(k.Setup, field) }

// SetupFields are the field names that a kind's setup may ask for.
func SetupFields() []string { return []string{"login", "password", "country"} }
