package eliza

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/protocol"
)

// mostPause bounds the pause between tries to start or stop an agent.
const mostPause = 15 * time.Second

// run is one run of an agent that lives in the server.
type run struct {
	spec   agentruntime.Spec
	id     string // the agent's, in lower case
	server *server
	client *protocol.Client
	// life ends when the run is told to stop; home when the driver is closed.
	life, home context.Context
	end        context.CancelFunc
	// track runs something that the driver waits for when it closes.
	track    func(f func())
	begun    chan error    // holds one: how the start went
	idle     chan struct{} // closed when nothing is done for the run but to stop it
	done     chan struct{}
	stopping sync.Once
	exiting  sync.Once
	exit     agentruntime.Exit // valid once done is closed

	mu       sync.Mutex
	known    view
	changed  chan struct{}      // holds one: known is new
	poll     context.CancelFunc // cuts the wait for something to do short
	since    time.Time          // the agent was started there before
	troubles map[string]bool    // that people were told of
	said     character
}

// Handle implements runtime.Process.
func (r *run) Handle() string {
	return fmt.Sprintf("elizaos:%s:%s:%d", r.spec.Kind.Name, r.id, r.spec.Run.Epoch)
}

// Done implements runtime.Process.
func (r *run) Done() <-chan struct{} { return r.done }

// Exit implements runtime.Process.
func (r *run) Exit() agentruntime.Exit {
	<-r.done
	return r.exit
}

func (r *run) over(e agentruntime.Exit) {
	r.exiting.Do(func() {
		r.server.drop(r)
		r.exit = e
		close(r.done)
	})
}

// Stop implements runtime.Process. An agent is not killed there: when the
// server does not confirm the stop within the grace time, Stop says so, and the
// stop is repeated until it is confirmed.
func (r *run) Stop(ctx context.Context, grace time.Duration) error {
	r.stopping.Do(func() {
		r.end()
		r.track(r.finish)
	})
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-r.done:
		return nil
	default:
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errors.New("the ElizaOS server did not confirm the stop in time")
	}
}

// finish stops the agent there, however long the server is away.
func (r *run) finish() {
	<-r.idle
	for n := 0; ; n++ {
		err := r.stopThere()
		switch {
		case err == nil:
			r.over(agentruntime.Exit{})
			return
		case r.home.Err() != nil:
			return // nobody knows: it is not said to be over
		case n == 0:
			r.say("cannot stop the agent; trying again: " + err.Error())
		}
		select {
		case <-r.done:
			return
		case <-r.home.Done():
			return
		case <-time.After(r.server.pace.pause(n, mostPause)):
		}
	}
}

// stopThere does nothing when a newer run has the agent.
func (r *run) stopThere() error {
	release, err := r.server.hold(r.home, r.id)
	if err != nil {
		return err
	}
	defer release()
	if newest := r.server.newest(r.id); newest != nil && newest != r {
		return nil
	}
	return r.server.stop(r.home, r.id)
}

// live starts the agent and bridges its messages until it is told to stop, the
// agent is seen not to run, or the start failed.
func (r *run) live() {
	defer close(r.idle)
	if err := r.begin(); err != nil {
		r.tellBegun(err)
		if r.life.Err() == nil {
			r.over(agentruntime.Exit{Code: 1, Text: err.Error()})
		}
		return
	}
	r.tellBegun(nil)
	r.say("runs in the ElizaOS server at " + r.server.url)
	r.clearTroubles()
	b := bridge{run: r, sessions: newSessions(), replies: map[string]*progress{}, handled: map[string]bool{}}
	if err := b.loop(r.life); err != nil && r.life.Err() == nil {
		r.over(agentruntime.Exit{Code: 1, Text: err.Error()})
	}
}

// begin makes the agent there what it is here and starts it. While the server
// as a whole is in trouble, a run that nobody waits for tries again.
func (r *run) begin() error {
	for n := 0; ; n++ {
		err := r.startThere()
		if err == nil || r.life.Err() != nil || !r.spec.Restart || !serverWide(err) {
			return err
		}
		if n == 0 {
			r.say(err.Error())
			r.tellBegun(nil) // it is under way
		}
		if n > 0 || !is(err, unreachable) {
			r.tellTrouble(err)
		}
		if err := protocol.Sleep(r.life, r.server.pace.pause(n, mostPause)); err != nil {
			return err
		}
	}
}

// tellBegun answers Start; only the first answer counts.
func (r *run) tellBegun(err error) {
	select {
	case r.begun <- err:
	default:
	}
}

func (r *run) startThere() error {
	release, err := r.server.hold(r.life, r.id)
	if err != nil {
		return err
	}
	defer release()
	if !r.server.knows(r.id, r.said) {
		if err := r.configureThere(r.said); err != nil {
			return err
		}
	}
	err = r.server.start(r.life, r.id)
	if hasCode(err, "NOT_FOUND") { // somebody deleted it there
		if err = r.configureThere(r.said); err == nil {
			err = r.server.start(r.life, r.id)
		}
	}
	if err == nil {
		r.mu.Lock()
		r.since = time.Now()
		r.mu.Unlock()
	}
	return err
}

func (r *run) configureThere(c character) error {
	r.server.remember(r.id, nil)
	err := r.server.configure(r.life, r.id, c)
	if err == nil {
		r.server.remember(r.id, &c)
	}
	return err
}

// serverWide tells whether a failure is about the server, not about the agent.
func serverWide(err error) bool {
	return is(err, unreachable) || is(err, unauthorized) || is(err, limited)
}

// saw takes what a look found; what was asked before the agent was started
// says nothing.
func (r *run) saw(v view) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() || v.asked.Before(r.since) {
		return
	}
	r.known = v
	select {
	case r.changed <- struct{}{}:
	default:
	}
	if r.poll != nil && (v.err != nil || !v.runs) {
		r.poll()
	}
}

func (r *run) view() view {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known.asked.IsZero() {
		return view{asked: r.since, runs: true, exists: true} // it was just started
	}
	return r.known
}

// polling gives a context that ends when the agent is seen not to answer.
func (r *run) polling(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.poll = cancel
	return ctx, cancel
}

// The alerts about a server, by what is wrong.
const (
	alertUnreachable  = "unreachable"
	alertUnauthorized = "unauthorized"
	alertLimited      = "rate_limited"
	alertModel        = "no_answer"
	alertMessage      = "message_refused"
)

// tellTrouble raises the alert about a server's trouble, once.
func (r *run) tellTrouble(err error) {
	switch {
	case is(err, unreachable):
		r.alert(alertUnreachable, err.Error())
	case is(err, unauthorized):
		r.alert(alertUnauthorized, err.Error())
	case is(err, limited):
		r.alert(alertLimited, err.Error())
	}
}

// alert raises an alert once, or with an empty message takes it back.
func (r *run) alert(subType, message string) {
	r.mu.Lock()
	same := r.troubles[subType] == (message != "")
	r.troubles[subType] = message != ""
	r.mu.Unlock()
	if !same && r.spec.Alert != nil {
		r.spec.Alert(subType, message)
	}
}

// clearTroubles takes back whatever former runs may have raised.
func (r *run) clearTroubles() {
	r.mu.Lock()
	clear(r.troubles)
	r.mu.Unlock()
	if r.spec.Alert != nil {
		r.spec.Alert("", "")
	}
}

// say writes a line into the agent's log.
func (r *run) say(line string) {
	if r.spec.Output != nil {
		r.spec.Output(strings.ToValidUTF8(line, "�"))
	}
}
