package app

import (
	"sync"
	"time"

	"agentry/internal/store"
)

// jumpTolerance is how far the wall clock may drift from the time that passed
// before it counts as set: clocks are slewed all the time.
const jumpTolerance = 5 * time.Second

// clockwork compares the wall clock with the time that really passed, so that
// a wall clock that is set makes nothing too late or never late. Stored
// instants are of the wall clock; how long ago they are is asked here.
type clockwork struct {
	elapsed func() time.Duration

	mu       sync.Mutex
	wall     time.Time     // at the last look
	at       time.Duration // elapsed then
	jumped   bool
	jumpedAt time.Duration
	forgotAt time.Duration
	forgot   bool
}

// look notes the wall clock and tells how far it was set since the last look;
// 0 is not at all.
func (c *clockwork) look(now time.Time) (jump time.Duration) {
	at := c.elapsed()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wall.IsZero() {
		jump = now.Sub(c.wall) - (at - c.at)
	}
	c.wall, c.at = now, at
	if jump.Abs() <= jumpTolerance {
		return 0
	}
	c.jumped, c.jumpedAt = true, at
	return jump
}

// late says which stored instants are longer ago than the limit. Nothing is
// while the clock was set within the limit: what was noted before says little
// then, and everything gets its full time again. An instant in the future is
// of a clock that was set back; it is late when the server has run that long.
// A clock set back by less than the limit makes things late by that much later.
func (c *clockwork) late(now time.Time, limit time.Duration) (l store.Late) {
	at := c.elapsed()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jumped && at-c.jumpedAt < limit {
		return store.Late{}
	}
	l.Before = now.Add(-limit)
	if at >= limit {
		l.After = now.Add(jumpTolerance)
	}
	return l
}

// unheard is late for what only a server that runs can hear: nothing is before
// this one has run as long as the limit.
func (c *clockwork) unheard(now time.Time, limit time.Duration) store.Late {
	if c.elapsed() < limit {
		return store.Late{}
	}
	return c.late(now, limit)
}

// due tells, at most once in the period, that it is time to forget old things.
func (c *clockwork) due(every time.Duration) bool {
	at := c.elapsed()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgot && at-c.forgotAt < every {
		return false
	}
	c.forgot, c.forgotAt = true, at
	return true
}
