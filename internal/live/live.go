// Package live is the hub between what changed and who watches: streams of a
// team's events, and wake-ups for long polls. It holds nothing durable and
// reads no database; whoever lost its place reads the event table and
// subscribes again.
//
// To miss nothing, in this order: subscribe (or listen), read the database,
// then wait. Events reach a stream in the order of the Publish calls; publish
// in the order of the commits, or a reader's highest Seq will hide a lower one
// that is still to come. The numbers have no gaps: where one is left out, or
// Missed says so, another process wrote to the database, and every stream is
// dropped as lagging, so that its reader reads on in the event table.
package live

import (
	"sync"

	"agentry/internal/fleet"
)

// Buffer is how many unread events a stream holds before its reader counts as
// too slow and is dropped.
const Buffer = 64

// Hub passes events and wake-ups on. Its methods are safe for concurrent use
// and never block on a reader. Make it with New.
type Hub struct {
	mu     sync.Mutex
	closed bool
	known  bool  // seq says something
	seq    int64 // the newest number that was told
	teams  map[fleet.TeamID]map[*Subscription]struct{}
	keys   map[string]map[*listener]struct{}
}

// New returns an open hub without readers. It owns no goroutine.
func New() *Hub {
	return &Hub{
		teams: map[fleet.TeamID]map[*Subscription]struct{}{},
		keys:  map[string]map[*listener]struct{}{},
	}
}

// Subscription is one reader's stream of one team's events.
type Subscription struct {
	hub    *Hub
	team   fleet.TeamID
	events chan fleet.Event
	// ended and lagged are guarded by hub.mu.
	ended, lagged bool
}

// Subscribe opens a stream of the team's events published from now on. The
// caller must Close it. On a closed hub the stream has already ended.
func (h *Hub) Subscribe(team fleet.TeamID) *Subscription {
	s := &Subscription{hub: h, team: team, events: make(chan fleet.Event, Buffer)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		s.ended = true
		close(s.events)
		return s
	}
	if h.teams[team] == nil {
		h.teams[team] = map[*Subscription]struct{}{}
	}
	h.teams[team][s] = struct{}{}
	return s
}

// Events is the stream. It is closed, after what is still buffered, when the
// reader was too slow (Lagged), when the subscription is closed and when the
// hub is.
func (s *Subscription) Events() <-chan fleet.Event { return s.events }

// Lagged tells whether the stream was dropped because Buffer events waited
// unread, or because the hub was not told of some: events are missing after the
// last one read, and the database has them.
func (s *Subscription) Lagged() bool {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.lagged
}

// Close ends the stream. It is safe to call twice and after the hub's Close.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.end()
}

// end needs hub.mu.
func (s *Subscription) end() {
	if s.ended {
		return
	}
	s.ended = true
	close(s.events)
	readers := s.hub.teams[s.team]
	delete(readers, s)
	if len(readers) == 0 {
		delete(s.hub.teams, s.team)
	}
}

// Publish hands the events, in order, to every stream of their teams, and
// drops the streams that have no room. On a closed hub it does nothing.
func (h *Hub) Publish(events ...fleet.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if h.known && e.Seq > h.seq+1 {
			h.dropAll()
		}
		h.known, h.seq = true, max(h.seq, e.Seq)
		for s := range h.teams[e.TeamID] {
			select {
			case s.events <- e:
			default:
				s.lagged = true
				s.end()
			}
		}
	}
}

// Reached says where the event table stands, where the hub does not know it yet.
// Call it after Subscribe and before reading on from there.
func (h *Hub) Reached(seq int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.known {
		h.known, h.seq = true, seq
	}
}

// Missed says that the event table has had events up to seq for a while. Those
// that were not published in that time are another process's.
func (h *Hub) Missed(seq int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known && seq > h.seq {
		h.dropAll()
	}
	h.known, h.seq = true, max(h.seq, seq)
}

// dropAll needs mu.
func (h *Hub) dropAll() {
	for _, readers := range h.teams {
		for s := range readers {
			s.lagged = true
			s.end()
		}
	}
}

// Close ends every stream, closes every listener's channel and refuses new
// ones. It is safe to call twice.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for _, readers := range h.teams {
		for s := range readers {
			s.end()
		}
	}
	for _, listeners := range h.keys {
		for l := range listeners {
			close(l.wake)
		}
	}
	clear(h.keys)
}
