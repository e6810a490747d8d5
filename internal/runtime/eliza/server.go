package eliza

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/runtime/protocol"
)

const (
	// atOnce is how many agents are started or stopped in one server at once,
	// talksAtOnce how many messages it works on.
	atOnce      = 8
	talksAtOnce = 16
	// strayBatch is how many running agents the app is asked about at once.
	strayBatch = 500
)

// pace is how often a server is looked at.
type pace struct {
	look    time.Duration // while agents of ours run there
	idle    time.Duration // while none does
	trouble time.Duration // while it does not answer as it should
	least   time.Duration // between two looks that somebody asked for
	retry   time.Duration // the shortest pause after a failure
	// patience is how long Start waits for the agent to be started there.
	patience time.Duration
	// wait is how long our own server may hold the answer to an empty inbox,
	// beat how long a run may say nothing while it does something else.
	wait, beat time.Duration
}

// normalPace keeps a run heard once a minute, and costs a server 60 of its
// 1,000 requests in 15 minutes.
func normalPace() pace {
	return pace{
		look: 15 * time.Second, idle: time.Minute, trouble: 5 * time.Second, least: 2 * time.Second,
		retry: 500 * time.Millisecond, patience: 5 * time.Second, wait: 25 * time.Second, beat: 20 * time.Second,
	}
}

// pause is how long to wait after the nth failure: doubling, jittered, at most
// a fitting maximum.
func (p pace) pause(n int, most time.Duration) time.Duration {
	d := min(p.retry<<min(n, 12), most)
	return d/2 + rand.N(d/2+1)
}

// view is what a server said of one agent. It is nobody's word when err is
// set: no answer is not evidence of death.
type view struct {
	asked  time.Time // the question was sent after this
	err    error
	misses int  // looks in a row without an answer
	runs   bool // the agent runs there
	exists bool
}

// server is one ElizaOS server and those of its agents that have a run here.
type server struct {
	*api
	log      *slog.Logger
	pace     pace
	unwanted func(ctx context.Context, ids []fleet.AgentID) ([]fleet.AgentID, error)
	soon     chan struct{} // holds one: look now
	control  chan struct{} // a place for each agent being started or stopped
	talk     chan struct{} // a place for each message being worked on

	mu     sync.Mutex
	runs   map[string]*run // the newest of each agent, by its id in lower case
	held   map[string]chan struct{}
	err    error // of the last look
	misses int
	// said is what each agent was last made there, so that a restart costs
	// one request.
	said map[string]character
}

func newServer(a *api, c Config) *server {
	return &server{
		api: a, log: c.Log, pace: c.pace, unwanted: c.Unwanted,
		soon: make(chan struct{}, 1), control: make(chan struct{}, atOnce), talk: make(chan struct{}, talksAtOnce),
		runs: map[string]*run{}, held: map[string]chan struct{}{}, said: map[string]character{},
	}
}

// watch looks at the server's agents until ctx ends.
func (s *server) watch(ctx context.Context) {
	for {
		s.look(ctx)
		last := time.Now()
		timer := time.NewTimer(s.every())
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.soon:
			_ = protocol.Sleep(ctx, s.pace.least-time.Since(last))
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func (s *server) every() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.pace.trouble
	case len(s.runs) == 0:
		return s.pace.idle
	}
	return s.pace.look
}

// lookSoon asks for a look before it is due, unless requests are scarce.
func (s *server) lookSoon() {
	if !s.limit.scarceUntil().IsZero() {
		return
	}
	select {
	case s.soon <- struct{}{}:
	default:
	}
}

// look makes the one call that tells of all agents, and tells each run.
func (s *server) look(ctx context.Context) {
	asked := time.Now()
	agents, err := s.list(ctx)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	if was := s.err; (was == nil) != (err == nil) || err != nil && was.Error() != err.Error() {
		s.report(err)
	}
	s.misses++
	if err == nil {
		s.misses = 0
	}
	s.err = err
	misses, runs := s.misses, maps.Clone(s.runs)
	s.mu.Unlock()
	for id, r := range runs {
		running, exists := agents[id]
		r.saw(view{asked: asked, err: err, misses: misses, runs: running, exists: exists})
	}
	if err == nil {
		s.endStrays(ctx, agents)
	}
}

func (s *server) report(err error) {
	if err != nil {
		s.log.Warn("cannot look after the agents of a server", "url", s.url, "error", err)
		return
	}
	s.log.Info("the server answers again", "url", s.url)
}

// trouble is what the last look met; nil when it worked.
func (s *server) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// endStrays stops agents of ours that run there and should not: left by a
// killed server, by a stop that was never confirmed, or started by somebody
// else. Agents that are not ours are not touched.
func (s *server) endStrays(ctx context.Context, agents map[string]bool) {
	var loose []fleet.AgentID
	s.mu.Lock()
	for id, running := range agents {
		if _, ok := fleet.ParseID(id); ok && running && s.runs[id] == nil {
			loose = append(loose, fleet.AgentID(id))
		}
	}
	s.mu.Unlock()
	slices.Sort(loose)
	for part := range slices.Chunk(loose, strayBatch) {
		ids, err := s.unwanted(ctx, part)
		if err != nil {
			s.log.Error("cannot ask which agents are wanted", "url", s.url, "error", err)
			return
		}
		for _, id := range ids {
			if err := s.endStray(ctx, string(id)); err != nil {
				s.log.Warn("cannot stop an agent that should not run", "agent_id", id, "url", s.url, "error", err)
				return // the next look tries again
			}
		}
	}
}

func (s *server) endStray(ctx context.Context, id string) error {
	release, err := s.hold(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	if s.newest(id) != nil {
		return nil
	}
	if err := s.stop(ctx, id); err != nil {
		return err
	}
	s.log.Info("stopped an agent that should not run", "agent_id", id, "url", s.url)
	return nil
}

// hold gives the right to start or stop one agent, and a place among those who
// do at once.
func (s *server) hold(ctx context.Context, id string) (release func(), err error) {
	for {
		s.mu.Lock()
		busy := s.held[id]
		if busy == nil {
			mine := make(chan struct{})
			s.held[id] = mine
			s.mu.Unlock()
			free := func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.held, id)
				close(mine)
			}
			select {
			case s.control <- struct{}{}:
				return func() { <-s.control; free() }, nil
			case <-ctx.Done():
				free()
				return nil, ctx.Err()
			}
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *server) newest(id string) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[id]
}

// add makes r the newest run of its agent, in place of one whose stop was
// never confirmed. The first run ends the long pauses between looks.
func (s *server) add(r *run) {
	s.mu.Lock()
	first := len(s.runs) == 0
	s.runs[r.id] = r
	s.mu.Unlock()
	if first {
		s.lookSoon()
	}
}

func (s *server) drop(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs[r.id] == r {
		delete(s.runs, r.id)
	}
}

// knows tells whether the agent was last made there exactly this.
func (s *server) knows(id string, c character) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.said[id]
	return ok && was.same(c)
}

// remember keeps what the agent was made; nil forgets it.
func (s *server) remember(id string, c *character) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c == nil {
		delete(s.said, id)
		return
	}
	s.said[id] = *c
}
