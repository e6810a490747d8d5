package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// ledger is what the server has acknowledged: each agent's name and how many
// tasks it was given, and the agents that are gone.
type ledger struct {
	mu      sync.Mutex
	agents  map[string]*written
	begun   int
	acks    int
	lost    int
	refused error
	// out is nil or who keeps a profile of every fourth agent.
	out *outside
}

// written is one agent; unclear says that a change was under way when the
// server died, so that it may be there or not.
type written struct {
	name, maybe string
	tasks       int
	taskMaybe   bool
	gone        bool
	goneMaybe   bool
}

func newLedger(out *outside) *ledger { return &ledger{agents: map[string]*written{}, out: out} }

// load writes with so many clients at once until the server is gone, and
// returns in the middle of it, after so many acknowledged writes. wait waits
// for the end.
func (l *ledger) load(ctx context.Context, s *server, clients, writes int) (wait func(), err error) {
	var all sync.WaitGroup
	begun := l.acknowledged()
	for range clients {
		all.Go(func() {
			for l.write(ctx, s) == nil {
			}
		})
	}
	ok, err := within(ctx, 30*time.Second, time.Millisecond, func() (bool, error) { return l.acknowledged()-begun >= writes, l.refusal() })
	if err == nil && !ok {
		err = fmt.Errorf("only %d of %d writes in 30 s", l.acknowledged()-begun, writes)
	}
	return all.Wait, err
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

func (l *ledger) refusal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused
}

// write lets an agent live: made, renamed, given a task, every fourth time set
// up with a profile and, every third time, ended and deleted.
func (l *ledger) write(ctx context.Context, s *server) error {
	l.mu.Lock()
	l.begun++
	n := l.begun
	l.mu.Unlock()
	name := fmt.Sprint("Written ", n)
	fields := map[string]any{"name": name}
	has := l.out != nil && n%4 == 0
	if has {
		fields["kind"] = "outside"
	}
	id, err := s.create(ctx, fields)
	if err != nil {
		return l.failed(err)
	}
	w := &written{name: name}
	l.know(func() { l.agents[id] = w })
	l.note(func() { w.maybe = name + " again" })
	if err := s.call(ctx, "PUT", "/v1/agents/"+id, map[string]any{"name": name + " again"}, nil); err != nil {
		return l.failed(err)
	}
	l.know(func() { w.name, w.maybe = name+" again", "" })
	l.note(func() { w.taskMaybe = true })
	if err := s.act(ctx, id, "tasks", map[string]any{"type": "note"}); err != nil {
		return l.failed(err)
	}
	l.know(func() { w.tasks, w.taskMaybe = 1, false })
	if has {
		if err := s.act(ctx, id, "setup", account()); err != nil {
			return l.failed(err)
		}
		l.know(func() {})
	}
	if n%3 > 0 {
		return nil
	}
	if err := s.act(ctx, id, "end", nil); err != nil {
		return l.failed(err)
	}
	l.note(func() { w.goneMaybe = true })
	if has {
		l.out.letGo(id, 1)
	}
	if err := s.call(ctx, "DELETE", "/v1/agents/"+id, nil, nil); err != nil {
		return l.failed(err)
	}
	l.know(func() { w.gone = true })
	return nil
}

// failed ends a client. The server died; one that refuses is a broken row.
func (l *ledger) failed(err error) error {
	if isRefused(err) {
		l.note(func() { l.refused = err })
	}
	return err
}

func (l *ledger) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *ledger) know(f func()) {
	l.note(func() { f(); l.acks++ })
}

// check compares the server with the ledger.
func (l *ledger) check(ctx context.Context, s *server) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused != nil {
		return l.refused
	}
	names := map[string]string{}
	path := "/v1/agents?limit=200&sort=name&q=Written"
	for path != "" {
		var page []agent
		next, err := s.page(ctx, path, &page)
		if err != nil {
			return err
		}
		for _, a := range page {
			names[a.ID] = a.Name
		}
		path = next
	}
	for id, w := range l.agents {
		got, there := names[id]
		switch {
		case w.gone:
			l.miss(s, !there, "deleted agent %s is back", id)
		case !there:
			l.miss(s, w.goneMaybe, "agent %s is lost", id)
		default:
			l.miss(s, got == w.name || w.maybe != "" && got == w.maybe, "agent %s is called %q, not %q", id, got, w.name)
			var tasks []struct{ ID string }
			if err := s.call(ctx, "GET", "/v1/agents/"+id+"/tasks?limit=10", nil, &tasks); err != nil {
				return err
			}
			// Ending an agent cancels its tasks and keeps them.
			l.miss(s, len(tasks) == w.tasks || w.taskMaybe && len(tasks) == w.tasks+1, "agent %s has %d tasks, not %d", id, len(tasks), w.tasks)
		}
	}
	return nil
}

func (l *ledger) miss(s *server, ok bool, format string, args ...any) {
	if !ok {
		l.lost++
		s.t.say(format, args...)
	}
}
