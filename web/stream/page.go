package stream

import (
	"context"
	"sync"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// maxPages is how many streams of pages a person may have open.
const maxPages = 10

// ForPage is Events in the words of the pages' script: every event is named
// agent and has its number in its data too, and the number to go on after may
// stand in the address as last. A person has at most ten: the oldest gives way,
// which mostly is one whose page has gone.
func (s *Streams) ForPage(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error) error {
	after := c.Get("Last-Event-ID")
	if last := string(c.Context().QueryArgs().Peek("last")); last != "" && after == "" {
		after = last
	}
	e, err := s.open(c, by, still, after)
	if err != nil {
		return err
	}
	e.page = true
	e.gone, e.leave = s.pages.enter(by.ID)
	send(c, e)
	return nil
}

// crowd counts the streams of each person.
type crowd struct {
	mu   sync.Mutex
	open map[string][]chan struct{}
}

// enter opens a place; gone is closed when it has to be given up, and leave
// gives it up.
func (w *crowd) enter(person string) (gone <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	place := make(chan struct{})
	places := append(w.open[person], place)
	if len(places) > maxPages {
		close(places[0])
		places = places[1:]
	}
	w.open[person] = places
	return place, func() { w.leave(person, place) }
}

func (w *crowd) leave(person string, place chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []chan struct{}
	for _, other := range w.open[person] {
		if other != place {
			left = append(left, other)
		}
	}
	if w.open[person] = left; len(left) == 0 {
		delete(w.open, person)
	}
}
