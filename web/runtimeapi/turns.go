package runtimeapi

import (
	"context"
	"sync"

	"agentry/internal/fleet"
)

// maxWaiting is how many calls of one agent's programs may wait for their turn.
const maxWaiting = 64

// turns lets each agent's programs tell one call after another, so that one
// with many connections does not crowd out everybody else's writes.
type turns struct {
	mu sync.Mutex
	of map[fleet.AgentID]*turn
}

type turn struct {
	slot    chan struct{} // full while a call is at work
	callers int
}

func newTurns() *turns { return &turns{of: map[fleet.AgentID]*turn{}} }

// take waits for the agent's turn; done gives it on. It fails when too many
// wait already, or when ctx ends.
func (t *turns) take(ctx context.Context, id fleet.AgentID) (done func(), err error) {
	t.mu.Lock()
	x := t.of[id]
	if x == nil {
		x = &turn{slot: make(chan struct{}, 1)}
		t.of[id] = x
	}
	if x.callers > maxWaiting {
		t.mu.Unlock()
		return nil, fleet.Errorf(fleet.CodeRateLimited, "Too many calls at once: tell events in one call after another, up to %d in each", maxEvents)
	}
	x.callers++
	t.mu.Unlock()
	select {
	case x.slot <- struct{}{}:
		return func() { <-x.slot; t.leave(id, x) }, nil
	case <-ctx.Done():
		t.leave(id, x)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(id fleet.AgentID, x *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.callers--; x.callers == 0 {
		delete(t.of, id)
	}
}
