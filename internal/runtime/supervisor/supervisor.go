// Package supervisor keeps the wanted runs running: it asks the app what is
// wanted, starts and stops programs through drivers, and tells the app what it
// saw. The app decides about back-off and giving up.
//
// Each agent that wants a program, or still has one, has one goroutine that
// does everything for it in order; an agent without has nothing.
package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// App is what the supervisor asks and tells; *app.App is one.
type App interface {
	WantedRuns(ctx context.Context) ([]fleet.AgentID, error)
	KnownHandles(ctx context.Context) ([]app.RunHandle, error)
	Incarnation(ctx context.Context, id fleet.AgentID) (int, error)
	BeginRun(ctx context.Context, id fleet.AgentID) (spec app.RunSpec, wanted bool, wait time.Duration, err error)
	RunSpawned(ctx context.Context, run fleet.Run, handle string) error
	RunNotSpawned(ctx context.Context, run fleet.Run, cause error) error
	RunExited(ctx context.Context, run fleet.Run, exit app.RunExit) error
	RunWanted(ctx context.Context, run fleet.Run) (bool, error)
	RunStopping(ctx context.Context, run fleet.Run) error
	AppendLogs(ctx context.Context, run fleet.Run, lines []fleet.LogLine) error
	RunAlert(ctx context.Context, run fleet.Run, typ, subType, message string) error
	Tick(ctx context.Context) error
}

const (
	// reapTime is how long what a killed server left may take to die before
	// the wanted runs start anyway.
	reapTime = 15 * time.Second
	// spawnTime is how long a driver may take to start a program: one that
	// hangs must not hold the place of the others.
	spawnTime = time.Minute
	// killTime is how long a program has to die once Stop ran out of time.
	killTime = 2 * time.Second
	// tickEvery is how often the app may look at what time has changed.
	tickEvery = time.Second
	// recorders is how many of a killed server's runs are recorded at once.
	recorders = 32
)

// Config is what a supervisor needs.
type Config struct {
	App App
	// Drivers are the ways to run a program by the name that kinds use.
	Drivers map[string]agentruntime.Driver
	// URL is where programs reach this server.
	URL string
	// Dir holds the agents' private working folders.
	Dir string
	// Log is nil for slog.Default.
	Log *slog.Logger
	// MaxStarting is how many programs are started at once; 0 is 4.
	MaxStarting int
}

// Supervisor keeps the wanted runs running between Start and Stop.
type Supervisor struct {
	conf Config
	// ctx is for what must be told even while stopping; it ends when Stop
	// runs out of time.
	ctx      context.Context
	cancel   context.CancelFunc
	quit     chan struct{} // closed when Stop begins
	ready    chan struct{} // closed when nothing is left of a killed server
	starting chan struct{} // a place for each program being started
	logs     *logs
	work     sync.WaitGroup

	mu       sync.Mutex
	started  bool
	stopping bool
	agents   map[fleet.AgentID]*agent
}

// New makes a supervisor that does nothing yet.
func New(c Config) *Supervisor {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.MaxStarting <= 0 {
		c.MaxStarting = 4
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Supervisor{
		conf: c, ctx: ctx, cancel: cancel,
		quit: make(chan struct{}), ready: make(chan struct{}), starting: make(chan struct{}, c.MaxStarting),
		agents: map[fleet.AgentID]*agent{},
	}
	s.logs = newLogs(c.App, c.Log)
	return s
}

// Start begins, in the background, by ending what a killed server left, then
// starts the wanted runs and keeps them running. Only Stop ends that, not ctx.
func (s *Supervisor) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.stopping {
		return errors.New("supervisor: started twice or after its stop")
	}
	s.started = true
	s.work.Go(s.boot)
	s.work.Go(s.tick)
	s.work.Go(func() { s.logs.run(s.ctx, s.quit) })
	return nil
}

