package brain

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"agentry/internal/brain/llm"
)

// gate lets calls to the endpoint through: a few at once while it works, one
// at a time with growing pauses between them while it does not.
type gate struct {
	most  int // calls at once
	waits waits

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when somebody may be let in
	inside   int
	failures int // in a row
	until    time.Time
	counted  time.Time // when the last failure was counted
}

// waits are the bounds of the pauses: passing for trouble that may be over
// soon, lasting for what somebody has to mend.
type waits struct {
	passing, lasting [2]time.Duration
	// asked is the longest pause that an endpoint may ask for.
	asked time.Duration
}

func normalWaits() waits {
	return waits{
		passing: [2]time.Duration{time.Second, time.Minute},
		lasting: [2]time.Duration{time.Minute, 15 * time.Minute},
		asked:   time.Hour,
	}
}

// after is the pause after the nth failure in a row, from 1, with t.
func (w waits) after(n int, t *llm.Trouble) time.Duration {
	bounds := w.lasting
	if t.Kind.Passing() {
		bounds = w.passing
	}
	pause := min(bounds[0]<<min(n-1, 10), bounds[1])
	pause = pause/2 + rand.N(pause/2+1)
	return max(pause, min(t.After, w.asked))
}

func newGate(most int, w waits) *gate {
	return &gate{most: most, waits: w, changed: make(chan struct{})}
}

// enter waits until a call may be made; leave has to follow.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		changed, now := g.changed, time.Now()
		wait := g.until.Sub(now)
		most := g.most
		if g.failures > 0 {
			most = 1
		}
		if wait <= 0 && g.inside < most {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		if err := sleepOr(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// leave says how a call that began at the time went. It returns how many
// failed in a row now; 0 is that the failure was known already, or none.
func (g *gate) leave(began time.Time, err error) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	defer g.wake()
	var t *llm.Trouble
	switch {
	case errors.As(err, &t) && !t.Kind.OfMessage():
	case errors.Is(err, context.Canceled):
		return 0
	default:
		g.failures, g.until = 0, time.Time{}
		return 0
	}
	if g.failures > 0 && began.Before(g.counted) {
		// Calls that failed together are one failure.
		g.until = later(g.until, time.Now().Add(min(t.After, g.waits.asked)))
		return 0
	}
	g.failures++
	g.counted = time.Now()
	g.until = g.counted.Add(g.waits.after(g.failures, t))
	return g.failures
}

// hurry ends a pause: something was changed.
func (g *gate) hurry() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
	g.wake()
}

// wake is called with the lock held.
func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleepOr waits for the time, where it is positive, or the channel.
func sleepOr(ctx context.Context, d time.Duration, woken <-chan struct{}) error {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-due:
	case <-woken:
	}
	return nil
}
