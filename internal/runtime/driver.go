// Package runtime starts and stops agents' programs. A driver knows one way to
// run a program; internal/runtime/supervisor keeps the wanted ones running.
package runtime

import (
	"context"
	"time"

	"agentry/internal/fleet"
)

// Spec is what a driver needs to start one run.
type Spec struct {
	Run       fleet.Run
	AgentName string
	Kind      fleet.Kind
	// URL is where the program reaches this server.
	URL string
	// Token is the run token; it must never reach argv, and the environment
	// only when the kind says so.
	Token string
	// Dir is the run's private working folder; the driver makes it, mode 0700.
	Dir string
	// Settings are the agent's with the start's over them. Programs ask for
	// them; a driver that configures something elsewhere needs them before.
	Settings fleet.Settings
	// Restart: nobody asked for this run, it follows one that ended.
	Restart bool
	// Output takes the program's output, a line at a time without line end,
	// cleaned of control characters; it must not block for long.
	Output func(line string)
	// Alert tells people of trouble that the program cannot tell of itself; the
	// alert's type is the driver's name. An empty message takes the alert
	// back, an empty subType too all of them. It must not block for long.
	Alert func(subType, message string)
}

// Exit is how a run ended.
type Exit struct {
	Code   int    // -1 when a signal ended it
	Signal string // "" or such as "killed"
	// Reason says which limit of its kind the run met, such as "more than 512
	// MiB of memory"; "" is none.
	Reason string
	// Text says in words how it ended, where neither of the others does.
	Text string
}

// Driver runs programs in one way. All methods may be called at once for
// different runs.
type Driver interface {
	// Start begins a run and returns once the program exists. An error means
	// that nothing was left behind.
	Start(ctx context.Context, spec Spec) (Process, error)
	// Reap ends whatever is left of the runs with the given handles, and of
	// any run of this installation that no handle names, after the server was
	// killed; it returns when none is left. A driver whose Start takes over
	// what still runs may leave it, when it ends what nobody wants later.
	Reap(ctx context.Context, handles []string) error
}

// Remover is a driver that leaves something outside when an agent is deleted.
type Remover interface {
	// Remove deletes what is kept of the agent there; nil means that it is
	// gone for sure. Repeating it does no harm.
	Remove(ctx context.Context, kind fleet.Kind, id fleet.AgentID) error
}

// Process is a running program.
type Process interface {
	// Handle names the program for Reap after a restart of the server.
	Handle() string
	// Done is closed when the program and everything it started is gone.
	Done() <-chan struct{}
	// Exit is valid once Done is closed.
	Exit() Exit
	// Stop asks the program to stop, kills its whole group after the grace
	// time, and returns when it is gone or ctx is done. Safe to call twice.
	// An error means that it may still be there; Done tells when it is not.
	Stop(ctx context.Context, grace time.Duration) error
}
