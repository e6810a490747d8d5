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
// agent, and a beat follows at once when all that was missed has been sent. A
// person has at most ten: the oldest gives way, which mostly is one whose page has
// gone, and hears with an event crowded that it does.
func (s *Streams) ForPage(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error) error {
	e, err := s.open(c, by, still, c.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	e.page = true
	e.gone, e.leave = s.pages.enter(by.ID)
	send(c, e)
	return nil
}

// crowd counts the streams of each person, or of each key.
type crowd struct {
	mu   sync.Mutex
	open map[string][]chan struct{}
}

func newCrowd() *crowd { return &crowd{open: map[string][]chan struct{}{}} }

// admit opens a place where fewer than most are taken.
func (w *crowd) admit(key string, most int) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.open[key]) >= most {
		return nil, false
	}
	place := make(chan struct{})
	w.open[key] = append(w.open[key], place)
	return func() { w.leave(key, place) }, true
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
