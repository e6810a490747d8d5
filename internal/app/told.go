package app

import (
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// toldStep is how many of an agent's events are forgotten at a time.
	toldStep = 5_000
	// toldKept is how many of an agent's last events are known again at least;
	// a program that tells more within a day is either mistaken or hostile, and
	// must not fill the disk.
	toldKept = 50_000
)

// told counts the event ids that are kept of each agent since the start.
type told struct {
	step, kept int
	mu         sync.Mutex
	of         map[fleet.AgentID]*toldIDs
}

// toldIDs are an agent's: how many came since the last mark, and when each
// step was full, oldest first.
type toldIDs struct {
	n     int
	marks []time.Time
}

func newTold() *told {
	return &told{step: toldStep, kept: toldKept, of: map[fleet.AgentID]*toldIDs{}}
}

// add counts n more ids. When there are too many, those told up to before have
// to go.
func (t *told) add(id fleet.AgentID, n int, now time.Time) (before time.Time, due bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := t.of[id]
	if ids == nil {
		ids = &toldIDs{}
		t.of[id] = ids
	}
	if ids.n += n; ids.n < t.step {
		return time.Time{}, false
	}
	ids.n = 0
	if k := len(ids.marks); k > 0 && now.Before(ids.marks[k-1]) {
		ids.marks = nil // the clock was set back: the marks tell old from new no more
	}
	ids.marks = append(ids.marks, now)
	if len(ids.marks) <= t.kept/t.step {
		return time.Time{}, false
	}
	before, ids.marks = ids.marks[0], ids.marks[1:]
	return before, true
}

// forgetTold keeps an agent's event ids within their bound after n more.
func (a *App) forgetTold(tx *store.Tx, id fleet.AgentID, n int, now time.Time) error {
	before, due := a.told.add(id, n, now)
	if !due {
		return nil
	}
	return tx.ForgetRunEventsUpTo(id, before)
}
