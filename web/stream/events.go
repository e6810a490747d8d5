package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/fleet"
	"agentry/internal/live"
)

const (
	// replayPage is how many stored events are read at once.
	replayPage = 200
	// readTime bounds each look into the database.
	readTime = 5 * time.Second
)

// maxKey is how many streams an API key may have open.
const maxKey = 100

// Events answers with the team's events as a stream (text/event-stream): first
// those after Last-Event-ID, from the database, then new ones as they come. A
// beat, an event of that name, shows that the stream lives; a reset says that
// some of those asked for are not kept any more, or are of another history. The
// stream ends when a write fails, when the server stops, and when still, asked at
// each beat and whenever keys, members or sessions change, says that the caller may
// not go on. Who has a hundred open gets a rate-limit error.
func (s *Streams) Events(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error) error {
	leave, ok := s.keys.admit(by.ID, maxKey)
	if !ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(max(1, int(s.beat/time.Second))))
		return fleet.Errorf(fleet.CodeRateLimited, "This key has %d streams of events open, which is the most: close one first", maxKey)
	}
	e, err := s.open(c, by, still, c.Get("Last-Event-ID"))
	if err != nil {
		leave()
		return err
	}
	e.leave = leave
	send(c, e)
	return nil
}

// open begins a stream behind the place that text is; "" is now.
func (s *Streams) open(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error, text string) (*events, error) {
	after, ok := fleet.ParseEventMark(text)
	if text != "" && !ok {
		return nil, fleet.Invalid("Last-Event-ID", "must be the id of an event of this stream")
	}
	// Subscribed before the database is read, so that nothing falls between.
	sub := s.app.Subscribe(by)
	newest, err := s.app.LastEvent(c.UserContext(), by)
	if err != nil {
		sub.Close()
		return nil, err
	}
	if text == "" {
		after = newest
	}
	e := &events{streams: s, by: by, still: still, sub: sub, last: after, replay: true, ticker: time.NewTicker(s.beat), leave: func() {}}
	e.buf.WriteString("retry: 2000\n\n")
	return e, nil
}

// send makes the stream the answer's body.
func send(c *fiber.Ctx, e *events) {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store, no-transform")
	c.Set("X-Accel-Buffering", "no")
	c.Context().Response.ImmediateHeaderFlush = true
	c.Context().SetBodyStream(e, -1)
}

// events is the body of one stream. Its reader is the connection's goroutine.
type events struct {
	streams *Streams
	by      fleet.Actor
	still   func(context.Context) error
	sub     *live.Subscription
	last    fleet.EventMark // the newest event sent
	replay  bool            // the database has, or may have, more after last
	over    bool            // ends with what is in buf
	ticker  *time.Ticker
	buf     bytes.Buffer
	page    bool            // in the words of the pages' script
	gone    <-chan struct{} // closed when the stream has to end; nil is never
	leave   func()
}

// Read waits until there is something to send.
func (e *events) Read(p []byte) (int, error) {
	for e.buf.Len() == 0 {
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
	return e.buf.Read(p)
}

func (e *events) fill() error {
	if e.over {
		return io.EOF
	}
	if e.replay {
		return e.readOn()
	}
	select {
	case <-e.streams.ending.Done():
		return io.EOF
	case <-e.gone:
		e.over = true
		e.buf.WriteString("event: crowded\ndata: {}\n\n")
		return nil
	case <-e.ticker.C:
		e.beat()
		return e.check()
	case event, open := <-e.sub.Events():
		if !open {
			return e.again()
		}
		return e.send(event)
	}
}

func (e *events) beat() { e.buf.WriteString("event: beat\ndata: {}\n\n") }

// again goes back to the database when the stream was too slow for the hub.
func (e *events) again() error {
	if !e.sub.Lagged() {
		return io.EOF
	}
	e.sub = e.streams.app.Subscribe(e.by)
	e.replay = true
	return nil
}

// readOn sends the next stored events.
func (e *events) readOn() error {
	ctx, cancel := context.WithTimeout(e.streams.ending, readTime)
	defer cancel()
	stored, complete, err := e.streams.app.Events(ctx, e.by, e.last, replayPage)
	if err != nil {
		return io.EOF
	}
	if !complete {
		return e.reset(ctx)
	}
	e.replay = len(stored) == replayPage
	for _, event := range stored {
		if err := e.send(event); err != nil {
			return err
		}
	}
	if e.page && !e.replay {
		// The page has heard of everything until now.
		e.beat()
	}
	return nil
}

// reset tells the reader that events between are gone, so that it asks for
// everything again, and goes on with what comes.
func (e *events) reset(ctx context.Context) error {
	newest, err := e.streams.app.LastEvent(ctx, e.by)
	if err != nil {
		return io.EOF
	}
	e.last, e.replay = newest, false
	fmt.Fprintf(&e.buf, "id: %s\nevent: reset\ndata: {}\n\n", newest)
	if e.page {
		e.beat()
	}
	return nil
}

// send writes an event unless it was sent before.
func (e *events) send(event fleet.Event) error {
	if event.Seq <= e.last.Seq {
		return nil
	}
	e.last = event.Mark()
	if strings.HasPrefix(event.Type, "key.") || strings.HasPrefix(event.Type, "member.") || strings.HasPrefix(event.Type, "session.") {
		if err := e.check(); err != nil {
			return err
		}
	}
	name, raw, err := e.words(event)
	if err != nil {
		return err
	}
	fmt.Fprintf(&e.buf, "id: %s\nevent: %s\ndata: %s\n\n", e.last, name, raw)
	return nil
}

// words are an event's name and data.
func (e *events) words(event fleet.Event) (name string, raw []byte, err error) {
	if e.page {
		raw, err = json.Marshal(map[string]any{"type": event.Type, "agentId": event.AgentID})
		return "agent", raw, err
	}
	data := api.Event{Type: event.Type, At: api.At(event.At)}
	if event.AgentID != "" {
		data.AgentID = (*string)(&event.AgentID)
	}
	raw, err = json.Marshal(data)
	return event.Type, raw, err
}

// check asks whether the caller may still listen.
func (e *events) check() error {
	ctx, cancel := context.WithTimeout(e.streams.ending, readTime)
	defer cancel()
	if e.still(ctx) != nil {
		return io.EOF
	}
	return nil
}

// Close ends the subscription; the server calls it when the connection ends.
func (e *events) Close() error {
	e.leave()
	e.ticker.Stop()
	e.sub.Close()
	return nil
}
