package app

import (
	"sync"
	"time"
)

// bulkDesk is what this server knows of the bulks it works at, by id.
type bulkDesk struct {
	mu    sync.Mutex
	known map[string]*bulkSeen
	// instant is for tests: no pause between two agents.
	instant bool
}

type bulkSeen struct {
	busy bool
	// preparing: it is busy because its list is written down.
	preparing bool
	// at is when somebody began or ended work at it, told when its counts were
	// announced; both of App.clock.
	at, told time.Duration
	toTell   bool
	// next is when the next act may be.
	next time.Duration
}

// bulkTellEvery is how often the counts of a bulk are announced.
const bulkTellEvery = 500 * time.Millisecond

func (d *bulkDesk) of(id string) *bulkSeen {
	if d.known == nil {
		d.known = map[string]*bulkSeen{}
	}
	if d.known[id] == nil {
		d.known[id] = &bulkSeen{told: -bulkTellEvery}
	}
	return d.known[id]
}

// begin takes a bulk; false when somebody has it.
func (d *bulkDesk) begin(id string, now time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.of(id)
	if s.busy {
		return false
	}
	s.busy, s.at = true, now
	return true
}

// prepare takes a bulk whose list is written down.
func (d *bulkDesk) prepare(id string, now time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.of(id)
	s.busy, s.preparing, s.at = true, true, now
}

// soon is when to ask again for a bulk that somebody has: who wrote its list
// down gives it back at once, but after its job may begin; who works at it sees
// to the rest, which is 0.
func (d *bulkDesk) soon(id string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.known[id]; s != nil && s.busy && !s.preparing {
		return 0
	}
	return bulkTellEvery
}

// end gives a bulk back. Of one that is over nothing is known any more.
func (d *bulkDesk) end(id string, now time.Duration, over bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if over {
		delete(d.known, id)
		return
	}
	s := d.of(id)
	s.busy, s.preparing, s.at = false, false, now
}

// touch notes that a bulk has a job.
func (d *bulkDesk) touch(id string, now time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(id).at = now
}

// slot is how long the next act has to wait; take uses it up.
func (d *bulkDesk) slot(id string, now time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.instant {
		return 0
	}
	s := d.of(id)
	s.next = max(s.next, now-bulkLag)
	return s.next - now
}

func (d *bulkDesk) take(id string, every time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(id).next += every
}

// idle is for how long nobody worked at a bulk; known is false where nobody
// has in the life of this server.
func (d *bulkDesk) idle(id string, now time.Duration) (idle time.Duration, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.known[id]
	switch {
	case s == nil:
		return 0, false
	case s.busy:
		return 0, true
	}
	return now - s.at, true
}

// mayTell tells whether counts that moved may be announced now; where not,
// untold says so later.
func (d *bulkDesk) mayTell(id string, now time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.of(id)
	if s.toTell = now-s.told < bulkTellEvery; s.toTell {
		return false
	}
	s.told = now
	return true
}

// untold tells, once, that counts moved without an announcement for that long.
func (d *bulkDesk) untold(id string, now, since time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.of(id)
	if !s.toTell || now-s.told < since {
		return false
	}
	s.toTell, s.told = false, now
	return true
}
