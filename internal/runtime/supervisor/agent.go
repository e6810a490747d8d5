package supervisor

import (
	"context"
	"fmt"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// agent does everything for one agent's program, in one goroutine.
type agent struct {
	s    *Supervisor
	id   fleet.AgentID
	wake chan struct{} // holds one
	// incarnation is the one of the last run.
	incarnation int
}

func (a *agent) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// loop returns when the agent wants no program and has none, or on Stop.
func (a *agent) loop() {
	select {
	case <-a.s.quit:
		return
	case <-a.s.ready:
	}
	failures := 0
	for {
		wait, wanted, err := a.turn()
		switch {
		case err != nil:
			a.s.conf.Log.Error("cannot begin a run", "agent_id", a.id, "error", err)
			wait = pause(failures)
			failures++
		case !wanted:
			a.clear()
			if a.s.settle(a) {
				return
			}
		default:
			failures = 0
		}
		if !a.sleep(wait) {
			return
		}
	}
}

// sleep waits for the time, a wake or Stop; false means Stop.
func (a *agent) sleep(wait time.Duration) bool {
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-a.s.quit:
		return false
	case <-a.wake:
	case <-timer.C:
	}
	return !a.s.quitting()
}

// turn begins a run when one is due and sees it to its end. wait is how long
// none is due.
func (a *agent) turn() (wait time.Duration, wanted bool, err error) {
	select {
	case <-a.s.quit:
		return 0, true, nil
	case a.s.starting <- struct{}{}:
	}
	if a.s.quitting() {
		<-a.s.starting
		return 0, true, nil
	}
	r, wait, wanted, err := a.begin()
	<-a.s.starting
	if r != nil {
		a.attend(r)
	}
	return wait, wanted, err
}

// run is a program that was started.
type run struct {
	app.RunSpec
	proc agentruntime.Process
	log  *runLog
}

// begin asks for a run and starts its program; r is nil when there is none to
// start or it could not be started.
func (a *agent) begin() (r *run, wait time.Duration, wanted bool, err error) {
	spec, wanted, wait, err := a.s.conf.App.BeginRun(a.s.ctx, a.id)
	if err != nil || !wanted || wait > 0 {
		return nil, wait, wanted, err
	}
	a.incarnation = spec.Incarnation
	if a.incarnation > 1 {
		a.clearBut(a.incarnation)
	}
	r = &run{RunSpec: spec, log: a.s.logs.of(spec.Run)}
	r.proc, err = a.spawn(r)
	if err != nil {
		cause := err
		a.s.insist("cannot record a failed start", a.id, func(ctx context.Context) error {
			return a.s.conf.App.RunNotSpawned(ctx, spec.Run, cause)
		})
		return nil, 0, true, nil
	}
	a.s.insist("cannot record a start", a.id, func(ctx context.Context) error {
		return a.s.conf.App.RunSpawned(ctx, spec.Run, r.proc.Handle())
	})
	return r, 0, true, nil
}

func (a *agent) spawn(r *run) (agentruntime.Process, error) {
	driver := a.s.conf.Drivers[r.Kind.Driver]
	if driver == nil {
		return nil, fmt.Errorf("there is no driver %q", r.Kind.Driver)
	}
	ctx, cancel := context.WithTimeout(a.s.ctx, spawnTime)
	defer cancel()
	return driver.Start(ctx, agentruntime.Spec{
		Run: r.Run, AgentName: r.AgentName, Kind: r.Kind, URL: a.s.conf.URL, Token: r.Token,
		Dir: a.folder(), Settings: r.Settings, Restart: r.Restart, Output: r.log.add,
		Alert: func(subType, message string) { a.alert(r, subType, message) },
	})
}

// alert tells people of a driver's trouble with the run.
func (a *agent) alert(r *run, subType, message string) {
	if err := a.s.conf.App.RunAlert(a.s.ctx, r.Run, r.Kind.Driver, subType, message); err != nil {
		a.s.conf.Log.Error("cannot record an alert", "agent_id", a.id, "error", err)
	}
}

// attend sees a started program to its end and records it. The end of one that
// could not be stopped in time is recorded when it comes, or left to the next
// start of the server.
func (a *agent) attend(r *run) {
	expected := a.watch(r)
	select {
	case <-r.proc.Done():
		a.ended(r, expected)
		return
	default:
	}
	a.s.conf.Log.Error("a program does not end", "agent_id", a.id, "handle", r.proc.Handle())
	a.s.work.Go(func() {
		select {
		case <-r.proc.Done():
			a.ended(r, true)
		case <-a.s.quit:
		}
	})
}

func (a *agent) ended(r *run, expected bool) {
	r.log.flush(a.s.ctx)
	if !expected {
		// A program may hear that its run is over before we do.
		wanted, err := a.s.conf.App.RunWanted(a.s.ctx, r.Run)
		expected = err == nil && !wanted
	}
	exit := app.RunExit{Text: exitText(r.proc.Exit()), Output: r.log.last(), Expected: expected}
	a.s.insist("cannot record a run's end", a.id, func(ctx context.Context) error {
		return a.s.conf.App.RunExited(ctx, r.Run, exit)
	})
}

// watch returns when the program is gone, or could not be killed in the time
// of Stop, and tells whether it was stopped.
func (a *agent) watch(r *run) (stopped bool) {
	var again <-chan time.Time
	for failures := 0; ; {
		select {
		case <-r.proc.Done():
			return false
		case <-a.s.quit:
			a.stop(r)
			return true
		case <-a.wake:
		case <-again:
		}
		wanted, err := a.s.conf.App.RunWanted(a.s.ctx, r.Run)
		switch {
		case err != nil:
			a.s.conf.Log.Error("cannot ask whether a run may go on", "agent_id", a.id, "error", err)
			again = time.After(pause(failures))
			failures++
		case !wanted:
			if err := a.s.conf.App.RunStopping(a.s.ctx, r.Run); err != nil {
				a.s.conf.Log.Warn("cannot record a stop", "agent_id", a.id, "error", err)
			}
			a.stop(r)
			return true
		default:
			again, failures = nil, 0
		}
	}
}

// stop asks the program to stop and waits until it is gone; when Stop runs out
// of time it is killed at once.
func (a *agent) stop(r *run) {
	grace := r.Kind.Grace
	if grace <= 0 {
		grace = fleet.DefaultGrace
	}
	if r.proc.Stop(a.s.ctx, grace) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), killTime)
	defer cancel()
	_ = r.proc.Stop(ctx, 0) // attend sees whether it is gone
}

// exitText is one line such as "exit 3" or "killed: more than 512 MiB of memory".
func exitText(e agentruntime.Exit) string {
	if e.Text != "" {
		return e.Text
	}
	text := e.Signal
	if text == "" {
		text = fmt.Sprintf("exit %d", e.Code)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