// Stop stops all programs within their grace times, without changing what is
// wanted, and waits for everything. When ctx ends first, the programs that are
// left are killed and ctx's error is returned.
func (s *Supervisor) Stop(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.quit)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	defer s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.cancel()
		<-done
		return ctx.Err()
	}
}

// Wake says that what is wanted of the agent's program may have changed. It
// never blocks; many calls are as good as one. Before Start it does nothing,
// because Start looks at every agent.
func (s *Supervisor) Wake(id fleet.AgentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || s.stopping {
		return
	}
	if a := s.agents[id]; a != nil {
		a.poke()
		return
	}
	a := &agent{s: s, id: id, wake: make(chan struct{}, 1)}
	s.agents[id] = a
	s.work.Go(a.loop)
}

// quitting tells whether Stop has begun. A select alone may miss it: of several
// ready cases it takes any.
func (s *Supervisor) quitting() bool {
	select {
	case <-s.quit:
		return true
	default:
		return false
	}
}

// settle forgets an agent that wants nothing, unless it was woken meanwhile.
func (s *Supervisor) settle(a *agent) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-a.wake:
		return s.stopping
	default:
		delete(s.agents, a.id)
		return true
	}
}

// boot ends what a killed server left, then wakes every agent that wants a
// program, and every one whose working folder is there, so that it goes.
func (s *Supervisor) boot() {
	var handles []app.RunHandle
	ok := s.insist("cannot read the runs of the last start", "", func(ctx context.Context) (err error) {
		handles, err = s.conf.App.KnownHandles(ctx)
		return err
	})
	if !ok {
		return
	}
	s.reap(handles)
	close(s.ready)
	var ids []fleet.AgentID
	s.insist("cannot read the wanted runs", "", func(ctx context.Context) (err error) {
		ids, err = s.conf.App.WantedRuns(ctx)
		return err
	})
	for _, id := range ids {
		s.Wake(id)
	}
	s.sweep()
}

// reap ends what is left of a killed server's programs, by every driver at
// once, and records their end.
func (s *Supervisor) reap(handles []app.RunHandle) {
	ctx, cancel := context.WithTimeout(s.ctx, reapTime)
	defer cancel()
	var wg sync.WaitGroup
	for name, driver := range s.conf.Drivers {
		var mine []string
		for _, h := range handles {
			if h.Driver == name {
				mine = append(mine, h.Handle)
			}
		}
		wg.Go(func() {
			if err := driver.Reap(ctx, mine); err != nil {
				s.conf.Log.Error("cannot end the programs of the last start", "driver", name, "error", err)
			}
		})
	}
	wg.Wait()
	places := make(chan struct{}, recorders)
	for _, h := range handles {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			s.insist("cannot record a run's end", h.Run.AgentID, func(ctx context.Context) error {
				return s.conf.App.RunExited(ctx, h.Run, app.RunExit{Text: "the server was restarted", Expected: true})
			})
		})
	}
	wg.Wait()
}

// tick lets the app look at what time has changed.
func (s *Supervisor) tick() {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	var last string
	for {
		select {
		case <-s.quit:
			return
		case <-every.C:
		}
		var now string
		if err := s.conf.App.Tick(s.ctx); err != nil {
			now = err.Error()
		}
		if now != "" && now != last {
			s.conf.Log.Error("cannot do what is due", "error", now)
		}
		last = now
	}
}

// insist repeats f, with pauses, until it works; false means that Stop ran out
// of time before.
func (s *Supervisor) insist(what string, id fleet.AgentID, f func(ctx context.Context) error) bool {
	for n := 0; ; n++ {
		err := f(s.ctx)
		if err == nil {
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		s.conf.Log.Error(what, "agent_id", id, "error", err)
		select {
		case <-s.ctx.Done():
			return false
		case <-time.After(pause(n)):
		}
	}
}

// pause is how long to wait after the nth failure to reach the app.
func pause(n int) time.Duration {
	return min(200*time.Millisecond<<min(n, 10), 30*time.Second)
}
