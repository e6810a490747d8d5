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
	// Output takes the program's output, a line at a time without line end,
	// cleaned of control characters; it must not block for long.
	Output func(line string)
}

// Exit is how a run ended.
type Exit struct {
	Code   int    // -1 when a signal ended it
	Signal string // "" or such as "killed"
	// Reason says which limit of its kind the run met, such as "more than 512
	// MiB of memory"; "" is none.
	Reason string
}

// Driver runs programs in one way. All methods may be called at once for
// different runs.
type Driver interface {
	// Start begins a run and returns once the program exists. An error means
	// that nothing was left behind.
	Start(ctx context.Context, spec Spec) (Process, error)
	// Reap ends whatever is left of the runs with the given handles, and of
	// any run of this installation that no handle names, after the server was
	// killed; it returns when none is left.
	Reap(ctx context.Context, handles []string) error
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
	Stop(ctx context.Context, grace time.Duration) error
}
