// Package fake is a runtime driver for tests: its programs are Go functions.
// It records what it is asked and fails when told to.
package fake

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	agentruntime "agentry/internal/runtime"
)

// Program is what a run does. It should return soon after term is closed; it
// must return once kill is.
type Program func(spec agentruntime.Spec, term, kill <-chan struct{}) agentruntime.Exit

// Idle is a program that does nothing until told to stop.
func Idle(_ agentruntime.Spec, term, kill <-chan struct{}) agentruntime.Exit {
	select {
	case <-term:
		return agentruntime.Exit{}
	case <-kill:
		return Killed()
	}
}

// Deaf is a program that has to be killed.
func Deaf(_ agentruntime.Spec, _, kill <-chan struct{}) agentruntime.Exit {
	<-kill
	return Killed()
}

// Exits is a program that writes the lines and exits with the code at once.
func Exits(code int, lines ...string) Program {
	return func(spec agentruntime.Spec, _, _ <-chan struct{}) agentruntime.Exit {
		for _, line := range lines {
			spec.Output(line)
		}
		return agentruntime.Exit{Code: code}
	}
}

// Killed is the exit of a killed program.
func Killed() agentruntime.Exit { return agentruntime.Exit{Code: -1, Signal: "killed"} }

// Driver runs programs as goroutines; each ends before its Done is closed.
type Driver struct {
	mu      sync.Mutex
	program Program
	failing error
	started []agentruntime.Spec
	reaped  [][]string
	live    map[*Process]bool
	most    int
}

var _ agentruntime.Driver = (*Driver)(nil)

// New makes a driver that runs the program; nil is Idle.
func New(p Program) *Driver {
	if p == nil {
		p = Idle
	}
	return &Driver{program: p, live: map[*Process]bool{}}
}

// Use sets the program of the runs to come.
func (d *Driver) Use(p Program) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.program = p
}

// Fail makes every Start fail with the error; nil lets them work again.
func (d *Driver) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = err
}

// Started returns what was started, in order, failures included.
func (d *Driver) Started() []agentruntime.Spec {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.started)
}

// Reaped returns the handles of each Reap.
func (d *Driver) Reaped() [][]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reaped)
}

// Live returns how many programs run.
func (d *Driver) Live() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.live)
}

// Most returns how many programs ran at once at most.
func (d *Driver) Most() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most
}

// Start implements runtime.Driver.
func (d *Driver) Start(ctx context.Context, spec agentruntime.Spec) (agentruntime.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if spec.Output == nil {
		spec.Output = func(string) {}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started = append(d.started, spec)
	if d.failing != nil {
		return nil, d.failing
	}
	p := &Process{
		spec: spec, term: make(chan struct{}), kill: make(chan struct{}), done: make(chan struct{}),
	}
	d.live[p] = true
	d.most = max(d.most, len(d.live))
	go p.run(d, d.program)
	return p, nil
}

// Reap implements runtime.Driver: it records the handles. The programs of this
// driver are no leftovers.
func (d *Driver) Reap(ctx context.Context, handles []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reaped = append(d.reaped, slices.Clone(handles))
	return ctx.Err()
}

// Process is a run of a fake program.
type Process struct {
	spec             agentruntime.Spec
	term, kill, done chan struct{}
	termOnce         sync.Once
	killOnce         sync.Once
	exit             agentruntime.Exit // valid once done is closed
}

func (p *Process) run(d *Driver, program Program) {
	p.exit = program(p.spec, p.term, p.kill)
	d.mu.Lock()
	delete(d.live, p)
	d.mu.Unlock()
	close(p.done)
}

// Handle implements runtime.Process.
func (p *Process) Handle() string {
	return fmt.Sprintf("fake:%s:%d", p.spec.Run.AgentID, p.spec.Run.Epoch)
}

// Done implements runtime.Process.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit implements runtime.Process.
func (p *Process) Exit() agentruntime.Exit {
	<-p.done
	return p.exit
}

// Stop implements runtime.Process.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	p.termOnce.Do(func() { close(p.term) })
	kill := time.AfterFunc(grace, func() { p.killOnce.Do(func() { close(p.kill) }) })
	select {
	case <-p.done:
		kill.Stop()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
